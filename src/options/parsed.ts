import leven from 'leven';
import type { Failure } from '../core/failure.js';

/** An option's value as yargs gives it: an array where it was given twice. */
export type Values = string | readonly string[] | undefined;

/** What yargs leaves after its own checks. An option given twice is an array. */
export interface Parsed {
  readonly _: ReadonlyArray<string | number>;
  readonly '--'?: readonly string[];
  readonly [option: string]: unknown;
}

export const SEE_HELP = 'See syncwatch --help.';
/** A failure of the command line. */
export const usage = (message: string, hint = SEE_HELP): Failure => ({ kind: 'usage', message, hint });

/** The values of an option that may be repeated. */
export const many = (value: Values): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** What was meant by a misspelled word; undefined where nothing comes close. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const [best] = known.map((name) => ({ name, distance: leven(word, name) })).sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance < word.length && best.distance <= Math.max(2, word.length / 3)
    ? best.name
    : undefined;
}
