import parse from 'yargs-parser';
import { canBeOff, numberFrom } from './kinds.js';
import type { Parsed } from './parsed.js';
import type { Row } from './row.js';

/** What has to be known of an option to read it. */
export type Spelling = Pick<Row, 'value' | 'alias'>;
export type Spellings = Readonly<Record<string, Spelling>>;

/** A command line, read but for what its values mean. */
export interface Words {
  readonly flags: Parsed;
  /** The options in the order in which they stand there: for patterns that decides. */
  readonly order: readonly string[];
}

/** What is wrong with how a word is spelled. `option`: as it was written, without its value. */
export type Mistake =
  /** `within`: the letters together that it is one of. */
  | { readonly kind: 'unknown'; readonly option: string; readonly within?: string }
  /** `next`: the word that may have been meant as the value. */
  | { readonly kind: 'noValue'; readonly option: string; readonly name: string; readonly next: string | undefined }
  | { readonly kind: 'valueOfFlag'; readonly option: string; readonly value: string }
  /** There is nothing that could be turned off. */
  | { readonly kind: 'noOff'; readonly option: string; readonly name: string };

/** What a command line asks for: what its words say, or a text in their place. */
export type ReadWords =
  | { readonly kind: 'words'; readonly words: Words }
  | { readonly kind: 'help'; readonly isAll: boolean }
  | { readonly kind: 'version' }
  | { readonly kind: 'mistake'; readonly mistake: Mistake };

/** Every command has these. */
const ALWAYS: Spellings = {
  help: { value: { kind: 'choice', of: ['all'], byDefault: '' }, alias: 'h' },
  version: { value: { kind: 'flag' } },
};

/**
 * Reads the words of any command, as getopt_long(3) does: `--name value`, `--name=value`, letters together, of which one that takes a
 * value takes the rest (`-p22`) or the next word; nothing is an option after `--`. Long names are not to be shortened. A value that
 * looks like an option has to be written with `=`. First each word is spelled out, so that what is wrong can be said of it as
 * it was written; yargs-parser then makes values of them.
 */
export function readWords(argv: readonly string[], rows: Spellings): ReadWords {
  const { spelt, order, mistake, help, isVersion, rest } = spell(argv, rows);
  if (help !== undefined) return { kind: 'help', isAll: help === 'all' };
  if (mistake !== undefined) return { kind: 'mistake', mistake };
  if (isVersion) return { kind: 'version' };
  return { kind: 'words', words: { flags: { ...valuesOf(spelt, rows), '--': rest ?? [] }, order } };
}

/** What stands on a command line that is still being written. */
export interface SoFar {
  /** The options that are there. */
  readonly given: readonly string[];
  /** What stands beside them. */
  readonly positional: readonly string[];
  /** The option whose value comes next. */
  readonly pending: string | undefined;
  /** Whether the `--` is there. */
  readonly isAfterEnd: boolean;
  /** What the options that take one have been given, as texts. */
  readonly values: Parsed;
}

/** Reads as much of a command line as is written; nothing in it is too odd for that. */
export function readSoFar(argv: readonly string[], rows: Spellings): SoFar {
  const { spelt, order, pending, rest } = spell(argv, rows);
  const values = valuesOf(spelt, rows);
  return { given: order, positional: values._.map(String), pending, isAfterEnd: rest !== undefined, values };
}

/** Words that are spelled out: `--name=value` each, and what stands beside them. */
interface Spelt {
  readonly spelt: readonly string[];
  readonly order: readonly string[];
  readonly mistake: Mistake | undefined;
  readonly help: string | undefined;
  readonly isVersion: boolean;
  readonly pending: string | undefined;
  readonly rest: readonly string[] | undefined;
}

function spell(argv: readonly string[], rows: Spellings): Spelt {
  const names = new Map(Object.entries({ ...rows, ...ALWAYS }));
  const spelt: string[] = [];
  const order: string[] = [];
  const end = argv.indexOf('--');
  let mistake: Mistake | undefined;
  let help: string | undefined;
  let isVersion = false;
  let pending: string | undefined;
  const take = (name: string, value: string | boolean): void => {
    if (name === 'help') help = value === 'all' ? 'all' : '';
    else if (name === 'version') isVersion = true;
    else spelt.push(value === false && names.get(name)?.value.kind !== 'flag' ? `--no-${name}` : `--${name}=${value}`);
    order.push(name);
  };
  /** What it is without a value: where the next word is none. */
  const bareOf = (name: string, next: string | undefined): string | undefined => {
    const kind = names.get(name)?.value;
    return kind?.kind === 'choice' && !kind.of.some((each) => each === next) ? kind.bare : undefined;
  };
  let at = 0;
  /** The value of an option that takes one: what follows it in the same word, or the next word. */
  const takeValue = (name: string, option: string, given: string | undefined): void => {
    const next = argv[at + 1];
    const bare = bareOf(name, at + 1 === end ? undefined : next);
    if (name === 'help' && given !== undefined && given !== 'all')
      mistake ??= { kind: 'valueOfFlag', option, value: given };
    else if (given !== undefined) take(name, given);
    else if (name === 'help') take(name, '');
    else if (bare !== undefined) take(name, bare);
    else if (next === undefined || at + 1 === end || /^--?[a-z]/i.test(next)) {
      mistake ??= { kind: 'noValue', option, name, next: at + 1 === end ? undefined : next };
      if (next === undefined) pending = name;
    } else {
      take(name, next);
      at++;
    }
  };
  for (; at < argv.length && at !== end; at++) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-') || word === '-') spelt.push(word);
    else if (word.startsWith('--')) readLong(word);
    else readLetters(word);
  }
  const rest = end < 0 ? undefined : argv.slice(end + 1);
  return { spelt, order, mistake, help, isVersion, pending, rest };

  function readLong(word: string): void {
    const [option = '', name = '', value] = /^(--([^=]*))(?:=(.*))?$/s.exec(word)?.slice(1) ?? [];
    const spelling = names.get(name);
    const off = name.startsWith('no-') ? names.get(name.slice('no-'.length)) : undefined;
    if (spelling?.value.kind === 'flag') {
      if (value === undefined || value === 'true' || (value === 'false' && name !== 'version'))
        take(name, value !== 'false');
      else mistake ??= { kind: 'valueOfFlag', option, value };
    } else if (spelling !== undefined) takeValue(name, option, value);
    else if (off === undefined) mistake ??= { kind: 'unknown', option };
    else if (off === ALWAYS['version'] || !canBeOff(off.value))
      mistake ??= { kind: 'noOff', option, name: name.slice('no-'.length) };
    else if (value !== undefined) mistake ??= { kind: 'valueOfFlag', option, value };
    else take(name.slice('no-'.length), false);
  }

  function readLetters(word: string): void {
    const letters = [...word.slice(1)];
    // A long name with one dash: as letters it would be something else.
    if (letters.length > 1 && names.has(word.slice(1))) mistake ??= { kind: 'unknown', option: word };
    for (const [i, letter] of letters.entries()) {
      const option = `-${letter}`;
      const [name, spelling] = [...names].find(([, { alias }]) => alias === letter) ?? [];
      const rest = letters.slice(i + 1).join('');
      if (name === undefined || spelling === undefined) {
        mistake ??= { kind: 'unknown', option, ...(letters.length > 1 ? { within: word } : {}) };
        return;
      }
      if (name === 'help') take(name, '');
      else if (spelling.value.kind !== 'flag') {
        takeValue(name, option, rest === '' ? undefined : rest.replace(/^=/, ''));
        return;
      } else if (rest.startsWith('=')) {
        mistake ??= { kind: 'valueOfFlag', option, value: rest.slice(1) };
        return;
      } else take(name, true);
    }
  }
}

/** What yargs-parser makes of words that are spelled out: booleans and texts, a list of an option that was given twice. */
function valuesOf(spelt: readonly string[], rows: Spellings): Parsed {
  const all = Object.entries(rows);
  const isFlag = ([, { value }]: (typeof all)[number]): boolean => value.kind === 'flag';
  const { '--': _none, ...values } = parse([...spelt], {
    boolean: all.filter(isFlag).map(([name]) => name),
    string: all.filter((each) => !isFlag(each)).map(([name]) => name),
    configuration: {
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    },
  });
  const numbers = all.filter(([, { value }]) => value.kind === 'number').map(([name]) => name);
  return { ...values, ...Object.fromEntries(numbers.map((name) => [name, numberFrom(values[name])])) };
}
