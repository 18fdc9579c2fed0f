import { expect, it } from 'vitest';
import { place } from '../support/cli.js';
import { commandOnTerminal, inShell, runOnTerminal } from '../support/terminal.js';
import { fill } from '../support/tree.js';

const LAST_LINE = /● in sync/;

it('what is typed while the last line is drawn is not shown, and Ctrl-C still ends it', async () => {
  const { local, args, env } = place();
  fill(local, { a: 'a' });
  const { code, shown } = await runOnTerminal([...args, local], { cwd: local, env }, [[LAST_LINE, 'xyzzy\r\x03']]);
  expect(code).toBe(130);
  expect(shown).not.toContain('xyzzy');
  expect(shown).not.toContain('^C');
});

it('in the background it is not stopped, and draws nothing over what others have there', async () => {
  const { local, args, env } = place();
  fill(local, { a: 'a' });
  // While the shell does not read what was typed, whoever listens in the background would.
  const command = `set -m; ${inShell([...args, local])} & sleep 3; read line; echo "read $line"; jobs; kill %1; wait`;
  const options = { cwd: local, env: { ...env } };
  const { shown } = await commandOnTerminal(`bash -c '${command.replaceAll("'", "'\\''")}'`, options, [
    [/in sync: 1 path/, 'words\r'],
  ]);
  expect(shown).toContain('read words');
  expect(shown).toMatch(/\[1\]\S*\s+Running/);
  expect(shown).not.toMatch(LAST_LINE);
});

it('Ctrl-Z gives the terminal back as it was, and after fg the last line is there again', async () => {
  const { local, args, env } = place();
  fill(local, { a: 'a' });
  const command = `set -m; stty -a; ${inShell([...args, local])}; stty -a; echo stopped; fg %1`;
  const { code, shown } = await commandOnTerminal(
    `bash -c '${command.replaceAll("'", "'\\''")}'`,
    { cwd: local, env: { ...env } },
    [
      [LAST_LINE, '\x1a'],
      [/stopped[\s\S]*● in sync/, '\x03'],
    ],
  );
  expect(code).toBe(130);
  const [before, after] = [...shown.matchAll(/^speed[\s\S]*?echoke.*$/gm)].map(([text]) => text);
  expect(before).toBeDefined();
  expect(after).toBe(before);
});
