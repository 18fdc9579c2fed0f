import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SignalsThere } from '../../src/commands/signals-there.js';
import { NONE_FOUND } from '../../src/core/ssh/remote-command.js';
import { NOWHERE } from '../support/reach.js';
import { temporaryDir } from '../support/tree.js';

/** In the place of ssh: finds no command so many times, then one, and notes each time. */
const foundAfter = (misses: number) => where(`test $call -gt ${misses} || exit ${NONE_FOUND}`);

/** In the place of ssh: does this, and notes each time, of which this one is the `$call`th. */
function where(does: string) {
  const dir = temporaryDir();
  const [ssh, calls] = [join(dir, 'ssh'), join(dir, 'calls')];
  writeFileSync(calls, '');
  const script = `#!/bin/sh\necho >> '${calls}'\ncall=$(wc -l < '${calls}')\n${does}\n`;
  writeFileSync(ssh, script, { mode: 0o755 });
  const signals = new SignalsThere(NOWHERE, 'a-mark', { file: ssh, env: { PATH: process.env['PATH'] ?? '' } });
  return { signals, calls: () => readFileSync(calls, 'utf8').length };
}

it.each([
  { what: 'ssh was cut off before the command began: it is found when it has', misses: 2, isCut: true, calls: 3 },
  { what: 'ssh has ended with the command: it is looked for only once more', misses: 1000, isCut: false, calls: 2 },
])('a signal where $what', async ({ misses, isCut, calls }) => {
  const there = foundAfter(misses);
  there.signals.heard('SIGTERM', () => true);
  const untold = there.signals.untold(isCut);
  expect(await untold).toBe(undefined);
  expect(there.calls()).toBe(calls);
});

it('a signal for a command that is not found although ssh was cut off: did not get there', async () => {
  const there = foundAfter(1000);
  there.signals.heard('SIGTERM', () => true);
  expect(await there.signals.untold(true)).toBe('SIGTERM');
});

it('a signal is the same only as what comes twice: another one right after it gets there too', async () => {
  const there = foundAfter(0);
  for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM', 'SIGTERM', 'SIGINT'] as const)
    there.signals.heard(signal, () => true);
  expect(await there.signals.untold(false)).toBe(undefined);
  expect(there.calls()).toBe(2);
  expect(there.signals.first).toBe('SIGINT');
});

it.each([
  { what: 'ended with ours, before it had a session of its own, is sent again', does: 'kill -9 $$', calls: 3 },
  { what: 'gets no answer did not get there, and ends ours', does: 'exec sleep 60', calls: 2 },
])('a signal after one that has found the command, whose ssh $what', async ({ does, calls }) => {
  const there = where(`test $call -ne 2 || ${does}`);
  const killed: string[] = [];
  there.signals.heard('SIGINT', () => true);
  expect(await there.signals.untold(true)).toBe(undefined);
  there.signals.heard('SIGTERM', (signal) => killed.push(signal) > 0);
  expect(await there.signals.untold(true)).toBe(calls === 3 ? undefined : 'SIGTERM');
  expect(there.calls()).toBe(calls);
  expect(killed).toEqual(calls === 3 ? [] : ['SIGTERM']);
});

it.each([
  { end: 'ends its ssh, and did not get there', isCut: true, untold: 'SIGQUIT' },
  { end: 'is nothing to a command that has ended by itself', isCut: false, untold: undefined },
])('a signal after three others $end', async ({ isCut, untold }) => {
  const there = foundAfter(0);
  const killed: string[] = [];
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)
    there.signals.heard(signal, (other) => killed.push(other) > 0);
  expect(await there.signals.untold(isCut)).toBe(untold);
  expect([there.calls(), killed]).toEqual([3, ['SIGTERM']]);
});
