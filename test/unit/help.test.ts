import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { help, helpText } from '../../src/commands/help.js';
import { type CommandName, commandNames, commandOf } from '../../src/commands/table.js';
import { EXITS } from '../../src/core/exits.js';
import { isFlag, namesOf, rowOf } from '../../src/options/table.js';
import { wordsOf } from '../support/words.js';

const NAMES: ReadonlyArray<CommandName | undefined> = [undefined, ...commandNames()];

describe('the main help', () => {
  const main = helpText(undefined, false, 80);

  it('fits 60 lines of 80 columns: commands first, then the ten options used most, then the exit codes', () => {
    expect(main.split('\n').length).toBeLessThanOrEqual(60);
    const at = ['\nCommands', '\nOptions used most', '\nExit codes:'].map((title) => main.indexOf(title));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at[0]).toBeGreaterThan(0);
    for (const name of commandNames()) expect(main).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(namesOf((row) => isFlag(row) && 'common' in row).length).toBe(10);
    for (const { code } of EXITS) expect(main).toContain(`\n  ${code}`);
  });

  it('has every option with --help=all', () => {
    const all = helpText(undefined, true, 80);
    for (const name of namesOf(isFlag)) expect(all).toMatch(new RegExp(`^ .*--(no-)?${name}( |$)`, 'm'));
  });
});

it.each([
  ['statsu', 'Did you mean syncwatch help status?'],
  ['all', 'All options: syncwatch help --all.'],
])('help %s says what may be meant', async (word, hint) => {
  expect(help(await wordsOf('help', [word]), 80)).toMatchObject({ ok: false, failure: { hint } });
});

describe('an option that takes a value', () => {
  it.each(NAMES)('has a name for it in the help of %s', (name) => {
    for (const [option, { value, valueName }] of Object.entries(commandOf(name).options)) {
      if (value.kind === 'flag' || value.kind === 'choice') continue;
      expect(valueName, option).toMatch(/^[A-Z]/);
      expect(helpText(name, true, 80)).toContain(`--${option} ${valueName}`);
    }
  });
});

it.each(NAMES)('of %s: no line is wider than the terminal, however narrow that is, or than 100', (name) => {
  for (const columns of [40, 60, 80, 120, 300])
    for (const line of helpText(name, true, columns).split('\n'))
      expect(line.length, line).toBeLessThan(Math.min(columns, 100));
});

it.each(commandNames())('of %s has its own options and no others', (name) => {
  const help = helpText(name, false, 100);
  const own = Object.keys(commandOf(name).options);
  for (const option of own) expect(help).toMatch(new RegExp(`--(no-)?${option}[ \n]`));
  for (const other of namesOf(isFlag).filter((each) => !own.includes(each)))
    expect(help).not.toMatch(new RegExp(`^ .{0,6}--(no-)?${other}[ \n]`, 'm'));
  expect(rowOf(name)).toBeUndefined();
});

it('the exit codes in the manual are these', () => {
  const manual = readFileSync(new URL('../../docs/manual.md', import.meta.url), 'utf8');
  const rows =
    manual
      .split('\n## Exit codes\n')[1]
      ?.split('\n## ')[0]
      ?.match(/^\| \d.*$/gm) ?? [];
  expect(rows.length).toBe(EXITS.length);
  for (const [i, { code, when }] of EXITS.entries()) expect(rows[i]).toContain(`| ${code} | ${when}`);
});
