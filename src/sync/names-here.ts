import type { Filter } from '../core/filter/filter.js';
import { childOf, type Name, ROOT } from '../core/name.js';
import { type Excluded, excludedName } from '../core/rsync/rules.js';
import type { Entry } from '../core/sync/entry.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import type { TreeOnDisk } from '../scan/disk.js';
import { newSifted, sift, typed } from '../scan/walk.js';
import { Slice } from '../slice.js';

/** What a look at the names alone shows, next to the saved index. */
export interface NamesHere {
  /** How many are here. */
  readonly count: number;
  /** What is here and not in the index, and what is in the index and not here. */
  readonly fresh: readonly Name[];
  readonly gone: readonly Name[];
  readonly excluded: readonly Excluded[];
  /** See Snapshot. */
  readonly unsure: readonly Name[];
}

/**
 * Lists all directories, and looks only at what is new in them (100,000 names: 0.1 s instead of 0.5). What the index has is taken for
 * what it was, and for not excluded: the rules by which that was decided have to be in force. Undefined where something can't be read.
 */
export async function readNames(
  index: ReadonlyIndex,
  disk: TreeOnDisk,
  filter: Filter,
): Promise<NamesHere | undefined> {
  const found = { fresh: [] as Name[], gone: [] as Name[], excluded: [] as Excluded[], unsure: [] as Name[] };
  let count = 0;
  const slice = new Slice();
  const queue: Name[] = [ROOT];
  for (let dir = queue.pop(); dir !== undefined; dir = queue.pop()) {
    const known = index.kinds(dir);
    const here = new Set<string>();
    for (const part of disk.names(dir)) {
      if (part === undefined || part === 'short') return undefined;
      const others: string[] = [];
      for (const base of part) {
        const isDir = known.get(base);
        if (isDir === undefined) others.push(base);
        else here.add(base);
        if (isDir === true) queue.push(childOf(dir, base));
      }
      if (others.length > 0) for (const name of await lookAt(disk, filter, dir, others, found)) queue.push(name);
      if (slice.isOver) await slice.next();
    }
    count += here.size;
    if (here.size === known.size) continue;
    for (const base of known.keys()) {
      if (slice.isOver) await slice.next();
      if (here.has(base)) continue;
      const name = childOf(dir, base);
      found.gone.push(name);
      for (const [below] of index.below(name)) found.gone.push(below);
    }
  }
  return { count: count + found.fresh.length, ...found };
}

/** Sorts what is new in a directory. Gives the directories among it that are synced. */
async function lookAt(
  disk: TreeOnDisk,
  filter: Filter,
  dir: Name,
  bases: readonly string[],
  { fresh, excluded, unsure }: Readonly<Record<'fresh' | 'unsure', Name[]>> & { readonly excluded: Excluded[] },
): Promise<readonly Name[]> {
  const seen: Array<readonly [string, Entry | 'other']> = [];
  for (const base of bases) {
    const entry = disk.look(childOf(dir, base));
    if (typeof entry === 'object') seen.push([base, entry]);
    else if (entry === 'blocked') seen.push([base, 'other']);
    else if (entry === 'away') excluded.push(excludedName(childOf(dir, base), false, false));
  }
  const asking = filter.learn(dir, seen.map(typed));
  if (asking !== undefined) await asking;
  const sifted = newSifted();
  sift(filter, dir, seen, sifted);
  for (const { name, isDir, decision } of sifted.excluded) {
    if (decision.synced) continue;
    excluded.push(excludedName(name, isDir, decision.isRsyncs));
    if (decision.isUnsure === true) unsure.push(name);
  }
  const dirs: Name[] = [];
  for (const [base, { type }] of sifted.entries) {
    const name = childOf(dir, base);
    fresh.push(name);
    if (type === 'dir') dirs.push(name);
  }
  return dirs;
}
