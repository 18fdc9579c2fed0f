import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { childrenOf } from '../../fixtures/sshd/throwaway.mjs';
import { type Place, place, type Running } from './cli.js';
import { startTestServer } from './server-setup.js';
import { type Wire, wireTo } from './wire.js';

/** A place with a server of its own that may be killed, and a relay on the way there that may be cut or frozen. */
export interface FaultyPlace extends Place {
  readonly relay: Wire['relay'];
  /** The arguments that lead over the relay. */
  readonly wired: Wire['args'];
  readonly sshd: Awaited<ReturnType<typeof startTestServer>>['sshd'];
  /** Starts syncwatch over the relay. */
  startWired(args?: readonly string[]): Running;
}

/** Both are gone when the test has finished. */
export async function faultyPlace(rttMs = 0): Promise<FaultyPlace> {
  const { server, sshd, stop } = await startTestServer();
  onTestFinished(stop);
  const there = place(server);
  const { relay, args: wired } = await wireTo(there, rttMs);
  return { ...there, relay, wired, sshd, startWired: (more = []) => there.start([...wired, ...more]) };
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
export const WATCHER = /dist\/watcher\.js/;
/** A standby, or a run for names. */
export const STANDBY = /^\s*\d+ (?:\S*\/)?rsync .*--files-from=-/;

/**
 * Notes how long it took to notice a fault and to be equal again, in milliseconds, for whoever wants a table:
 * `SYNCWATCH_FAULT_TABLE=file npm test`.
 */
export function took(fault: string, noticedMs: number | undefined, equalMs: number): void {
  const file = process.env['SYNCWATCH_FAULT_TABLE'];
  const ms = (n: number | undefined): string => (n === undefined ? '-' : `${Math.round(n)} ms`);
  if (file !== undefined) appendFileSync(file, `| ${fault} | ${ms(noticedMs)} | ${ms(equalMs)} |\n`);
}

/** Runs a step and says how long it took, in milliseconds. */
export async function timed(step: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await step;
  return performance.now() - begun;
}
