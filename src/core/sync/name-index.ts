import { baseOf, childOf, isBelow, type Name, parentOf, ROOT } from '../name.js';
import { type Entry, unsure } from './entry.js';

/**
 * The index: for each name that is on the remote by our doing, what was delivered. Like git's index, it answers what
 * events can't: a name whose disk entry equals its index entry needs nothing; a name in the index that is gone from
 * the disk is a deletion; and only what the index holds is ours to delete.
 *
 * Kept as one small map per directory, so that listing a directory or a tree is cheap.
 */
export class NameIndex {
  readonly #dirs = new Map<Name, Map<string, Entry>>();
  #root: Entry | undefined;
  #size = 0;
  #aside: NameIndex | undefined;

  /** How many names it holds, without the root. */
  get size(): number {
    return this.#size;
  }

  get(name: Name): Entry | undefined {
    return name === ROOT ? this.#root : this.#dirs.get(parentOf(name))?.get(baseOf(name));
  }

  set(name: Name, entry: Entry): void {
    if (name === ROOT) {
      this.#root = entry;
      return;
    }
    const dir = parentOf(name);
    let children = this.#dirs.get(dir);
    if (children === undefined) this.#dirs.set(dir, (children = new Map()));
    if (!children.has(baseOf(name))) this.#size++;
    children.set(baseOf(name), entry);
  }

  /** It is not there any more, or not ours. */
  delete(name: Name): void {
    this.#aside?.delete(name);
    this.#drop(name);
  }

  /**
   * What is ours there, too, and left alone, because it is excluded by now: it is as if it were not there until
   * {@link takeUp}.
   */
  get aside(): Pick<NameIndex, 'get' | 'entries' | 'directories' | 'children' | 'size'> {
    return this.#aside ?? NONE;
  }

  /** From now on it is left alone. */
  setAside(name: Name, entry = this.get(name)): void {
    if (entry === undefined) return;
    this.#drop(name);
    this.#aside ??= new NameIndex();
    this.#aside.set(name, entry);
  }

  /** Everything below `dir`, also what is left alone. */
  allBelow(dir: Name): Name[] {
    const aside = this.#aside === undefined ? [] : [...this.#aside.entries()];
    return [...this.below(dir), ...aside.filter(([name]) => isBelow(name, dir))].map(([name]) => name);
  }

  /** It is not left alone any more. What became of it meanwhile nobody knows. */
  takeUp(name: Name): void {
    const entry = this.#aside?.get(name);
    if (entry === undefined) return;
    this.#aside?.delete(name);
    if (this.get(name) === undefined) this.set(name, unsure(entry));
  }

  #drop(name: Name): void {
    const dir = parentOf(name);
    const children = this.#dirs.get(dir);
    if (children?.delete(baseOf(name)) !== true) return;
    this.#size--;
    if (children.size === 0) this.#dirs.delete(dir);
  }

  /** What it holds directly in `dir`. */
  children(dir: Name): ReadonlyMap<string, Entry> {
    return this.#dirs.get(dir) ?? EMPTY;
  }

  /** Every directory that holds something, the root too. */
  directories(): Iterable<Name> {
    return this.#dirs.keys();
  }

  /** Everything, the root first, a directory before what it holds. */
  *entries(): Generator<[Name, Entry]> {
    if (this.#root !== undefined) yield [ROOT, this.#root];
    yield* this.below(ROOT);
  }

  /**
   * Every name below `dir`, a directory before what it holds. Names under something that is no directory count too; and with
   * the root those in a directory that is not ours, or not yet.
   */
  *below(dir: Name): Generator<[Name, Entry]> {
    // By hand, for a generator in a generator costs at each name as much as there are levels.
    const way = [{ dir, inside: this.children(dir).entries() }];
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const next = at.inside.next();
      if (next.done === true) {
        way.pop();
        continue;
      }
      const [base, entry] = next.value;
      const name = childOf(at.dir, base);
      yield [name, entry];
      const children = this.#dirs.get(name);
      if (children !== undefined) way.push({ dir: name, inside: children.entries() });
    }
    if (dir !== ROOT) return;
    for (const other of this.#dirs.keys())
      if (other !== ROOT && this.get(other) === undefined) yield* this.below(other);
  }
}

/** An index to look things up in. */
export type ReadonlyIndex = Pick<
  NameIndex,
  'size' | 'get' | 'aside' | 'children' | 'directories' | 'entries' | 'below' | 'allBelow'
>;

const EMPTY: ReadonlyMap<string, Entry> = new Map();

const NONE = new NameIndex();
