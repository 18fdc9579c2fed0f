import { setTimeout as sleep } from 'node:timers/promises';
import { churn, randomFrom } from './churn.js';
import type { Running } from './cli.js';
import { type FaultyPlace, faultyPlace, MASTER, processesOf, WATCHER } from './faulty.js';
import { fill } from './tree.js';

/** What came of a storm. */
export interface StormEnd {
  readonly running: Running;
  readonly faults: readonly string[];
  /** From the last change to both trees being equal, in milliseconds. */
  readonly toEqualMs: number;
}

/** How long both sides may take to become equal: a frozen link takes 15 s to be noticed, the next tries up to 30 s. */
const PATIENCE_MS = 120_000;

/** How long a fault lasts that is not for good, in milliseconds. */
const LASTS_MS = 1_500;

/**
 * Changes a tree at random for `ms` while syncwatch runs, with or without faults in between, and waits until both sides are
 * equal. Fails with the seed and the differences if they never are.
 */
export async function storm(seed: number, ms: number, withFaults: boolean): Promise<StormEnd> {
  const place = await faultyPlace();
  fill(place.local, { 'keep/this': '' });
  const args = ['--no-default-excludes'];
  let running = place.startWired(args);
  await running.inSync();
  const faults: string[] = [];
  const restart = async (): Promise<void> => {
    await running.stop('SIGKILL');
    running = place.startWired(args);
    await running.event('passStarted'); // before it has begun, a lost connection is the end: exit code 3
  };
  const end = Date.now() + ms;
  const random = randomFrom(seed + 1_000_000);
  const doFaults = async (): Promise<void> => {
    for (;;) {
      await sleep(500 + random() * 1_500);
      if (Date.now() > end) return;
      const all = Object.entries(faultsOf(place, () => running, restart));
      const [name, fault] = all[Math.floor(random() * all.length)] ?? [];
      faults.push(name ?? '');
      await fault?.();
    }
  };
  await Promise.all([churn(place.local, seed, ms), withFaults ? doFaults() : undefined]);
  const over = performance.now();
  try {
    await place.same(running, undefined, PATIENCE_MS);
  } catch (error) {
    throw new Error(`seed ${seed} after ${faults.join(', ') || 'no faults'}: ${(error as Error).message}`);
  }
  return { running, faults, toEqualMs: performance.now() - over };
}

const faultsOf = (
  { relay, sshd }: FaultyPlace,
  running: () => Running,
  restart: () => Promise<void>,
): Readonly<Record<string, () => unknown>> => {
  const kill = (pattern: RegExp, signal: NodeJS.Signals): void => {
    for (const pid of processesOf(running(), pattern)) tryKill(pid, signal);
  };
  return {
    'cable cut': () => relay.cut(),
    'link frozen for a while': async () => {
      relay.freeze(true);
      await sleep(LASTS_MS);
      relay.freeze(false);
    },
    'server killed for a while': async () => {
      await sshd.crash();
      await sleep(LASTS_MS);
      await sshd.again();
    },
    'master killed': () => kill(MASTER, 'SIGKILL'),
    'watcher killed': () => kill(WATCHER, 'SIGKILL'),
    'watcher stopped for a while': async () => {
      kill(WATCHER, 'SIGSTOP');
      await sleep(LASTS_MS);
      kill(WATCHER, 'SIGCONT');
    },
    'rsync killed': () => kill(/^\s*\d+ (?:\S*\/)?rsync /, 'SIGKILL'),
    'syncwatch killed and started again': restart,
  };
};

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has just gone
  }
}
