import { msSince, steadyNow } from '../clock.js';

/** Does something again and again: at least `everyMs` apart, and during at most this share of the time. */
export class Rounds {
  readonly #everyMs: number;
  readonly #share: number;
  readonly #round: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;

  constructor(everyMs: number, share: number, round: () => Promise<void>) {
    this.#everyMs = everyMs;
    this.#share = share;
    this.#round = round;
  }

  /** The first round is in `everyMs`. */
  start(): void {
    if (this.#timer === undefined) this.#next(this.#everyMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #next(afterMs: number): void {
    const timer = setTimeout(async () => {
      const beganMs = steadyNow();
      await this.#round();
      if (this.#timer === timer) this.#next(Math.max(this.#everyMs, msSince(beganMs) / this.#share));
    }, afterMs);
    this.#timer = timer;
  }
}
