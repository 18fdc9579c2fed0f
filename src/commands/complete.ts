import { joined, own, type Printable } from '../core/printable.js';
import { RSYNC_OPTIONS } from '../core/rsync/options.js';
import { canBeOff } from '../options/kinds.js';
import type { Row } from '../options/row.js';
import { readSoFar } from '../options/words.js';
import { COMMANDS, type CommandName, commandNamed, commandNames, commandOf } from './table.js';

/** One word that a shell may offer, and what it is. `isOpen`: more is to be written, so no blank after it. */
export interface Offer {
  readonly word: string;
  readonly about?: string;
  readonly isOpen?: true;
}

/** What a shell offers for the word that is being written: these, and what it knows of files itself. */
export interface Offers {
  readonly words: readonly Offer[];
  readonly files: 'none' | 'files' | 'directories';
  /** What stands before it in the same word: `--to=`. */
  readonly prefix: string;
}

/** What has to be looked for, each only where it is asked for. */
export interface LookFor {
  /** The names of targets in the nearest settings. */
  readonly targetNames: () => readonly string[];
  /** The hosts that the user's ssh knows. `sshConfig`: the file in the place of theirs. */
  readonly hosts: (sshConfig: string | undefined) => readonly string[];
  /** The directories there below what is written, where a connection is open already. */
  readonly directoriesThere: (to: string, sshConfig: string | undefined) => Promise<readonly string[]>;
}

/**
 * What may be offered for the last one of these words, which stand after `syncwatch`: the last is the beginning of the word that is
 * written. Nothing is done but looking.
 */
export async function complete(words: readonly string[], lookFor: LookFor): Promise<Offers> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const name = commandNamed(before[0]);
  const command = commandOf(name);
  const soFar = readSoFar(name === undefined ? before : before.slice(1), command.options);
  const rows = new Map<string, Row>(Object.entries(command.options));
  if (soFar.isAfterEnd) {
    if (command.rest?.isNeeded === true) return { words: [], files: 'files', prefix: '' };
    return offered(command.rest === undefined ? [] : rsyncOptions(), current);
  }
  const pending = soFar.pending === undefined ? undefined : rows.get(soFar.pending);
  const sshConfig = textOf(soFar.values['ssh-config']);
  if (pending !== undefined) return valueOffers(pending, current, sshConfig, lookFor);
  const [, prefix = '', option = '', value = ''] = /^(--([\w-]+)=)(.*)$/s.exec(current) ?? [];
  const row = rows.get(option);
  if (row !== undefined) return { ...(await valueOffers(row, value, sshConfig, lookFor)), prefix };
  if (current.startsWith('-')) return offered(optionOffers(name, rows, soFar.given), current);
  return positionalOffers(name, before.length === 0, soFar.positional.length, current);
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const offered = (all: readonly Offer[], current: string): Offers => ({
  words: all.filter(({ word }) => word.startsWith(current)),
  files: 'none',
  prefix: '',
});

/** The options that are not there yet, or may be repeated. */
function optionOffers(
  name: CommandName | undefined,
  rows: ReadonlyMap<string, Row>,
  given: readonly string[],
): readonly Offer[] {
  const left = [...rows].filter(([each, { value }]) => value.kind === 'texts' || !given.includes(each));
  return [
    ...left.flatMap(([each, row]): Offer[] => {
      const about = row.describe;
      const hasOff = row.value.kind === 'flag' ? row.value.byDefault !== false : canBeOff(row.value);
      return [{ word: `--${each}`, about }, ...(hasOff ? [{ word: `--no-${each}`, about }] : [])];
    }),
    { word: '--help', about: 'what it does, and its options' },
    ...(name === undefined ? [{ word: '--version', about: 'the version' }] : []),
  ];
}

async function valueOffers(
  { value }: Row,
  current: string,
  sshConfig: string | undefined,
  lookFor: LookFor,
): Promise<Offers> {
  if (value.kind === 'choice')
    return offered(
      value.of.map((word) => ({ word })),
      current,
    );
  if (value.kind !== 'text' && value.kind !== 'texts') return offered([], current);
  if (value.completes === 'targets') {
    const names = lookFor.targetNames().map((word): Offer => ({ word, about: 'named in the settings' }));
    return value.path === undefined ? offered(names, current) : placeOffers(names, current, sshConfig, lookFor);
  }
  return { words: [], files: value.path === undefined && value.completes === undefined ? 'none' : 'files', prefix: '' };
}

/** A target: its name, a host, a directory there, or one here. */
async function placeOffers(
  names: readonly Offer[],
  current: string,
  sshConfig: string | undefined,
  lookFor: LookFor,
): Promise<Offers> {
  if (/^[^/]*:/.test(current)) {
    const there = await lookFor.directoriesThere(current, sshConfig);
    return offered(
      there.map((word): Offer => ({ word, isOpen: true })),
      current,
    );
  }
  const user = /^[^/@]*@/.exec(current)?.[0] ?? '';
  const hosts = lookFor.hosts(sshConfig).map(
    (host): Offer => ({
      word: `${user}${host.includes(':') ? `[${host}]` : host}:`,
      about: 'host',
      isOpen: true,
    }),
  );
  return { ...offered([...names, ...hosts], current), files: 'directories' };
}

function positionalOffers(name: CommandName | undefined, isFirst: boolean, already: number, current: string): Offers {
  const commands = commandNames().map((word): Offer => ({ word, about: COMMANDS[word].summary }));
  const { positional } = commandOf(name);
  if (positional === undefined || already > 0) return offered([], current);
  switch (positional.name) {
    case 'COMMAND':
      return offered(commands, current);
    case 'SHELL':
      return offered(
        SHELLS.map((word) => ({ word })),
        current,
      );
    case 'FILE':
      return { words: [], files: 'files', prefix: '' };
    case 'DIR':
      return { ...offered(isFirst ? commands : [], current), files: 'directories' };
  }
}

/** The shells that there are scripts for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** What may follow the `--` of a sync. */
const rsyncOptions = (): readonly Offer[] =>
  RSYNC_OPTIONS.filter(({ use }) => use.kind === 'allowed').flatMap(({ names }) =>
    names.filter((each) => each.startsWith('--')).map((word) => ({ word })),
  );

/**
 * For the script of a shell: in the first line what it is to add of files, and what stands before; then an offer a line, with what
 * it is after a tab, and a `+` first where no blank is to follow. Names that would take more than their line are left out.
 */
export const written = ({ words, files, prefix }: Offers): Printable =>
  joined(
    own`${files}\t${prefix}\n`,
    ...words
      .filter(({ word }) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(word))
      .map(({ word, about = '', isOpen }) => own`${isOpen === true ? '+' : ' '}${prefix + word}\t${firstOf(about)}\n`),
  );

/** As much of what it is as stands on a line. */
const firstOf = (about: string): string => about.split('; ')[0] ?? '';
