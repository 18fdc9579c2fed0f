import type { Failure } from '../core/failure.js';

/** An option's value as yargs-parser gives it: an array where it was given twice. */
export type Values = string | readonly string[] | undefined;

/** What the words of a command line say. An option given twice is an array. */
export interface Parsed {
  readonly _: ReadonlyArray<string | number>;
  readonly '--'?: readonly string[];
  readonly [option: string]: unknown;
}

/** Where to read on about a command, or about syncwatch itself. */
export const seeHelp = (command?: string): string =>
  `See syncwatch ${command === undefined ? '' : `${command} `}--help.`;

export const SEE_HELP = seeHelp();

/** A failure of the command line. */
export const usage = (message: string, hint = SEE_HELP): Failure => ({ kind: 'usage', message, hint });

/** The values of an option that may be repeated. */
export const many = (value: Values): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;
