import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Status } from '../../src/core/status.js';
import { type Place, place, Running, run } from '../support/cli.js';
import { MASTER, processOf } from '../support/faulty.js';
import { withoutOverride } from '../support/rights.js';
import { fill, names } from '../support/tree.js';
import { wireTo } from '../support/wire.js';

const command = ({ local, env }: Place, name: string, args: readonly string[] = [], dir = local) =>
  run([name, ...args, dir], { env });

const status = async (there: Place): Promise<Status> =>
  JSON.parse((await command(there, 'status', ['--json'])).stdout) as Status;

/** Something was saved, and the link says nothing. */
async function overFrozenLink() {
  const there = place();
  const { relay, args } = await wireTo(there, 0);
  fill(there.local, { a: '' });
  const running = there.start(args);
  await running.inSync();
  relay.freeze(true);
  writeFileSync(join(there.local, 'a'), 'changed');
  return { there, relay };
}

/** What is missing there when flush says that all is there; asked again and again until somebody answers. */
async function flushed(there: Place): Promise<string[]> {
  for (;;) {
    const { code, stderr } = await command(there, 'flush', ['--timeout', '60']);
    if (code === 3) continue; // nobody runs yet, or is about to
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const have = new Set(names(there.remote));
    return names(there.local).filter((name) => !have.has(name));
  }
}

const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d${i % 10}/f${i}`, `${i}`]));

describe('flush', () => {
  it('before the first pass waits for it: what was there the last time may be gone', async () => {
    const there = place();
    fill(there.local, many);
    for (const _ of [1, 2]) {
      const running = there.start();
      expect(await flushed(there)).toEqual([]);
      await running.stop();
      rmSync(there.remote, { recursive: true });
    }
  });

  it('after a lost connection waits for the pass that follows the new one', async () => {
    const there = place();
    fill(there.local, many);
    const running = there.start();
    await running.inSync();
    for (const _ of [1, 2]) {
      const from = running.events.length;
      rmSync(there.remote, { recursive: true });
      process.kill(await processOf(running, MASTER), 'SIGKILL');
      await running.event('trouble', () => true, from);
      expect(await flushed(there)).toEqual([]);
    }
  });

  it('does not wait for the time at which what somebody removed there is looked after', async () => {
    const there = place();
    fill(there.local, many);
    const running = there.start();
    await running.inSync();
    for (const round of [1, 2]) {
      const from = running.events.length;
      rmSync(there.remote, { recursive: true });
      writeFileSync(join(there.local, 'd0/f0'), `changed ${round}`);
      await running.event('removedThere', () => true, from);
      expect(await flushed(there)).toEqual([]);
    }
  });

  it('also from a directory further down, and with nothing to do', async () => {
    const there = place();
    fill(there.local, { 'd/e/f': '' });
    const running = there.start();
    await running.inSync();
    expect(await command(there, 'flush')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    writeFileSync(join(there.local, 'd/e/f'), 'changed');
    expect((await command(there, 'flush', [], join(there.local, 'd/e'))).code).toBe(0);
    expect(readFileSync(join(there.remote, 'd/e/f'), 'utf8')).toBe('changed');
  });

  it('right at the start it waits for the full sync', async () => {
    const there = place();
    for (let i = 0; i < 300; i++) fill(there.local, { [`d${i}/f`]: 'x' });
    const running = there.start();
    await running.event('passStarted');
    expect((await command(there, 'flush')).code).toBe(0);
    expect(names(there.remote)).toEqual(names(there.local));
  });

  it('a path that fails: exit code 1, and which', async () => {
    const there = place();
    fill(there.local, { a: '', secret: '' });
    const running = there.start([], { wrapper: withoutOverride() });
    await running.inSync();
    writeFileSync(join(there.local, 'secret'), 'changed');
    writeFileSync(join(there.local, 'a'), 'changed');
    chmodSync(join(there.local, 'secret'), 0);
    const { code, stderr } = await command(there, 'flush');
    expect(code).toBe(1);
    expect(stderr).toMatch(/secret FAILED: permission denied here/);
    expect(readFileSync(join(there.remote, 'a'), 'utf8')).toBe('changed');
    chmodSync(join(there.local, 'secret'), 0o644);
    expect((await command(there, 'flush')).code).toBe(0);
    expect(readFileSync(join(there.remote, 'secret'), 'utf8')).toBe('changed');
  });

  it('a link that says nothing: exit code 4 after --timeout, and what waits; it goes on when the link does', async () => {
    const { there, relay } = await overFrozenLink();
    const late = await command(there, 'flush', ['--timeout', '0.5']);
    expect(late.code).toBe(4);
    expect(late.stderr).toMatch(/not everything is there after 0\.5 s/);
    expect(late.stderr).toMatch(/1 path waiting/);
    const flushing = command(there, 'flush');
    relay.freeze(false);
    expect((await flushing).code).toBe(0);
    expect(readFileSync(join(there.remote, 'a'), 'utf8')).toBe('changed');
  });

  it('no syncwatch: exit code 3 and what to do; wrong options: 2', async () => {
    const there = place();
    const nobody = await command(there, 'flush');
    expect(nobody.code).toBe(3);
    expect(nobody.stderr).toMatch(/no syncwatch is running for .*\n {2}Start one there: syncwatch --to/);
    expect((await command(there, 'flush', ['--timeout', 'soon'])).code).toBe(2);
    expect((await command(there, 'flush', ['--json'])).code).toBe(2);
    expect((await command(there, 'status', ['--nope'])).code).toBe(2);
    expect((await run(['flush', join(there.local, 'nowhere')], { env: there.env })).code).toBe(2);
    expect((await run(['flush', '--help'], { env: there.env })).stdout).toMatch(/--timeout S/);
  });
});

describe('status, pause, resume and stop', () => {
  it('status says what it is doing', async () => {
    const there = place();
    fill(there.local, { 'd/a': '123' });
    const running = there.start();
    await running.inSync();
    const now = await status(there);
    expect(now).toMatchObject({
      pid: running.child.pid,
      root: there.local,
      target: there.to,
      state: { kind: 'inSync' },
      waiting: 0,
      sent: 1,
      bytes: 3,
      deleted: 0,
      directories: 2,
    });
    expect(Number(now.lastPassMs)).toBeLessThanOrEqual(Number(now.lastDeliveredMs));
    const words = await command(there, 'status');
    expect(words.code).toBe(0);
    expect(words.stdout).toMatch(/: in sync\n {2}1 file sent \(3 B\), 0 deleted/);
  });

  it('paused, changes collect; flush says so; after resume all of it goes', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    expect((await command(there, 'pause')).code).toBe(0);
    await running.event('paused');
    fill(there.local, { b: '', 'c/d': '' });
    rmSync(join(there.local, 'a'));
    for (;;) {
      const { waiting, state } = await status(there);
      expect(state.kind).toBe('paused');
      if (waiting >= 4) break;
      await sleep(20);
    }
    expect(names(there.remote)).toEqual(['a']);
    const refused = await command(there, 'flush');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(/paused; go on with: syncwatch resume/);
    expect((await command(there, 'resume')).code).toBe(0);
    expect((await command(there, 'flush')).code).toBe(0);
    expect(names(there.remote)).toEqual(['b', 'c', 'c/d']);
  });

  it.each([
    ['SIGINT', 130],
    ['syncwatch stop', 1],
  ] as const)(
    'pause waits for what is being sent; from then on nothing goes, nor at the end by %s, which names it',
    async (by, code) => {
      const there = place();
      fill(there.local, { a: 'a', gone: '' });
      const running = there.start(['--bwlimit', '300']);
      await running.inSync();
      const slow = randomBytes(600_000);
      writeFileSync(join(there.local, 'slow'), slow);
      await running.event('started', ({ path }) => path === 'slow');
      const { code: paused, stderr } = await command(there, 'pause');
      expect([paused, stderr.replaceAll(/^\S+: waiting for what is being sent.*\n/gm, '')]).toEqual([0, '']);
      const [delivered, told] = ['delivered', 'paused'].map((kind) =>
        running.events.findLastIndex((e) => e.event === kind),
      );
      expect(told).toBeGreaterThan(delivered ?? 0);
      expect(readFileSync(join(there.remote, 'slow')).equals(slow)).toBe(true);
      fill(there.local, { a: 'changed', b: '', slow: 'changed' });
      rmSync(join(there.local, 'gone'));
      expect(
        by === 'SIGINT' ? await running.stop() : [(await command(there, 'stop')).code, await running.ended],
      ).toEqual(by === 'SIGINT' ? code : [0, code]);
      const summary = running.events.find(({ event }) => event === 'stopped')?.['summary'] as {
        unsent: Array<{ path: string }>;
      };
      expect(summary.unsent.map(({ path }) => path).sort()).toEqual(expect.arrayContaining(['a', 'b', 'gone', 'slow']));
      expect(names(there.remote)).toEqual(['a', 'gone', 'slow']);
      expect(readFileSync(join(there.remote, 'a'), 'utf8')).toBe('a');
      expect(readFileSync(join(there.remote, 'slow')).equals(slow)).toBe(true);
    },
  );

  it('a flush that waits is told of the pause', async () => {
    const { there, relay } = await overFrozenLink();
    const flushing = command(there, 'flush');
    while ((await status(there)).waiting === 0) await sleep(20);
    const pausing = command(there, 'pause');
    expect((await flushing).code).toBe(3);
    relay.freeze(false);
    expect((await pausing).code).toBe(0);
  });

  it('stop sends what waits, and ends it with exit code 0', async () => {
    const there = place();
    mkdirSync(join(there.local, 'd'));
    const running = there.start();
    await running.inSync();
    fill(there.local, { 'd/a': 'a' });
    const stopped = await command(there, 'stop');
    expect(stopped).toMatchObject({ code: 0, stderr: '' });
    expect(await running.ended).toBe(0);
    expect(readFileSync(join(there.remote, 'd/a'), 'utf8')).toBe('a');
    expect((await command(there, 'status')).code).toBe(3);
  });

  it('one that is stopped, or busy, is told as that and waited for; two on one DIR both count', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    const other = new Running(['--to', join(there.local, '../other'), '--json', there.local], { env: there.env });
    await running.inSync();
    await other.inSync();
    running.child.kill('SIGSTOP');
    onTestFinished(() => void running.child.kill('SIGCONT'));
    writeFileSync(join(there.local, 'b'), '');
    const late = await command(there, 'flush', ['--timeout', '2']);
    const says = /^there:\S+: the syncwatch there \(pid \d+\) is busy, or stopped \(Ctrl-Z\?\): waiting for it\n/;
    expect([late.code, late.stderr]).toEqual([4, expect.stringMatching(says)]);
    expect((await command(there, 'flush', ['--to', join(there.local, '../other')])).code).toBe(0);
    const waiting = new Running(['flush', there.local], { env: there.env });
    await waiting.until('it says so', () => says.test(waiting.stderr));
    expect((await command(there, 'status')).stdout).toMatch(
      /^there:\S+: the syncwatch there .* is busy.*: no answer$/m,
    );
    expect(waiting.child.exitCode).toBeNull();
    running.child.kill('SIGCONT');
    expect(await waiting.ended).toBe(0);
    expect(names(there.remote)).toEqual(['a', 'b']);
  });

  it('finds the one that runs among very many sockets of dead ones, with few descriptors', async () => {
    const there = place();
    fill(there.local, { a: '' });
    const running = there.start();
    await running.inSync();
    const folder = join(there.env['XDG_RUNTIME_DIR'] ?? '', 'syncwatch');
    const dead = join(folder, 'dead.sock');
    const die = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
    spawnSync(process.execPath, ['-e', die, dead]);
    chmodSync(dead, 0o600);
    for (let i = 0; i < 1_000; i++) linkSync(dead, join(folder, `${i}.sock`));
    const wrapper = ['sh', '-c', 'ulimit -n 48; exec "$@"', 'sh'];
    expect(await run(['flush', there.local], { env: there.env, wrapper })).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
