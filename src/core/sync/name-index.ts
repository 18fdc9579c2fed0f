import { baseOf, childOf, isBelow, type Name, parentOf, ROOT } from '../name.js';
import type { Steps } from '../steps.js';
import { type Entry, unsure } from './entry.js';
import { kindsOf, type Packed, pack, unpack, unsureFilesIn } from './packed.js';

/** So many packed directories are kept unpacked for whoever reads them next: a walk asks for each name of one, and for those above. */
const OPENED = 16;

/** A directory of more names is not packed: unpacking it would take more than some milliseconds. */
export const MOST_PACKED = 2_000;

/** The names in a directory, and whether each is one. */
export interface Kinds extends Iterable<readonly [string, boolean]> {
  readonly size: number;
  get(base: string): boolean | undefined;
  keys(): Iterable<string>;
}

/**
 * The index: for each name that is on the remote by our doing, what was delivered. Like git's index, it answers what
 * events can't: a name whose disk entry equals its index entry needs nothing; a name in the index that is gone from
 * the disk is a deletion; and only what the index holds is ours to delete.
 *
 * Kept by directory, so that listing a directory or a tree is cheap; what rests is {@link Packed}, and unpacked when it is written to.
 */
export class NameIndex {
  readonly #dirs = new Map<Name, Map<string, Entry> | Packed>();
  /** Of those that are packed, the ones read last. */
  readonly #opened = new Map<Name, ReadonlyMap<string, Entry>>();
  /** The directories that are not packed. */
  readonly #loose = new Set<Name>();
  #root: Entry | undefined;
  #size = 0;
  #aside: NameIndex | undefined;

  /** How many names it holds, without the root. */
  get size(): number {
    return this.#size;
  }

  /** Of what is packed another object each time. */
  get(name: Name): Entry | undefined {
    return name === ROOT ? this.#root : this.children(parentOf(name)).get(baseOf(name));
  }

  set(name: Name, entry: Entry): void {
    if (name === ROOT) {
      this.#root = entry;
      return;
    }
    const children = this.#toWrite(parentOf(name));
    if (!children.has(baseOf(name))) this.#size++;
    children.set(baseOf(name), entry);
  }

  /** Takes over what of `dir` was packed, `count` entries that it has not yet. */
  addPacked(dir: Name, packed: Packed, count: number): void {
    this.#size += count;
    if (count < MOST_PACKED && !this.#dirs.has(dir)) this.#dirs.set(dir, packed);
    else {
      const children = this.#toWrite(dir);
      for (const [base, entry] of unpack(packed)) children.set(base, entry);
    }
  }

  #toWrite(dir: Name): Map<string, Entry> {
    const now = this.#dirs.get(dir);
    if (typeof now === 'object') return now;
    const children = now === undefined ? new Map<string, Entry>() : unpack(now);
    this.#opened.delete(dir);
    this.#dirs.set(dir, children);
    this.#loose.add(dir);
    return children;
  }

  /** How many directories are not packed. */
  get loose(): number {
    return this.#loose.size;
  }

  /** Packs what was written to. Whoever holds an entry by its identity must not meanwhile: `mayGoOn` is asked before each step. */
  *packLoose(mayGoOn: () => boolean): Steps<void> {
    for (const dir of this.#loose) {
      if (!mayGoOn()) return;
      const children = this.#dirs.get(dir);
      if (typeof children === 'object' && children.size < MOST_PACKED) this.#dirs.set(dir, pack(children));
      this.#loose.delete(dir);
      yield;
    }
  }

  /** What it holds directly in `dir`, packed in parts of at most {@link MOST_PACKED}. */
  *packed(dir: Name): Generator<Packed> {
    const children = this.#dirs.get(dir) ?? EMPTY;
    if (typeof children === 'string') return yield children;
    let part: Array<readonly [string, Entry]> = [];
    for (const child of children) {
      if (part.push(child) < MOST_PACKED) continue;
      yield pack(part);
      part = [];
    }
    if (part.length > 0) yield pack(part);
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
  get aside(): Pick<NameIndex, 'get' | 'entries' | 'directories' | 'children' | 'kinds' | 'size' | 'packed'> {
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
    if (!this.children(dir).has(baseOf(name))) return;
    const children = this.#toWrite(dir);
    children.delete(baseOf(name));
    this.#size--;
    if (children.size > 0) return;
    this.#dirs.delete(dir);
    this.#loose.delete(dir);
  }

  /** What it holds directly in `dir`: of what is packed, as it is now. */
  children(dir: Name): ReadonlyMap<string, Entry> {
    const children = this.#dirs.get(dir);
    if (typeof children !== 'string') return children ?? EMPTY;
    const known = this.#opened.get(dir);
    if (known !== undefined) return known;
    const opened = unpack(children);
    for (const oldest of this.#opened.keys()) {
      if (this.#opened.size < OPENED) break;
      this.#opened.delete(oldest);
    }
    this.#opened.set(dir, opened);
    return opened;
  }

  /** The names of {@link children}, and whether each is a directory. */
  kinds(dir: Name): Kinds {
    const children = this.#dirs.get(dir);
    return typeof children === 'string' && !this.#opened.has(dir) ? kindsOf(children) : kindsIn(this.children(dir));
  }

  /** The files that it is not sure of ({@link unsure}, `begun`); undefined in between: a place to pause. */
  *unsureFiles(): Generator<Name | undefined> {
    for (const [dir, children] of this.#dirs) {
      if (typeof children === 'string') {
        for (const base of unsureFilesIn(children)) yield childOf(dir, base);
        yield undefined;
      } else
        for (const [base, { type, mtimeNs }] of children)
          yield type === 'file' && mtimeNs < 0 ? childOf(dir, base) : undefined;
    }
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
      if (this.#dirs.has(name)) way.push({ dir: name, inside: this.children(name).entries() });
    }
    if (dir !== ROOT) return;
    for (const other of this.#dirs.keys())
      if (other !== ROOT && this.get(other) === undefined) yield* this.below(other);
  }
}

/** An index to look things up in. */
export type ReadonlyIndex = Pick<
  NameIndex,
  | 'size'
  | 'get'
  | 'aside'
  | 'children'
  | 'kinds'
  | 'unsureFiles'
  | 'directories'
  | 'entries'
  | 'below'
  | 'allBelow'
  | 'packed'
>;

/** The same for what is not packed, of which there may be very much: nothing is copied. */
const kindsIn = (children: ReadonlyMap<string, Entry>): Kinds => ({
  get size() {
    return children.size;
  },
  get: (base) => {
    const child = children.get(base);
    return child && child.type === 'dir';
  },
  keys: () => children.keys(),
  *[Symbol.iterator]() {
    for (const [base, { type }] of children) yield [base, type === 'dir'];
  },
});

const EMPTY: ReadonlyMap<string, Entry> = new Map();

const NONE = new NameIndex();
