import { isObject } from '../core/json.js';
import type { ValueKind } from './row.js';

const EMPTY = 'must not be empty';

/** What is wrong with a value of this kind, in words that may follow the option's name. */
export function problemOfKind(kind: ValueKind, value: unknown): string | undefined {
  switch (kind.kind) {
    case 'flag':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'number':
      return typeof value === 'number' ? undefined : 'must be a number';
    case 'text':
      return typeof value !== 'string' ? 'must be a text' : value === '' ? EMPTY : undefined;
    case 'texts': {
      if (typeof value !== 'string' && !isTexts(value)) return 'must be a text or a list of texts';
      return value === '' || (value.includes('') && typeof value !== 'string') ? EMPTY : undefined;
    }
    case 'choice':
      if (kind.off !== undefined && typeof value === 'boolean') return undefined;
      return kind.of.some((each) => each === value) ? undefined : `must be one of ${kind.of.join(', ')}`;
    case 'hook':
      return typeof value === 'string' || isTextByText(value)
        ? undefined
        : 'must be a command, or an object of patterns with a command for each';
    case 'targets':
      return isTextByText(value) ? undefined : 'must be an object of names with a target for each';
  }
}

/** What a text in the environment stands for. Lists have one value a line. Not yet checked. */
export function fromText(kind: ValueKind, text: string): unknown {
  switch (kind.kind) {
    case 'flag':
      return /^(1|true|yes|on)$/i.test(text) ? true : /^(0|false|no|off)$/i.test(text) ? false : text;
    case 'number':
      return numberFrom(text);
    case 'choice':
      return kind.off === undefined ? text : fromText({ kind: 'flag' }, text);
    case 'texts':
      return text.split('\n').filter((line) => line !== '');
    case 'text':
    case 'hook':
    case 'targets':
      return text;
  }
}

/** Whether there is a `--no-…` of it. */
export const canBeOff = (kind: ValueKind): boolean =>
  kind.kind === 'flag' ||
  (kind.kind === 'text' && kind.orNone === true) ||
  (kind.kind === 'choice' && kind.off !== undefined);

/** A number as people write it, not all that JavaScript takes for one; what is none is left as it is. */
export const numberFrom = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

export const isTextByText = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && isTexts(Object.values(value));
