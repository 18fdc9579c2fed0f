import { wallNow } from '../clock.js';
import type { WallMs } from '../core/clock.js';
import type { Filter } from '../core/filter/filter.js';
import { childOf, type Name } from '../core/name.js';
import { type Excluded, excludedName } from '../core/rsync/rules.js';
import { MOST_PACKED, NameIndex } from '../core/sync/name-index.js';
import { pack } from '../core/sync/packed.js';
import { eachInSlices } from '../slice.js';
import type { TreeOnDisk } from './disk.js';
import { walkAll } from './shared-walk.js';
import type { Listing } from './walk.js';

/** What a walk found: the tree as it is, and what is left out of it. */
export interface Snapshot {
  readonly tree: NameIndex;
  readonly excluded: readonly Excluded[];
  /** Of these, for now among the excluded ones, nobody knows yet. */
  readonly unsure: readonly Name[];
  /** Of what these are the disk does not say. */
  readonly unread: readonly Name[];
  /** Why some directories are missing, for now: no more files may be opened here. */
  readonly short?: string;
  /** When the walk began and ended. */
  readonly fromMs: WallMs;
  readonly toMs: WallMs;
}

/** Names that are longer, in bytes, rsync does not see either (rsync.h, MAXPATHLEN), and can't be told of. */
const RSYNC_LONGEST = 4_096;

/** Walks the whole tree; as far as it has come where `isStopped` says so. */
export async function takeSnapshot(
  disk: TreeOnDisk,
  filter: Filter,
  onListing: (listing: Listing) => void,
  isStopped = (): boolean => false,
): Promise<Snapshot> {
  const tree = new NameIndex();
  const excluded: Excluded[] = [];
  const unsure: Name[] = [];
  const unread: Name[] = [];
  let short: string | undefined;
  const onShort = (why: string): void => {
    short = why;
  };
  const fromMs = wallNow();
  for await (const listing of walkAll(disk, filter, onShort)) {
    if (isStopped()) break;
    onListing(listing);
    tree.set(listing.dir, listing.self);
    if (listing.entries.size >= MOST_PACKED)
      await eachInSlices(listing.entries, ([base, entry]) => tree.set(childOf(listing.dir, base), entry));
    else if (listing.entries.size > 0) tree.addPacked(listing.dir, pack(listing.entries), listing.entries.size);
    for (const name of listing.unread ?? []) unread.push(name);
    for (const { name, isDir, decision } of listing.excluded) {
      if (decision.synced) continue;
      excluded.push(excludedName(name, isDir, decision.isRsyncs));
      if (decision.isUnsure === true) unsure.push(name);
    }
    // From where it starts rsync may come a little further than we do.
    for (const { name, isDir } of listing.tooLong)
      if (name.length < RSYNC_LONGEST) excluded.push(excludedName(name, isDir, false));
  }
  // rsync does not see what is away, either: not what is in its place, nor that it is gone.
  for (const name of disk.mounts.away) excluded.push(excludedName(name, false, false));
  excluded.push(...disk.own.excluded);
  return { tree, excluded, unsure, unread, ...(short !== undefined && { short }), fromMs, toMs: wallNow() };
}
