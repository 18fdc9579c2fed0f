import { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type Heard, type HereOptions, spawnHere, spawnWaiting } from '../../src/spawn-here.js';
import { PROGRAMS, there } from '../support/programs.js';
import { temporaryDir } from '../support/tree.js';

const shell = { ...there(PROGRAMS.git), file: '/bin/sh' };

it('a program that runs in our place has our signals only as long as it runs', async () => {
  const listeners = (): number[] =>
    ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'].map((signal) => process.listenerCount(signal));
  const onSignal = (): void => {};
  const before = listeners();
  const running = spawnHere(shell, ['-c', 'exit 7'], { onSignal });
  expect(listeners()).toEqual(before.map((count) => count + 1));
  expect(await running).toEqual({ kind: 'exited', code: 7 });
  expect(listeners()).toEqual(before);
  expect(await spawnHere({ ...shell, file: '/nowhere' }, [], { onSignal })).toEqual({
    kind: 'failed',
    errno: 'ENOENT',
  });
  expect(listeners()).toEqual(before);
  // What node throws.
  const below = { ...shell, file: join(import.meta.filename, 'x') };
  expect(await spawnHere(below, [], { onSignal })).toEqual({ kind: 'failed', errno: 'ENOTDIR' });
  expect(spawnWaiting(below, [])).toBe(undefined);
  expect(listeners()).toEqual(before);
});

it.each(['at once', 'when it is told to'])(
  'a signal is heard that came after the end of a program that began %s, and before we knew of that',
  async (when) => {
    const file = join(temporaryDir(), 'pid');
    const heard: Heard[] = [];
    const onSignal = (signal: Heard): void => void heard.push(signal);
    const args = ['-c', `echo $$ >${file}.new; mv ${file}.new ${file}; exec sleep 600`];
    const ended =
      when === 'at once'
        ? spawnHere(shell, args, { onSignal })
        : spawnWaiting(shell, args)?.go('', Readable.from([]), { onSignal });
    await expect.poll(() => existsSync(file)).toBe(true);
    const pid = Number(readFileSync(file, 'utf8'));
    process.kill(pid, 'SIGKILL');
    // Both wait for our event loop from here on, in this order.
    while (!/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
    process.kill(process.pid, 'SIGTERM');
    expect(heard).toEqual([]);
    expect(await ended).toEqual({ kind: 'exited', code: 137, signal: 'SIGKILL' });
    expect(heard).toEqual(['SIGTERM']);
  },
);

it('a program that may not have a signal from us, as sudo, runs on, and that is known', async () => {
  // Nobody says no to root. This is what node does where the system does (child_process, event 'error').
  const refuses = vi.spyOn(ChildProcess.prototype, 'kill').mockImplementation(function (this: ChildProcess) {
    this.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM' }));
    return false;
  });
  onTestFinished(() => refuses.mockRestore());
  const file = join(temporaryDir(), 'told');
  const got: boolean[] = [];
  const onSignal: HereOptions['onSignal'] = (signal, kill) => {
    got.push(kill(signal));
    if (got.length === 2) writeFileSync(file, '');
  };
  const ended = spawnHere(shell, ['-c', `while ! test -e ${file}; do sleep 0.01; done; exit 7`], { onSignal });
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.kill(process.pid, signal);
  expect(await ended).toEqual({ kind: 'exited', code: 7 });
  expect(got).toEqual([false, false]);
});
