import type { Failure } from '../core/failure.js';
import { isExtra } from '../core/rsync/extras.js';
import { closest } from '../options/closest.js';
import { seeHelp, usage } from '../options/parsed.js';
import type { Row } from '../options/row.js';
import type { Mistake } from '../options/words.js';
import { type CommandName, commandNames, commandOf } from './table.js';

/** What is wrong with a word of a command's, and what was meant. */
export function explain(mistake: Mistake, name: CommandName | undefined): Failure {
  const { options } = commandOf(name);
  switch (mistake.kind) {
    case 'unknown':
      return unknown(mistake, name, new Map(Object.entries(options)));
    case 'noValue': {
      const value = valueNameOf(options[mistake.name]);
      const { option, next } = mistake;
      return usage(
        `${option} needs a value: ${option} ${value}`,
        next === undefined ? seeHelp(name) : `If ${JSON.stringify(next)} is meant as that: --${mistake.name}=${next}`,
      );
    }
    case 'valueOfFlag':
      if (mistake.option === '--help')
        return usage('--help takes all or nothing', `All that ${name ?? 'syncwatch'} takes: --help=all.`);
      return usage(`${mistake.option} takes no value, not ${JSON.stringify(mistake.value)} either`, seeHelp(name));
    case 'noOff':
      return usage(`${mistake.option} makes no sense`, `To go without, leave --${mistake.name} out.`);
  }
}

const valueNameOf = (row: Row | undefined): string =>
  row?.value.kind === 'choice' ? row.value.of.join('|') : (row?.valueName ?? 'VALUE');

function unknown(
  { option, within }: Extract<Mistake, { kind: 'unknown' }>,
  name: CommandName | undefined,
  rows: ReadonlyMap<string, Row>,
): Failure {
  const word = option.replace(/^-+/, '');
  const others = owners(option, name);
  if (others.length > 0 && name !== undefined)
    return usage(
      `${name} takes no ${option}`,
      `${others.join(', ')} ${others.length === 1 ? 'does' : 'do'}. ${seeHelp(name)}`,
    );
  const what = within === undefined ? `unknown option ${option}` : `unknown option ${option} in ${within}`;
  if (isExtra(option) && commandOf(name).rest?.isNeeded === false)
    return usage(what, `Options for rsync come at the end, after --: -- ${option}`);
  if (/^-[^-]$/.test(option)) return usage(what, lettersInWords(rows, word, name));
  const best = closest(word, [...[...rows.keys()].flatMap((each) => [each, `no-${each}`]), 'help', 'version']);
  return usage(what, best === undefined ? seeHelp(name) : `Did you mean --${best}?`);
}

/** The letters that there are, rather than a guess at what one that is not known might mean. */
function lettersInWords(rows: ReadonlyMap<string, Row>, letter: string, name: CommandName | undefined): string {
  const known = [...[...rows].flatMap(([, { alias }]) => alias ?? []), 'h'];
  const version = letter === 'V' ? '; the version: --version' : '';
  return `${seeHelp(name).slice(0, -1)}: there is ${known.map((each) => `-${each}`).join(' ')}${version}.`;
}

/** The commands that have this option, as they are called. */
function owners(option: string, but: CommandName | undefined): string[] {
  const isOne = (command: CommandName | undefined): boolean =>
    Object.entries(commandOf(command).options).some(([each, { alias }]) =>
      [`--${each}`, `--no-${each}`, `-${alias}`].includes(option),
    );
  return [undefined, ...commandNames()]
    .filter((each) => each !== but && each !== 'init' && each !== 'doctor' && isOne(each))
    .map((each) => (each === undefined ? 'syncwatch itself' : `syncwatch ${each}`));
}
