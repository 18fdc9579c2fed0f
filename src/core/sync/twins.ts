import { baseOf, childOf, isAscii, looseTextOf, type Name, nameFromText, parentOf, ROOT } from '../name.js';
import type { Spelling } from '../spelling.js';
import type { Seen } from './entry.js';
import type { ReadonlyIndex } from './name-index.js';

/** What names have in common that may be one name there; at an `exact` place those that differ in composition only. */
function foldOf(name: string, spelling: Spelling): string {
  const isPlain = isAscii(name);
  if (spelling === 'exact' && isPlain) return name;
  const text = isPlain ? name : looseTextOf(name as Name);
  if (!isPlain && nameFromText(text) !== name) return name; // no text
  if (spelling === 'exact') return text.normalize('NFD');
  return text.normalize('NFD').toUpperCase().normalize('NFD');
}

/** Whether a name is nobody's twin, as most are. */
export const isAlone = (name: Name, spelling: Spelling): boolean => spelling === 'exact' && isAscii(name);

/** What is known of how names are told apart there. It may be learnt while it runs: an empty directory tells nothing. */
export class Spellings {
  #kind: Spelling;
  /** Names that were tried, and are two there although they look like one. */
  readonly #apart = new Set<Name>();

  constructor(kind: Spelling = 'unknown') {
    this.#kind = kind;
  }

  get kind(): Spelling {
    return this.#kind;
  }

  isApart(name: Name): boolean {
    return this.#apart.has(name);
  }

  /** These two are two there. */
  tellApart(name: Name, other: Name): void {
    this.#apart.add(name);
    if (this.#kind === 'unknown' && foldOf(name, 'exact') !== foldOf(other, 'exact')) this.#kind = 'exact';
  }
}

/** Finds names that may be one there, among those of an index and those that were just seen here. */
export class Twins {
  readonly #index: ReadonlyIndex;
  readonly #spelling: Spelling;
  readonly #seen: ReadonlyMap<Name, Seen>;
  readonly #inside = new Map<Name, Map<string, Name[]>>();
  #seenByFold: Map<string, Name[]> | undefined;

  constructor(index: ReadonlyIndex, spelling: Spelling, seen: ReadonlyMap<Name, Seen> = new Map()) {
    this.#index = index;
    this.#spelling = spelling;
    this.#seen = seen;
  }

  /** The others, whether they are here or not. */
  of(name: Name): Name[] {
    if (name === ROOT || isAlone(name, this.#spelling)) return [];
    const fold = foldOf(baseOf(name), this.#spelling);
    const dir = parentOf(name);
    const found = new Set([dir, ...this.of(dir)].flatMap((each) => this.#childrenOf(each).get(fold) ?? []));
    for (const each of this.#foldedSeen().get(foldOf(name, this.#spelling)) ?? []) found.add(each);
    found.delete(name);
    return [...found];
  }

  #childrenOf(dir: Name): ReadonlyMap<string, Name[]> {
    const known = this.#inside.get(dir);
    if (known !== undefined) return known;
    const names = [...this.#index.children(dir).keys()].map((base) => childOf(dir, base));
    const folded = byFold(names, (name) => foldOf(baseOf(name), this.#spelling));
    this.#inside.set(dir, folded);
    return folded;
  }

  #foldedSeen(): ReadonlyMap<string, Name[]> {
    this.#seenByFold ??= byFold(this.#seen.keys(), (name) => foldOf(name, this.#spelling));
    return this.#seenByFold;
  }
}

function byFold(names: Iterable<Name>, fold: (name: Name) => string): Map<string, Name[]> {
  const found = new Map<string, Name[]>();
  for (const name of names) {
    const key = fold(name);
    const same = found.get(key);
    if (same === undefined) found.set(key, [name]);
    else same.push(name);
  }
  return found;
}
