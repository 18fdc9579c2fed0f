import { type Name, parentOf, ROOT } from '../name.js';

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

/** What a run that deletes by rules is told: these names are at its mercy, and nothing else is. */
export function* clearRules(names: Iterable<Name>): Generator<string> {
  for (const name of names) if (name !== ROOT) yield `R ${literalPattern(name)}`;
  yield 'P *';
}

/**
 * The runs in which rules reach all of these names, in order. rsync looks into a directory that goes, but not into one below it that
 * is not among them: it would say nothing at all of what is in that, as of what is not there.
 */
export function inReach(names: Iterable<Name>): readonly (readonly Name[])[] {
  const goes = new Set(names);
  const byGaps: Name[][] = [];
  for (const name of goes) {
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
