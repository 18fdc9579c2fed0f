import { nextTurn } from '../slice.js';

/** Does one thing after the other, each in a turn of the event loop of its own, as long as there is something to do. */
export class Job {
  readonly #isDue: () => boolean;
  readonly #doIt: () => Promise<void>;
  running: Promise<void> | undefined;

  constructor(isDue: () => boolean, doIt: () => Promise<void>) {
    this.#isDue = isDue;
    this.#doIt = doIt;
  }

  go(): void {
    if (this.running !== undefined || !this.#isDue()) return;
    this.running = this.#goOn().finally(() => {
      this.running = undefined;
      this.go(); // what came in the last moment
    });
  }

  async #goOn(): Promise<void> {
    do {
      await nextTurn();
      await this.#doIt();
    } while (this.#isDue());
  }
}
