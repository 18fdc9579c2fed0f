import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLI, place, run } from '../support/cli.js';
import { fill, names } from '../support/tree.js';

describe('what syncwatch itself writes in DIR', () => {
  it('is left out: its output, under whatever name, its state, its sockets and what its hooks leave in TMPDIR', async () => {
    const { local, remote, env, start } = place();
    const own = {
      ...env,
      HOME: local,
      XDG_STATE_HOME: join(local, '.local/state'),
      XDG_RUNTIME_DIR: join(local, 'run'),
      TMPDIR: join(local, 'tmp'),
    };
    fill(local, { a: 'a', 'run/': '', 'tmp/mine': '', 'logs/': '' });
    execFileSync('chmod', ['700', join(local, 'run')]);
    const log = join(local, 'logs/sync.log');
    // As `syncwatch … > logs/sync.log 2>&1` does; --debug says a word of each event.
    const redirect = ['sh', '-c', 'exec "$@" >"$0" 2>&1', log];
    const running = start(['--debug', '--on-sync', 'cat "$SYNCWATCH_PATHS_FILE"'], { env: own, wrapper: redirect });
    const said = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
    await running.until('in sync', () => said().includes('"inSync"'));
    const deliveries = (): string[] =>
      said()
        .split('\n')
        .filter((line) => line.includes('"delivered"'));
    fill(local, { b: 'b' });
    await running.until('b and its hook', () => names(remote).includes('b') && said().split('"hook"').length > 1);
    const flush = async (): Promise<void> => {
      expect(await run(['flush', local], { env: own })).toMatchObject({ code: 0 });
    };
    await flush();
    // Once more of it all, and nothing but what was asked for.
    const before = deliveries().length;
    await flush();
    renameSync(log, join(local, 'logs/sync.log.1')); // as logrotate does
    fill(local, { c: 'c', 'logs/sync.log': 'somebody else’s now' });
    const rotated = (): string => readFileSync(join(local, 'logs/sync.log.1'), 'utf8');
    await running.until('c', () => names(remote).includes('c') && names(remote).includes('logs/sync.log'));
    await flush();
    await flush();
    const after = rotated()
      .split('\n')
      .filter((line) => line.includes('"delivered"'));
    expect(after.length - before).toBeLessThan(6);
    expect(
      names(remote).filter(
        (name) => !/^(a|b|c|logs|logs\/sync\.log|run|tmp|tmp\/mine|\.local|\.local\/state)$/.test(name),
      ),
    ).toEqual([]);
    const notes = rotated()
      .split('\n')
      .filter((line) => line.includes('itself writes'));
    expect(notes.filter((line) => line.includes('logs/sync.log is')).length).toBe(1);
    expect(notes.filter((line) => line.includes('.local/state/syncwatch is')).length).toBe(1);
    expect(await running.stop()).toBe(130);
  });

  it('is left out of --once, and what was there of such names stays', async () => {
    const { local, remote, env, args, fillRemote } = place();
    fillRemote({ 'nohup.out': 'of another day', extra: '' });
    fill(local, { a: 'a', b: 'b', c: 'c' });
    execFileSync(
      'sh',
      [
        '-c',
        'exec "$@" >>"$0"',
        join(local, 'nohup.out'),
        process.execPath,
        CLI,
        ...args,
        '--once',
        '--delete',
        'mirror',
        '--max-delete',
        '1',
        local,
      ],
      {
        cwd: tmpdir(),
        env: { ...process.env, ...env },
      },
    );
    expect(names(remote)).toEqual(['a', 'b', 'c', 'nohup.out']);
    expect(readFileSync(join(remote, 'nohup.out'), 'utf8')).toBe('of another day');
    expect(readdirSync(local)).toContain('nohup.out');
  });
});
