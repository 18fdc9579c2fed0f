import { failed, type Result, success } from '../core/failure.js';
import { contradiction } from './layer.js';
import { oddValue } from './odd-value.js';
import { many, type Parsed, usage, type Values } from './parsed.js';
import type { ValueKind } from './row.js';
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
  const odd = oddValue(parsed, Object.fromEntries(names.map((name) => [name, ROWS[name]])));
  if (odd !== undefined) return failed(odd);
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const kind: ValueKind = ROWS[name].value;
    values[name] = kind.kind === 'texts' ? many(parsed[name] as Values) : valueOrDefault(kind, parsed[name]);
  }
  const clash = contradiction(parsed) ?? contradiction(values);
  if (clash !== undefined) return failed(usage(clash));
  return success(values as Pick<OptionValues, Name>); // each is of its kind by now
}

function valueOrDefault(kind: ValueKind, value: unknown): unknown {
  if (value === undefined || (value === true && kind.kind === 'choice')) return defaultOf(kind);
  return value === false && kind.kind === 'choice' ? kind.off : value;
}

const defaultOf = (kind: ValueKind): unknown => ('byDefault' in kind ? kind.byDefault : undefined);
