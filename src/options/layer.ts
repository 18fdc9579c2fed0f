import { problemOfKind } from './kinds.js';
import { many, type Parsed, type Values } from './parsed.js';
import { rowOf, settingKind } from './table.js';
import type { Words } from './words.js';

/** What one source other than the command line says: the environment, or a settings file. */
export interface Layer {
  /** For messages: `SYNCWATCH_… in the environment`, or the file's path. */
  readonly source: string;
  /** By the names of options, each of its kind. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Everything that was given. */
export interface Given {
  /** The command line, with what it leaves open taken from the layers; the patterns and rsync's options are only its own. */
  readonly parsed: Parsed;
  /** The options of the command line in their order: for the patterns. */
  readonly order: readonly string[];
  /** The environment, then the settings file. */
  readonly layers: readonly Layer[];
}

/**
 * Flags win over the environment, which wins over the file, where they contradict each other in two options too (`--verbose` and
 * "quiet"); of lists whose first match counts all parts are taken.
 */
export function join({ flags, order }: Words, layers: readonly Layer[]): Given {
  const all: Record<string, unknown> = { ...flags };
  for (const { values } of layers) {
    const before = { ...all };
    for (const [key, value] of Object.entries(values)) {
      if (clashWith(key, value, before) !== undefined) continue;
      const kind = rowOf(key)?.value;
      const sources = kind?.kind === 'texts' ? kind.sources : 'firstCounts';
      if (sources === 'all') all[key] = [...many(all[key] as Values), ...many(value as Values)];
      else if (sources === 'firstCounts') all[key] ??= value;
    }
  }
  return { parsed: all as Parsed, order, layers };
}

/** Why an option can't be had together with one of these, in words that name both. */
function clashWith(name: string, value: unknown, others: Readonly<Record<string, unknown>>): string | undefined {
  if (value === undefined) return undefined;
  for (const [other, otherValue] of Object.entries(others)) {
    const says = clash(name, value, other, otherValue) ?? clash(other, otherValue, name, value);
    if (says !== undefined) return says;
  }
  return undefined;
}

function clash(name: string, value: unknown, other: string, otherValue: unknown): string | undefined {
  const found = rowOf(name)?.conflicts?.find(
    (each) =>
      each.with === other &&
      each.being.includes(otherValue) &&
      (each.is === undefined ? isGiven(value) : each.is === value),
  );
  return found && (found.says ?? `${spelled(name, value)} and ${spelled(other, otherValue)} can't go together`);
}

const isGiven = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0);

/** As it stands on the command line. */
const spelled = (name: string, value: unknown): string =>
  value === false ? `--no-${name}` : rowOf(name)?.value.kind === 'choice' ? `--${name} ${String(value)}` : `--${name}`;

/** Which two options contradict each other, in words. */
export function contradiction(values: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of Object.keys(values)) {
    const says = clashWith(name, values[name], values);
    if (says !== undefined) return says;
  }
  return undefined;
}

/** Which source other than the command line an option's value is from. */
export function sourceOf(flags: Parsed, layers: readonly Layer[], key: string): string | undefined {
  return flags[key] === undefined ? layers.find(({ values }) => values[key] !== undefined)?.source : undefined;
}

/** What is wrong with a value in the settings, in words. */
export function problemOf(key: string, value: unknown): string | undefined {
  const kind = settingKind(key);
  return kind === undefined ? 'is not known' : problemOfKind(kind, value);
}
