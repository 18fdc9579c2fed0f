import { steadyNow } from '../clock.js';
import { LONG_AGO, msBetween, plusMs, type SteadyMs, type WallMs } from '../core/clock.js';
import type { Name } from '../core/name.js';
import { type Entry, writtenMs } from '../core/sync/entry.js';

/** A directory is listed during at most this share of the time, however many events there are in it. */
const LIST_SHARE = 0.05;

/** So long a listing counts at least, in milliseconds, and at most twice as long: then a look at the disk is worth more. */
const COUNTS_MS = 5_000;

interface Last {
  /** The directory when it was listed; undefined where it may have changed again without showing it. */
  readonly self: Entry | undefined;
  readonly notBeforeMs: SteadyMs;
}

/**
 * The directories that were listed last. What was found in them is in the index or waits, so none is listed again before it
 * has changed; nor sooner than what that costs allows.
 */
export class Listed {
  #last = new Map<Name, Last>();
  #older: ReadonlyMap<Name, Last> = new Map();
  #sinceMs = LONG_AGO;

  /**
   * A listing of `dir` has just ended, after `tookMs`. `mayHide`: it may have changed again since without a new time (see
   * Disk.tickMs).
   */
  note(dir: Name, self: Entry, mayHide: boolean, nowMs: SteadyMs, tookMs: number): void {
    this.#age(nowMs);
    this.#last.set(dir, { self: mayHide ? undefined : self, notBeforeMs: plusMs(nowMs, tookMs / LIST_SHARE) });
  }

  /** What the directory was when it was listed last, if that counts. */
  asOf(dir: Name, nowMs: SteadyMs): Entry | undefined {
    this.#age(nowMs);
    return this.#of(dir)?.self;
  }

  /** When it may be listed again. */
  notBeforeMs(dir: Name): SteadyMs {
    return this.#of(dir)?.notBeforeMs ?? LONG_AGO;
  }

  mayList(dir: Name): boolean {
    return this.notBeforeMs(dir) <= steadyNow();
  }

  #of(dir: Name): Last | undefined {
    return this.#last.get(dir) ?? this.#older.get(dir);
  }

  #age(nowMs: SteadyMs): void {
    const ageMs = msBetween(this.#sinceMs, nowMs);
    if (ageMs < COUNTS_MS) return;
    const pacing = [...this.#older, ...this.#last].filter(([, { notBeforeMs }]) => notBeforeMs > nowMs);
    this.#older = ageMs < 2 * COUNTS_MS ? this.#last : new Map();
    this.#last = new Map(pacing.map(([dir, last]) => [dir, { ...last, self: undefined }]));
    this.#sinceMs = nowMs;
  }
}

/** Whether a directory that was seen so when a listing began may change once more and look the same. */
export const mayHideChanges = (self: Entry, beganMs: WallMs, tickMs: number): boolean =>
  msBetween(beganMs, writtenMs(self)) > -tickMs - 1;
