import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { place, Running, run } from '../support/cli.js';
import { runOnTerminal } from '../support/terminal.js';
import { fill } from '../support/tree.js';

const LAST_LINE = /● in sync/;

/** Waits until the one there says so. */
async function inSync(dir: string, env: Readonly<Record<string, string>>): Promise<void> {
  while (!/in sync/.test((await run(['status', dir], { env })).stdout));
}

it('keys do what the commands do: what is pasted is none of them', async () => {
  const { local, args, env } = place();
  fill(local, { a: 'a' });
  const options = { cwd: local, env: { ...env, TERM: 'xterm' } };
  const typed = runOnTerminal([...args, local], options, [
    [LAST_LINE, 'quit\r'],
    [/later/, 'h'],
    [/q {2}quit/, 'p'],
    [/paused/, 'w'],
    [/nothing waits/, 'p'],
    [/resumed/, 'f'],
    [/nothing failed/, 'r'],
    [/in sync: 3 paths/, 'q'],
  ]);
  await inSync(local, env);
  fill(local, { b: 'b' });
  // By then it was heard that nothing follows what was pasted.
  for (let i = 0; i < 3; i++) await run(['flush', local], { env });
  fill(local, { later: 'c' });
  const { code, shown } = await typed;
  expect(code).toBe(0);
  expect(shown).not.toContain('quit\r');
  expect(shown).toMatch(/syncwatch stop: finishing/);
});

it('r takes settings that were edited: it asks where it has to, and the answer is no key', async () => {
  const { local, args, env, to } = place();
  const write = (settings: object): void => {
    writeFileSync(join(local, '..', 'settings'), JSON.stringify(settings));
    renameSync(join(local, '..', 'settings'), join(local, 'syncwatch.json'));
  };
  fill(local, { a: 'a', 'b.log': 'b' });
  write({ to, exclude: ['*.log', 'syncwatch.json'] });
  await run(['allow', join(local, 'syncwatch.json')], { env });
  const options = { cwd: local, env: { ...env, TERM: 'xterm' } };
  const shown = runOnTerminal([...args.slice(0, 2), local], options, [
    [/has changed/, 'r'],
    [/Allow it\?/, 'yes\r'],
    [/begins anew[\s\S]*b\.log[\s\S]*● in sync/, 'q'],
  ]);
  await inSync(local, env);
  write({ to, exclude: ['syncwatch.json'] });
  const { code } = await shown;
  expect(code).toBe(0);
});

it('status --watch draws in place on a terminal, until Ctrl-C', async () => {
  const { local, args, env } = place();
  fill(local, { a: 'a' });
  const running = new Running([...args, '--json', local], { env });
  await running.inSync();
  const options = { cwd: local, env: { ...env, TERM: 'xterm' } };
  const { code, shown } = await runOnTerminal(['status', '--watch', local], options, [
    [/watched/, ''],
    [/\x1b\[\d+A\x1b\[J[\s\S]*watched/, '\x03'],
  ]);
  expect(code).toBe(130);
  expect(shown.replace(/\r\n +/g, ' ')).toMatch(/: in sync/);
});
