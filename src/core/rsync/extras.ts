import { type InRuns, type KnownOption, REMOTE_OPTIONS, RSYNC_OPTIONS } from './options.js';

/** An option that the user gave after the `--`, read as rsync would and allowed. */
export interface Extra {
  /** In its long form: `--xattrs`. */
  readonly name: string;
  readonly value: string | undefined;
  readonly runs: InRuns;
}

/** What became of the words after the `--`. `why`: in words that may follow the option's name. */
export type ReadExtras =
  | { readonly ok: true; readonly extras: readonly Extra[] }
  | { readonly ok: false; readonly why: string };

const BY_NAME: ReadonlyMap<string, KnownOption> = new Map(
  RSYNC_OPTIONS.flatMap((option) => option.names.map((name) => [name, option] as const)),
);

/** One option among the words, as popt(3) takes them apart. `written`: as the user wrote it. */
interface Given {
  readonly written: string;
  readonly option: KnownOption;
  readonly value: string | undefined;
}

/**
 * Reads the words after the `--` as rsync does, by the rules of its popt: `--name`, `--name=value`, `--name value`; letters
 * together (`-zX`), of which one that takes a value takes the rest (`-B700`, `-B=700`) or the next word, whatever that is.
 * Long names are not to be shortened. Refuses what is not allowed; what is left goes to rsync in its long form, so that
 * rsync gets what was judged.
 */
export function readExtras(words: readonly string[]): ReadExtras {
  const extras: Extra[] = [];
  for (let at = 0; at < words.length; ) {
    const read = readWord(words, at);
    if (typeof read === 'string') return { ok: false, why: read };
    for (const { written, option, value } of read.given) {
      if (option.use.kind === 'refused') return refused(written, option.use.why);
      const problem = value === undefined ? undefined : problemOf(option.name, value);
      if (problem !== undefined) return refused(written, problem);
      extras.push({ name: option.name, value, runs: option.use.runs });
    }
    at = read.next;
  }
  return { ok: true, extras };
}

/** Whether something is an option that may follow the `--`. */
export const isExtra = (option: string): boolean => BY_NAME.get(option)?.use.kind === 'allowed';

const refused = (written: string, why: string): ReadExtras => ({
  ok: false,
  why: `${written} can't be given to rsync: ${why}`,
});

/** Reads the option, or the letters together, at `words[at]`. A string says what is wrong. */
function readWord(words: readonly string[], at: number): { given: readonly Given[]; next: number } | string {
  const word = words[at] ?? '';
  if (!word.startsWith('-') || word === '-' || word === '--')
    return `${word === '' ? 'an empty word' : word} can't be given to rsync: only options of rsync may follow the --`;
  return word.startsWith('--') ? readLong(word, words, at) : readLetters(word, words, at);
}

function readLong(word: string, words: readonly string[], at: number): ReturnType<typeof readWord> {
  const [, name = '', , value] = /^(--[^=]*)(=(.*))?$/s.exec(word) ?? [];
  const option = BY_NAME.get(name);
  if (option === undefined) return unknown(name, name);
  if (!option.takesValue) return value === undefined ? one(name, option, undefined, at + 1) : takesNone(name);
  if (value !== undefined) return one(name, option, value, at + 1);
  return at + 1 < words.length ? one(name, option, words[at + 1], at + 2) : takesOne(name);
}

function readLetters(word: string, words: readonly string[], at: number): ReturnType<typeof readWord> {
  const given: Given[] = [];
  for (let i = 1; i < word.length; i++) {
    const letter = `-${word[i]}`;
    const written = word.length === 2 ? letter : `${letter} (in ${word})`;
    const option = BY_NAME.get(letter);
    if (option === undefined) return unknown(written, letter);
    const rest = word.slice(i + 1);
    if (!option.takesValue) {
      if (rest.startsWith('=')) return takesNone(written);
      given.push({ written, option, value: undefined });
      continue;
    }
    if (rest !== '') return { given: [...given, { written, option, value: rest.replace(/^=/, '') }], next: at + 1 };
    if (at + 1 >= words.length) return takesOne(written);
    return { given: [...given, { written, option, value: words[at + 1] }], next: at + 2 };
  }
  return { given, next: at + 1 };
}

const one = (written: string, option: KnownOption, value: string | undefined, next: number) => ({
  given: [{ written, option, value }],
  next,
});

const unknown = (written: string, option: string): string =>
  `${written} can't be given to rsync: ${
    /\s/.test(option)
      ? 'each option, and each value, is a word of its own ("rsync-args": ["-z", "-X"])'
      : "syncwatch knows no such option of rsync, so it can't tell what it would leave out"
  }`;
const takesNone = (written: string): string => `${written} can't be given to rsync: it takes no value`;
const takesOne = (written: string): string => `${written} can't be given to rsync: its value is missing`;

/** What is wrong with a value. Whether rsync knows what it means is for rsync to say, see probeHere. */
function problemOf(name: string, value: string): string | undefined {
  // popt(3) puts another word in its place (expandNextArg).
  if (value.includes('!#:+')) return `rsync would not take ${value} as it stands`;
  if (name === '--remote-option') return REMOTE_OPTIONS.includes(value) ? undefined : onlyThese(value);
  // It is for the shell there: more than one command would be run at places that rsync alone does not have.
  if (name === '--rsync-path' && (value.trim() === '' || /[;&|<>()`\n]/.test(value)))
    return 'name one program, with arguments of its own where it takes some: --rsync-path="sudo rsync"';
  return undefined;
}

const onlyThese = (value: string): string =>
  `of options for the other side alone only ${REMOTE_OPTIONS.join(', ')} work in full, not ${value}`;

/** What these options are to one run, as rsync takes them. */
export const extraArgs = (extras: readonly Extra[], isIn: (runs: InRuns) => boolean): string[] =>
  extras.filter(({ runs }) => isIn(runs)).map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));

/** The rsync command on the remote, where the user named one with `--rsync-path`. */
export const rsyncThere = (extras: readonly Extra[]): string => lastOf(extras, '--rsync-path')?.value ?? 'rsync';

/** Whether rsync compares contents (`--checksum`), which takes long without a word. */
export const comparesContents = (extras: readonly Extra[]): boolean =>
  lastOf(extras, '--checksum', '--no-checksum')?.name === '--checksum';

/**
 * Whether something goes along that neither type, size, time nor mode of a file shows: its owner, group, ACLs or extended
 * attributes. Each change of those moves its change time.
 */
export function carriesMore(extras: readonly Extra[]): boolean {
  const isOn = (on: readonly string[], off: string): boolean => on.includes(lastOf(extras, ...on, off)?.name ?? off);
  return (
    isOn(['--owner', '--usermap', '--chown'], '--no-owner') ||
    isOn(['--group', '--groupmap', '--chown'], '--no-group') ||
    isOn(['--acls'], '--no-acls') ||
    isOn(['--xattrs'], '--no-xattrs')
  );
}

const lastOf = (extras: readonly Extra[], ...names: readonly string[]): Extra | undefined =>
  extras.findLast(({ name }) => names.includes(name));
