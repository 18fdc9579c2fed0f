import { plusMs } from '../core/clock.js';
import type { Item } from '../core/event.js';
import { ancestorsOf, type Name, parentOf, ROOT } from '../core/name.js';
import { type Entry, isUntouched, looksSame, stayedPut } from '../core/sync/entry.js';
import type { NameIndex } from '../core/sync/name-index.js';
import type { Snapshot } from '../scan/snapshot.js';
import { eachInSlices } from '../slice.js';
import type { PassWork } from './work.js';

/** What was changed here so long before a rescan, in milliseconds, should have been noticed. */
const NOTICED_MS = 10_000;

/** What a rescan should have nothing to do with. */
export interface Unexpected {
  /** What is gone here and nobody noticed. */
  readonly gone: readonly Name[];
  /** Of what rsync turned to, what was amiss; `after`: what is here once it has read all of it. */
  readonly repaired: (items: readonly Item[], after: NameIndex) => readonly Item[];
}

/**
 * A rescan should have nothing to do with what did not wait and either is as it was delivered, or was changed here so long ago
 * that it should have been noticed. Who works meanwhile (a checkout, an unpacked archive) is no reason to report anything: only
 * what was left alone, with all directories above it, from before the walk until rsync had read it counts.
 */
export async function unexpected(
  { ledger, rsync, disk, deletes }: PassWork,
  { tree, fromMs }: Pick<Snapshot, 'tree' | 'fromMs'>,
): Promise<Unexpected> {
  const waited = new Set([...ledger.pending].map(([name]) => name));
  const noticedMs = plusMs(fromMs, -NOTICED_MS);
  const isOld = (name: Name): boolean => {
    const changedMs = disk.changedMs(name);
    return changedMs !== undefined && changedMs < noticedMs;
  };
  const before = new Map<Name, Entry | undefined>();
  await eachInSlices(tree.entries(), ([name]) => before.set(name, ledger.index.get(name)));
  const gone: Name[] = [];
  await eachInSlices(deletes !== 'never' ? ledger.index.below(ROOT) : [], ([name]) => {
    const dir = parentOf(name);
    const isGone = tree.get(name) === undefined && tree.get(dir) !== undefined && !disk.isHeld(name);
    if (isGone && !waited.has(name) && isOld(dir)) gone.push(name);
  });
  const wasMissed = (name: Name, after: NameIndex): boolean => {
    const [was, seen, now] = [before.get(name), tree.get(name), after.get(name)];
    if (waited.has(name) || ledger.pending.has(name)) return false;
    if (seen === undefined || now === undefined || !isUntouched(seen, now)) return false;
    const above = ancestorsOf(name);
    const isStill = (dir: Name): boolean => {
      const [then, later] = [tree.get(dir), after.get(dir)];
      return then !== undefined && stayedPut(then, later);
    };
    if (!above.every(isStill)) return false;
    if (was !== undefined && looksSame(was, seen, rsync.carriesMore)) return true;
    // What was moved here with its directory is as old as it was there.
    return isOld(name) && above.every(isOld);
  };
  const repaired = (items: readonly Item[], after: NameIndex): readonly Item[] => [
    ...items.filter(({ name }) => wasMissed(name, after)),
    ...gone
      .filter((name) => after.get(name) === undefined && !ledger.pending.has(name) && isOld(parentOf(name)))
      .map((name): Item => ({ action: 'delete', name, bytes: 0, isNew: false })),
  ];
  return { gone, repaired };
}
