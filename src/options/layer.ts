import { isObject } from '../core/json.js';
import { many, type Parsed, type Values } from './parsed.js';
import { JOINED, PATTERNS, SETTING_KEYS } from './table.js';

/** What one source other than the command line says: the environment, or a settings file. */
export interface Layer {
  /** For messages: `SYNCWATCH_… in the environment`, or the file's path. */
  readonly source: string;
  /** By the keys of {@link SETTING_KEYS}, each of its kind. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Everything that was given. */
export interface Given {
  /** The command line, with what it leaves open taken from the layers; the patterns and rsync's options are only its own. */
  readonly parsed: Parsed;
  /** For the order of the patterns. */
  readonly argv: readonly string[];
  /** The environment, then the settings file. */
  readonly layers: readonly Layer[];
}

/** Flags win over the environment, which wins over the file; of lists whose first match counts all parts are taken. */
export function join(flags: Parsed, argv: readonly string[], layers: readonly Layer[]): Given {
  const all: Record<string, unknown> = { ...flags };
  for (const { values } of layers) {
    for (const [key, value] of Object.entries(values)) {
      if (JOINED.includes(key)) all[key] = [...many(all[key] as Values), ...many(value as Values)];
      else if (key !== 'rsync-args' && !PATTERNS.some((list) => list === key)) all[key] ??= value;
    }
  }
  return { parsed: all as Parsed, argv, layers };
}

/** Which source other than the command line an option's value is from. */
export function sourceOf(flags: Parsed, layers: readonly Layer[], key: string): string | undefined {
  return flags[key] === undefined ? layers.find(({ values }) => values[key] !== undefined)?.source : undefined;
}

/** What is wrong with a value in the settings, in words. */
export function problemOf(key: string, value: unknown): string | undefined {
  const kind = SETTING_KEYS[key]?.value;
  switch (kind?.kind) {
    case undefined:
      return 'is not known';
    case 'flag':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'number':
      return typeof value === 'number' ? undefined : 'must be a number';
    case 'text':
      return typeof value === 'string' ? undefined : 'must be a text';
    case 'texts':
      return typeof value === 'string' || isTexts(value) ? undefined : 'must be a text or a list of texts';
    case 'choice':
      return kind.of.some((each) => each === value) ? undefined : `must be one of ${kind.of.join(', ')}`;
    case 'hook':
      return typeof value === 'string' || isTextByText(value)
        ? undefined
        : 'must be a command, or an object of patterns with a command for each';
    case 'targets':
      return isTextByText(value) ? undefined : 'must be an object of names with a target for each';
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

export const isTextByText = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && isTexts(Object.values(value));
