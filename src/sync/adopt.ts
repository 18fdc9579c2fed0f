import { type Name, parentOf, ROOT } from '../core/name.js';
import { isInDoubt, type Outcome } from '../core/rsync/exit.js';
import { isSettled, isUntouched, stayedPut, unsure } from '../core/sync/entry.js';
import type { Snapshot } from '../scan/snapshot.js';
import { eachInSlices } from '../slice.js';
import { sureOf } from './settle.js';
import type { PassWork } from './work.js';

/**
 * The index becomes what the walk before the pass saw. Surely so only where the walk after it sees that nothing was done
 * to the name, nor to a directory above it (rsync may have looked while it was something else, or away), and where rsync
 * left no doubt about what failed. `fooled`: what its quick check may have taken for unchanged and is not.
 */
export async function adopt(
  { ledger, rsync, disk }: PassWork,
  { tree, ...look }: Snapshot,
  after: Snapshot,
  {
    failed,
    doubt,
    fooled,
  }: Pick<Extract<Outcome, { kind: 'finished' }>, 'failed' | 'doubt'> & {
    readonly fooled: ReadonlySet<Name>;
  },
): Promise<void> {
  const moved = new Set<Name>();
  await eachInSlices(tree.entries(), ([name, entry]) => {
    const now = after.tree.get(name);
    const isAway = name !== ROOT && moved.has(parentOf(name));
    if (entry.type === 'dir' && (isAway || (name !== ROOT && !stayedPut(entry, now)))) moved.add(name);
    if (failed.has(name)) return;
    const was = ledger.index.get(name);
    const inDoubt = isInDoubt(doubt, name) && !isSettled(was, entry, rsync.carriesMore);
    const isSure = now !== undefined && !inDoubt && !fooled.has(name) && isUntouched(entry, now) && !isAway;
    ledger.delivered(name, isSure ? sureOf(entry, look, disk.tickMs, rsync.carriesMore) : unsure(entry));
    if (isSure && ledger.pending.failure(name) !== undefined) ledger.soon(name); // or it would count as failed for a minute more
  });
}

/** Notes what differs from the index after a pass: what has changed since, and what is gone. */
export async function noteLeft({ ledger, rsync }: PassWork, { tree }: Snapshot): Promise<void> {
  await eachInSlices(tree.entries(), ([name, now]) => {
    if (!isSettled(ledger.index.get(name), now, rsync.carriesMore)) ledger.note(name, now);
  });
  await eachInSlices(ledger.index.below(ROOT), ([name]) => {
    if (tree.get(name) === undefined) ledger.note(name);
  });
}
