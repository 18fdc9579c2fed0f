import type { Name } from '../name.js';
import { Automaton, type Wild } from './automaton.js';
import { lastParts, type Pattern, partsIn } from './pattern.js';
import { runsOf } from './wildcards.js';

/** So many bytes of a run of a pattern say whether a name is worth holding against it. */
const GRAM = 3;

/** Rules with wildcards that a name is worth holding against for the same reason. */
interface Bucket {
  /** Which rules, in their order. */
  readonly indices: number[];
  readonly patterns: Wild[];
  readonly automaton: Automaton;
  /** The last question that it was asked. */
  question: number;
}

/**
 * Rules of which the first match counts. However many there are, a name is held only against the few that may match it:
 * those without wildcards are found by their text, the others by a few bytes that a name must have in it, of all that are in
 * the pattern those that the fewest patterns have.
 */
export class RuleList<Rule extends { readonly pattern: Pattern }> {
  readonly #rules: readonly Rule[];
  /** Which rules, in their order, by the path that they match (with a slash in front) or the end of paths. */
  readonly #literals = new Map<string, number[]>();
  /** How many parts those ends have. */
  readonly #partCounts = new Set<number>();
  /** By {@link gramIn}. */
  readonly #buckets = new Map<number, Bucket>();
  /** The lengths of grams that there are. */
  readonly #lengths: readonly number[];
  #question = 0;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    const wild: Array<{ readonly i: number; readonly what: Wild; readonly grams: readonly number[] }> = [];
    const counts = new Map<number, number>();
    rules.forEach(({ pattern: { what } }, i) => {
      if ('literal' in what) {
        if (!what.literal.startsWith('/')) this.#partCounts.add(partsIn(what.literal));
        const before = this.#literals.get(what.literal);
        if (before === undefined) this.#literals.set(what.literal, [i]);
        else before.push(i);
        return;
      }
      const grams = gramsOf(runsOf(what.tokens));
      for (const gram of grams) counts.set(gram, (counts.get(gram) ?? 0) + 1);
      wild.push({ i, what, grams });
    });
    const countOf = (gram: number): number => counts.get(gram) ?? 0;
    for (const { i, what, grams } of wild) {
      const rarest = grams.reduce((best, gram) => (countOf(gram) < countOf(best) ? gram : best));
      const { indices, patterns } = this.#bucketOf(rarest);
      indices.push(i);
      patterns.push(what);
    }
    this.#lengths = [...new Set([...this.#buckets.keys()].map(lengthOf))];
  }

  get size(): number {
    return this.#rules.length;
  }

  [Symbol.iterator](): Iterator<Rule> {
    return this.#rules[Symbol.iterator]();
  }

  firstMatch(name: Name, isDir: boolean): Rule | undefined {
    if (this.#rules.length === 0) return undefined;
    let best = Math.min(this.#firstLiteral(`/${name}`, isDir), this.#rules.length);
    for (const count of this.#partCounts) best = Math.min(best, this.#firstLiteral(lastParts(name, count), isDir));
    if (this.#buckets.size === 0) return this.#rules[best];
    this.#question++;
    const framed = `/${name}/`;
    let window = 0;
    for (let end = 1; end <= framed.length; end++) {
      window = slid(window, framed, end);
      for (const length of this.#lengths) {
        const bucket = end < length ? undefined : this.#buckets.get(gramIn(window, length));
        if (bucket === undefined || bucket.question === this.#question) continue;
        bucket.question = this.#question;
        if ((bucket.indices[0] ?? best) >= best) continue;
        const found = bucket.automaton.first(name, isDir);
        if (found !== undefined) best = Math.min(best, bucket.indices[found] ?? best);
      }
    }
    return this.#rules[best];
  }

  #firstLiteral(key: string | undefined, isDir: boolean): number {
    const indices = key === undefined ? undefined : this.#literals.get(key);
    return indices?.find((i) => isDir || this.#rules[i]?.pattern.what.dirOnly === false) ?? Number.POSITIVE_INFINITY;
  }

  #bucketOf(gram: number): Bucket {
    let bucket = this.#buckets.get(gram);
    if (bucket === undefined) {
      const patterns: Wild[] = [];
      bucket = { indices: [], patterns, automaton: new Automaton(patterns), question: 0 };
      this.#buckets.set(gram, bucket);
    }
    return bucket;
  }
}

/** The last bytes of a text up to `end`, as one number. */
const slid = (window: number, text: string, end: number): number =>
  ((window << 8) | text.charCodeAt(end - 1)) & ((1 << (8 * GRAM)) - 1);

/** The last few bytes of a window and how many they are, as one small number, which is a quick key. */
const gramIn = (window: number, length: number): number =>
  (length << (8 * length)) | (window & ((1 << (8 * length)) - 1));

const lengthOf = (gram: number): number => (gram >= 3 << 24 ? 3 : gram >= 2 << 16 ? 2 : 1);

/** The longest that the runs have, up to {@link GRAM}. There is always a slash. */
function gramsOf(runs: readonly string[]): number[] {
  const length = runs.reduce((longest, run) => Math.max(longest, Math.min(run.length, GRAM)), 1);
  const grams: number[] = [];
  for (const run of runs) {
    let window = 0;
    for (let end = 1; end <= run.length; end++) {
      window = slid(window, run, end);
      if (end >= length) grams.push(gramIn(window, length));
    }
  }
  return grams;
}
