import type { Readable } from 'node:stream';
import { LineReader, type OutputLine } from '../core/rsync/output.js';
import { Slice } from '../slice.js';

/** How long the pipe of a process that has ended may still be silent before what has come is taken for all, in milliseconds. */
const LATE_MS = 500;

/**
 * Reads rsync's stdout line by line, in slices: ten thousand names may come at once, and while they are dealt with rsync can
 * wait.
 */
export class LinesInSlices {
  readonly #stdout: Readable;
  readonly #reader = new LineReader();
  readonly #onLine: (line: OutputLine) => void;
  readonly #chunks: Buffer[] = [];
  /** One for all that comes: several chunks may come in a turn of the event loop. */
  readonly #slice = new Slice();
  #isWorking = false;
  #working = Promise.resolve();
  #isOver = false;
  #onNews = (): void => {};

  constructor(stdout: Readable, onLine: (line: OutputLine) => void) {
    this.#stdout = stdout;
    this.#onLine = onLine;
    const over = (): void => {
      this.#isOver = true;
      this.#onNews();
    };
    stdout.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      stdout.pause();
      if (!this.#isWorking) this.#working = this.#work();
      this.#onNews();
    });
    stdout.once('end', over);
    stdout.once('close', over);
    stdout.once('error', over);
  }

  /** Resolves when all of it has been read. To be called when the process has ended: its pipe may never close. */
  async end(): Promise<void> {
    for (;;) {
      while (this.#isWorking) await this.#working;
      if (this.#isOver || !(await this.#more())) return;
    }
  }

  /** Whether anything has come within {@link LATE_MS}. */
  #more(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), LATE_MS);
      this.#onNews = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
      for (const line of this.#reader.read(chunk.toString('latin1'))) {
        this.#onLine(line);
        if (this.#slice.isOver) await this.#slice.next();
      }
    }
    this.#isWorking = false;
    this.#stdout.resume();
  }
}
