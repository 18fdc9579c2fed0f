import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, Running, run } from '../support/cli.js';
import { MASTER, processOf } from '../support/faulty.js';
import { runOnTerminal } from '../support/terminal.js';
import { fill } from '../support/tree.js';

/** A cloned project whose settings say where to and run things: an ssh config that leaves a mark as soon as ssh reads it, a hook. */
interface Clone extends Place {
  readonly file: string;
  /** What has left its mark. */
  marks(): string[];
  /** Runs it here, with nothing but what the settings say. */
  here(...args: string[]): ReturnType<typeof run>;
}

function clone(more: object = {}): Clone {
  const there = place();
  const { local, server, env, to } = there;
  const marks = join(local, '../marks');
  mkdirSync(marks);
  fill(local, {
    a: 'a',
    ssh_config: `Match exec "touch ${marks}/ssh"\n${readFileSync(server.sshConfig, 'utf8')}`,
    'syncwatch.json': JSON.stringify({ to, 'ssh-config': 'ssh_config', 'on-sync': `touch ${marks}/hook`, ...more }),
  });
  return {
    ...there,
    file: join(local, 'syncwatch.json'),
    marks: () => readdirSync(marks).sort(),
    here: (...args) => run(args, { cwd: local, env }),
  };
}

describe('a settings file that the user has not said yes to', () => {
  it('is refused with the command that allows it, and nothing of it runs', async () => {
    const { remote, file, here, marks, to } = clone();
    for (const args of [[], ['--once'], ['--dry-run'], ['doctor'], ['--once', '--json'], ['--once', '--to', to]]) {
      const { code, stdout, stderr } = await here(...args);
      expect({ code, stdout }, args.join(' ')).toEqual({ code: 3, stdout: '' });
      expect(stderr).toBe(
        `syncwatch: ${file} is not allowed yet, and it says what goes where and makes programs run\n` +
          `  See and allow it: syncwatch allow ${file}. To go without it: --no-settings.\n`,
      );
    }
    // What needs no yes runs nothing of it either.
    expect(await here('--why', 'a')).toMatchObject({ code: 0, stderr: '' });
    expect((await here('status')).stderr).toMatch(/no syncwatch is running/);
    expect((await here('flush')).stderr).toMatch(/no syncwatch is running/);
    for (const option of ['--to', '--identity'])
      expect(await here('__complete', 'zsh', option, '')).toMatchObject({ code: 0, stderr: '' });
    expect(marks()).toEqual([]);
    expect(existsSync(remote)).toBe(false);
    expect((await here('--no-settings', '--once')).stderr).toMatch(/no target: --to is missing/);
  });

  it('is obeyed once it is allowed, until it or the ssh config says something else', async () => {
    const { local, remote, file, here, marks, env } = clone();
    const allowed = await here('allow');
    expect(allowed).toMatchObject({ code: 0, stderr: '' });
    expect(allowed.stdout).toContain(`What ${file} makes syncwatch do:\n  send to there:`);
    expect(allowed.stdout).toMatch(/\n {2}run here, each time all is there: touch /);
    expect(allowed.stdout).toMatch(/\n {2}let ssh do what \S+ssh_config says:\n {4}Match exec "touch /);
    expect(allowed.stdout).toMatch(/\n {2}delete there what is deleted here\nallowed, until it says something else\n$/);
    expect(await here('--once')).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(remote, 'a'))).toBe(true);
    expect(marks()).toEqual(['hook', 'ssh']);

    const said = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify(JSON.parse(said), undefined, 2)); // the same, written otherwise
    expect((await here('--dry-run')).code).toBe(0);
    writeFileSync(file, said.replace('"on-sync":"', '"on-sync":"true; '));
    const changed = await here('--once');
    expect(changed.code).toBe(3);
    expect(changed.stderr).toMatch(/says something else than when you allowed it, and it says .*\n.*syncwatch allow /);
    writeFileSync(file, said);
    expect((await here('--dry-run')).code).toBe(0);
    appendFileSync(join(local, 'ssh_config'), '  Compression yes\n');
    expect((await here('doctor')).stderr).toMatch(/says something else than when you allowed it/);
    expect((await here('allow', '.')).code).toBe(0);
    expect((await here('--dry-run')).code).toBe(0);

    // Another place is another word, also for the very same content.
    cpSync(local, `${local}-2`, { recursive: true });
    expect((await run(['--once'], { cwd: `${local}-2`, env })).stderr).toMatch(/is not allowed yet/);
    expect((await here('allow', '--revoke')).stdout).toBe(`${file} is not allowed any more\n`);
    expect((await here('allow', '--revoke', file)).stdout).toBe(`${file} was not allowed\n`);
    expect((await here('--once')).stderr).toMatch(/is not allowed yet/);
  });

  it('is obeyed where it is named by --settings, that once; or needs no yes at all', async () => {
    const { local, file, here, marks, args, env, remote } = clone();
    expect(await here('--once', '--settings', file)).toMatchObject({ code: 0, stderr: '' });
    expect(marks()).toEqual(['hook', 'ssh']);
    expect((await here('--once')).code).toBe(3);
    writeFileSync(file, JSON.stringify({ exclude: '*.log', debounce: 5, quiet: true, delete: 'never', dir: '.' }));
    fill(local, { 'x.log': '', b: '' });
    expect(await run(['--once', ...args], { cwd: local, env })).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(join(remote, 'b'))).toBe(true);
    expect(existsSync(join(remote, 'x.log'))).toBe(false);
    expect((await here('allow')).stdout).toMatch(/needs no yes/);
  });
});

describe('on a terminal', () => {
  it('it is shown and asked for; no, Ctrl-D and Ctrl-C are no; yes is remembered', async () => {
    const evil = "printf '\u001b[2J\u001b[H'; touch hooked";
    const { local, remote, file, env, marks } = clone({ 'on-upload': evil });
    const asking = (keys: string, ...args: string[]) =>
      runOnTerminal(args, { cwd: local, env }, [[/Allow it\? \[y\/N\] /, keys]]);
    for (const [keys, code] of [
      ['n\r', 3],
      ['\r', 3],
      ['\u0004', 3],
      ['\u0003', 130],
    ] as const) {
      const { code: got, shown } = await asking(keys, '--once');
      expect(got, JSON.stringify(keys)).toBe(code);
      expect(shown).toContain(`${file} is not allowed yet.\r\nWhat ${file} makes syncwatch do:\r\n  send to there:`);
      expect(shown).toContain("run here, after each path: printf '\\e[2J\\e[H'; touch hooked");
      expect(shown).not.toContain('\u001b[2J');
      if (code === 3) expect(shown).toMatch(/was not allowed: nothing was done\r\n.*syncwatch allow/);
    }
    expect(marks()).toEqual([]);
    expect((await asking('y\r', '--dry-run')).code).toBe(0);
    expect(existsSync(remote)).toBe(false);
    expect((await run(['--once'], { cwd: local, env })).code).toBe(0);
    expect(existsSync(join(remote, 'a'))).toBe(true);
    writeFileSync(file, readFileSync(file, 'utf8').replace('hooked', 'elsewhere'));
    expect((await asking('no\r', 'doctor')).shown).toMatch(/says something else than when you allowed it\./);
  });
});

describe('what was said yes to', () => {
  it('is what ssh reads, whatever the file in the tree says by then', async () => {
    const { local, remote, marks, here, env } = clone();
    expect((await here('allow')).code).toBe(0);
    const running = new Running(['--json'], { cwd: local, env });
    await running.inSync();
    // As by a git pull while it runs; then the connection is lost.
    writeFileSync(join(local, 'ssh_config'), `Match exec "touch ${local}/../marks/evil"\n`);
    process.kill(await processOf(running, MASTER), 'SIGKILL');
    await running.event('trouble');
    await running.event(
      'connected',
      () => true,
      running.events.findIndex(({ event }) => event === 'trouble'),
    );
    writeFileSync(join(local, 'later'), '');
    await running.until('later', () => existsSync(join(remote, 'later')));
    expect(marks()).not.toContain('evil');
  });
});
