import { expect, it } from 'vitest';
import { spawnHere } from '../../src/spawn-here.js';
import { PROGRAMS, there } from '../support/programs.js';

it('a program that runs in our place has our signals only as long as it runs', async () => {
  const listeners = (): number[] =>
    ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'].map((signal) => process.listenerCount(signal));
  const onSignal = (): void => {};
  const before = listeners();
  const shell = { ...there(PROGRAMS.git), file: '/bin/sh' };
  const running = spawnHere(shell, ['-c', 'exit 7'], { onSignal });
  expect(listeners()).toEqual(before.map((count) => count + 1));
  expect(await running).toEqual({ kind: 'exited', code: 7 });
  expect(listeners()).toEqual(before);
  expect(await spawnHere({ ...shell, file: '/nowhere' }, [], { onSignal })).toEqual({
    kind: 'failed',
    errno: 'ENOENT',
  });
  expect(listeners()).toEqual(before);
});
