import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { childrenOf, startServer } from '../../fixtures/sshd/throwaway.mjs';
import { place, Running } from '../support/cli.js';
import { processesOf, STANDBY } from '../support/faulty.js';
import { send } from '../support/signal.js';
import { fill } from '../support/tree.js';

/** The rsync processes that wait for names, and everything below them (their ssh). */
function standbysOf(running: Running): Array<{ pid: number; below: number[] }> {
  return processesOf(running, STANDBY).map((pid) => ({ pid, below: childrenOf(pid) }));
}

function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** Waits until both standbys are connected: each has its ssh. */
const bothReady = (running: Running): Promise<Array<{ pid: number; below: number[] }>> =>
  running.until('two standbys', () => {
    const found = standbysOf(running).filter(({ below }) => below.length > 0);
    return found.length === 2 && found;
  });

const complaints = (running: Running) => running.events.filter((e) => ['trouble', 'pathFailed'].includes(e.event));

const isThere = (pid: number): boolean => commandOf(pid) !== '';

describe('standbys', () => {
  it('are two, wait without using the CPU, are used, and leave nothing behind', async () => {
    const { local, start, same } = place();
    fill(local, { a: 'a' });
    const running = start();
    await running.inSync();
    const first = await bothReady(running);
    writeFileSync(join(local, 'a'), 'saved');
    await same(running);
    await running.until('the one that was used is replaced', () => {
      const now = standbysOf(running).map(({ pid }) => pid);
      return now.length === 2 && first.filter(({ pid }) => now.includes(pid)).length === 1;
    });
    const last = await bothReady(running);
    await running.stop();
    const left = (): number[] => last.flatMap(({ pid, below }) => [pid, ...below]).filter(isThere);
    const deadline = Date.now() + 10_000;
    while (left().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(left()).toEqual([]);
  });

  it('that were killed are replaced, and nobody notices', async () => {
    const { local, start, same } = place();
    fill(local, { a: 'a' });
    const running = start();
    await running.inSync();
    const killed = await bothReady(running);
    for (const { pid } of killed) send(pid, 'SIGKILL');
    writeFileSync(join(local, 'a'), 'saved');
    await same(running);
    await running.until('new ones', () => {
      const now = standbysOf(running);
      return now.length === 2 && now.every(({ pid }) => !killed.some((old) => old.pid === pid));
    });
    expect(complaints(running)).toEqual([]);
  });

  it('whose connection has died do not notice it, but the batch that meets one is run again at once', async () => {
    const { local, args, env, same } = place();
    fill(local, { a: 'a' });
    const running = new Running([...args, '--debug', local], { env });
    await running.until('in sync', () => running.stdout.includes('in sync:'));
    for (const { below } of await bothReady(running)) for (const pid of below) send(pid, 'SIGKILL');
    writeFileSync(join(local, 'a'), 'saved');
    await same(running);
    writeFileSync(join(local, 'a'), 'saved again');
    await same(running);
    expect(running.stdout).toMatch(/again without standbys/);
    expect(running.stderr).not.toMatch(/next try in/);
  });

  it('make room where the server allows hardly any sessions', async () => {
    const server = await startServer({ config: ['MaxSessions 2'] });
    onTestFinished(() => server.stop());
    const { local, env, remote, server: shared } = place();
    fill(local, { a: 'a', 'd/e/f': 'f' });
    if (shared.kind === 'docker') return; // its remote directory is not this server's
    const running = new Running(['-F', server.sshConfig, '--to', `there:${remote}`, '--json', local], { env });
    await running.inSync();
    for (let n = 0; n < 5; n++) {
      const from = running.events.length;
      fill(local, { a: `saved ${n}`, [`new${n}/f`]: 'new' });
      // In the way of a file, a directory is cleared first: by an rsync of its own, beside the two that wait.
      if (n > 0) {
        rmSync(join(local, `new${n - 1}`), { recursive: true });
        fill(local, { [`new${n - 1}`]: 'a file' });
      }
      await running.event('inSync', () => true, from);
    }
    expect(complaints(running)).toEqual([]);
  });

  it('are done without where it allows one session, and the look at the place has that for long', async () => {
    const server = await startServer({
      config: ['MaxSessions 1', `ForceCommand sleep 0.7; eval "$SSH_ORIGINAL_COMMAND"`],
    });
    onTestFinished(() => server.stop());
    const { local, env, remote, server: shared } = place();
    fill(local, { a: 'a' });
    if (shared.kind === 'docker') return; // its remote directory is not this server's
    const running = new Running(['-F', server.sshConfig, '--to', `there:${remote}`, '--json', local, '--once'], {
      env,
    });
    expect(await running.ended).toBe(0);
    expect(readFileSync(join(remote, 'a'), 'utf8')).toBe('a');
  });
});
