import { setImmediate } from 'node:timers';
import { msSince, steadyNow } from './clock.js';
import type { Steps } from './core/steps.js';

/**
 * How long one piece of work may keep the event loop for itself, in milliseconds. Well below one debounce, and, with what
 * else may come in the same turn, below the 50 ms after which people notice that something hangs.
 */
const SLICE_MS = 8;

/** Who waits for a turn of the event loop, the longest first. */
const waiting: Array<() => void> = [];

function goOn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(goOn);
}

/**
 * Resolves in a later turn of the event loop: one of those who wait goes on in each, so that together they hold it no
 * longer than one alone, and what has come meanwhile (a signal, a question, an event, the end of a run) is heard first.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(goOn);
  });
}

/**
 * One slice of a piece of work that may take long:
 *
 * ```
 *   const slice = new Slice();
 *   for (const each of many) {
 *     …
 *     if (slice.isOver) await slice.next();
 *   }
 * ```
 * What was true before `next` may be otherwise after it.
 */
export class Slice {
  #begunMs = steadyNow();

  get isOver(): boolean {
    return msSince(this.#begunMs) > SLICE_MS;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#begunMs = steadyNow();
  }
}

/** Does something about each of many things, in slices. */
export async function eachInSlices<T>(all: Iterable<T>, what: (each: T) => void): Promise<void> {
  const slice = new Slice();
  for (const each of all) {
    what(each);
    if (slice.isOver) await slice.next();
  }
}

/** Runs a computation in slices. */
export async function inSlices<T>(steps: Steps<T>): Promise<T> {
  const slice = new Slice();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (slice.isOver) await slice.next();
  }
}
