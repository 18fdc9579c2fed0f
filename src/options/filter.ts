import { type Failure, failed, type Result, success } from '../core/failure.js';
import { Filter } from '../core/filter/filter.js';
import {
  addRule,
  addRulesFromFile,
  DEFAULT_EXCLUDES,
  describeSource,
  type RawRule,
  type RegexRule,
  type RuleSource,
} from '../core/filter/rule.js';
import { forEachFileSource, type PatternSource } from '../core/filter/sources.js';
import { literalPattern } from '../core/rsync/rules.js';
import { PATTERN_LINES, PATTERNS_LIMIT, readChecked } from '../read-checked.js';
import { readIgnoreFile } from '../rules/ignore-file.js';
import { TimedRegexes } from '../rules/regexes.js';
import { expandHome } from '../user-folders.js';
import type { Given } from './layer.js';
import { many, usage, type Values } from './parsed.js';
import type { Row } from './row.js';
import { namesOf, type OptionName, ROWS } from './table.js';
import type { Words } from './words.js';

/** The filter: the rules of the command line in its order, and of the files in DIR. */
export function filterFrom({ parsed, order, layers }: Given, root: string, trash: string | undefined): Result<Filter> {
  const rules: RawRule[] = [];
  const fromArgs = addPatterns(rules, parsed, patternsIn(order), (option) => ({
    kind: 'option',
    option: `--${option}`,
  }));
  if (fromArgs !== undefined) return failed(fromArgs);
  for (const { source, values } of layers) {
    // In no order of their own: what is brought back comes first, or it would be in vain.
    const early = BROUGHT_BACK_FIRST.flatMap((option) => many(values[option] as Values).map(() => option));
    const problem = addPatterns(rules, values, early, (option) => ({ kind: 'settings', key: option, source }));
    if (problem !== undefined) return failed(problem);
  }
  // What is in the trash is not ours to touch, whatever the other rules say.
  if (trash !== undefined)
    rules.unshift({ action: 'exclude', pattern: literalPattern(latin1(trash)), source: { kind: 'trash' } });
  const regexes = many(parsed['exclude-regex'] as Values).map(
    (text): RegexRule => ({ text, source: { kind: 'option', option: '--exclude-regex' } }),
  );
  const defaults = parsed['default-excludes'] === false ? [] : DEFAULT_EXCLUDES;
  const files = forEachFileSource((source) => readIgnoreFile(root, source));
  const unread = Object.values(files).find((file) => !file.ok);
  if (unread !== undefined) return unread;
  const timed = TimedRegexes.create(regexes);
  if (!timed.ok) return timed;
  /** Each source has to be here. */
  const patterns: Readonly<Record<PatternSource, readonly RawRule[]>> = {
    user: rules,
    ...forEachFileSource((source) => {
      const file = files[source];
      return file.ok ? file.value : [];
    }),
    defaults: defaults.map((pattern): RawRule => ({ action: 'exclude', pattern, source: { kind: 'default' } })),
  };
  return Filter.create({ ...patterns, regexes: timed.value });
}

/** Which kind of pattern an option takes; undefined: none. */
const patternOf = ({ value }: Row) => (value.kind === 'texts' ? value.pattern : undefined);

const PATTERNS = namesOf((row) => patternOf(row) !== undefined);
const BROUGHT_BACK_FIRST = [
  ...PATTERNS.filter((option) => patternOf(ROWS[option]) === 'include'),
  ...PATTERNS.filter((option) => patternOf(ROWS[option]) !== 'include'),
];

/** Adds the patterns in `values`, in the order of the options. Gives what is wrong with a file of them. */
function addPatterns(
  rules: RawRule[],
  values: Readonly<Record<string, unknown>>,
  order: readonly OptionName[],
  sourceOf: (option: OptionName) => RuleSource,
): Failure | undefined {
  const left = new Map(PATTERNS.map((option): [OptionName, string[]] => [option, [...many(values[option] as Values)]]));
  for (const option of order) {
    const value = left.get(option)?.shift();
    if (value === undefined) continue;
    const kind = patternOf(ROWS[option]);
    if (kind !== 'file') {
      addRule(rules, kind ?? 'exclude', latin1(value), sourceOf(option));
      continue;
    }
    const read = readChecked(expandHome(value), { limit: PATTERNS_LIMIT, lines: PATTERN_LINES });
    if (read.kind !== 'read') {
      const why = read.kind === 'missing' ? 'is not there' : read.why;
      return usage(`--exclude-from ${value} can't be read: it ${why}`, 'Name a file that you may read.');
    }
    addRulesFromFile(rules, value, read.bytes.toString('latin1'));
  }
  return undefined;
}

/** Patterns as the settings have them, by option. `copied`: the files whose patterns are among them by now. */
export interface PatternsKept {
  readonly values: Readonly<Partial<Record<OptionName, readonly string[]>>>;
  readonly copied: readonly string[];
}

/**
 * The patterns of a command line for the settings, where they decide the same. There includes come first and files of patterns
 * last; those of another order become one list of excludes, in which `+ ` brings back (see {@link addRule}), together with what is in
 * the files that others follow.
 */
export function patternsKept({ flags, order: all }: Words): Result<PatternsKept> {
  const order = patternsIn(all);
  const early = order.slice(0, order.findLastIndex((option) => patternOf(ROWS[option]) !== 'file') + 1);
  const isInOrder = /^(include )*(exclude )*$/.test(early.map((option) => `${patternOf(ROWS[option])} `).join(''));
  if (isInOrder) return success({ values: {}, copied: [] });
  const rules: RawRule[] = [];
  const problem = addPatterns(rules, flags, early, (option) => ({ kind: 'option', option: `--${option}` }));
  if (problem !== undefined) return failed(problem);
  const exclude: string[] = [];
  for (const { action, pattern, source } of rules) {
    const text = Buffer.from(pattern, 'latin1').toString('utf8');
    if (latin1(text) !== pattern)
      return failed(usage(`${describeSource(source)} is no UTF-8, which settings can't hold`, 'Give that file last.'));
    const isPlain = action === 'exclude' && !/^[-+] |^!$/.test(text);
    exclude.push(isPlain ? text : `${action === 'include' ? '+' : '-'} ${text}`);
  }
  const values: Partial<Record<OptionName, readonly string[]>> = { exclude };
  const copied: string[] = [];
  for (const option of PATTERNS) {
    const kind = patternOf(ROWS[option]);
    const given = many(flags[option] as Values);
    const count = early.filter((each) => each === option).length;
    if (kind === 'file') copied.push(...given.slice(0, count));
    if (kind !== 'exclude') values[option] = given.slice(count);
  }
  return success({ values, copied });
}

/** A text with one character for each of its bytes, as patterns are. */
export const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Of the options of a command line those that are patterns, in their order. */
const patternsIn = (order: readonly string[]): readonly OptionName[] =>
  order.flatMap((name) => PATTERNS.filter((option) => option === name));
