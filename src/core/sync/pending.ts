import { LONG_AGO, latest, msBetween, plusMs, type SteadyMs } from '../clock.js';
import type { Failure } from '../failure.js';
import type { Name } from '../name.js';
import { type Seen, wasLeftAlone } from './entry.js';
import { Pace } from './pace.js';
import { delayMs, PATH_BACKOFF } from './retry.js';

/** A failure that should pass is told of when it happened so many times. */
const TELL_PASSING_AT = 2;

interface Waiting {
  /** Since when it waits for a run to look at it. */
  readonly sinceMs: SteadyMs;
  readonly attempts: number;
  /** Not before this moment. */
  readonly notBeforeMs: SteadyMs;
  /** A run that goes on beside the others has it. */
  readonly isTaken: boolean;
  readonly failure: Failure | undefined;
  /** What it was here when it failed. */
  readonly failedAs: Seen | undefined;
}

/**
 * The names that wait to be made the same on the remote: a set, not a queue of events. Noting a name twice is noting
 * it once; what is to be done is decided when its turn comes, by looking at the disk.
 *
 * A name leaves only by {@link settle}: taking it for a run does not remove it, so that a run that never reports
 * back loses nothing.
 */
export class Pending {
  readonly #names = new Map<Name, Waiting>();
  /** Those of them that were told to have failed. */
  readonly #failed = new Set<Name>();
  readonly #pace = new Pace();

  /**
   * Notes that `name` may differ; `seen`: as this, where it was looked at. A failed name that is noted again is tried at
   * once, unless it is what it was when it failed. True if that is news: it was not waiting for its turn already.
   */
  note(name: Name, nowMs: SteadyMs, seen?: Seen): boolean {
    const old = this.#names.get(name);
    if (old === undefined) this.#names.set(name, { ...FRESH, sinceMs: nowMs });
    else if (old.notBeforeMs > LONG_AGO && !(seen !== undefined && wasLeftAlone(old.failedAs, seen)))
      this.#names.set(name, { ...old, notBeforeMs: LONG_AGO });
    else return false;
    return true;
  }

  /**
   * The names whose time has come, oldest first, at most `limit` of them. They stay. `mayRest`: what is written all the time waits
   * for its own time, too.
   */
  ready(nowMs: SteadyMs, limit: number, mayRest = true): Name[] {
    const names: Name[] = [];
    for (const [name, { notBeforeMs, isTaken }] of this.#names) {
      if (names.length >= limit) break;
      if (notBeforeMs <= nowMs && !isTaken && !(mayRest && this.isPaced(name, nowMs))) names.push(name);
    }
    return names;
  }

  /** A run has had these names; `tookMs`: all of it. */
  sent(names: readonly Name[], beganMs: SteadyMs, endedMs: SteadyMs): void {
    const tookMs = msBetween(beganMs, endedMs) / names.length;
    for (const name of names) this.#pace.sent(name, beganMs, endedMs, tookMs);
  }

  /** Whether it waits only because it is written all the time. */
  isPaced(name: Name, nowMs: SteadyMs): boolean {
    return this.#pace.untilMs(name) > nowMs;
  }

  /** Since when it waits for a run; undefined where it does not. */
  sinceMs(name: Name): SteadyMs | undefined {
    return this.#names.get(name)?.sinceMs;
  }

  /** It changed while a run had it: it waits anew. */
  again(name: Name, nowMs: SteadyMs): void {
    const waiting = this.#names.get(name);
    if (waiting !== undefined) this.#names.set(name, { ...waiting, sinceMs: nowMs });
  }

  /** What held it up is gone: it has its turn at once. */
  soon(name: Name): void {
    const waiting = this.#names.get(name);
    if (waiting !== undefined) this.#names.set(name, { ...waiting, notBeforeMs: LONG_AGO });
  }

  /** A run that goes on beside the others takes it: it is not {@link ready} until it is settled or given back. */
  take(name: Name): void {
    const waiting = this.#names.get(name);
    if (waiting !== undefined) this.#names.set(name, { ...waiting, isTaken: true });
  }

  giveBack(name: Name): void {
    const waiting = this.#names.get(name);
    if (waiting !== undefined) this.#names.set(name, { ...waiting, isTaken: false });
  }

  /** The name is the same on both sides. */
  settle(name: Name): void {
    this.#names.delete(name);
    this.#failed.delete(name);
  }

  /**
   * The name could not be synced: it waits, longer each time. True if that is news: the first failure of this kind, or
   * a passing one that does not pass. `seen`: what it is here, where known.
   */
  fail(name: Name, failure: Failure, nowMs: SteadyMs, random: number, seen?: Seen): boolean {
    const old = this.#names.get(name);
    const attempts = (old?.attempts ?? 0) + 1;
    this.#names.set(name, {
      ...(old ?? { ...FRESH, sinceMs: nowMs }),
      attempts,
      notBeforeMs: plusMs(nowMs, delayMs(PATH_BACKOFF, attempts, random)),
      failure,
      failedAs: seen,
    });
    if (failure.isPassing !== true || attempts >= TELL_PASSING_AT) this.#failed.add(name);
    return failure.isPassing === true ? attempts === TELL_PASSING_AT : old?.failure?.message !== failure.message;
  }

  /** Lets everything that backs off have its turn at once. */
  hurry(): void {
    for (const [name, waiting] of this.#names) {
      this.#pace.free(name);
      if (waiting.notBeforeMs > LONG_AGO) this.#names.set(name, { ...waiting, notBeforeMs: LONG_AGO });
    }
  }

  /** What waits only because it is written all the time has its turn at once. */
  hurryPaced(): void {
    for (const name of this.#names.keys()) this.#pace.free(name);
  }

  /** How many of them could not be synced, as was told. */
  get failed(): number {
    return this.#failed.size;
  }

  /** When the next of those is tried again; undefined where there are none. */
  get nextRetryMs(): SteadyMs | undefined {
    let next: SteadyMs | undefined;
    for (const name of this.#failed) {
      const ms = this.#names.get(name)?.notBeforeMs;
      if (ms !== undefined && (next === undefined || ms < next)) next = ms;
    }
    return next;
  }

  /** How often it has failed since it waits. */
  attempts(name: Name): number {
    return this.#names.get(name)?.attempts ?? 0;
  }

  /** Why its last try failed. */
  failure(name: Name): Failure | undefined {
    return this.#names.get(name)?.failure;
  }

  /** Since when the one waits that waits longest; undefined where none does. */
  get oldestMs(): SteadyMs | undefined {
    let oldest: SteadyMs | undefined;
    for (const { sinceMs } of this.#names.values()) if (oldest === undefined || sinceMs < oldest) oldest = sinceMs;
    return oldest;
  }

  has(name: Name): boolean {
    return this.#names.has(name);
  }

  get size(): number {
    return this.#names.size;
  }

  /** When the next name may go: undefined where nothing waits (or all is taken), in the past or now where one is ready. */
  get nextMs(): SteadyMs | undefined {
    return this.#next((name, { notBeforeMs }) => latest(notBeforeMs, this.#pace.untilMs(name)));
  }

  /** The same where nothing waits for being written all the time. */
  get nextAtEndMs(): SteadyMs | undefined {
    return this.#next((_, { notBeforeMs }) => notBeforeMs);
  }

  #next(when: (name: Name, waiting: Waiting) => SteadyMs): SteadyMs | undefined {
    let next: SteadyMs | undefined;
    for (const [name, waiting] of this.#names) {
      if (waiting.isTaken) continue;
      const ms = when(name, waiting);
      if (next === undefined || ms < next) next = ms;
      if (ms === LONG_AGO) break;
    }
    return next;
  }

  /** All names that wait, and why the last try failed. */
  *[Symbol.iterator](): Generator<[Name, Failure | undefined]> {
    for (const [name, { failure }] of this.#names) yield [name, failure];
  }
}

/** A pending set to look at. */
export type ReadonlyPending = Omit<
  Pending,
  'note' | 'again' | 'soon' | 'take' | 'giveBack' | 'settle' | 'fail' | 'hurry' | 'hurryPaced' | 'sent'
>;

const FRESH: Omit<Waiting, 'sinceMs'> = {
  attempts: 0,
  notBeforeMs: LONG_AGO,
  isTaken: false,
  failure: undefined,
  failedAs: undefined,
};
