import type { Filter } from '../core/filter/filter.js';
import { ancestorsOf, baseOf, childOf, looseTextOf, type Name, nameFromText, parentOf, ROOT } from '../core/name.js';
import { type Entry, isSameInode, type Seen } from '../core/sync/entry.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { Slice } from '../slice.js';
import type { TreeOnDisk, Ways } from './disk.js';
import { type Listing, newSifted, sift, siftLong, typed, type WalkOptions } from './walk.js';

/** U+FFFD as a name has it. */
const REPLACEMENT = nameFromText('\uFFFD');

/** So many names of a directory are looked at before the filter is asked about them. */
const PART = 256;

export interface LookOptions {
  /** Whether a directory may hold other names than were found in it so far. */
  readonly isNews: (dir: Name, now: Entry) => boolean;
  /** Whether to list a directory that has news rather than look at single names in it. */
  readonly mayList: (dir: Name) => boolean;
  /** See {@link WalkOptions.waiting}. */
  readonly waiting?: WalkOptions['waiting'];
  /** Is told of a directory that should be listed; of `text`: because of this name, whose bytes are not known. */
  readonly want: (dir: Name, text?: string) => void;
}

/**
 * Looks at what hints name, with one lstat for each. A hint only says "look here", so a directory is wanted to be listed
 * where a hint may not be all: something came or went in it and its other names may have been lost (@parcel/watcher
 * drops some), it was named itself, or the name that was told is none (bytes that are no UTF-8 arrive as U+FFFD). A hint
 * below something that is gone is one about that.
 */
export async function* look(
  disk: TreeOnDisk,
  filter: Filter,
  hinted: Iterable<Name>,
  options: LookOptions,
): AsyncGenerator<Listing> {
  const slice = new Slice();
  const ways: Ways = new Map();
  const groups = new Map<Name, Set<string>>();
  for (const hint of hinted) {
    if (slice.isOver) await slice.next();
    const name = standing(disk, hint, ways);
    const dir = parentOf(name);
    if (name === ROOT) options.want(ROOT);
    else if (hint.includes(REPLACEMENT)) options.want(dir, looseTextOf(hint));
    if (name === ROOT) continue;
    const group = groups.get(dir);
    if (group === undefined) groups.set(dir, new Set([baseOf(name)]));
    else group.add(baseOf(name));
  }
  for (const [dir, bases] of groups) {
    if (slice.isOver) await slice.next();
    await filter.learnDeep(dir, true);
    if (!filter.decideDeep(dir, true).synced) continue;
    const self = disk.see(dir);
    if (typeof self === 'string' || self.type !== 'dir') continue; // the event of that is on its way
    const isNews = options.isNews(dir, self);
    if (isNews) options.want(dir);
    if (isNews && options.mayList(dir)) continue;
    // Rules come first: they may be about the others.
    if (isNews && filter.hasOwnRules) bases.add('.gitignore');
    for (const base of bases) if (options.waiting?.(childOf(dir, base)) !== undefined) bases.delete(base);
    if (bases.size === 0) continue;
    const listing = await lookIn(disk, filter, dir, self, bases, slice);
    for (const [base, { type }] of listing.entries) if (type === 'dir') options.want(childOf(dir, base));
    yield listing;
  }
}

/** The name itself, or the first one above it that is no real directory. */
function standing(disk: TreeOnDisk, name: Name, ways: Ways): Name {
  for (const dir of ancestorsOf(name)) if (!disk.isDirectory(dir, ways)) return dir;
  return name;
}

/** Some names of a directory. */
async function lookIn(
  disk: TreeOnDisk,
  filter: Filter,
  dir: Name,
  self: Entry,
  bases: ReadonlySet<string>,
  slice: Slice,
): Promise<Listing> {
  const sifted = newSifted();
  const long = new Set<string>();
  let seen: Array<readonly [string, Entry | 'other']> = [];
  const flush = async (): Promise<void> => {
    const asking = filter.learn(dir, seen.map(typed));
    if (asking !== undefined) await asking;
    sift(filter, dir, seen, sifted);
    seen = [];
    if (slice.isOver) await slice.next();
  };
  for (const base of bases) {
    const name = childOf(dir, base);
    const entry = disk.look(name);
    if (entry === 'unreadable' && disk.isTooLong(name)) long.add(base);
    if (entry === 'missing' || entry === 'unreadable' || entry === 'away') continue;
    seen.push([base, entry === 'blocked' ? 'other' : entry]);
    if (seen.length >= PART) await flush();
  }
  await flush();
  siftLong(disk, filter, dir, long, sifted);
  const absent = [...bases].filter((base) => !sifted.entries.has(base));
  return { dir, self, ...sifted, absent };
}

/** Whether a directory holds, or may hold, other names than when it was seen as `was`. */
export const isNews = (was: Entry | undefined, now: Entry): boolean =>
  was === undefined ||
  was.type !== 'dir' ||
  !isSameInode(was, now) ||
  was.mtimeS !== now.mtimeS ||
  was.mtimeNs !== now.mtimeNs;

/** For texts of names whose bytes are not known: whether a name may be one of them, or a directory above one. */
export class LooseNames {
  readonly #names = new Set<string>();
  readonly #above = new Set<string>();

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      const loose = loosely(text);
      this.#names.add(loose);
      for (let slash = loose.indexOf('/'); slash >= 0; slash = loose.indexOf('/', slash + 1))
        this.#above.add(loose.slice(0, slash));
    }
  }

  has(name: Name): boolean {
    return this.#names.size > 0 && this.#names.has(loosely(looseTextOf(name)));
  }

  isAbove(dir: Name): boolean {
    return this.#above.size > 0 && this.#above.has(loosely(looseTextOf(dir)));
  }
}

/** Decoders do not agree how many U+FFFD stand for several bytes that are no UTF-8. */
const loosely = (text: string): string => text.replace(/\uFFFD+/g, '\uFFFD');

/**
 * Names a listing shows to differ from the index, and as what: new, changed, or gone with all that was below it. Undefined
 * for each one that does not differ: a place to pause.
 */
export function* differences(
  listing: Listing,
  index: Pick<ReadonlyIndex, 'get' | 'children' | 'below'>,
  settled: (was: Entry | undefined, now: Entry) => boolean,
): Generator<[Name, Seen] | undefined> {
  if (!settled(index.get(listing.dir), listing.self)) yield [listing.dir, listing.self];
  for (const [base, entry] of listing.entries) {
    const name = childOf(listing.dir, base);
    const was = index.get(name);
    yield settled(was, entry) ? undefined : [name, entry];
    if (was?.type === 'dir' && entry.type !== 'dir') for (const [below] of index.below(name)) yield [below, 'blocked'];
  }
  const children = index.children(listing.dir);
  for (const base of listing.absent ?? children.keys()) {
    if (listing.absent === undefined ? listing.entries.has(base) : !isKnown(index, childOf(listing.dir, base))) {
      yield undefined;
      continue;
    }
    const name = childOf(listing.dir, base);
    yield [name, 'missing'];
    for (const [below] of index.below(name)) yield [below, 'missing'];
  }
}

/** Whether the index has it, or something below it. */
const isKnown = (index: Pick<ReadonlyIndex, 'get' | 'children'>, name: Name): boolean =>
  index.get(name) !== undefined || index.children(name).size > 0;

/** What the disk says of each of these names, now. */
export async function seeAll(disk: Pick<TreeOnDisk, 'see'>, names: Iterable<Name>): Promise<Map<Name, Seen>> {
  const ways: Ways = new Map();
  const seen = new Map<Name, Seen>();
  const slice = new Slice();
  for (const name of names) {
    seen.set(name, disk.see(name, ways));
    if (slice.isOver) await slice.next();
  }
  return seen;
}
