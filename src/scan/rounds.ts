import { msSince, steadyNow } from '../clock.js';
import { latest, msBetween, plusMs, type SteadyMs } from '../core/clock.js';

/** How long it is to the next round after one that took so long, in milliseconds. */
export type Pace = (tookMs: number) => number;

/** At least `everyMs` apart, and during at most this share of the time. */
export const atMost =
  (everyMs: number, share: number): Pace =>
  (tookMs) =>
    Math.max(everyMs, tookMs / share);

/** What is waited for: since when, after a round that took so long, and until when. */
interface Wait {
  readonly sinceMs: SteadyMs;
  readonly tookMs: number;
  readonly untilMs: SteadyMs;
}

/** Does something again and again, at its pace. */
export class Rounds {
  readonly #pace: Pace;
  readonly #round: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  /** Undefined while a round is under way. */
  #wait: Wait | undefined;

  constructor(pace: Pace, round: () => Promise<void>) {
    this.#pace = pace;
    this.#round = round;
  }

  /** The first round is where the second one is after one that took no time. */
  start(): void {
    if (this.#timer === undefined) this.#next(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wait = undefined;
  }

  /** Its pace may be a faster one by now: the next round is when it would be by that, and as long from now as a first one. */
  hurry(): void {
    if (this.#wait === undefined) return;
    const { sinceMs, tookMs, untilMs } = this.#wait;
    const soonest = latest(plusMs(steadyNow(), this.#pace(0)), plusMs(sinceMs, this.#pace(tookMs)));
    if (soonest < untilMs) this.#waitFor({ sinceMs, tookMs, untilMs: soonest });
  }

  #next(tookMs: number): void {
    const sinceMs = steadyNow();
    this.#waitFor({ sinceMs, tookMs, untilMs: plusMs(sinceMs, this.#pace(tookMs)) });
  }

  #waitFor(wait: Wait): void {
    clearTimeout(this.#timer);
    this.#wait = wait;
    const timer = setTimeout(
      async () => {
        this.#wait = undefined;
        const beganMs = steadyNow();
        await this.#round();
        if (this.#timer === timer) this.#next(msSince(beganMs));
      },
      msBetween(steadyNow(), wait.untilMs),
    );
    this.#timer = timer;
  }
}
