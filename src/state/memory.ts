import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { begun, type Entry, unsure } from '../core/entry.js';
import type { Name } from '../core/name.js';
import { NameIndex } from '../core/name-index.js';
import { type IndexOwner, loadIndex, saveIndex } from './index-file.js';

/** What was remembered: the index, and why some or all of it could not be used. */
export interface Remembered {
  readonly index: NameIndex;
  readonly problem: string | undefined;
}

/** The log may grow to so many lines, or to this share of the index, before the index is saved and it begins anew. */
const LOG_LINES = 10_000;
const LOG_SHARE = 0.25;

/** A line of the log: what kind of thing may be there now, or that it is gone, and the name as JSON. */
const MARKS = { file: 'f', link: 'f', dir: 'd', gone: 'x' } as const;
const LINE = /^([fdx])("(?:[^"\\]|\\.)*")$/;

/**
 * What is kept of one DIR and target between runs, so that not even a `kill -9` loses anything: the saved index, and a
 * log of what was begun since. A name enters the log *before* rsync is started for it. At the next start such a name
 * counts as perhaps there in any state: it is sent again if it is here, and deleted there if it is not.
 *
 * The log is not flushed to the disk at each line: that is for a death of syncwatch, not of the machine, whose own files
 * would be lost with it.
 */
export class Memory {
  readonly #path: string;
  readonly #owner: () => IndexOwner;
  readonly #onProblem: (problem: string) => void;
  #index: () => NameIndex = () => new NameIndex();
  /** Which saved index the log belongs to: its checksum, or '' for none. */
  #base = '';
  #fd: number | undefined;
  #lines = 0;
  #isBroken = false;
  #savedMs = 0;

  /** `path`: without its ending. `onProblem`: nothing can be kept; told once. */
  constructor(path: string, owner: () => IndexOwner, onProblem: (problem: string) => void) {
    this.#path = path;
    this.#owner = owner;
    this.#onProblem = onProblem;
  }

  /** Reads what the last run left. Nothing is written. */
  load(): Remembered {
    this.#savedMs = statSync(`${this.#path}.index`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const loaded = loadIndex(`${this.#path}.index`, this.#owner());
    if (loaded.kind === 'unusable') return { index: new NameIndex(), problem: loaded.why };
    const index = loaded.kind === 'loaded' ? loaded.index : new NameIndex();
    const base = loaded.kind === 'loaded' ? loaded.checksum : '';
    return { index, problem: this.#readLog(index, base) };
  }

  /** When the index that was loaded had been saved, in milliseconds since 1970: what is in the log began after that. */
  get savedMs(): number {
    return this.#savedMs;
  }

  /** From now on `index` is what is kept. */
  keep(index: () => NameIndex): void {
    this.#index = index;
  }

  /** These names may be there in any state from now on. To be called before anything is done about them. */
  willBring(names: Iterable<readonly [Name, Entry['type']]>): void {
    let text = '';
    let lines = 0;
    for (const [name, type] of names) {
      text += lineOf(MARKS[type], name);
      lines++;
    }
    this.#write(text, lines);
  }

  /** It is not there any more. */
  isGone(name: Name): void {
    this.#write(lineOf(MARKS.gone, name), 1);
  }

  /** Saves the index if the log has grown long. Only while no run is under way: its names are in the log alone. */
  tidy(): void {
    if (this.#lines > Math.max(LOG_LINES, this.#index().size * LOG_SHARE)) this.save();
  }

  /** Saves the index; the log begins anew. Not while a run is under way, as above. */
  save(): void {
    if (this.#isBroken) return;
    try {
      if (this.#fd !== undefined) closeSync(this.#fd);
      this.#fd = undefined;
      this.#base = saveIndex(`${this.#path}.index`, this.#owner(), this.#index());
      this.#beginLog();
    } catch (error) {
      this.#fail(error);
    }
  }

  #beginLog(): void {
    this.#fd = openSync(`${this.#path}.log`, 'w', 0o600);
    writeSync(this.#fd, `${headOf(this.#base, this.#owner())}\n`);
    this.#lines = 0;
  }

  #write(text: string, lines: number): void {
    if (this.#isBroken || text === '') return;
    try {
      if (this.#fd === undefined) this.save(); // the first time: what the last run left goes into a new beginning
      if (this.#fd !== undefined) writeSync(this.#fd, text);
      this.#lines += lines;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#isBroken = true;
    this.#onProblem(
      `can't write ${this.#path}.index or .log: ${error instanceof Error ? error.message : String(error)}`,
    );
  }

  /** Adds what the log says. Gives what is wrong with it, if anything is. */
  #readLog(index: NameIndex, base: string): string | undefined {
    let text: string;
    try {
      text = readFileSync(`${this.#path}.log`, 'utf8');
    } catch {
      return undefined;
    }
    const [head, ...lines] = text.split('\n');
    if (head !== headOf(base, this.#owner())) return undefined; // of an older index: that has it all
    lines.pop(); // empty, or half-written: nothing was begun after that
    for (const line of lines) {
      const [, mark, quoted] = LINE.exec(line) ?? [];
      const name = quoted === undefined ? undefined : parsed(quoted);
      if (name === undefined) return 'its log is damaged';
      if (mark === MARKS.gone) index.delete(name);
      else {
        const was = index.get(name);
        const type = mark === MARKS.dir ? 'dir' : 'file';
        index.set(name, was !== undefined && (was.type === 'dir') === (type === 'dir') ? unsure(was) : begun(type));
      }
    }
    return undefined;
  }
}

const lineOf = (mark: string, name: Name): string => `${mark}${JSON.stringify(name)}\n`;

const headOf = (base: string, owner: IndexOwner): string => JSON.stringify({ version: 1, base, ...owner });

function parsed(quoted: string): Name | undefined {
  try {
    return JSON.parse(quoted) as Name;
  } catch {
    return undefined;
  }
}
