import { statSync } from 'node:fs';
import { errnoOf, type Failure } from '../core/failure.js';
import { expandHome } from '../user-folders.js';
import { canBeOff, problemOfKind } from './kinds.js';
import { many, type Parsed, SEE_HELP, usage, type Values } from './parsed.js';
import type { Row, ValueKind } from './row.js';

/** The first of these options whose value is none that it takes. `see`: where to read on, if there is nothing better to say. */
export function oddValue(
  parsed: Parsed,
  rows: Readonly<Record<string, Pick<Row, 'value'>>>,
  see = SEE_HELP,
): Failure | undefined {
  for (const [name, { value }] of Object.entries(rows)) {
    const [message, hint = see] = problemOf(name, value, parsed[name]) ?? [];
    if (message !== undefined) return usage(message, hint);
  }
  return undefined;
}

/** What is wrong with a value, and what to do, where that can be said. */
function problemOf(name: string, kind: ValueKind, value: unknown): readonly [string, string?] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && kind.kind !== 'texts') return [`--${name} was given more than once`];
  if (value === false && kind.kind !== 'flag') return canBeOff(kind) ? undefined : [`--no-${name} makes no sense`];
  if (kind.kind === 'number' && !isWithin(kind, value)) return [`--${name} takes ${rangeInWords(kind)}`];
  const problem = problemOfKind(kind, value);
  if (problem !== undefined) return [`--${name} ${problem}`];
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
