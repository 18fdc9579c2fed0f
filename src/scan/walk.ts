import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision, Filter } from '../core/filter/filter.js';
import { childOf, type Name } from '../core/name.js';
import type { Entry } from '../core/sync/entry.js';
import { Slice } from '../slice.js';
import type { TreeOnDisk } from './disk.js';

/** What one directory holds of what is synced. */
export interface Listing {
  readonly dir: Name;
  /** The directory itself, before anything in it was read: what changes meanwhile shows as a newer time at the next look. */
  readonly self: Entry;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly excluded: ReadonlyArray<{ readonly name: Name; readonly isDir: boolean; readonly decision: Decision }>;
  /** FIFOs, sockets and devices. */
  readonly others: readonly Name[];
  /** What is there under a path that is longer than the system takes (PATH_MAX): it can't be synced. */
  readonly tooLong: readonly Long[];
  /** Of what these are the disk does not say, see Seen. Only of walks. */
  readonly unread?: readonly Name[];
  /** Where only some names were looked at: those of them that are not there, or not as anything that is synced. */
  readonly absent?: readonly string[];
}

export interface Long {
  readonly name: Name;
  readonly isDir: boolean;
}

export interface WalkOptions {
  /** Where to begin; directories that can't be read are left out. */
  readonly from: Iterable<Name>;
  /** Whether to go down into a directory found on the way. */
  readonly descend: (name: Name, entry: Entry) => boolean;
  /** An entry from memory to be taken for true in a large directory, without looking at the disk; undefined to look. */
  readonly trust?: (name: Name) => Entry | undefined;
  /** What a name is of which a look would say no more, see {@link SeenWaiting.ofNew}; undefined to look. */
  readonly waiting?: (name: Name) => Entry | undefined;
  /** A directory was left out, for no more files may be opened here: why in words. */
  readonly onShort?: (why: string) => void;
}

/** How often a walk tries again, and how far apart, in milliseconds, to read what is `short`. In the end that is left out. */
const SHORT_TRIES = 50;
const SHORT_MS = 100;

/** Lists directories through the filter, parents first. The disk is read as the caller goes on, not ahead of it. */
export async function* walk(disk: TreeOnDisk, filter: Filter, options: WalkOptions): AsyncGenerator<Listing> {
  const queue: Name[] = [...options.from];
  const queued = new Set<Name>(queue);
  const slice = new Slice();
  let patience = SHORT_TRIES;
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (slice.isOver) await slice.next();
    const self = disk.see(next);
    if (typeof self === 'string' || self.type !== 'dir') continue;
    let listing = await list(disk, filter, next, self, slice, options);
    for (; listing === 'short' && patience > 0; patience--) {
      await sleep(SHORT_MS);
      listing = await list(disk, filter, next, self, slice, options);
    }
    if (listing === 'short') options.onShort?.(disk.shortage ?? '');
    if (listing === undefined || listing === 'short') continue;
    for (const [base, entry] of listing.entries) {
      if (entry.type !== 'dir') continue;
      const name = childOf(next, base);
      if (queued.has(name) || !options.descend(name, entry)) continue;
      queued.add(name);
      queue.push(name);
    }
    yield listing;
  }
}

/** Undefined where it can't be read; `short`: just now, see {@link Disk.names}. */
async function list(
  disk: TreeOnDisk,
  filter: Filter,
  dir: Name,
  self: Entry,
  slice: Slice,
  { trust, waiting }: Pick<WalkOptions, 'trust' | 'waiting'>,
): Promise<Listing | 'short' | undefined> {
  const sifted = newSifted();
  const long = new Set<string>();
  const unread: Name[] = [];
  for (const part of disk.names(dir)) {
    if (part === undefined || part === 'short') return part;
    const trusted = disk.isLarge(dir) ? trust : undefined;
    const seen: Array<readonly [string, Entry | 'other']> = [];
    for (const base of part) {
      const name = childOf(dir, base);
      const entry = waiting?.(name) ?? trusted?.(name) ?? disk.look(name);
      if (entry === 'unreadable') {
        if (disk.isTooLong(name)) long.add(base);
        else unread.push(name);
      }
      if (entry === 'missing' || entry === 'unreadable' || entry === 'away') continue;
      seen.push([base, entry === 'blocked' ? 'other' : entry]);
    }
    const asking = filter.learn(dir, seen.map(typed));
    if (asking !== undefined) await asking;
    sift(filter, dir, seen, sifted);
    if (slice.isOver) await slice.next();
  }
  siftLong(disk, filter, dir, long, sifted);
  return { dir, self, ...sifted, ...(unread.length > 0 && { unread }) };
}

/** An entry as the filter wants to know it. */
export const typed = ([base, entry]: readonly [string, Entry | 'other']): readonly [string, boolean] => [
  base,
  entry !== 'other' && entry.type === 'dir',
];

/** A listing in the making. */
export interface Sifted {
  readonly entries: Map<string, Entry>;
  readonly excluded: Array<Listing['excluded'][number]>;
  readonly others: Name[];
  readonly tooLong: Long[];
}

export const newSifted = (): Sifted => ({ entries: new Map(), excluded: [], others: [], tooLong: [] });

/** The same for what is too long, of which only its directory says what it is. git is not asked about such paths. */
export function siftLong(
  disk: TreeOnDisk,
  filter: Filter,
  dir: Name,
  bases: ReadonlySet<string>,
  { excluded, tooLong }: Sifted,
): void {
  if (bases.size === 0) return;
  for (const part of disk.types(dir)) {
    if (part === undefined || part === 'short') return;
    for (const [base, type] of part) {
      if (!bases.has(base)) continue;
      const name = childOf(dir, base);
      const isDir = type === 'dir';
      const decision = filter.decide(name, isDir);
      if (decision.synced || decision.isUnsure === true) tooLong.push({ name, isDir });
      else excluded.push({ name, isDir, decision });
    }
  }
}

/** Puts what was seen in a directory where the filter says; it has learnt of it. */
export function sift(
  filter: Filter,
  dir: Name,
  seen: Iterable<readonly [string, Entry | 'other']>,
  { entries, excluded, others }: Sifted,
): void {
  for (const [base, entry] of seen) {
    const name = childOf(dir, base);
    const isDir = entry !== 'other' && entry.type === 'dir';
    const decision = filter.decide(name, isDir);
    if (entry === 'other') {
      if (decision.synced) others.push(name);
    } else if (decision.synced) entries.set(base, entry);
    else excluded.push({ name, isDir, decision });
  }
}
