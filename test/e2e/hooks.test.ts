import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { compilePattern } from '../../src/core/filter/pattern.js';
import { forEachHook } from '../../src/core/hook-kinds.js';
import { nameFromText } from '../../src/core/name.js';
import { Hooks } from '../../src/hooks/hooks.js';
import { place, type Running } from '../support/cli.js';
import { NOTHING_WAITS } from '../support/outstanding.js';
import { PROGRAMS } from '../support/programs.js';
import { fill, temporaryDir } from '../support/tree.js';

const ran = (running: Running, from = 0) => running.events.slice(from).filter(({ event }) => event === 'hook');

describe('hooks', () => {
  it('--on-upload: for each path, with what it is about', async () => {
    const { local, start, to } = place();
    const out = temporaryDir();
    fill(local, { 'a b': '1', 'd/c': '2' });
    const command = `echo "$SYNCWATCH_ACTION $SYNCWATCH_PATH $SYNCWATCH_COUNT $SYNCWATCH_TARGET $PWD" >> ${out}/log; tr '\\0' '|' < "$SYNCWATCH_PATHS_FILE" >> ${out}/files`;
    const running = start(['--on-upload', command]);
    await running.until('both', () => ran(running).length === 2);
    rmSync(join(local, 'd/c'));
    await running.until('the deletion', () => ran(running).length === 3);
    const lines = readFileSync(join(out, 'log'), 'utf8').trimEnd().split('\n');
    expect(lines.slice(0, 2).sort()).toEqual([`send a b 1 ${to} ${local}`, `send d/c 1 ${to} ${local}`]);
    expect(lines[2]).toBe(`delete d/c 1 ${to} ${local}`);
    expect(readFileSync(join(out, 'files'), 'utf8')).toMatch(/^(a b\|d\/c|d\/c\|a b)\|d\/c\|$/);
  });

  it('--on-sync: once for all that came together, and never two at once: changes meanwhile lead to one more', async () => {
    const { local, start } = place();
    const out = temporaryDir();
    for (let i = 0; i < 20; i++) fill(local, { [`f${i}`]: '' });
    // Two at once would find the lock; each waits until it is let go.
    const command = `mkdir ${out}/lock || echo two >> ${out}/log; echo "run $SYNCWATCH_COUNT" >> ${out}/log; while [ ! -e ${out}/go ]; do sleep 0.02; done; rmdir ${out}/lock`;
    const running = start(['--on-sync', command]);
    const lines = (): string[] =>
      existsSync(join(out, 'log')) ? readFileSync(join(out, 'log'), 'utf8').trimEnd().split('\n') : [];
    await running.until('the first', () => lines().length === 1);
    for (const name of ['f1', 'f2', 'new']) {
      const from = running.events.length;
      writeFileSync(join(local, name), 'changed');
      await running.event('inSync', () => true, from);
    }
    expect(lines()).toEqual(['run 20']);
    writeFileSync(join(out, 'go'), '');
    await running.until('one more for all three', () => ran(running).length === 2);
    expect(lines()).toEqual(['run 20', 'run 3']);
  });

  it('--on-sync-remote ends with syncwatch, there too', async () => {
    const { local, remote, server, start } = place();
    fill(local, { a: '' });
    const running = start(['--on-sync-remote', 'echo $$ > pid; sleep 600; echo later']);
    const pid = await running.until('it runs', () => /^\d+$/m.exec(readFileSync(join(remote, 'pid'), 'utf8'))?.[0]);
    const isThere = (): boolean =>
      spawnSync('ssh', ['-F', server.sshConfig, 'there', `kill -0 ${pid}`], { stdio: 'ignore' }).status === 0;
    expect(isThere()).toBe(true);
    expect(await running.stop()).toBe(130);
    expect(isThere()).toBe(false);
  });

  it('--on-sync-remote: in the remote directory, with the names on its stdin; and after the local one', async () => {
    const { local, remote, path, start } = place();
    fill(local, { 'src/a': '', "it's": '' });
    const remoteHook = 'tr "\\0" "|" < "$SYNCWATCH_PATHS_FILE" > ../hook.out; pwd; echo "$SYNCWATCH_COUNT"';
    const running = start(['--on-sync', 'true', '--on-sync-remote', remoteHook]);
    await running.until('both', () => ran(running).length === 2);
    expect(ran(running).map(({ hook, code }) => [hook, code])).toEqual([
      ['onSync', 0],
      ['onSyncRemote', 0],
    ]);
    const output = String(ran(running)[1]?.['output']);
    expect(output.trimEnd().split('\n')).toEqual([path, '3']);
    const names = readFileSync(join(remote, '../hook.out'), 'utf8')
      .split('|')
      .filter((each) => each !== '');
    expect(names.sort()).toEqual(["it's", 'src', 'src/a']);
  });

  it('a failing one is told with its exit code and output, and stops nothing; --once waits for it', async () => {
    const { local, remote, run: once } = place();
    fill(local, { a: '' });
    const { code, stderr } = await once(['--once', '--on-sync', 'echo out; echo oops >&2; exit 3']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/--on-sync FAILED: exit code 3\n.* {2}out\n.* {2}oops/);
    expect(existsSync(join(remote, 'a'))).toBe(true);
    const nothing = await once(['--once', '--on-sync', 'echo again']);
    expect(nothing.stdout).not.toMatch(/again/); // nothing was delivered
  });

  it('one that runs ends with syncwatch, with all that it has started', async () => {
    const { local, start } = place();
    const out = temporaryDir();
    fill(local, { a: '' });
    const running = start(['--on-sync', `sleep 600 & echo $! > ${out}/pid; wait`]);
    const pid = await running.until('its pid', () => {
      const text = existsSync(join(out, 'pid')) ? readFileSync(join(out, 'pid'), 'utf8').trim() : '';
      return text !== '' && Number(text);
    });
    expect(pid).toBeGreaterThan(1);
    expect(() => process.kill(pid, 0)).not.toThrow();
    await running.stop();
    const isGone = (): boolean => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
      } catch {
        return true;
      }
    };
    for (const deadline = Date.now() + 10_000; !isGone() && Date.now() < deadline; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isGone()).toBe(true);
  });

  it('one that hangs is ended after its time', async () => {
    const root = temporaryDir();
    mkdirSync(join(root, 'there'));
    const told: Event[] = [];
    const hooks = new Hooks({
      programs: PROGRAMS,
      commands: {
        ...forEachHook(() => []),
        onSync: [{ command: 'sleep 600', only: undefined }],
        onUpload: [{ command: 'echo "$SYNCWATCH_PATH"', only: undefined }],
      },
      root,
      target: 't',
      reach: () => ({ kind: 'none' }),
      report: (event) => told.push(event),
      outstanding: NOTHING_WAITS,
      limitMs: 300,
    });
    const item = { action: 'send', name: nameFromText('a'), bytes: 1, isNew: true } as const;
    hooks.handle({ kind: 'delivered', target: 't', items: [item], ms: 1 });
    hooks.handle({ kind: 'inSync', target: 't', names: 1, ms: 1 });
    await hooks.idle();
    expect(told).toMatchObject([
      { hook: 'onUpload', code: 0, output: 'a\n' },
      { hook: 'onSync', code: undefined, end: expect.stringMatching(/took longer than/) },
    ]);
  });

  it('one for a pattern runs for what it matches and for what is below a directory that it matches, and is told only of that', async () => {
    const root = temporaryDir();
    const told: Event[] = [];
    const of = (pattern: string) => {
      const only = compilePattern(pattern);
      if (typeof only === 'string') throw new Error(only);
      return { command: 'tr "\\0" " " < "$SYNCWATCH_PATHS_FILE"', only };
    };
    const hooks = new Hooks({
      programs: PROGRAMS,
      commands: { onUpload: [of('*.c')], onSync: [of('*.py'), of('/src/'), of('none')], onSyncRemote: [] },
      root,
      target: 't',
      reach: () => ({ kind: 'none' }),
      report: (event) => told.push(event),
      outstanding: NOTHING_WAITS,
    });
    const items = ['a.py', 'src/deep/b.py', 'src/c.txt', 'other/src/d.c'].map(
      (text) => ({ action: 'send', name: nameFromText(text), bytes: 1, isNew: true }) as const,
    );
    hooks.handle({ kind: 'delivered', target: 't', items, ms: 1 });
    hooks.handle({ kind: 'inSync', target: 't', names: 1, ms: 1 });
    await hooks.idle();
    expect(told).toMatchObject([
      { hook: 'onUpload', output: 'other/src/d.c ' },
      { hook: 'onSync', output: 'a.py src/deep/b.py ' },
      { hook: 'onSync', output: 'src/deep/b.py src/c.txt ' },
    ]);
  });

  it('with a log in DIR that is written all the time: --on-sync runs all the same, and says why', async () => {
    const { local, start } = place();
    fill(local, { 'src/a.py': '1', log: '' });
    const writing = spawn('sh', ['-c', 'while :; do echo line >> log; sleep 0.01; done'], { cwd: local });
    onTestFinished(() => void writing.kill('SIGKILL'));
    const running = start(['--on-sync', 'true']);
    await running.until('two runs', () => ran(running).length >= 2);
    expect(
      running.events.find(({ event, text }) => event === 'note' && /on-sync runs for/.test(String(text))),
    ).toMatchObject({
      text: expect.stringMatching(/: log$/),
    });
    await running.stop();
  });
});
