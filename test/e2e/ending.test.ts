import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { childrenOf } from '../../fixtures/sshd/throwaway.mjs';
import { CLI, cleanEnv, type Place, place, type Running } from '../support/cli.js';
import { send } from '../support/signal.js';
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

/** What it named at its end as not there. */
function unsentOf(running: Running): string[] {
  const summary = running.events.find(({ event }) => event === 'stopped')?.['summary'];
  return (summary as { readonly unsent: ReadonlyArray<{ readonly path: string }> }).unsent.map(({ path }) => path);
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

  it('a signal to all that was started, twice, as timeout sends it: what was changed until then is sent', async () => {
    const where = place();
    fill(where.local, { a: 'a' });
    const running = where.start([], { env: where.env, wrapper: ['setsid'] });
    await running.inSync();
    const pids = descendants(running);
    for (let i = 0; i < 20; i++) writeFileSync(join(where.local, `last-${i}`), String(i));
    for (let i = 0; i < 2; i++) process.kill(-(running.child.pid ?? Number.NaN), 'SIGTERM');
    expect(await running.ended).toBe(143);
    expect(names(where.remote).length).toBe(21);
    expect(running.events.find((e) => e.event === 'stopped')?.['summary']).toMatchObject({ unsent: [] });
    await expectNothingLeft(pids, where);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s to every single process, as systemd sends it: --once ends, and names what is not there',
    async (signal) => {
      const where = place();
      fill(where.local, Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, 'x'.repeat(20_000)])));
      const running = where.start(['--once', '--bwlimit', '200']);
      await running.event('started');
      for (const pid of [running.child.pid ?? Number.NaN, ...descendants(running)]) send(pid, signal);
      expect(await running.ended).toBe(signal === 'SIGTERM' ? 143 : 130);
      const unsent = unsentOf(running);
      const there = new Set([...names(where.remote), ...unsent]);
      expect(names(where.local).filter((name) => !there.has(name))).toEqual([]);
    },
  );

  it.each([
    ['nohup from a shell', ['bash', '-c', 'nohup "$@"; exit $?', 'bash']],
    ['a shell that ignores it', ['sh', '-c', 'trap "" HUP; "$@"; exit $?', 'sh']],
  ])('SIGHUP that came ignored, by %s, ends nothing, the connection neither', async (_, wrapper) => {
    const where = place();
    fill(where.local, { a: 'a' });
    const running = where.start([], { env: where.env, wrapper });
    await running.inSync();
    const [node = Number.NaN] = childrenOf(running.child.pid ?? 0);
    for (const pid of descendants(running)) send(pid, 'SIGHUP');
    await running.event('watching'); // the watcher has none of it
    writeFileSync(join(where.local, 'later'), '');
    await running.event('delivered', ({ items }) => JSON.stringify(items).includes('later'));
    expect(running.events.filter(({ event }) => event === 'connected')).toHaveLength(1);
    process.kill(node, 'SIGTERM');
    expect(await running.ended).toBe(143);
  });

  it('with nothing but files at its ends SIGHUP is nothing to it either', async () => {
    const where = place();
    fill(where.local, { a: 'a' });
    const log = join(where.local, '../log');
    const line = '"$@" </dev/null >"$LOG" 2>&1 & echo $!; wait';
    const args = ['-c', line, 'sh', process.execPath, CLI, ...where.args, '--json', where.local];
    const shell = spawn('sh', args, {
      env: { ...cleanEnv(), ...where.env, LOG: log },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) =>
      shell.stdout.once('data', (text: Buffer) => resolve(Number(text))),
    );
    onTestFinished(() => vi.waitFor(() => expect(shell.exitCode).not.toBeNull(), { timeout: 60_000 }));
    onTestFinished(() => void process.kill(pid, 'SIGTERM'));
    await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('"inSync"'), { timeout: 60_000 });
    process.kill(pid, 'SIGHUP');
    writeFileSync(join(where.local, 'later'), '');
    await vi.waitFor(() => expect(names(where.remote)).toContain('later'), { timeout: 60_000 });
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

  it('a second signal in the first full sync names what it had not come to', async () => {
    const where = place();
    fill(where.local, Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d/f${i}`, 'x'.repeat(20_000)])));
    const running = where.start(['--bwlimit', '200']);
    await running.event('started', ({ path }) => path !== 'd');
    running.child.kill('SIGINT');
    await running.event('stopping');
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(130);
    const unsent = unsentOf(running);
    const there = names(where.remote);
    expect(unsent.length).toBeGreaterThan(0);
    expect(names(where.local).filter((name) => !there.includes(name) && !unsent.includes(name))).toEqual([]);
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
