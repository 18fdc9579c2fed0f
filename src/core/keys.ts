import { msBetween, type SteadyMs } from './clock.js';

/** What may be pressed while it runs, and what it does, in the order in which they are shown. */
export const KEYS = {
  p: 'pause, or go on',
  r: 'a full sync now; takes settings that were edited',
  f: 'what failed and why',
  w: 'what waits',
  c: 'clear the screen',
  q: 'quit: sends what waits, as Ctrl-C does',
  h: 'these keys',
} as const satisfies Readonly<Record<string, string>>;

export type Key = keyof typeof KEYS;

/** `?` is for help everywhere. */
export const keyFrom = (typed: string): Key | undefined =>
  typed === '?' ? 'h' : (Object.keys(KEYS) as Key[]).find((key) => key === typed);

/** What is pressed has nothing beside it for so long, in milliseconds; what is pasted, or held down, has. */
export const ALONE_MS = 50;

/**
 * Which of what is typed are keys that somebody pressed: one character, with nothing before and after it. A text that is pasted
 * comes at once or in pieces with no time between them, and a key that is held down repeats every 30 ms or so: neither is to do
 * something over and over.
 */
export class Presses {
  #lastMs: SteadyMs | undefined;
  #waiting: Key | undefined;

  /** This was typed. */
  typed(text: string, nowMs: SteadyMs): void {
    const isAlone = this.#lastMs === undefined || msBetween(this.#lastMs, nowMs) >= ALONE_MS;
    this.#lastMs = nowMs;
    this.#waiting = isAlone ? keyFrom(text) : undefined;
  }

  /** Whether there is a key that may have been pressed alone. */
  get mayBeDue(): boolean {
    return this.#waiting !== undefined;
  }

  /** The key that was pressed, once nothing followed it for {@link ALONE_MS}; to be asked then. */
  due(nowMs: SteadyMs): Key | undefined {
    const key = this.#waiting;
    if (key === undefined || this.#lastMs === undefined || msBetween(this.#lastMs, nowMs) < ALONE_MS) return undefined;
    this.#waiting = undefined;
    return key;
  }
}
