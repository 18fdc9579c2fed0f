import { problemOfKind } from './kinds.js';
import { many, type Parsed, type Values } from './parsed.js';
import { rowOf, settingKind } from './table.js';

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
      const kind = rowOf(key)?.value;
      const sources = kind?.kind === 'texts' ? kind.sources : 'firstCounts';
      if (sources === 'all') all[key] = [...many(all[key] as Values), ...many(value as Values)];
      else if (sources === 'firstCounts') all[key] ??= value;
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
  const kind = settingKind(key);
  return kind === undefined ? 'is not known' : problemOfKind(kind, value);
}
