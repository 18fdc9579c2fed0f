import { closeSync, ftruncateSync, readSync } from 'node:fs';
import type { Name } from '../core/name.js';
import type { Edition } from './index-file.js';
import { type Deed, headOf, lineOf } from './journal.js';
import { writeAll } from './own-file.js';

const LINE_BREAK = 10;

/** The journal that is being written. It continues one saved index. */
export class OpenJournal {
  readonly #fd: number;
  #lines = 0;
  /** How long it was left. */
  #bytes: number;

  /** Begins it in an empty file, which it closes. Throws where that can't be written, as all that writes. */
  constructor(fd: number, edition: Edition) {
    this.#fd = fd;
    this.#bytes = writeAll(fd, headOf(edition));
  }

  /** How many lines it has below the first one. */
  get lines(): number {
    return this.#lines;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A line for each of these; of one where it throws there is none. */
  add(deeds: ReadonlyMap<Name, Deed>): void {
    let text = '';
    let line = this.#lines;
    for (const [name, deed] of deeds) text += lineOf(++line, deed, name);
    try {
      this.#bytes += writeAll(this.#fd, text, this.#bytes);
    } catch (error) {
      ftruncateSync(this.#fd, this.#bytes); // a full disk may have taken half of it
      throw error;
    }
    this.#lines = line;
  }

  /** What another one says, before anything else is added. */
  addAll(other: OpenJournal): void {
    const lines = other.#body();
    this.#bytes += writeAll(this.#fd, lines, this.#bytes);
    this.#lines = lines.reduce((count, byte) => (byte === LINE_BREAK ? count + 1 : count), 0);
  }

  /** All whole lines but the first, as they stand. */
  #body(): Buffer {
    const bytes = Buffer.alloc(this.#bytes);
    let length = 0;
    for (let count = 1; count > 0 && length < bytes.length; length += count)
      count = readSync(this.#fd, bytes, length, bytes.length - length, length);
    const text = bytes.subarray(0, length);
    return text.subarray(text.indexOf(LINE_BREAK) + 1, text.lastIndexOf(LINE_BREAK) + 1);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
