import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../fixtures/sshd/throwaway.mjs';
import { CHECKS } from '../../src/doctor/finding.js';
import { place, run } from '../support/cli.js';
import { canLimit, withLimit } from '../support/limits.js';
import { withoutOverride } from '../support/rights.js';
import { runOnTerminal } from '../support/terminal.js';
import { fill, temporaryDir } from '../support/tree.js';

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly message: string;
  readonly hint?: string;
  readonly target?: string;
}

const findings = (stdout: string): Finding[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding);

const what = (found: readonly Finding[], state: string): string[] =>
  found.filter((each) => each.state === state).map(({ check }) => check);

describe('doctor', () => {
  it('says that all is well, with what it has looked at, and leaves nothing there', async () => {
    const { local, args, remote, env, to } = place();
    fill(local, { 'd/a': 'a', b: 'bb' });
    const { code, stdout, stderr } = await run(['doctor', ...args, '--json', local], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const found = findings(stdout);
    expect(what(found, 'error')).toEqual([]);
    // All of CHECKS, in its order, but for what is told seldom and was not.
    const told = (where?: string): string[] => found.filter(({ target }) => target === where).map(({ check }) => check);
    for (const [at, where] of [['here', undefined] as const, ['there', to] as const])
      expect(told(where)).toEqual(
        Object.entries(CHECKS)
          .filter(([check, row]) => row.at === at && (row.told === 'always' || told(where).includes(check)))
          .map(([check]) => check),
      );
    if (process.platform === 'linux') expect(told()).toContain('inotify instances');
    expect(existsSync(remote)).toBe(false);
    const words = await run(['doctor', ...args, local], { env });
    expect(words.stdout).toMatch(/^here\n {2}ok {7}rsync here: 3\./);
    expect(words.stdout).toMatch(/^ {2}ok {7}DIR: .*: 2 files \(3 B\) in 2 directories$/m);
    expect(words.stdout).toMatch(/\nAll is well\.\n$/);
  });

  it('three things wrong: the path’s rights, sessions, a slow shell; each with what to do', async () => {
    const server = await startServer({
      wrapper: withoutOverride(),
      config: ['MaxSessions 2', `ForceCommand sleep 0.7; eval "$SSH_ORIGINAL_COMMAND"`],
    });
    onTestFinished(() => server.stop());
    const { env } = place();
    const local = temporaryDir();
    const there = temporaryDir();
    fill(local, { a: 'a' });
    mkdirSync(join(there, 'app'));
    chmodSync(join(there, 'app'), 0o555);
    const args = ['-F', server.sshConfig, '--to', `there:${there}/app`, local];
    const { code, stdout } = await run(['doctor', ...args, '--json'], { env });
    expect(code).toBe(1);
    const found = findings(stdout);
    expect(what(found, 'error')).toEqual(['place']);
    expect(what(found, 'warning')).toEqual(['shell there', 'sessions']);
    expect(found.find(({ check }) => check === 'place')).toMatchObject({
      message: `${there}/app is there, but it may not be written to`,
      hint: expect.stringMatching(/rights/),
    });
    expect(found.find(({ check }) => check === 'sessions')?.message).toMatch(/only 2 at once/);
    expect(found.find(({ check }) => check === 'sessions')?.hint).toMatch(/MaxSessions 10/);
    const words = await run(['doctor', ...args], { env });
    expect(words.stdout).toMatch(/^ {2}ERROR {4}place: .*\n {11}Change its rights/m);
    expect(words.stdout).toMatch(/^ {2}WARNING {2}sessions: /m);
    expect(words.stdout).toMatch(/\n1 to mend, 2 to think about\.\n$/);
  });

  it('a shell that prints at login', async () => {
    const server = await startServer({ config: [`ForceCommand echo Welcome; eval "$SSH_ORIGINAL_COMMAND"`] });
    onTestFinished(() => server.stop());
    const { local, env } = place();
    const { code, stdout } = await run(['doctor', '-F', server.sshConfig, '--to', 'there:x', '--json', local], { env });
    expect(code).toBe(1);
    const found = findings(stdout).filter(({ state }) => state === 'error');
    expect(found).toMatchObject([{ check: 'shell there', message: expect.stringContaining('Welcome') }]);
  });

  it('no login, no rsync there, no parent directory; the other targets are looked at all the same', async () => {
    const { local, args, env, to, server } = place();
    const dead = ['-F', '/dev/null', '-p', '1', '--to', '127.0.0.1:x'];
    const login = await run(['doctor', ...dead, '--json', local], { env });
    expect(login.code).toBe(1);
    expect(findings(login.stdout).filter(({ state }) => state === 'error')).toMatchObject([
      { check: 'login', message: '127.0.0.1 port 1 refused the connection', hint: expect.stringMatching(/sshd/) },
    ]);
    const second = ['--to', `there:${server.thereBase}/none/x/y`];
    const both = await run(['doctor', ...args.slice(0, 2), ...second, '--to', to, '--json', local], { env });
    const found = findings(both.stdout);
    expect(found.filter(({ state }) => state === 'error')[0]?.message).toMatch(/there is no directory .*none\/x/);
    expect(found.filter(({ target }) => target === to).map(({ check }) => check)).toContain('place');
    expect(
      what(
        found.filter(({ target }) => target === to),
        'error',
      ),
    ).toEqual([]);
    const missing = await run(['doctor', ...args, '--json', local, '--', '--rsync-path=/no/rsync'], { env });
    expect(findings(missing.stdout).filter(({ state }) => state === 'error')[0]?.message).toMatch(/rsync/);
  });

  it('more directories than the watch limit allows', async ({ skip }) => {
    if (!canLimit()) skip('user namespaces are not to be had');
    const { local, args, env } = place();
    for (let i = 0; i < 60; i++) mkdirSync(join(local, `d${i}`));
    const { code, stdout } = await run(['doctor', ...args, '--json', local], {
      env,
      wrapper: withLimit('max_inotify_watches', 50),
    });
    expect(code).toBe(1);
    expect(findings(stdout).find(({ check }) => check === 'watches')).toMatchObject({
      state: 'error',
      message: expect.stringMatching(/^61 needed, \d+ of 50 in use$/),
      hint: expect.stringMatching(/sudo sysctl fs\.inotify\.max_user_watches=524288/),
    });
  });

  it('a local target', async () => {
    const { local, env } = place();
    const there = temporaryDir();
    const fine = await run(['doctor', '--to', there, '--json', local], { env });
    expect(fine.code).toBe(0);
    expect(findings(fine.stdout).filter(({ target }) => target === there)).toMatchObject([
      { check: 'place', state: 'ok' },
      { check: 'room', state: 'ok' },
    ]);
    const bad = await run(['doctor', '--to', join(there, 'no/where'), '--json', local], { env });
    expect(bad.code).toBe(1);
  });
});

it('doctor breaks its lines at words on a terminal', async () => {
  const { local, args, env } = place();
  const { shown } = await runOnTerminal(['doctor', ...args, local], { cwd: local, env }, []);
  const widths = shown.split(/\r?\n/).map((line) => line.length);
  expect(shown).toMatch(/^ {2}ok {7}filter: [^\n]*\r\n {11}\S/m);
  expect(Math.max(...widths)).toBeLessThanOrEqual(80);
});

describe('init', () => {
  it('writes the settings from flags once the target was reached; plain syncwatch is enough then', async () => {
    const { local, args, remote, env, to } = place();
    fill(local, { a: 'a', 'x.log': '' });
    const more = ['-x', '*.log', '--delete', 'never', '--debounce', '5', '--on-sync', 'true', local, '--', '--fuzzy'];
    const { code, stdout, stderr } = await run(['init', ...args, ...more], { env });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/the directory will be made\nwrote .*syncwatch\.json\n/);
    expect(stdout).toMatch(/remote-test:\n\tsyncwatch exec -- make test\n$/);
    expect(JSON.parse(readFileSync(join(local, 'syncwatch.json'), 'utf8'))).toEqual({
      $schema: expect.stringMatching(/^file:.*\/schema\/settings\.json$/),
      to,
      'ssh-config': args[1],
      exclude: '*.log',
      delete: 'never',
      debounce: 5,
      'on-sync': 'true',
      'rsync-args': '--fuzzy',
    });
    const { $schema } = JSON.parse(readFileSync(join(local, 'syncwatch.json'), 'utf8')) as { readonly $schema: string };
    expect(JSON.parse(readFileSync(new URL($schema), 'utf8'))).toHaveProperty('properties.exclude');
    mkdirSync(join(local, 'below'));
    const once = await run(['--once'], { cwd: join(local, 'below'), env });
    expect(once).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(remote, 'a'))).toBe(true);
    expect(existsSync(join(remote, 'x.log'))).toBe(false);
    const again = await run(['init', ...args, local], { env });
    expect(again.code).toBe(3);
    expect(again.stderr).toMatch(/there are settings for .* already/);
  });

  it('keeps the order of includes and excludes: what the command line leaves out is left out after it', async () => {
    const { local, env } = place();
    fill(local, { 'a.log': '', 'keep.log': '', x: '' });
    const there = join(local, '../there');
    const made = await run(['init', '--to', there, '-x', '*.log', '--include', 'keep.log', local], { env });
    expect(made.code, made.stderr).toBe(0);
    expect(JSON.parse(readFileSync(join(local, 'syncwatch.json'), 'utf8'))).toMatchObject({
      exclude: ['*.log', '+ keep.log'],
    });
    expect(await run(['--once'], { cwd: local, env })).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(there, 'x'))).toBe(true);
    expect(existsSync(join(there, 'keep.log'))).toBe(false);
  });

  it('logs in as the environment has it, and does not write that down', async () => {
    const { local, server, env, to } = place();
    const { sshConfig: config } = server;
    const made = await run(['init', '--to', to, local], { env: { ...env, SYNCWATCH_SSH_CONFIG: config } });
    expect(made.code, made.stderr).toBe(0);
    const written: unknown = JSON.parse(readFileSync(join(local, 'syncwatch.json'), 'utf8'));
    expect(written).toEqual({ $schema: expect.stringMatching(/./), to });
  });

  it('writes nothing where it was not reached, nothing is named, or an option has no place in it', async () => {
    const { local, server, env } = place();
    const none = ['-F', server.sshConfig, '--to', `there:${server.thereBase}/none/x/y`];
    expect((await run(['init', ...none, local], { env })).stderr).toMatch(/there is no directory/);
    expect((await run(['init', local], { env })).stderr).toMatch(/no target: --to is missing/);
    expect((await run(['init', ...none, '--once', local], { env })).stderr).toMatch(/init takes no --once/);
    expect(existsSync(join(local, 'syncwatch.json'))).toBe(false);
  });
});
