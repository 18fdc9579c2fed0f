import type { Command } from '../options/command.js';
import { CONTROLS } from '../options/controls.js';
import type { Row } from '../options/row.js';
import { isFlag, isSetting, namesOf, ROWS } from '../options/table.js';

/** The options like this, with their rows. */
const rowsOf = (isOne: (row: Row, name: string) => boolean): Readonly<Record<string, Row>> =>
  Object.fromEntries(namesOf(isFlag).flatMap((name) => (isOne(ROWS[name], name) ? [[name, ROWS[name]]] : [])));

const DIR = { name: 'DIR', describe: 'the directory to sync; by default the one you are in' } as const;

/** They say what to sync just now, which is not what doctor is asked. */
const DOES: readonly string[] = ['once', 'dry-run', 'why', 'initial', 'take-over'];

/** What syncwatch does where no command is named. */
const MAIN: Command = {
  summary: 'keep HOST:PATH the same as DIR for as long as it runs',
  positional: DIR,
  rest: {
    name: 'RSYNC-ARGS',
    describe: 'more options for rsync, for example -- --numeric-ids -X',
    isNeeded: false,
  },
  options: rowsOf(() => true),
  about: [
    'PATH is as in rsync: relative to the login directory unless it begins with /. A path without HOST: is a directory on this machine; a name from the settings is what it stands for.',
    'Every option that is not for the moment may be in syncwatch.json (in DIR or above) too, or in SYNCWATCH_… in the environment. Settings that you have not written with syncwatch init are obeyed after you have said yes: syncwatch allow.',
  ],
  examples: [
    ['syncwatch --to server:project', 'keep ~/project there the same as here'],
    ['syncwatch --to me@host:/srv/app src -x "*.log"', 'only src, without logs'],
  ],
};

const OFF = { kind: 'flag', byDefault: false } as const;

/** The commands, in the order of `--help`. What each does is in begin.ts, by its name. */
export const COMMANDS = {
  init: {
    summary: 'ask where to, try it, write syncwatch.json',
    positional: DIR,
    rest: { name: 'RSYNC-ARGS', describe: 'more options for rsync, which are written too', isNeeded: false },
    options: rowsOf(isSetting),
    about: ['Writes the options that are given into syncwatch.json in DIR, and prints targets for a Makefile.'],
    examples: [['syncwatch init --to me@host:app -x "*.log"', 'from then on plain syncwatch is enough']],
  },
  doctor: {
    summary: 'say what is wrong, here and there, and what to do',
    positional: DIR,
    rest: { name: 'RSYNC-ARGS', describe: 'more options for rsync, which are tried too', isNeeded: false },
    options: rowsOf((_row, name) => !DOES.includes(name)),
    about: ['Takes the options that a sync is to have. Nothing is changed, here or there.'],
    examples: [['syncwatch doctor --to me@host:app', 'before the first sync']],
  },
  ...CONTROLS,
  allow: {
    summary: 'show what a settings file makes happen, and allow it',
    positional: {
      name: 'FILE',
      describe: 'by default the nearest syncwatch.json, or package.json with "syncwatch", here or above',
    },
    options: {
      revoke: { value: OFF, where: 'commandLine', describe: 'take it back: it is asked about again', power: 'none' },
    },
    about: ['The yes holds until the file says something else.'],
  },
  completion: {
    summary: 'print what makes Tab complete in bash, zsh or fish',
    positional: { name: 'SHELL', describe: 'bash, zsh or fish; by default that of $SHELL' },
    options: {},
    about: [
      'Tab completes and does nothing else: it never logs in, and reads only settings, your ssh config and known_hosts, and what an ssh connection that is open already says.',
    ],
    examples: [
      ['eval "$(syncwatch completion bash)"', 'in ~/.bashrc'],
      ['eval "$(syncwatch completion zsh)"', 'in ~/.zshrc, after compinit'],
      ['syncwatch completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
  },
  help: {
    summary: 'say what a command does, and its options',
    positional: { name: 'COMMAND', describe: 'by default syncwatch itself' },
    options: {
      all: {
        value: OFF,
        where: 'commandLine',
        describe: 'all options of syncwatch, not only the common ones',
        power: 'none',
      },
    },
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof COMMANDS;

/** Their rows by name, for a name that may be none. */
const BY_NAME: ReadonlyMap<string, Command> = new Map(Object.entries(COMMANDS));

export const commandNames = (): readonly CommandName[] => Object.keys(COMMANDS) as CommandName[];

/** Its name, where it is one. */
export const commandNamed = (word: string | undefined): CommandName | undefined =>
  commandNames().find((name) => name === word);

/** What a command is; without a name what syncwatch itself is. */
export const commandOf = (name: CommandName | undefined): Command =>
  name === undefined ? MAIN : (BY_NAME.get(name) ?? MAIN);

/** The option of every command. */
export const HELP_ROW = {
  value: OFF,
  where: 'commandLine',
  alias: 'h',
  describe: 'this',
  power: 'none',
} as const satisfies Row;

/** As `--help` writes an option: `-p, --port N`, `--no-gitignore` where only that is of use. */
export function optionInWords(name: string, { alias, value, valueName }: Row): string {
  const isOn = value.kind === 'flag' && value.byDefault === true;
  const takes = value.kind === 'choice' ? ` ${value.of.join('|')}` : valueName === undefined ? '' : ` ${valueName}`;
  return `${alias === undefined ? '' : `-${alias}, `}--${isOn ? 'no-' : ''}${name}${takes}`;
}
