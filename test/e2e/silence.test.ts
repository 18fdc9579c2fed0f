import { describe, expect, it } from 'vitest';
import { type Place, place, Running, run } from '../support/cli.js';
import { processesOf } from '../support/faulty.js';
import { fill } from '../support/tree.js';
import { wireTo } from '../support/wire.js';

/** ssh's own patience, made short by what the user may give it. */
const IMPATIENT = ['ConnectTimeout=2', 'ServerAliveInterval=1', 'ServerAliveCountMax=1'].flatMap((option) => [
  '-o',
  option,
]);

/** Where a server falls silent: after so many bytes of its own. */
const PHASES = [
  ['before its banner', 0],
  ['in the key exchange', 60],
  ['in the login', 2_800],
] as const;

/** A place whose server, over the relay, falls silent after so many bytes. */
async function silentPlace(bytes: number): Promise<Place & { readonly wired: readonly string[] }> {
  const there = place();
  fill(there.local, { a: 'a' });
  const { relay, args } = await wireTo(there);
  relay.holdAfter(bytes);
  return { ...there, wired: args };
}

describe.each(PHASES)('a server that falls silent %s', (_phase, bytes) => {
  it('ends it at the start', async () => {
    const { wired, to, server, local, env } = await silentPlace(bytes);
    const modes = [['--once'], ['--dry-run'], []].map((mode, i) =>
      run(['-F', server.sshConfig, '--to', `${to}${i}`, ...wired, ...IMPATIENT, ...mode, local], { env }),
    );
    for (const { code, stderr } of await Promise.all(modes)) {
      expect(code).toBe(3);
      expect(stderr).toMatch(/there( port \d+)? can't be reached/);
    }
  });

  it('and it answers a signal at once', async () => {
    const { start, wired } = await silentPlace(bytes);
    const running = start(wired);
    await running.event('connecting');
    await running.until('ssh', () => processesOf(running, /ssh -N/).length > 0);
    const ssh = processesOf(running, /ssh -N/);
    expect(await running.stop()).toBe(130);
    expect(ssh.filter((pid) => isThere(pid))).toEqual([]);
  });
});

describe('doctor and init', () => {
  it('end with a server that never answers', async () => {
    const there = await silentPlace(0);
    const { args, wired, local, env } = there;
    const options = [...args, ...wired, ...IMPATIENT, local];
    const [doctor, init] = ['doctor', 'init'].map((command) => new Running([command, ...options], { env }));
    expect(await doctor?.ended).toBe(1);
    expect(doctor?.stdout).toMatch(/ERROR {4}login: .* can't be reached/);
    expect(await init?.ended).toBe(3);
    expect(init?.stderr).toMatch(/can't be reached/);
  });
});

describe('a shell there that does not start rsync', () => {
  it('is told of, and a signal ends it at once', async () => {
    const there = place();
    fill(there.local, { a: 'a' });
    const hangs = there.program('#!/bin/sh\nexec sleep 20\n');
    const running = there.start(['--', `--rsync-path=${hangs}`]);
    await running.event('note', ({ text }) => /does not start rsync/.test(String(text)));
    const begun = running.child.pid === undefined ? [] : processesOf(running, /ssh -N|rsync/);
    expect(await running.stop('SIGTERM')).toBe(143);
    expect(begun.filter(isThere)).toEqual([]);
  });
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
