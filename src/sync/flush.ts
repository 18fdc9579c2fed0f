import { msSince, steadyNow } from '../clock.js';
import type { WallMs } from '../core/clock.js';
import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import { isSettled, type Seen } from '../core/sync/entry.js';
import type { ReadonlyPending } from '../core/sync/pending.js';
import { Slice } from '../slice.js';
import type { Work } from './work.js';

/** How a wait for names ended. `gone`: nobody waits any longer. */
export type FlushEnd =
  | { readonly kind: 'flushed' }
  | { readonly kind: 'failed'; readonly names: ReadonlyArray<readonly [Name, Failure]> }
  | { readonly kind: 'paused' }
  | { readonly kind: 'gone' };

/** How often to look at the latest, in milliseconds, and what share of the time that may take; a turn that ends is looked at once. */
const LOOK_MS = 50;
const LOOK_SHARE = 0.1;

/** What shows what has become of a name. */
type Sight = Pick<Work, 'ledger' | 'disk' | 'filter' | 'deletes' | 'rsync'>;

/** How a wait goes on. */
interface FlushWays {
  readonly note: (name: Name, seen: Seen) => void;
  /** What waits only because it is written all the time has its turn at once. */
  readonly hurry: () => void;
  readonly isPaused: () => boolean;
  /** Resolves when something may have become of a name. */
  readonly next: () => Promise<void>;
  readonly gone: AbortSignal;
}

/**
 * Waits until what these names were at `sinceMs`, or something newer, is there. A name is done when a run that
 * looked at it after that has brought it, even if it has changed again meanwhile; or when nothing waits and the disk is as
 * the index says. A name that fails is failed; `triesAgain`: once more, where it had failed before.
 */
class Flush {
  readonly #left: Set<Name>;
  readonly #sinceMs: WallMs;
  /** How often each had failed before. */
  readonly #attempts: ReadonlyMap<Name, number>;

  constructor(pending: ReadonlyPending, sinceMs: WallMs, triesAgain: boolean) {
    this.#sinceMs = sinceMs;
    this.#left = new Set();
    const attempts = new Map<Name, number>();
    for (const [name] of pending) {
      this.#left.add(name);
      const count = pending.attempts(name);
      if (triesAgain && count > 0) attempts.set(name, count);
    }
    this.#attempts = attempts;
  }

  /** A run that looked at the disk at `lookedMs` has brought this name. */
  brought(name: Name, lookedMs: WallMs): void {
    if (lookedMs > this.#sinceMs) this.#left.delete(name);
  }

  /** Resolves when it has ended. */
  async ended(
    { ledger, disk, filter, deletes, rsync }: Sight,
    { note, hurry, isPaused, next, gone }: FlushWays,
  ): Promise<FlushEnd> {
    const failed = new Map<Name, Failure>();
    for (;;) {
      const turnEnd = next();
      const beganMs = steadyNow();
      const slice = new Slice();
      let isPaced = false;
      for (const name of this.#left) {
        if (slice.isOver) await slice.next();
        isPaced ||= ledger.pending.has(name) && ledger.pending.isPaced(name, beganMs);
        const failure = ledger.pending.failure(name);
        const tries = ledger.pending.attempts(name) - (this.#attempts.get(name) ?? 0);
        if (failure !== undefined && tries >= (failure.isPassing === true ? 2 : 1)) {
          failed.set(name, failure);
          this.#left.delete(name);
        } else if (!ledger.pending.has(name)) {
          const seen = disk.see(name);
          const was = ledger.index.get(name);
          const isThere =
            typeof seen === 'object'
              ? isSettled(was, seen, rsync.carriesMore) || !filter.decideDeep(name, seen.type === 'dir').synced
              : was === undefined || deletes === 'never' || seen === 'away';
          if (isThere) this.#left.delete(name);
          else note(name, seen);
        }
      }
      if (this.#left.size === 0)
        return failed.size === 0 ? { kind: 'flushed' } : { kind: 'failed', names: [...failed] };
      if (gone.aborted) return { kind: 'gone' };
      if (isPaused()) return { kind: 'paused' };
      if (isPaced) hurry();
      const waitMs = Math.max(LOOK_MS, msSince(beganMs) / LOOK_SHARE);
      await Promise.race([turnEnd, new Promise((resolve) => setTimeout(resolve, waitMs))]);
    }
  }
}

/** Who waits for names, and who for the end of a turn. */
export class Flushes {
  readonly #work: Sight;
  readonly #ways: Pick<FlushWays, 'note' | 'hurry' | 'isPaused'>;
  readonly #flushes = new Set<Flush>();
  #turnEnds: Array<() => void> = [];

  constructor(work: Sight, ways: Pick<FlushWays, 'note' | 'hurry' | 'isPaused'>) {
    this.#work = work;
    this.#ways = ways;
  }

  /** Waits until all names that wait now are there as they were at `sinceMs`, see {@link Flush}. */
  async flush(sinceMs: WallMs, gone: AbortSignal, triesAgain: boolean): Promise<FlushEnd> {
    const flush = new Flush(this.#work.ledger.pending, sinceMs, triesAgain);
    this.#flushes.add(flush);
    try {
      return await flush.ended(this.#work, { ...this.#ways, next: () => this.turnEnded(), gone });
    } finally {
      this.#flushes.delete(flush);
    }
  }

  /** See {@link Flush.brought}. */
  brought(name: Name, lookedMs: WallMs): void {
    for (const flush of this.#flushes) flush.brought(name, lookedMs);
  }

  /** Resolves when the next turn has ended, or nothing more begins for now. */
  turnEnded(): Promise<void> {
    return new Promise((resolve) => this.#turnEnds.push(resolve));
  }

  /** A turn has ended. */
  endTurn(): void {
    for (const end of this.#turnEnds.splice(0)) end();
  }
}
