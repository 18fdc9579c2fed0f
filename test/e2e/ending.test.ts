import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { childrenOf } from '../../fixtures/sshd/throwaway.mjs';
import { type Place, place, type Running } from '../support/cli.js';
import { fill, names } from '../support/tree.js';

/** Every process that this syncwatch started, while it lives. */
const descendants = (running: Running): number[] => childrenOf(running.child.pid ?? 0);

/** Nothing of it is left: no process, no socket. What it has ended may take the system a moment to take away. */
async function expectNothingLeft(pids: readonly number[], { env }: Place): Promise<void> {
  const runtime = env['XDG_RUNTIME_DIR'] ?? '?';
  await vi.waitFor(
    () => {
      const left = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => !line.includes('<defunct>')) // ended; init has not looked yet
        .filter((line) => pids.includes(Number.parseInt(line, 10)) || line.includes(runtime));
      expect(left).toEqual([]);
    },
    { timeout: 3_000 },
  );
  expect(readdirSync(join(runtime, 'syncwatch'))).toEqual([]);
}

describe('it ends well', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s: what was changed until then is sent, exit code %i, nothing is left', async (signal, code) => {
    const where = place();
    fill(where.local, { a: 'a' });
    const running = where.start();
    await running.inSync();
    const pids = descendants(running);
    expect(pids.length).toBeGreaterThanOrEqual(2); // master and watcher
    // Changed in the very moment before the signal: no event has told of it yet.
    for (let i = 0; i < 20; i++) writeFileSync(join(where.local, `last-${i}`), String(i));
    appendFileSync(join(where.local, 'a'), 'more');
    expect(await running.stop(signal)).toBe(code);
    expect(names(where.remote).length).toBe(21);
    const stopped = running.events.find((e) => e.event === 'stopped');
    expect(stopped?.['summary']).toMatchObject({ unsent: [] });
    await expectNothingLeft(pids, where);
  });

  it('says what was sent', async () => {
    const { local, args, env, start } = place();
    fill(local, { a: 'a' });
    const running = start(['--no-color']);
    await running.inSync();
    await running.stop();
    expect(args.length + Object.keys(env).length).toBeGreaterThan(0);
    expect(running.events.at(-1)).toMatchObject({ event: 'stopped', summary: { sent: 1, bytes: 1, deleted: 0 } });
  });

  it('a second signal stops at once and says what was not sent', async () => {
    const where = place();
    fill(where.local, { a: 'a' });
    const running = where.start(['--bwlimit', '100']);
    await running.inSync();
    const pids = descendants(running);
    // Whole at once: on a busy machine the beginning of one that is being written would be sent, and be there.
    const made = `${where.local}.huge`;
    writeFileSync(made, Buffer.alloc(200_000_000, 'x'));
    renameSync(made, join(where.local, 'huge'));
    await running.event('started', (e) => e.path === 'huge');
    const during = [...pids, ...descendants(running)];
    running.child.kill('SIGINT');
    await running.event('stopping');
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(130);
    const summary = running.events.find((e) => e.event === 'stopped')?.['summary'] as {
      unsent: Array<{ path: string }>;
    };
    expect(summary.unsent.map(({ path }) => path)).toContain('huge');
    expect(names(where.remote)).toEqual(['a']); // nothing half-written is visible
    await expectNothingLeft(during, where);
  });

  it('a signal while it is still connecting', async () => {
    const where = place();
    // It says nothing, but keeps open what it would say it with: otherwise ssh would end by itself.
    const running = where.start(['-o', 'ProxyCommand=cat 3>&1 > /dev/null']);
    await running.event('connecting');
    const pids = descendants(running);
    expect(await running.stop('SIGTERM')).toBe(143);
    await expectNothingLeft(pids, where);
  });

  it('a failed start leaves nothing either', async () => {
    const where = place();
    const { code } = await where.run(['--once', '--', '--rsync-path=/no/such/rsync']);
    expect(code).toBe(3);
    await expectNothingLeft([], where);
  });

  it('exit codes of --once: 0', async () => {
    const where = place();
    fill(where.local, { a: 'a', 'b/c': 'c' });
    const { code, stdout } = await where.run(['--once']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/2 files sent \(2 B\), 0 deleted/);
    await expectNothingLeft([], where);
  });
});
