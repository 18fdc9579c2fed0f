import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { CLI, cleanEnv, place, run } from '../support/cli.js';

const PROJECT = join(import.meta.dirname, '../../fixtures/demo/project');

it('the demo’s Makefile: make sync keeps it there, make remote-test tests there what was just saved', async () => {
  const { local, remote, env, to, args } = place();
  cpSync(PROJECT, local, { recursive: true });
  const around = {
    ...cleanEnv(),
    ...env,
    SYNCWATCH: `${process.execPath} ${CLI}`,
    SYNCWATCH_TO: to,
    SYNCWATCH_SSH_CONFIG: args[1],
  };
  const make = (target: string) => spawnSync('make', [target], { cwd: local, env: around, encoding: 'utf8' });
  // The project brings its settings along.
  expect(make('sync-once')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/syncwatch allow \S+syncwatch\.json/),
  });
  expect(await run(['allow'], { cwd: local, env })).toMatchObject({ code: 0, stderr: '' });
  // In a group of its own, as in a terminal: Ctrl-C goes to make and to syncwatch.
  const sync = spawn('make', ['sync'], {
    cwd: local,
    env: around,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => sync.once('exit', resolve));
  const group = -(sync.pid ?? Number.NaN);
  onTestFinished(async () => {
    if (sync.exitCode === null && sync.signalCode === null) process.kill(group, 'SIGINT');
    await ended;
  });
  let said = '';
  await new Promise<void>((resolve) => {
    sync.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (/in sync/.test(said)) resolve();
    });
    void ended.then(() => resolve());
  });
  expect(said).toMatch(/in sync/);
  expect(existsSync(join(remote, 'src/hello.py'))).toBe(true);

  expect(make('test').stdout).toMatch(/ok: greet is there/);
  for (const isBroken of [false, true, false, true]) {
    const source = readFileSync(join(PROJECT, 'src/hello.py'), 'utf8');
    writeFileSync(join(local, 'src/hello.py'), isBroken ? source.replace('greet', 'meet') : source);
    const { status, stdout } = make('remote-test');
    expect(stdout).toMatch(isBroken ? /FAILED: nobody greets/ : /ok: greet is there/);
    expect(status).toBe(isBroken ? 2 : 0);
  }
  process.kill(group, 'SIGINT');
  expect(await ended).not.toBe(0);
  expect(make('remote-test').stderr).toMatch(/no syncwatch is running for/);
  expect(make('sync-once').status).toBe(0);
});
