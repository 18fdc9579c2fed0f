import { own, type Printable } from '../core/printable.js';

type Write = (text: Printable) => void;

/** So much may wait for an answer, in characters; what comes after that is left out. */
const MOST_WAITING = 1_000_000;

/** While somebody is asked something on the terminal, what else is written there waits: it would stand behind the question. */
export class Held {
  #questions = 0;
  #size = 0;
  readonly #waiting: Array<() => void> = [];

  /** The same way out, if it is to a terminal one that waits. */
  through(write: Write, isTerminal: boolean): Write {
    if (!isTerminal) return write;
    return (text) => {
      if (this.#questions === 0) return write(text);
      const had = this.#size;
      this.#size += text.length;
      if (this.#size <= MOST_WAITING) this.#waiting.push(() => write(text));
      else if (had <= MOST_WAITING)
        this.#waiting.push(() => write(own`… (what came next, before the answer, is left out)\n`));
    };
  }

  /** `job` asks. */
  async during<T>(job: () => Promise<T>): Promise<T> {
    this.#questions++;
    try {
      return await job();
    } finally {
      this.#questions--;
      if (this.#questions === 0) this.#release();
    }
  }

  /** Nobody is going to answer any more. `end`: ends the line of a question that is still there. */
  end(end: () => void): void {
    if (this.#waiting.length > 0) end();
    this.#release();
  }

  #release(): void {
    this.#size = 0;
    for (const write of this.#waiting.splice(0)) write();
  }
}
