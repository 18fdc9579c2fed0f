import type { LargeDirectory } from '../event.js';
import { ancestorsOf, baseOf, isBelow, looseTextOf, type Name, parentOf, ROOT, textOf } from '../name.js';
import { literalPattern } from '../rsync/rules.js';
import type { Steps } from '../steps.js';

/** What is to be sent; `size`: bytes of a file. */
type Entries = Iterable<readonly [Name, { readonly size: number }]>;

/** How much there is of something: paths, and bytes of files. */
interface Weight {
  readonly paths: number;
  readonly bytes: number;
}

/** What directories of these names most often hold: made by a program, which makes it again. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ['node_modules', 'packages of npm'],
  ['bower_components', 'packages of bower'],
  ['Pods', 'packages of CocoaPods'],
  ['vendor', 'packages'],
  ...['.venv', 'venv', '.tox', '.nox'].map((base) => [base, 'a Python environment'] as const),
  ...['target', 'dist', 'build', '_build', 'out', 'DerivedData', '.next', '.nuxt', '.output'].map(
    (base) => [base, 'what a build makes'] as const,
  ),
  ...['.cache', '.gradle', '.parcel-cache', '.turbo', '.mypy_cache', '.pytest_cache', '.terraform', 'coverage'].map(
    (base) => [base, 'made by a tool'] as const,
  ),
  ...['data', 'datasets'].map((base) => [base, 'data'] as const),
]);

/** What part of all it has to be, of the paths or of the bytes: where the name is known, and where not. */
const KNOWN_SHARE = 0.05;
const SHARE = 0.3;

/** Where the name is not known it has to be so much, too: it may well be what the user is here for. */
const MANY_PATHS = 10_000;
const MANY_BYTES = 100_000_000;

/** What part of a directory one in it has to be for that one to be meant. */
const MOST_OF_IT = 0.8;

/** So many are named. */
const NAMED = 5;

/**
 * Which directories make up most of `entries`, which are to be sent, the largest first. By how much there is in them; a known name
 * is only a hint, for which less will do.
 */
export function* largeDirectories(entries: Entries): Steps<readonly LargeDirectory[]> {
  const { all, known, others } = yield* weigh(entries);
  const share = (weight: Weight): number => Math.max(weight.paths / all.paths, weight.bytes / Math.max(1, all.bytes));
  const large: LargeDirectory[] = [];
  for (const [base, dirs] of known) {
    const sum = [...dirs.values()].reduce(sumOf, NOTHING);
    const [first] = [...dirs].sort(([, a], [, b]) => share(b) - share(a));
    if (first === undefined || share(sum) < KNOWN_SHARE) continue;
    large.push({ name: first[0], count: dirs.size, ...sum, pattern: `${base}/`, hint: KNOWN.get(base) });
  }
  const isLarge = (weight: Weight): boolean =>
    share(weight) >= SHARE && (weight.paths >= MANY_PATHS || weight.bytes >= MANY_BYTES);
  const found = [...others].filter(([dir, weight]) => dir !== ROOT && isLarge(weight));
  const hasMostBelow = ([name, weight]: (typeof found)[number]): boolean =>
    found.some(([other, its]) => isBelow(other, name) && isMostOf(its, weight));
  const meant = found.filter((each) => !hasMostBelow(each));
  for (const [name, weight] of meant)
    if (!meant.some(([other]) => isBelow(name, other)))
      large.push({ name, count: 1, ...weight, pattern: patternOf(name), hint: undefined });
  return large.sort((a, b) => share(b) - share(a)).slice(0, NAMED);
}

const NOTHING: Weight = { paths: 0, bytes: 0 };

const sumOf = (a: Weight, b: Weight): Weight => ({ paths: a.paths + b.paths, bytes: a.bytes + b.bytes });

const isMostOf = (part: Weight, whole: Weight): boolean =>
  part.paths >= MOST_OF_IT * whole.paths && part.bytes >= MOST_OF_IT * whole.bytes;

interface Weighed {
  readonly all: Weight;
  /** The outermost directories of known names, by their name. */
  readonly known: ReadonlyMap<string, ReadonlyMap<Name, Weight>>;
  /** All other directories, without what is in those. */
  readonly others: ReadonlyMap<Name, Weight>;
}

/** How much is in each directory, and below it. */
function* weigh(entries: Entries): Steps<Weighed> {
  const own = new Map<Name, Weight>();
  let all = NOTHING;
  for (const [name, { size }] of entries) {
    yield;
    if (name === ROOT) continue;
    const one = { paths: 1, bytes: size };
    add(own, parentOf(name), one);
    all = sumOf(all, one);
  }
  const known = new Map<string, Map<Name, Weight>>();
  const others = new Map<Name, Weight>();
  for (const [dir, weight] of own) {
    yield;
    const way = dir === ROOT ? [] : [...ancestorsOf(dir), dir];
    const outermost = way.find((each) => KNOWN.has(baseOf(each)));
    if (outermost === undefined) for (const each of way) add(others, each, weight);
    else {
      const ofOneName = known.get(baseOf(outermost)) ?? new Map<Name, Weight>();
      add(ofOneName, outermost, weight);
      known.set(baseOf(outermost), ofOneName);
    }
  }
  return { all, known, others };
}

const add = (weights: Map<Name, Weight>, dir: Name, weight: Weight): void =>
  void weights.set(dir, sumOf(weights.get(dir) ?? NOTHING, weight));

/** Both rsync and .syncignore take it so. */
function patternOf(name: Name): string | undefined {
  const text: string = textOf(name);
  return text === looseTextOf(name) ? `${literalPattern(text)}/` : undefined;
}
