import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { childrenOf } from '../../fixtures/sshd/throwaway.mjs';
import { type Place, place, type Running } from './cli.js';
import { startTestServer } from './server-setup.js';
import { type Wire, wireTo } from './wire.js';

/** A place with a server of its own that may be killed, and a relay on the way there that may be cut or frozen. */
export interface FaultyPlace extends Place, Wire {
  readonly sshd: Awaited<ReturnType<typeof startTestServer>>['sshd'];
  /** Starts syncwatch over the relay. */
  startWired(args?: readonly string[]): Running;
}

/** Both are gone when the test has finished. */
export async function faultyPlace(rttMs = 0): Promise<FaultyPlace> {
  const { server, sshd, stop } = await startTestServer();
  onTestFinished(stop);
  const there = place(server);
  const wire = await wireTo(there, rttMs);
  return { ...there, ...wire, sshd, args: there.args, startWired: (more = []) => there.start([...wire.args, ...more]) };
}

/** The processes below this syncwatch whose command matches. */
export function processesOf(running: Running, pattern: RegExp): number[] {
  const { pid } = running.child;
  if (pid === undefined) return [];
  const below = childrenOf(pid);
  return execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => pattern.test(line) && !line.includes('<defunct>'))
    .map((line) => Number.parseInt(line, 10))
    .filter((one) => below.includes(one));
}

/** Waits for such a process. Never a pid 0, which would be our own group. */
export const processOf = (running: Running, pattern: RegExp): Promise<number> =>
  running.until(`a process ${pattern}`, () => processesOf(running, pattern)[0] ?? false);

export const MASTER = /ssh -N/;
export const WATCHER = /watch\/process/;
