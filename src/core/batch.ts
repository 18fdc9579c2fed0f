import { foolsQuickCheck, isSettled, type Seen } from './entry.js';
import type { Name } from './name.js';
import type { NameIndex } from './name-index.js';

/** How deletions seen here are carried over. */
export type DeleteMode = 'seen' | 'mirror' | 'never';

/** What to do about a set of names, from what the disk and the index say of them. */
export interface Batch {
  /** Ours on the remote, and in the way here or there: deleted first, see RunKind `clear`. */
  readonly clear: readonly Name[];
  /** Sent if here, deleted there if missing. */
  readonly run: readonly Name[];
  /** A listed file would fool rsync's quick check. */
  readonly ignoreTimes: boolean;
  /** Nothing to do: it is there as it is here, or it is gone here and was never sent, or deletions are not wanted. */
  readonly drop: readonly Name[];
}

/**
 * Plans one batch. Deletes only what the index says is ours. A directory that became something else is emptied of our
 * names first, so that what others put there can be seen to be in the way instead of being deleted with it.
 */
export function planBatch(seen: ReadonlyMap<Name, Seen>, index: NameIndex, deletes: DeleteMode): Batch {
  const clear: Name[] = [];
  const run: Name[] = [];
  const drop: Name[] = [];
  let ignoreTimes = false;
  for (const [name, now] of seen) {
    const was = index.get(name);
    if (now === 'missing' || now === 'blocked') {
      if (was === undefined || deletes === 'never') drop.push(name);
      else if (now === 'missing') run.push(name);
      else clear.push(name);
      continue;
    }
    if (isSettled(was, now)) {
      drop.push(name);
      continue;
    }
    run.push(name);
    if (foolsQuickCheck(was, now)) ignoreTimes = true;
    if (was?.type === 'dir' && now.type !== 'dir' && deletes !== 'never') {
      clear.push(name, ...[...index.below(name)].map(([below]) => below));
    }
  }
  return { clear: [...new Set(clear)], run, ignoreTimes, drop };
}
