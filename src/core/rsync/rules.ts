import { type Name, parentOf, ROOT } from '../name.js';
import type { Steps } from '../steps.js';

/** Pattern rules as a full pass tells them to rsync: `+ PATTERN` or `- PATTERN`, one character per byte. */
export interface RsyncRules {
  /** Those before and those after what is excluded by name. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** One excluded name of a walk, none of those below it. */
export interface Excluded {
  /** An anchored pattern that matches exactly this name. */
  readonly pattern: string;
  /** rsync excludes it by itself where it is told the rules. */
  readonly isRsyncs: boolean;
}

/** rsync holds each name against each rule (70 ns; 10,000 rules: 0.7 ms a name); with fewer, that is no time to speak of. */
const FEW = 1_000;

/** Whether rsync is told these rules whatever they exclude. */
export const areFew = (rules: RsyncRules | undefined): boolean => rules !== undefined && rules.before.length <= FEW;

/**
 * What rsync is told in a full pass, in order: the rules, and by name what they leave to us. Where there are many, or rsync
 * can't be told (undefined), it gets the names of all that is excluded instead.
 */
export function passRules(rules: RsyncRules | undefined, excluded: readonly Excluded[]): readonly string[] {
  const byName = ({ pattern }: Excluded): string => `- ${pattern}`;
  if (rules === undefined || !(areFew(rules) || rules.before.length <= excluded.length)) return excluded.map(byName);
  return [...rules.before, ...excluded.filter(({ isRsyncs }) => !isRsyncs).map(byName), ...rules.after];
}

/** An excluded name for {@link passRules}. */
export const excludedName = (name: string, isDir: boolean, isRsyncs: boolean): Excluded => ({
  pattern: `${literalPattern(name)}${isDir ? '/' : ''}`,
  isRsyncs,
});

/**
 * What a run that deletes by rules is told: these names are at its mercy, and nothing else is. `isDir`: it was surely brought as a
 * directory, and goes only where it is one there: something else is not ours. What was brought as a file may be a directory of ours by
 * now, if a run was cut off as it became one.
 */
export function* clearRules(names: Iterable<Name>, isDir: (name: Name) => boolean = () => false): Generator<string> {
  for (const name of names) if (name !== ROOT) yield `R ${literalPattern(name)}${isDir(name) ? '/' : ''}`;
  yield 'P *';
}

/** rsync takes no longer pattern, in bytes (MAXPATHLEN; that of macOS, for it may be there). */
const LONGEST_PATTERN = 1_000;

/** Whether a rule can be about this name, for every rsync. */
export const fitsRule = (name: Name): boolean =>
  name.length < LONGEST_PATTERN / 2 || literalPattern(name).length < LONGEST_PATTERN;

/**
 * So many names at most go by the rules of one run: rsync holds each name against the rules before its own, so that twice as many take
 * four times as long (10 ns a pair: 8,000 names 0.3 s, 33,000 names 5 s), while each run takes 0.3 s of its own (its login there, and what we do).
 */
const MOST_RULES = 8_000;

/**
 * The runs in which rules reach all of these names, in order; what a directory holds never goes in a later one than the directory.
 */
export function* inRuns(names: Iterable<Name>, most = MOST_RULES): Steps<readonly (readonly Name[])[]> {
  const runs: (readonly Name[])[] = [];
  for (const reached of yield* inReach(names)) {
    if (reached.length <= most) {
      runs.push(reached);
      continue;
    }
    const deepestFirst = yield* contentsFirst(reached);
    for (let from = 0; from < deepestFirst.length; from += most) runs.push(deepestFirst.slice(from, from + most));
  }
  return runs;
}

/** In an order in which all that is below a directory comes right before the directory. */
function* contentsFirst(names: readonly Name[]): Steps<Name[]> {
  const goes = new Set(names);
  const tops: Name[] = [];
  const inside = new Map<Name, Name[]>();
  for (const name of names) {
    yield;
    const dir = parentOf(name);
    if (!goes.has(dir)) tops.push(name);
    else {
      const others = inside.get(dir);
      if (others === undefined) inside.set(dir, [name]);
      else others.push(name);
    }
  }
  // Read backwards: a directory before what it holds.
  const found: Name[] = [];
  const left = tops;
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    yield;
    found.push(name);
    for (const below of inside.get(name) ?? []) left.push(below);
  }
  return found.reverse();
}

/**
 * The names that rules reach together, those first that are below others. rsync looks into a directory that goes, but not into one below
 * it that is not among them: it would say nothing at all of what is in that, as of what is not there.
 */
export function* inReach(names: Iterable<Name>): Steps<readonly (readonly Name[])[]> {
  const goes = new Set(names);
  const byGaps: Name[][] = [];
  for (const name of goes) {
    yield;
    let gaps = 0;
    let isGap = false;
    for (let dir = parentOf(name); dir !== ROOT; dir = parentOf(dir)) {
      if (!goes.has(dir)) isGap = true;
      else if (isGap) {
        gaps++;
        isGap = false;
      }
    }
    (byGaps[gaps] ??= []).push(name);
  }
  return byGaps.reverse();
}

/** An anchored pattern that matches exactly this name (man rsync: a backslash escapes only where a wildcard is). */
export const literalPattern = (name: string): string =>
  `/${/[*?[]/.test(name) ? name.replace(/[\\*?[]/g, '\\$&') : name}`;
