import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { amount } from '../support/amount.js';
import { faultyPlace, timed, took } from '../support/faulty.js';
import { fill } from '../support/tree.js';

/** How many files change while nobody can be reached. */
const FILES = amount(2_000, 60_000);

/** The resident memory of a process in MB, now or at its highest: proc(5). */
function residentMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  if (process.platform !== 'linux') return Number.NaN;
  const [, kb] = new RegExp(`${field}:\\s*(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1000);
}

/** The processor time that a process has used, in clock ticks: proc(5). */
function ticks(pid: number): number {
  const [, , , , , , , , , , , , user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return Number(user) + Number(system);
}

it(`${FILES} files that change while there is no connection wait in bounded memory, and all of them arrive`, async () => {
  const { local, same, sshd, startWired } = await faultyPlace();
  fill(local, { a: 'a', 'gone/x': 'x' });
  const running = startWired();
  await running.inSync();
  const pid = running.child.pid ?? 0;
  const before = residentMb(pid, 'VmRSS');
  await sshd.crash();
  await running.event('trouble');
  for (let d = 0; d < FILES / 200; d++) {
    mkdirSync(join(local, `d${d}`));
    for (let f = 0; f < 200; f++) writeFileSync(join(local, `d${d}`, `f${f}`), `${d} ${f}`);
  }
  rmSync(join(local, 'gone'), { recursive: true });
  const from = running.events.length;
  // It has taken note of them when it has nothing more to do.
  let last = { at: performance.now(), used: -1 };
  await running.until('idle', () => {
    if (process.platform !== 'linux') return true;
    if (ticks(pid) - last.used > 2) last = { at: performance.now(), used: ticks(pid) };
    return performance.now() - last.at > 1_500;
  });
  const waiting = residentMb(pid, 'VmRSS');
  await sshd.again();
  const equalMs = await timed(same(running, undefined, 900_000));
  const memory = `${before} MB before, ${waiting} MB waiting, ${residentMb(pid, 'VmHWM')} MB at most in the full sync`;
  took(`${FILES} files changed offline: ${memory}`, undefined, equalMs);
  await running.event('inSync', () => true, from);
  expect(await running.stop()).toBe(130);
  expect(running.events.find((e) => e.event === 'stopped')?.['summary']).toMatchObject({ unsent: [] });
});
