import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { Keyboard } from '../../src/report/keyboard.js';

/** A keyboard that nobody types on yet, and whether it is raw. */
function keyboard(isForeground: () => boolean) {
  const setRawMode = vi.fn();
  const stdin = Object.assign(new PassThrough(), { setRawMode });
  const jobs = Object.assign(new EventEmitter(), { pid: 1, kill: vi.fn() });
  const key = vi.fn();
  const one = new Keyboard({ stdin, jobs, isForeground });
  one.attach({ key, stopped: () => {}, continued: () => {} });
  return { one, stdin, setRawMode, key };
}

it('in the background nothing is read, for whoever reads there is stopped: not before it is in the foreground', async () => {
  let isForeground = false;
  const { one, stdin, setRawMode, key } = keyboard(() => isForeground);
  expect(one.take()).toBe(false);
  stdin.write('for the shell');
  await new Promise(setImmediate);
  expect([stdin.readableFlowing, setRawMode.mock.calls, key.mock.calls]).toEqual([false, [], []]);
  expect(stdin.read()).toBe('for the shell'); // which took it
  isForeground = true;
  expect(one.take()).toBe(true);
  stdin.write('p');
  await vi.waitFor(() => expect(key.mock.calls).toEqual([['p']]));
  one.giveBack();
  expect([stdin.readableFlowing, setRawMode.mock.calls]).toEqual([false, [[true], [false]]]);
});
