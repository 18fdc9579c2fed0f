import { statSync } from 'node:fs';
import { errnoOf, failed, type Result, success } from '../core/failure.js';
import { problemOfKind } from './kinds.js';
import { many, type Parsed, SEE_HELP, usage, type Values } from './parsed.js';
import { expandHome } from './places.js';
import type { Row, ValueKind } from './row.js';
import { type OptionName, ROWS } from './table.js';

type ValueOf<Kind extends ValueKind> = Kind extends { kind: 'flag' }
  ? boolean
  : Kind extends { kind: 'number' }
    ? number
    : Kind extends { kind: 'texts' }
      ? readonly string[]
      : Kind extends { kind: 'choice'; of: ReadonlyArray<infer Choice> }
        ? Choice
        : Kind extends { kind: 'hook' }
          ? string | Readonly<Record<string, string>>
          : Kind extends { kind: 'targets' }
            ? Readonly<Record<string, string>>
            : string | (Kind extends { orNone: true } ? false : never);

/** Each option's value, of the kind that its row says; undefined where it was not given and has no default there. */
export type OptionValues = {
  readonly [Name in OptionName]: (typeof ROWS)[Name]['value'] extends infer Kind extends ValueKind
    ? ValueOf<Kind> | (Kind extends { kind: 'texts' } | { byDefault: unknown } ? never : undefined)
    : never;
};

/** The values of these options, each checked by its row. */
export function readValues<Name extends OptionName>(
  parsed: Parsed,
  names: readonly Name[],
): Result<Pick<OptionValues, Name>> {
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const kind: ValueKind = ROWS[name].value;
    const problem = problemOf(name, kind, parsed[name]);
    if (problem !== undefined) return failed(usage(...problem));
    values[name] = kind.kind === 'texts' ? many(parsed[name] as Values) : (parsed[name] ?? defaultOf(kind));
  }
  for (const name of names) {
    const { conflicts = [] }: Row = ROWS[name];
    const found = conflicts.find(({ is, with: other, being }) => values[name] === is && being.includes(values[other]));
    if (found !== undefined) return failed(usage(found.says));
  }
  return success(values as Pick<OptionValues, Name>); // each is of its kind by now
}

const defaultOf = (kind: ValueKind): unknown => ('byDefault' in kind ? kind.byDefault : undefined);

/** What is wrong with a value, and what to do. */
function problemOf(name: string, kind: ValueKind, value: unknown): readonly [string, string] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && kind.kind !== 'texts') return [`--${name} was given more than once`, SEE_HELP];
  if (value === false && kind.kind !== 'flag')
    return kind.kind === 'text' && kind.orNone === true ? undefined : [`--no-${name} makes no sense`, SEE_HELP];
  if (kind.kind === 'number' && !isWithin(kind, value)) return [`--${name} takes ${rangeInWords(kind)}`, SEE_HELP];
  const problem = problemOfKind(kind, value);
  if (problem !== undefined) return [`--${name} ${problem}`, SEE_HELP];
  if (kind.kind !== 'text' && kind.kind !== 'texts') return undefined;
  for (const text of many(value as Values)) {
    const wrong = kind.check?.(text, name);
    if (wrong !== undefined) return wrong;
    const noFile = kind.isFile === true ? problemOfFile(text) : undefined;
    if (noFile !== undefined) return [`--${name}: ${noFile[0]}`, noFile[1]];
  }
  return undefined;
}

function problemOfFile(path: string): readonly [string, string] | undefined {
  try {
    const isFile = statSync(expandHome(path), { throwIfNoEntry: false })?.isDirectory() === false;
    return isFile ? undefined : [`there is no file ${path}`, 'Check the spelling.'];
  } catch (error) {
    return [`${path} can't be looked at (${errnoOf(error)})`, 'Check its rights.'];
  }
}

type NumberKind = Extract<ValueKind, { kind: 'number' }>;

/** Whole, unless it is said `what` else it may be. */
const isWithin = ({ from, to, what }: NumberKind, value: unknown): boolean =>
  typeof value === 'number' && (what !== undefined || Number.isInteger(value)) && value >= from && value <= to;

function rangeInWords({ from, to, what = 'a whole number', nought }: NumberKind): string {
  if (to === Number.MAX_SAFE_INTEGER) return `${what} from ${from} on`;
  return `${what} from ${from}${nought === undefined ? '' : ` (${nought})`} to ${to}`;
}
