import { expect, it } from 'vitest';
import { manPage } from '../../src/commands/man-page.js';
import { commandNames, commandOf, optionInWords } from '../../src/commands/table.js';
import { EXITS } from '../../src/core/exits.js';

const page = manPage('1.2.3', '2026-01-31');
const lines = page.split('\n');
const escaped = (text: string): string => text.replaceAll('-', '\\-');

it('the man page has each command, option and exit code', () => {
  for (const name of [undefined, ...commandNames()]) {
    if (name !== undefined) expect(lines).toContain(`.SS "syncwatch ${escaped(name)}"`);
    for (const [option, row] of Object.entries(commandOf(name).options))
      expect(lines).toContain(`.B ${escaped(optionInWords(option, row))}`);
  }
  for (const { code } of EXITS) expect(lines).toContain(`.B ${code}`);
  expect(lines[0]).toBe('.TH SYNCWATCH 1 "2026-01-31" "syncwatch 1.2.3" "User Commands"');
});

it('no line of its text is taken for a command of troff', () => {
  const commands = lines.filter((line) => /^[.']/.test(line)).map((line) => line.split(' ')[0]);
  expect([...new Set(commands)].sort()).toEqual(['.B', '.BR', '.I', '.PP', '.SH', '.SS', '.TH', '.TP', '.br']);
  expect(lines.slice(0, -1)).not.toContain('');
});
