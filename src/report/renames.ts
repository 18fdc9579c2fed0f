import type { BroughtItem } from '../core/event.js';
import { ancestorsOf, type Name, parentOf } from '../core/name.js';

/** A directory, or a file, that has another name; `paths`: how many of it there are, itself and what is below it. */
export interface Renamed {
  readonly from: Name;
  readonly to: Name;
  readonly paths: number;
}

/**
 * What of these is told as renamed, and all else. A file that was found to be the old one under a new name says so
 * ({@link BroughtItem.from}); where all that was below a directory is gone with it and there is below another, those two are the rename.
 */
export function renamesIn(items: ReadonlyMap<Name, BroughtItem>): {
  readonly renames: readonly Renamed[];
  readonly others: readonly BroughtItem[];
} {
  const pairs = new Map<string, readonly [from: Name, to: Name]>();
  const files: BroughtItem[] = [];
  for (const item of items.values()) {
    if (item.from === undefined || items.get(item.from)?.action !== 'delete') continue;
    const pair = renamedAbove(item.from, item.name, items);
    if (pair === undefined) files.push(item);
    else pairs.set(pair.join('\0'), pair);
  }
  const found = new Set([...pairs.values()].flat());
  for (const [from, to] of sameBelow(items))
    if (!found.has(from) && !found.has(to)) pairs.set(`${from}\0${to}`, [from, to]);
  const told = new Set<Name>();
  const [roots, paths] = [new Map([...pairs.values()].map(([from, to]) => [to, from])), new Map<Name, number>()];
  for (const { name, action } of items.values()) {
    if (action === 'delete') continue;
    // The outermost: what is below it goes along.
    const to = [...ancestorsOf(name), name].find((dir) => roots.has(dir));
    const from = to === undefined ? undefined : roots.get(to);
    if (to === undefined || from === undefined) continue;
    const old = `${from}${name.slice(to.length)}` as Name;
    if (items.get(old)?.action !== 'delete') continue;
    told.add(name).add(old);
    paths.set(to, (paths.get(to) ?? 0) + 1);
  }
  const renames: Renamed[] = [...paths].map(([to, many]) => ({ from: roots.get(to) ?? to, to, paths: many }));
  for (const { name, from } of files) {
    if (from === undefined || told.has(name)) continue;
    told.add(name).add(from);
    renames.push({ from, to: name, paths: 1 });
  }
  return { renames, others: [...items.values()].filter(({ name }) => !told.has(name)) };
}

/** So many directories at most are held against one another. */
const MOST_HELD = 20;

/** In so many paths at least two directories must agree to be the same one. */
const LEAST_SAME = 3;

/**
 * Of directories that are gone and new: those with the very same names below them, where there is but one of each. A large one is on its way
 * under its new name before all of the old one is missed, and then no file is found to have moved.
 */
function sameBelow(items: ReadonlyMap<Name, BroughtItem>): Array<readonly [from: Name, to: Name]> {
  const [gone, fresh] = [new Map<Name, Name[]>(), new Map<Name, Name[]>()];
  for (const { name, action, isNew } of items.values()) {
    if (action !== 'delete' && !isNew) continue;
    const isAlike = (dir: Name): boolean => (items.get(dir)?.action === 'delete') === (action === 'delete');
    const root = [...ancestorsOf(name), name].find((dir) => items.has(dir) && isAlike(dir)) ?? name;
    const roots = action === 'delete' ? gone : fresh;
    const below = roots.get(root);
    if (below === undefined) roots.set(root, [name]);
    else below.push(name);
  }
  const found: Array<readonly [Name, Name]> = [];
  for (const [from, old] of [...gone].slice(0, MOST_HELD))
    for (const [to, now] of [...fresh].slice(0, MOST_HELD)) {
      if (old.length < LEAST_SAME || old.length !== now.length) continue;
      const tails = new Set<string>(old.map((name) => name.slice(from.length)));
      if (now.every((name) => tails.has(name.slice(to.length)))) found.push([from, to]);
    }
  const isOnly = (which: 0 | 1, dir: Name): boolean => found.filter((pair) => pair[which] === dir).length === 1;
  return found.filter(([from, to]) => isOnly(0, from) && isOnly(1, to));
}

/** The outermost directories above these two names that are gone and new, and lead to them in the same way. */
function renamedAbove(
  from: Name,
  to: Name,
  items: ReadonlyMap<Name, BroughtItem>,
): readonly [from: Name, to: Name] | undefined {
  let found: readonly [Name, Name] | undefined;
  let [old, now] = [from, to];
  while (old.includes('/') && now.includes('/') && lastOf(old) === lastOf(now)) {
    [old, now] = [parentOf(old), parentOf(now)];
    if (old === now || items.get(old)?.action !== 'delete' || items.get(now)?.action !== 'mkdir') break;
    found = [old, now];
  }
  return found;
}

const lastOf = (name: Name): string => name.slice(name.lastIndexOf('/') + 1);
