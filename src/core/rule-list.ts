import { Automaton, type Wild } from './automaton.js';
import type { Name } from './name.js';
import { keysOf, type Pattern } from './pattern.js';
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
  /** Which rules, in their order, by {@link keysOf}. */
  readonly #literals = new Map<string, number[]>();
  /** By {@link gramAt}. */
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
    let best = this.#rules.length;
    if (this.#literals.size > 0)
      for (const key of keysOf(name)) best = Math.min(best, this.#firstLiteral(key, isDir) ?? best);
    if (this.#buckets.size === 0) return this.#rules[best];
    this.#question++;
    const framed = `/${name}/`;
    for (const length of this.#lengths) {
      for (let at = framed.length - length; at >= 0; at--) {
        const bucket = this.#buckets.get(gramAt(framed, at, length));
        if (bucket === undefined || bucket.question === this.#question) continue;
        bucket.question = this.#question;
        if ((bucket.indices[0] ?? best) >= best) continue;
        const found = bucket.automaton.first(name, isDir);
        if (found !== undefined) best = Math.min(best, bucket.indices[found] ?? best);
      }
    }
    return this.#rules[best];
  }

  #firstLiteral(key: string, isDir: boolean): number | undefined {
    return this.#literals.get(key)?.find((i) => isDir || this.#rules[i]?.pattern.what.dirOnly === false);
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

/** A few bytes and how many they are, as one small number, which is a quick key. */
function gramAt(text: string, at: number, length: number): number {
  let gram = length;
  for (let i = 0; i < length; i++) gram = (gram << 8) | text.charCodeAt(at + i);
  return gram;
}

const lengthOf = (gram: number): number => (gram >= 3 << 24 ? 3 : gram >= 2 << 16 ? 2 : 1);

/** The longest that the runs have, up to {@link GRAM}. There is always a slash. */
function gramsOf(runs: readonly string[]): number[] {
  const length = runs.reduce((longest, run) => Math.max(longest, Math.min(run.length, GRAM)), 1);
  const grams: number[] = [];
  for (const run of runs) for (let at = run.length - length; at >= 0; at--) grams.push(gramAt(run, at, length));
  return grams;
}
