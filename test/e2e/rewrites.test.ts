import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { childrenOf } from '../../fixtures/sshd/throwaway.mjs';
import { type Place, place, Running } from '../support/cli.js';
import { processesOf } from '../support/faulty.js';
import type { Relay } from '../support/relay.mjs';
import { startTestServer } from '../support/server-setup.js';
import { send } from '../support/signal.js';
import { fill, temporaryDir } from '../support/tree.js';
import { wireTo } from '../support/wire.js';

/** Far enough. */
const RTT_MS = 30;

const WRITER = /^\s*\d+ (?:\S*\/)?rsync .*--only-write-batch=/;
const READER = /^\s*\d+ (?:\S*\/)?ssh .*--read-batch=/;

/** A syncwatch to somewhere far away, and what it says of rewrites. */
interface Far extends Place {
  readonly relay: Relay;
  readonly running: Running;
  /** What its temporary folders are in. */
  readonly temporary: string;
  /** Both halves of one wait; gives the processes. */
  waits(): Promise<{ writer: number; reader: number }>;
  /** How many have been begun, and how many of these were not proven. */
  count(): { begun: number; unproven: number };
  /** Does this while one waits, until both sides are the same; gives what it came to. */
  saves(change: () => void): Promise<{ begun: number; unproven: number }>;
}

async function far(files: Record<string, string>, config: readonly string[] = []): Promise<Far> {
  const { server, stop } = await startTestServer(config);
  onTestFinished(stop);
  const there = place(server);
  const { relay, args: wired } = await wireTo(there, RTT_MS);
  fill(there.local, files);
  const temporary = temporaryDir();
  const running = new Running([...there.args, ...wired, '--debug', there.local], {
    env: { ...there.env, TMPDIR: temporary },
  });
  await running.until('in sync', () => running.stdout.includes('in sync:'));
  const times = (text: RegExp): number => running.stdout.match(text)?.length ?? 0;
  const count = () => ({ begun: times(/^.*rewrite exec sh/gm), unproven: times(/^.*not proven /gm) });
  const waits = () =>
    running.until('a rewrite waits', () => {
      // Of one that was taken both halves are still there for a moment.
      const isNext = running.stdout.lastIndexOf('a rewrite waits') > running.stdout.lastIndexOf(' rewrite exec sh');
      const writer = processesOf(running, WRITER).at(-1);
      const reader = processesOf(running, READER).at(-1);
      const areThere = writer !== undefined && reader !== undefined && readdirSync(temporary).length === 0;
      return isNext && areThere && { writer, reader };
    });
  const saves = async (change: () => void) => {
    await waits();
    const before = count();
    change();
    await there.same(running);
    await running.until('nothing waits', () => /in sync: .*\n(?:(?!rewrite|rsync ).*\n)*$/.test(running.stdout));
    const after = count();
    return { begun: after.begun - before.begun, unproven: after.unproven - before.unproven };
  };
  return { ...there, relay, running, temporary, waits, count, saves };
}

/** All that went so was proven. On a busy machine what is written together may go in several. */
const isProven = ({ begun, unproven }: { begun: number; unproven: number }): boolean => begun > 0 && unproven === 0;

const isThere = (pid: number): boolean => {
  try {
    return !/defunct/.test(execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return false;
  }
};

describe('where the other side is far away', () => {
  it('a known file that is saved goes as a rewrite, whatever is done to it, and the rest the ordinary way', async () => {
    const odd = ['-dash', '#hash', 'new\nline', 'ü☃', 'q\'uo"te $x', 'd/e/f'];
    const { local, remote, running, waits, saves, temporary, relay } = await far(
      Object.fromEntries([...odd, 'plain'].map((name) => [name, 'old'])),
    );
    expect(await saves(() => fill(local, Object.fromEntries(odd.map((name) => [name, 'new']))))).toSatisfy(isProven);
    expect(
      await saves(() => {
        writeFileSync(join(local, 'd/e/temporary'), 'saved atomically');
        renameSync(join(local, 'd/e/temporary'), join(local, 'd/e/f'));
      }),
    ).toSatisfy(isProven);
    expect(await saves(() => writeFileSync(join(local, 'plain'), ''))).toSatisfy(isProven);
    expect(
      await saves(() => {
        writeFileSync(join(local, 'plain'), 'more');
        chmodSync(join(local, 'plain'), 0o600);
        utimesSync(join(local, 'plain'), 1_000_000, 1_000_000.5);
      }),
    ).toSatisfy(isProven);
    // Others have made something of it there.
    writeFileSync(join(remote, 'plain'), 'foreign');
    expect(await saves(() => writeFileSync(join(local, 'plain'), 'again'))).toSatisfy(isProven);
    rmSync(join(remote, 'plain'));
    symlinkSync('-dash', join(remote, 'plain'));
    expect(await saves(() => writeFileSync(join(local, 'plain'), 'and again'))).toSatisfy(isProven);
    rmSync(join(remote, 'plain'));
    linkSync(join(remote, '-dash'), join(remote, 'plain'));
    expect(await saves(() => writeFileSync(join(local, 'plain'), 'once more'))).toSatisfy(isProven);
    // New, large, removed.
    expect(await saves(() => fill(local, { 'new/dir/f': 'new' }))).toEqual({ begun: 0, unproven: 0 });
    expect(await saves(() => writeFileSync(join(local, 'plain'), 'x'.repeat(41_000)))).toEqual({
      begun: 0,
      unproven: 0,
    });
    expect(await saves(() => rmSync(join(local, 'plain')))).toEqual({ begun: 0, unproven: 0 });
    // Nothing of it is left.
    const last = await waits();
    relay.setRtt(0);
    await running.stop();
    await expect.poll(() => Object.values(last).filter(isThere), { timeout: 20_000 }).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('two saves in quick succession, and one while it is on its way, are all there in the end', async () => {
    const { local, saves, count } = await far({ a: 'old', b: 'old' });
    for (let n = 0; n < 4; n++) {
      await saves(() => {
        writeFileSync(join(local, 'a'), `${n} first`);
        setTimeout(() => writeFileSync(join(local, 'b'), `${n} beside it`), 15);
        setTimeout(() => writeFileSync(join(local, 'a'), `${n} second`), 40);
      });
    }
    expect(count().begun).toBeGreaterThanOrEqual(4);
    expect(count().unproven).toBe(0);
    expect(readFileSync(join(local, 'a'), 'utf8')).toBe('3 second');
  });

  it.each(['d', 'd/a d/b', '.'])(
    '%s, removed there, is noticed, and brought again with all that was removed',
    async (gone) => {
      const { local, remote, saves } = await far({ 'd/a': 'old', 'd/b': 'old', 'd/c': 'old' });
      for (const name of gone.split(' ')) rmSync(join(remote, name), { recursive: true });
      const { begun, unproven } = await saves(() => writeFileSync(join(local, 'd/a'), 'new'));
      expect([begun > 0, unproven > 0]).toEqual([true, true]);
      expect(readFileSync(join(remote, 'd/b'), 'utf8')).toBe('old');
    },
  );

  it('what is in the way there is told of as ever, and when it is gone all goes on', async () => {
    const { local, remote, running, waits, same } = await far({ b: 'old' });
    rmSync(join(remote, 'b'));
    fill(remote, { 'b/foreign': 'f' });
    await waits();
    writeFileSync(join(local, 'b'), 'new');
    await running.until('it has failed', () => /\bb FAILED: .*in the way/.test(running.stdout + running.stderr));
    expect(readFileSync(join(remote, 'b/foreign'), 'utf8')).toBe('f');
    rmSync(join(remote, 'b'), { recursive: true });
    writeFileSync(join(local, 'b'), 'at last');
    await same(running);
  });

  it('either half may be killed while it waits or works, and the connection go', async () => {
    const { local, remote, running, waits, saves, relay, same } = await far({ a: 'old' });
    for (const half of ['writer', 'reader'] as const) {
      process.kill((await waits())[half], 'SIGKILL');
      writeFileSync(join(local, 'a'), `after the ${half} was killed`);
      await same(running);
    }
    // Stopped, the half here has its names and does nothing about them.
    const { writer } = await waits();
    process.kill(writer, 'SIGSTOP');
    writeFileSync(join(local, 'a'), 'while it works');
    await running.until('it was begun', () => / rewrite exec sh(?:(?!\n.*in sync).)*$/s.test(running.stdout));
    for (const pid of [...childrenOf(writer), writer]) send(pid, 'SIGKILL');
    await same(running);
    // Nothing comes through, and then all is cut.
    await waits();
    relay.freeze(true);
    writeFileSync(join(local, 'a'), 'while nothing comes through');
    await running.until('it was begun', () => / rewrite exec sh(?:(?!\n.*in sync).)*$/s.test(running.stdout));
    relay.cut();
    relay.freeze(false);
    await same(running);
    await saves(() => writeFileSync(join(local, 'a'), 'and as ever'));
    expect(readdirSync(remote)).toEqual(['a']);
  });

  it('nothing of one is left, here or there, when syncwatch is killed', async () => {
    const { local, remote, running, waits, temporary } = await far({ a: 'old' });
    const halves = await waits();
    process.kill(halves.writer, 'SIGSTOP');
    writeFileSync(join(local, 'a'), 'on its way');
    await running.until('it was begun', () => / rewrite exec sh/.test(running.stdout));
    await running.stop('SIGKILL');
    process.kill(halves.writer, 'SIGCONT');
    const readers = () =>
      execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes('--read-batch=') && line.includes(remote));
    await expect.poll(() => [...Object.values(halves).filter(isThere), ...readers()], { timeout: 30_000 }).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(remote)).toEqual(['a']);
  });

  it('a server that starts only what it wants gets everything the ordinary way', async () => {
    const only = `case "$SSH_ORIGINAL_COMMAND" in *--read-batch*) echo only rsync; exit 1 ;; esac; eval "$SSH_ORIGINAL_COMMAND"`;
    const { local, running, same, count } = await far({ a: 'old' }, [`ForceCommand ${only}`]);
    for (const text of ['new', 'newer']) {
      writeFileSync(join(local, 'a'), text);
      await same(running);
    }
    expect(count()).toEqual({ begun: 0, unproven: 0 });
    expect(processesOf(running, WRITER)).toEqual([]);
  });
});
