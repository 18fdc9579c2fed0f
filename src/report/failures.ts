import { plusMs, type SteadyMs } from '../core/clock.js';
import type { EventOf } from '../core/event.js';

/** So many paths that fail together are named; the others are counted. */
const NAMED = 10;

/** Together is what fails within so long of one another, in milliseconds. */
const TOGETHER_MS = 1_000;

/** Those of one target that fail together. Knows no clock: it is told what time it is. */
export class Failures {
  #failed = 0;
  #last: EventOf<'pathFailed'> | undefined;
  #dueMs: SteadyMs | undefined;
  #hint: string | undefined;

  /** Whether this one is to be named, and whether what to do about it was not just said. */
  take(event: EventOf<'pathFailed'>, nowMs: SteadyMs): { readonly isNamed: boolean; readonly isHintNew: boolean } {
    if (this.#dueMs !== undefined && this.#dueMs <= nowMs) this.#clear();
    this.#failed++;
    this.#dueMs = plusMs(nowMs, TOGETHER_MS);
    const isHintNew = event.failure.hint !== this.#hint;
    this.#hint = event.failure.hint;
    if (this.#failed > NAMED) this.#last = event;
    return { isNamed: this.#failed <= NAMED, isHintNew };
  }

  /** When the others are to be told of; undefined where there are none. */
  get dueMs(): SteadyMs | undefined {
    return this.#last === undefined ? undefined : this.#dueMs;
  }

  /** How many others there were since, and why the last of them failed. */
  others(): { readonly many: number; readonly last: EventOf<'pathFailed'> } | undefined {
    const others = this.#last && { many: this.#failed - NAMED, last: this.#last };
    this.#clear();
    return others;
  }

  #clear(): void {
    this.#failed = 0;
    this.#last = undefined;
    this.#dueMs = undefined;
    this.#hint = undefined;
  }
}
