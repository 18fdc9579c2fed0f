import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../fixtures/sshd/throwaway.mjs';
import { CLI, cleanEnv, place, run } from '../support/cli.js';
import { fill, temporaryDir } from '../support/tree.js';

/** Clears the screen, sets the title, colours in C1, turns the direction, and forges a line. */
const NASTY = '\x1b[2J\x1b]0;owned\x07\u009b31m\x7f\u202e\rsyncwatch: all is well\n';
const RAW = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
/** Our own codes, and how a terminal ends its lines. */
const OURS = /\x1b\[(?:0|2|22|3[123469])m|\r(?:\x1b\[\dA)?\x1b\[(?:2K|J)|\r+(?=\n)/g;

/** What was said, none of it raw or at the start of a line as if we had said it (a line of ssh's has its name in front). */
function clean(said: { readonly stdout: string; readonly stderr: string }): string {
  const text = said.stdout + said.stderr;
  expect(text).not.toMatch(RAW);
  expect(text).not.toMatch(/^(?:[\d-]+ )?(?:\d\d:\d\d:\d\d )?syncwatch: all is well/m);
  return text;
}

/** Runs the CLI on a terminal of its own. */
const onTerminal = (args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): string =>
  execFileSync(
    'script',
    ['-qec', [process.execPath, CLI, ...args].map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(' '), '/dev/null'],
    { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...cleanEnv(), ...env, TERM: 'xterm' } },
  ).replace(OURS, '');

describe('what has escape codes in it does not reach the terminal raw', () => {
  it("DIR's own name, and the names in it", async () => {
    const { env } = place();
    const base = temporaryDir();
    const dir = join(base, `d${NASTY}`);
    fill(dir, { [`f${NASTY}`]: 'x', 'secret.log': '' });
    const args = [dir, '--to', join(base, 'there'), '-x', '*.log'];
    const all: Array<Awaited<ReturnType<typeof run>>> = [];
    for (const more of [['--dry-run'], ['--once', '--debug'], ['--why', 'secret.log']])
      all.push(await run([...args, ...more], { env }));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 1]);
    all.push(await run(['status', dir], { env }));
    all.push(await run(['doctor', ...args], { env }));
    expect(all.map(clean).join('')).toContain(
      'd\\e[2J\\e]0;owned\\x07\\x9b31m\\x7f\\u202e\\rsyncwatch: all is well\\n',
    );
    expect(onTerminal([...args, '--once', '-v'], base, env)).not.toMatch(RAW);
    const running = await run([...args, '--once', '--json'], { env });
    expect(running.stdout).not.toMatch(RAW);
  });

  it('keys, values and names of targets in the settings, and where the file is', async () => {
    const { env } = place();
    const dir = join(temporaryDir(), `p${NASTY}`);
    mkdirSync(dir, { recursive: true });
    for (const settings of [
      { [NASTY]: 1 },
      { to: 'x', targets: { [NASTY]: 'h:p' } },
      { to: 'c', targets: { a: `h:${NASTY}`, b: 'h:b' } },
      { to: 'h:p', exclude: `a[\x1b[31m` },
      { to: 'h:p', 'on-upload': { [`a[${NASTY}`]: 'true' } },
    ]) {
      writeFileSync(join(dir, 'syncwatch.json'), JSON.stringify(settings));
      const refused = await run(['--once'], { cwd: dir, env });
      expect(refused.code, JSON.stringify(settings)).toBeGreaterThan(0);
      clean(refused);
    }
    writeFileSync(join(dir, 'syncwatch.json'), `{${NASTY}`);
    clean(await run(['--once'], { cwd: dir, env }));
  });

  it('the command line and the environment', async () => {
    const { env, local } = place();
    for (const args of [
      [`--${NASTY}`],
      ['--to', 'h:p', '--delete', NASTY],
      ['--to', 'h:p', NASTY, NASTY],
      ['--to', 'h:p', '--', NASTY],
      ['init', '--to', NASTY],
      ['exec', '--to', NASTY, '--', 'true'],
    ]) {
      const refused = await run(args, { env, cwd: local });
      expect(refused.code, JSON.stringify(args)).toBeGreaterThan(0);
      clean(refused);
    }
    for (const variable of [`SYNCWATCH_X${NASTY}`, 'SYNCWATCH_DELETE'])
      clean(await run(['--once'], { cwd: local, env: { ...env, [variable]: NASTY } }));
  });

  it("sshd's banner, the shell there, and what rsync says of names", async () => {
    const folder = temporaryDir();
    const banner = join(folder, 'banner');
    writeFileSync(banner, `Welcome${NASTY}\x1b[31mto this\n`);
    const shell = `printf 'remote\\033[2J\\233\\r\\177\\nsyncwatch: all is well\\n' >&2; eval "$SSH_ORIGINAL_COMMAND"`;
    const server = await startServer({ config: [`Banner ${banner}`, `ForceCommand ${shell}`] });
    onTestFinished(() => server.stop());
    const { local, env } = place();
    fill(local, { a: 'a', [`b${NASTY}`]: 'b', 'd/x': '' });
    const args = ['-F', server.sshConfig, '--to', `there:${folder}/there`, local];
    const once = await run([...args, '--once', '--debug'], { env });
    expect(once.code, once.stderr).toBe(0);
    expect(clean(once)).toMatch(/ssh: Welcome/);
    // Something in the way of a name with codes: rsync complains of it.
    fill(join(folder, 'full'), { [`b${NASTY}/other`]: '' });
    const full = ['-F', server.sshConfig, '--to', `there:${folder}/full`, local];
    const failed = await run([...full, '--once', '--debug'], { env });
    expect(failed.code).toBe(1);
    expect(clean(failed)).toMatch(/b\\e\[2J.* FAILED: /);
    clean(
      await run([...args.slice(0, 2), '--to', `there:${folder}/no/such${NASTY}`, local, '--once', '--debug'], { env }),
    );
    clean(await run(['doctor', ...args], { env }));
  });

  it('a shell there that prints to stdout, and what ssh says of a host', async () => {
    const { local, env, server } = place();
    const shell = `printf 'remote\\033[2J\\233\\r\\177\\nsyncwatch: all is well\\n'; eval "$SSH_ORIGINAL_COMMAND"`;
    const noisy = await startServer({ config: [`ForceCommand ${shell}`] });
    onTestFinished(() => noisy.stop());
    const args = ['-F', noisy.sshConfig, '--to', 'there:x', local];
    for (const more of [['doctor'], ['--once', '--debug']]) {
      const said = await run([...more, ...args], { env });
      expect(said.code).toBeGreaterThan(0);
      clean(said);
    }
    const proxy = `ProxyCommand=printf 'proxy\\033[2J\\233\\nsyncwatch: all is well\\n' >&2; false`;
    const lost = await run(['-F', server.sshConfig, '-o', proxy, '--to', 'there:x', local, '--once', '--debug'], {
      env,
    });
    expect(lost.code).toBeGreaterThan(0);
    expect(clean(lost)).toMatch(/proxy/);
  });

  it('what a hook there prints', async () => {
    const { local, run: once, args, env } = place();
    fill(local, { a: 'a' });
    const hook = `printf 'hook\\033[2J\\233\\r\\177\\nsyncwatch: all is well\\n'; exit 3`;
    const said = await once(['--once', '--on-sync-remote', hook, '--on-upload', hook]);
    expect(clean(said)).toMatch(/--on-sync-remote FAILED: exit code 3\n.* {2}hook\\e\[2J/);
    expect(onTerminal([...args, '--once', '--on-sync-remote', hook, local], local, env)).not.toMatch(RAW);
  });
});
