import { EXITS } from '../core/exits.js';
import type { Command } from '../options/command.js';
import type { Row } from '../options/row.js';
import { aboutOf } from './help.js';
import { commandNames, commandOf, HELP_ROW, optionInWords } from './table.js';

const MAIN = commandOf(undefined);

/**
 * syncwatch(1), in the language of man(7): from the same rows as `--help`. Made when the package is built. `date`: as
 * `2026-01-31`, or empty.
 */
export const manPage = (version: string, date: string): string =>
  [
    `.TH SYNCWATCH 1 "${date}" "syncwatch ${version}" "User Commands"`,
    '.SH NAME',
    `syncwatch \\- ${roff(MAIN.summary)}`,
    '.SH SYNOPSIS',
    synopsis('syncwatch \\-\\-to HOST:PATH', MAIN),
    ...commandNames().flatMap((name) => ['.br', synopsis(`syncwatch ${name}`, commandOf(name))]),
    '.SH DESCRIPTION',
    ...paragraphs(MAIN.about ?? []),
    '.SH OPTIONS',
    ...optionsOf(MAIN, '.SS'),
    '.SH COMMANDS',
    ...commandNames().flatMap((name) => aboutCommand(name, commandOf(name))),
    '.SH EXIT STATUS',
    ...EXITS.flatMap(({ code, when }) => ['.TP', `.B ${roff(code)}`, roff(when)]),
    '.SH EXAMPLES',
    ...examplesOf(MAIN),
    '.SH FILES',
    ...FILES.flatMap(([path, what]) => ['.TP', `.I ${roff(path)}`, roff(what)]),
    '.SH SEE ALSO',
    '.BR rsync (1),',
    '.BR ssh (1),',
    '.BR ssh_config (5)',
    '.PP',
    roff('The manual, recipes and troubleshooting are in docs/ of the package.'),
    '',
  ].join('\n');

const FILES = [
  ['syncwatch.json', 'settings, in DIR or above; or "syncwatch" in package.json'],
  ['.syncignore', 'what is left out, in DIR; as in .gitignore'],
] as const;

/** Text as troff shows it as it is. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/, '\\&');

/** An argument of a macro. */
const quoted = (text: string): string => `"${roff(text).replaceAll('"', '\\(dq')}"`;

function synopsis(begin: string, { positional, rest, options }: Command): string {
  const words = [
    `\\fB${begin.replace(' HOST:PATH', '\\fR \\fIHOST:PATH')}\\fR`,
    ...(Object.keys(options).length === 0 ? [] : ['[\\fIOPTIONS\\fR]']),
    ...(positional === undefined ? [] : [`[\\fI${positional.name}\\fR]`]),
    ...(rest === undefined
      ? []
      : [`${rest.isNeeded ? '' : '['}\\-\\- \\fI${roff(rest.name)}\\fR${rest.isNeeded ? '' : ']'}`]),
  ];
  return words.join(' ');
}

const paragraphs = (texts: readonly string[]): string[] =>
  texts.flatMap((text, i) => [...(i > 0 ? ['.PP'] : []), roff(text)]);

function aboutCommand(name: string, command: Command): string[] {
  const { summary, about = [], positional, rest } = command;
  const given = [...(positional === undefined ? [] : [positional]), ...(rest === undefined ? [] : [rest])];
  return [
    `.SS ${quoted(`syncwatch ${name}`)}`,
    roff(`${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}.`),
    ...about.flatMap((text) => ['.PP', roff(text)]),
    ...given.flatMap(({ name: what, describe }) => ['.TP', `.I ${roff(what)}`, roff(describe)]),
    ...optionsOf(command),
    ...examplesOf(command),
  ];
}

/** `heading`: what begins a group of them; without it they stand together. */
function optionsOf({ options }: Command, heading?: string): string[] {
  const rows: ReadonlyArray<readonly [string, Row]> = Object.entries(options);
  const groups = heading === undefined ? [undefined] : [...new Set(rows.map(([, { group }]) => group))];
  return [
    ...groups.flatMap((group) => [
      ...(heading === undefined || group === undefined ? [] : headingOf(heading, group)),
      ...rows.flatMap(([name, row]) => (heading === undefined || row.group === group ? entryOf(name, row) : [])),
    ]),
    ...(heading === undefined
      ? []
      : [`${heading} Also`, ...entryOf('help', HELP_ROW), '.TP', '.B \\-\\-version', 'the version']),
  ];
}

/** What a group of options has in parentheses is a paragraph of its own. */
function headingOf(heading: string, group: string): string[] {
  const [, title = '', more] = /^(.*?)(?: \((.*)\))?:$/.exec(group) ?? [];
  return [
    `${heading} ${quoted(title)}`,
    ...(more === undefined ? [] : [roff(`${more[0]?.toUpperCase() ?? ''}${more.slice(1)}.`)]),
  ];
}

const entryOf = (name: string, row: Row): string[] => [
  '.TP',
  `.B ${roff(optionInWords(name, row))}`,
  roff(aboutOf(row)),
];

const examplesOf = ({ examples = [] }: Command): string[] =>
  examples.flatMap(([line, what]) => ['.TP', `.B ${roff(line)}`, roff(what)]);
