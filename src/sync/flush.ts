import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import { isSettled } from '../core/sync/entry.js';
import { Slice } from '../slice.js';
import type { Line } from './line.js';
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

/**
 * Waits until what these names were at `sinceMs` (since 1970), or something newer, is there. A name is done when a run that
 * looked at it after that has brought it, even if it has changed again meanwhile; or when nothing waits and the disk is as
 * the index says. A name that fails once more is failed.
 */
export class Flush {
  readonly #left: Set<Name>;
  readonly #sinceMs: number;
  /** How often each had failed before. */
  readonly #attempts: ReadonlyMap<Name, number>;

  constructor({ pending }: Line, sinceMs: number) {
    this.#sinceMs = sinceMs;
    this.#left = new Set();
    const attempts = new Map<Name, number>();
    for (const [name] of pending) {
      this.#left.add(name);
      const count = pending.attempts(name);
      if (count > 0) attempts.set(name, count);
    }
    this.#attempts = attempts;
  }

  /** A run that looked at the disk at `lookedMs` (since 1970) has brought this name. */
  brought(name: Name, lookedMs: number): void {
    if (lookedMs > this.#sinceMs) this.#left.delete(name);
  }

  /** Resolves when it has ended. `next`: when something may have become of a name. */
  async ended(
    line: Line,
    { disk, filter, deletes }: Pick<Work, 'disk' | 'filter' | 'deletes'>,
    next: () => Promise<void>,
    gone: AbortSignal,
  ): Promise<FlushEnd> {
    const failed = new Map<Name, Failure>();
    for (;;) {
      const turnEnd = next();
      const begunMs = performance.now();
      const slice = new Slice();
      for (const name of this.#left) {
        if (slice.isOver) await slice.next();
        const failure = line.pending.failure(name);
        const tries = line.pending.attempts(name) - (this.#attempts.get(name) ?? 0);
        if (failure !== undefined && tries >= (failure.isPassing === true ? 2 : 1)) {
          failed.set(name, failure);
          this.#left.delete(name);
        } else if (!line.pending.has(name)) {
          const seen = disk.see(name);
          const was = line.index.get(name);
          const isThere =
            typeof seen === 'object'
              ? isSettled(was, seen, line.carriesMore) || !filter.decideDeep(name, seen.type === 'dir').synced
              : was === undefined || deletes === 'never';
          if (isThere) this.#left.delete(name);
          else line.note(name, seen);
        }
      }
      if (this.#left.size === 0)
        return failed.size === 0 ? { kind: 'flushed' } : { kind: 'failed', names: [...failed] };
      if (gone.aborted) return { kind: 'gone' };
      if (line.paused) return { kind: 'paused' };
      const waitMs = Math.max(LOOK_MS, (performance.now() - begunMs) / LOOK_SHARE);
      await Promise.race([turnEnd, new Promise((resolve) => setTimeout(resolve, waitMs))]);
    }
  }
}
