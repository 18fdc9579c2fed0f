import { setImmediate } from 'node:timers/promises';
import type { Entry, Seen } from '../core/entry.js';
import type { Filter } from '../core/filter.js';
import { childOf, type Name, nameFromText, parentOf, ROOT } from '../core/name.js';
import type { Disk, Ways } from './disk.js';
import { type Listing, walk } from './walk.js';

/**
 * From this many siblings on, a listing looks only at the names that were hinted at or are new, not at each one: a
 * directory of 100,000 files would cost half a second for every save in it.
 */
const LARGE_DIRECTORY = 2_000;

/** U+FFFD as a name has it. */
const REPLACEMENT = nameFromText('\uFFFD');

/** How many names are looked at between two turns of the event loop: about 5 ms. */
const SLICE = 500;

/**
 * Looks at what hints name. A hint says only "look here": its parent is listed again, which shows what else came or
 * went there; a directory that is new, another one than before, or of a newer time is listed too, and so on down. A
 * hint whose parent is gone leads to the nearest directory that is there.
 *
 * `known`: what the index has of a name.
 */
export async function* look(
  disk: Disk,
  filter: Filter,
  hinted: ReadonlySet<Name>,
  known: (name: Name) => Entry | undefined,
): AsyncGenerator<Listing> {
  const from = new Set<Name>();
  const deep = new Set<Name>();
  const dirs: Ways = new Map();
  for (const name of hinted) {
    const start = startFor(disk, name, dirs);
    await filter.learnDeep(start, true);
    if (!filter.decideDeep(start, true).synced) continue;
    from.add(start);
    // Bytes that are no UTF-8 arrive as U+FFFD and name nothing: go through what is there.
    if (name.includes(REPLACEMENT)) deep.add(start);
    // A directory may be named because of what happened in it.
    const seen = disk.see(name, dirs);
    if (typeof seen === 'string' || seen.type !== 'dir') continue;
    await filter.learnDeep(name, true);
    if (filter.decideDeep(name, true).synced) from.add(name);
  }
  yield* walk(disk, filter, {
    from,
    descend: (name, entry) => deep.has(parentOf(name)) || isNews(known(name), entry),
    trust: (name, count) => (count < LARGE_DIRECTORY || hinted.has(name) ? undefined : known(name)),
  });
}

/** The nearest real directory at or above the parent of `name`. */
function startFor(disk: Disk, name: Name, dirs: Ways): Name {
  let dir = parentOf(name);
  while (dir !== ROOT && !isDirectory(disk, dir, dirs)) dir = parentOf(dir);
  return dir;
}

function isDirectory(disk: Disk, name: Name, dirs: Ways): boolean {
  const seen = disk.see(name, dirs);
  return typeof seen !== 'string' && seen.type === 'dir';
}

/** Whether a directory holds, or may hold, other names than when it was delivered. */
export const isNews = (was: Entry | undefined, now: Entry): boolean =>
  was === undefined ||
  was.type !== 'dir' ||
  was.ino !== now.ino ||
  was.mtimeS !== now.mtimeS ||
  was.mtimeNs !== now.mtimeNs;

/**
 * Directories whose time differs from what was delivered: something came, went or was renamed in them. Finds what no
 * event told of: an existing file saved atomically and deleted within one batch gives none (DESIGN section 7).
 */
export async function sweep(
  disk: Disk,
  index: { directories(): Iterable<Name>; get(name: Name): Entry | undefined },
): Promise<Name[]> {
  const found: Name[] = [];
  let looked = 0;
  for (const name of index.directories()) {
    const now = disk.see(name);
    const was = index.get(name);
    if (typeof now !== 'string' && now.type === 'dir' && was !== undefined && isNews(was, now)) found.push(name);
    if (++looked % SLICE === 0) await setImmediate();
  }
  return found;
}

/** Names a listing shows to differ from the index, and as what: new, changed, or gone with all that was below. */
export function* differences(
  listing: Listing,
  index: {
    get(name: Name): Entry | undefined;
    children(dir: Name): ReadonlyMap<string, Entry>;
    below(dir: Name): Iterable<[Name, Entry]>;
  },
  settled: (was: Entry | undefined, now: Entry) => boolean,
): Generator<[Name, Seen]> {
  if (!settled(index.get(listing.dir), listing.self)) yield [listing.dir, listing.self];
  for (const [base, entry] of listing.entries) {
    const name = childOf(listing.dir, base);
    const was = index.get(name);
    if (!settled(was, entry)) yield [name, entry];
    if (was?.type === 'dir' && entry.type !== 'dir') for (const [below] of index.below(name)) yield [below, 'blocked'];
  }
  for (const base of index.children(listing.dir).keys()) {
    if (listing.entries.has(base)) continue;
    const name = childOf(listing.dir, base);
    yield [name, 'missing'];
    for (const [below] of index.below(name)) yield [below, 'missing'];
  }
}

/** What the disk says of each of these names, now. */
export async function seeAll(disk: Disk, names: readonly Name[]): Promise<Map<Name, Seen>> {
  const dirs: Ways = new Map();
  const seen = new Map<Name, Seen>();
  for (const name of names) {
    seen.set(name, disk.see(name, dirs));
    if (seen.size % SLICE === 0) await setImmediate();
  }
  return seen;
}
