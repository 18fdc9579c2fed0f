import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Event } from '../../src/core/event.js';
import type { OutputLine } from '../../src/core/rsync/output.js';
import type { Run } from '../../src/rsync/run.js';
import { readRun } from '../../src/sync/read-run.js';
import { n } from '../support/fake-work.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

const item = (name: string, bytes: number): OutputLine => ({
  kind: 'item',
  action: 'send',
  name: n(name),
  bytes,
  isNew: true,
  isDir: false,
});

/** What is told of how far a run is that says these, 500 ms apart. */
function progressOf(run: Run, lines: readonly OutputLine[]): Array<readonly [number, number | undefined]> {
  const told: Array<readonly [number, number | undefined]> = [];
  const report = (event: Event): void => void (event.kind === 'progress' && told.push([event.bytes, event.names]));
  const { read } = readRun(run, { totalBytes: 1_000 }, 'there', report);
  for (const line of lines) {
    vi.advanceTimersByTime(500);
    read(line);
  }
  return told;
}

const names: Run = { kind: 'names', names: [], comparesContent: false, deleteMissing: true };

it('a run of small files is as far as those that it is through with', () => {
  const lines = [item('a', 10), item('b', 20), item('c', 30), item('d', 40)];
  expect(progressOf(names, lines)).toEqual([
    [10, 1],
    [60, 3],
  ]);
});

it('one that says how far it is is so far', () => {
  const lines: OutputLine[] = [
    item('a', 10),
    { kind: 'progress', bytes: 5, names: undefined },
    item('b', 20),
    { kind: 'progress', bytes: 30, names: 2 },
  ];
  expect(progressOf({ ...names, saysHowFar: true }, lines)).toEqual([
    [5, undefined],
    [30, 2],
  ]);
});
