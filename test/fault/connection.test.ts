import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { childrenOf } from '../../fixtures/sshd/throwaway.mjs';
import type { Running } from '../support/cli.js';
import { faultyPlace, timed, took } from '../support/faulty.js';
import { fill, names } from '../support/tree.js';

const troubles = (running: Running, from = 0) => running.events.slice(from).filter(({ event }) => event === 'trouble');

describe('a lost connection', () => {
  it('an older version that an rsync of the old connection puts there afterwards does not stay', async () => {
    const place = await faultyPlace();
    const { local, remote, same, relay } = place;
    fill(local, { a: 'older' });
    const running = place.startWired();
    await running.inSync();
    const from = running.events.length;
    relay.cut();
    writeFileSync(join(local, 'a'), 'newer');
    await running.event('passStarted', () => true, from);
    const passed = running.events.length;
    await running.event('inSync', () => true, passed);
    // As what the kernel had still to send for the old connection does when it arrives late.
    writeFileSync(join(remote, 'a'), 'older');
    const equalMs = await timed(same(running));
    took('an older version arrived late', undefined, equalMs);
    await running.event('repaired');
  });

  it('with nobody to ask for a password: said clearly, tried again slowly, and all is well when the login works', async () => {
    const place = await faultyPlace();
    const { local, same, sshd, relay } = place;
    fill(local, { a: 'a' });
    const running = place.startWired();
    await running.inSync();
    const from = running.events.length;
    const keys = join(sshd.folder, 'authorized_keys');
    renameSync(keys, `${keys}.away`);
    relay.cut();
    const refused = await running.event('trouble', ({ failure }) => /refused/.test(JSON.stringify(failure)), from);
    expect(refused).toMatchObject({ failure: { kind: 'login', hint: expect.stringMatching(/ssh-agent/) } });
    expect(refused['retryMs']).toBeGreaterThanOrEqual(2_500);
    writeFileSync(join(local, 'a'), 'changed');
    renameSync(`${keys}.away`, keys);
    await same(running);
    expect(troubles(running, from).length).toBe(2); // lost, and refused
  });

  it("another host key afterwards: that's the end", async () => {
    const place = await faultyPlace();
    const { local, sshd } = place;
    fill(local, { a: 'a' });
    const running = place.startWired();
    await running.inSync();
    await sshd.crash();
    const key = join(sshd.folder, 'host_key');
    rmSync(key);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    await sshd.again();
    writeFileSync(join(local, 'a'), 'changed');
    expect(await running.ended).toBe(3);
    expect(running.events.find((e) => e.event === 'halted')).toMatchObject({
      failure: { kind: 'hostKey', message: expect.stringMatching(/has changed/) },
    });
    expect(readFileSync(join(sshd.folder, 'known_hosts'), 'utf8').split('\n').length).toBe(2); // not touched
  });
});

describe('a machine that was asleep', () => {
  it('is noticed by its clocks: the connection is checked at once, and everything is looked at', async () => {
    const place = await faultyPlace();
    const { local, relay, same } = place;
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = place.startWired();
    await running.inSync();
    const from = running.events.length;
    running.child.kill('SIGSTOP');
    relay.freeze(true); // another network by now
    writeFileSync(join(local, 'd/b'), 'while it slept');
    await sleep(7_000); // it is a clock that has to go on: nothing to wait for
    running.child.kill('SIGCONT');
    await running.event('woke', () => true, from);
    const noticedMs = await timed(running.event('trouble', () => true, from));
    relay.cut();
    relay.freeze(false);
    const equalMs = await timed(same(running));
    took('asleep for 7 s, link dead since', noticedMs, equalMs);
  });
});

describe('a remote that says nothing any more', () => {
  const impatient = ['ConnectTimeout=1', 'ServerAliveInterval=1', 'ServerAliveCountMax=1'].flatMap((each) => [
    '-o',
    each,
  ]);

  it('and never again, in the middle of --once: that ends with an error', async () => {
    const place = await faultyPlace();
    const { local, relay } = place;
    fill(local, { a: 'a', big: 'x'.repeat(12_000_000) });
    const running = place.startWired(['--once', '--bwlimit', '4m', ...impatient]);
    await running.event('started', ({ path }) => path === 'big');
    relay.freeze(true);
    expect(await running.ended).toBe(3);
    expect(running.events.find(({ event }) => event === 'halted')).toMatchObject({ failure: { kind: 'connection' } });
    expect(running.events.at(-1)).toMatchObject({ event: 'stopped' });
  });

  it('while the connection lives: a signal waits for it no longer than it is silent, and names what is not there', async () => {
    const place = await faultyPlace();
    const { local, remote, sshd } = place;
    fill(local, { a: 'a' });
    const running = place.startWired(['--bwlimit', '4m']);
    await running.inSync();
    fill(local, { big: 'x'.repeat(12_000_000) });
    await running.event('started', ({ path }) => path === 'big');
    const stopped = childrenOf(sshd.pid).filter((pid) => /^rsync/.test(commandOf(pid)));
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    expect(await running.stop()).toBe(130);
    for (const pid of stopped) process.kill(pid, 'SIGKILL');
    const summary = running.events.find(({ event }) => event === 'stopped')?.['summary'];
    expect(summary).toMatchObject({ unsent: expect.arrayContaining([expect.objectContaining({ path: 'big' })]) });
    expect(names(remote).filter((name) => !name.startsWith('.big'))).toEqual(['a']);
  });
});

const commandOf = (pid: number): string => execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
