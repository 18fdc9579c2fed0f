import { EXITS } from '../core/exits.js';
import { failed, type Result, success } from '../core/failure.js';
import { closest } from '../options/closest.js';
import type { Command } from '../options/command.js';
import { usage } from '../options/parsed.js';
import type { Row } from '../options/row.js';
import type { Words } from '../options/words.js';
import { COMMANDS, type CommandName, commandNamed, commandNames, commandOf, HELP_ROW, optionInWords } from './table.js';

/** How wide a text is at most, in characters, however wide the terminal is. */
const WIDEST = 100;

/** How much room is left of what is said about an option, and how little may be left for that before it goes below. */
const LEFT = 26;
const ROOM = 30;

/** What stands left, and what is said about it. */
type Entry = readonly [what: string, about: string];

/** `syncwatch help [COMMAND] [--all]`. */
export function help({ flags }: Words, columns: number): Result<string> {
  const [word] = flags._.map(String);
  const name = commandNamed(word);
  if (word === undefined || word === 'syncwatch' || name !== undefined)
    return success(helpText(name, flags['all'] === true, columns));
  if (word === 'all') return failed(usage('there is no command all', 'All options: syncwatch help --all.'));
  const best = closest(word, commandNames());
  const hint = best === undefined ? `There is ${commandNames().join(', ')}.` : `Did you mean syncwatch help ${best}?`;
  return failed(usage(`there is no command ${word}`, hint));
}

/** `--help`: of a command, or of syncwatch itself; `isAll`: every option, not only those used most. */
export function helpText(name: CommandName | undefined, isAll: boolean, columns: number): string {
  const width = Math.max(20, Math.min(columns, WIDEST) - 1);
  const command = commandOf(name);
  const parts: ReadonlyArray<readonly string[]> = [
    usageOf(name, command).flatMap((line) => wrapped(line, width, 9)),
    wrapped(firstLine(name, command), width),
    ...(name === undefined
      ? [section('Commands (more of each: syncwatch help COMMAND):', commandEntries(), width, 14)]
      : []),
    ...argumentsOf(name, command, width),
    ...optionsOf(name, command, isAll, width),
    ...(name === undefined && !isAll ? [] : (command.about ?? []).map((text) => wrapped(text, width))),
    ...examplesOf(command, width),
    ...(name === undefined ? [section('Exit codes:', exitEntries(), width, 17)] : []),
  ];
  return parts.map((lines) => lines.join('\n')).join('\n\n');
}

function usageOf(name: CommandName | undefined, { positional, rest, options }: Command): string[] {
  const words = [
    'syncwatch',
    ...(name === undefined ? ['--to HOST:PATH'] : [name]),
    ...(name === undefined || Object.keys(options).length === 0 ? [] : ['[OPTIONS]']),
    ...(positional === undefined ? [] : [`[${positional.name}]`]),
    ...(rest === undefined ? [] : [rest.isNeeded ? `-- ${rest.name}` : `[-- ${rest.name}]`]),
  ];
  return [`Usage: ${words.join(' ')}`, ...(name === undefined ? ['       syncwatch COMMAND …'] : [])];
}

const firstLine = (name: CommandName | undefined, { summary }: Command): string =>
  name === undefined ? 'Keeps HOST:PATH the same as DIR (by default here) as long as it runs.' : `${name}: ${summary}.`;

const commandEntries = (): Entry[] => commandNames().map((name) => [name, COMMANDS[name].summary]);

const exitEntries = (): Entry[] => EXITS.map(({ code, when }) => [code, when]);

/** What may stand beside options; of syncwatch itself only in the long help, for the short one says it in its first line. */
function argumentsOf(name: CommandName | undefined, { positional, rest }: Command, width: number): string[][] {
  if (name === undefined) return [];
  const entries: Entry[] = [
    ...(positional === undefined ? [] : [[positional.name, positional.describe] as const]),
    ...(rest === undefined ? [] : [[`-- ${rest.name}`, rest.describe] as const]),
  ];
  return entries.length === 0 ? [] : [section('Arguments:', entries, width)];
}

function optionsOf(name: CommandName | undefined, command: Command, isAll: boolean, width: number): string[][] {
  const rows = Object.entries(command.options);
  const help: Entry = entryOf(['help', HELP_ROW]);
  if (name === undefined && !isAll) {
    const common = rows.filter(([, { common }]) => common).map(entryOf);
    const more: Entry[] = [
      ['-h, --help[=all]', 'this; with all: every option, too'],
      ['    --version', 'the version'],
    ];
    return [section('Options used most (all of them: syncwatch help --all):', [...common, ...more], width)];
  }
  const groups = [...new Set(rows.map(([, { group }]) => group ?? 'Options:'))];
  const sections = groups.map((group) =>
    section(group, rows.filter((row) => (row[1].group ?? 'Options:') === group).map(entryOf), width),
  );
  const last = sections.at(-1);
  if (groups.length === 1 && groups[0] === 'Options:' && last !== undefined)
    return [section('Options:', [...rows.map(entryOf), help], width)];
  return [...sections, section('Also:', [help, ['    --version', 'the version']], width)];
}

/** Long names stand in one column, whether there is a letter or not. */
const entryOf = ([name, row]: readonly [string, Row]): Entry => [
  `${row.alias === undefined ? '    ' : ''}${optionInWords(name, row)}`,
  aboutOf(row),
];

/** What is said of an option, with what it is by default where that is not said yet. */
export function aboutOf({ describe, value }: Row): string {
  if (value.kind === 'choice') return `${describe}; by default ${value.byDefault}`;
  // What is on by itself is shown with its no-.
  return (value.kind === 'flag' && value.byDefault === true && /; --no-[\w-]+: (.*)$/.exec(describe)?.[1]) || describe;
}

const examplesOf = ({ examples = [] }: Command, width: number): string[][] =>
  examples.length === 0
    ? []
    : [section('Examples:', examples, width, 2 + Math.max(...examples.map(([line]) => line.length)) + 2)];

function section(title: string, entries: readonly Entry[], width: number, left = LEFT): string[] {
  return [...wrapped(title, width, 2), ...entries.flatMap((entry) => entryLines(entry, width, left))];
}

/** Beside each other where there is room, else what is said about it below. */
function entryLines([what, about]: Entry, width: number, left: number): string[] {
  if (width - left < ROOM)
    return [...wrapped(`  ${what.trimStart()}`, width, 6), ...wrapped(`      ${about}`, width, 6)];
  const start = `  ${what}`;
  if (start.length + 2 > left) return [start, ...wrapped(' '.repeat(left) + about, width, left)];
  return wrapped(start.padEnd(left) + about, width, left);
}

/** Broken between words; what is longer than a line stands in one of its own. `indent`: of the lines that follow the first. */
function wrapped(text: string, width: number, indent = 0): string[] {
  const [start = ''] = /^ */.exec(text) ?? [];
  const lines: string[] = [];
  let line = start;
  let isEmpty = true;
  // Blanks within the first line hold its columns apart.
  for (const word of text.slice(start.length).split(/(?<=\S)(?= )/)) {
    const plain = isEmpty ? word : word.replace(/^ (?=\S)/, ' ');
    if (!isEmpty && line.length + plain.length > width) {
      lines.push(line);
      line = ' '.repeat(indent) + word.trimStart();
    } else line += plain;
    isEmpty = false;
  }
  return [...lines, line];
}
