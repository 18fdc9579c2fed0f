import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import type { Entry } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { isNews } from '../../src/scan/look.js';
import { type Sweeper, stirSweeps, sweepRegularly, sweepWaitMs } from '../../src/scan/shared-sweep.js';
import { FakeDisk } from '../support/fake-disk.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const [D, DE, X] = ['d', 'd/e', 'x'].map(nameFromText);

/** A tree, how often a directory of it was looked at, and who sweeps it: each knows `names`, and is told of news. */
function world() {
  const disk = new FakeDisk();
  for (const name of ['a', 'd/b', 'd/e/c', 'x/y']) disk.write(name);
  const looks: Name[] = [];
  const see = disk.see.bind(disk);
  disk.see = (name, ...more) => {
    looks.push(name);
    return see(name, ...more);
  };
  const sweeper = (names: readonly string[], may = (): boolean => true) => {
    const index = new NameIndex();
    for (const name of [ROOT, ...names.map(nameFromText)]) index.set(name, see(name) as Entry);
    const told: Name[] = [];
    const one: Sweeper = {
      begin: () => (may() ? { index, isNews: (dir, now) => isNews(index.get(dir), now) } : undefined),
      end: (dirs) => void told.push(...dirs),
    };
    return { told, stop: sweepRegularly(disk, one) };
  };
  return { disk, looks, sweeper };
}

const ALL = ['a', 'd', 'd/b', 'd/e', 'd/e/c', 'x', 'x/y'];

it('looks at a directory once for all, and tells each of what is news to it', async () => {
  const { disk, looks, sweeper } = world();
  const [one, other] = [sweeper(ALL), sweeper(ALL)];
  disk.write('d/e/new');
  const late = sweeper(ALL);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([...looks].sort()).toEqual([ROOT, D, DE, X]);
  expect([one.told, other.told, late.told]).toEqual([[DE], [DE], []]);
  for (const { stop } of [one, other, late]) stop();
});

it('sweeps for each what only that one knows, a file to another one included', async () => {
  const { disk, looks, sweeper } = world();
  const small = sweeper(['a']);
  const large = sweeper(ALL);
  disk.write('x/new');
  await vi.advanceTimersByTimeAsync(2_000);
  expect([...looks].sort()).toEqual([ROOT, D, DE, X]);
  expect([small.told, large.told]).toEqual([[], [X]]);
  small.stop();
  large.stop();
});

it('goes on for the others when one stops, or looks at nothing for now, and ends with the last', async () => {
  const { disk, looks, sweeper } = world();
  let may = false;
  const [one, held, gone] = [sweeper(ALL), sweeper(ALL, () => may), sweeper(ALL)];
  gone.stop();
  disk.write('d/new');
  await vi.advanceTimersByTimeAsync(2_000);
  expect([one.told, held.told, gone.told]).toEqual([[D], [], []]);
  may = true;
  one.stop();
  await vi.advanceTimersByTimeAsync(2_000);
  expect([one.told, held.told]).toEqual([[D], [D]]);
  held.stop();
  const many = looks.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([looks.length, vi.getTimerCount()]).toEqual([many, 0]);
});

const MINUTE_MS = 60_000;

it('a sweep takes a thousandth of the time, and where nothing happens less and less of it', () => {
  // 5,000 directories, in 30 ms: the waits from the first one on.
  const waits: number[] = [];
  for (let quietMs = 0; quietMs < 20 * MINUTE_MS; quietMs += waits.at(-1) ?? 0) waits.push(sweepWaitMs(30, quietMs));
  const seconds = waits.map((ms) => Math.round(ms / 1_000));
  expect(seconds).toEqual([30, 30, 60, 120, 240, 300, 300, 300]);
});

it.each([
  ['few directories are swept nearly as often as ever', 0.1, [2, 2, 2]],
  ['some hundred up to every 20 s', 1, [2, 20, 20]],
  [
    'very many as often as their share lets them: never less often than every five minutes for that they are quiet',
    500,
    [500, 500, 500],
  ],
])('%s', (_, tookMs, seconds) => {
  const waits = [0, MINUTE_MS, 60 * MINUTE_MS].map((quietMs) => sweepWaitMs(tookMs, quietMs) / 1_000);
  expect(waits.map(Math.round)).toEqual(seconds);
});

describe('where nothing happens', () => {
  /** A large tree: each sweep takes 30 ms, and it has been quiet for half an hour. */
  async function quiet() {
    const { disk, looks, sweeper } = world();
    const see = disk.see.bind(disk);
    disk.see = (name, ...more) => {
      if (name === ROOT) vi.advanceTimersByTime(30);
      return see(name, ...more);
    };
    const one = sweeper(ALL);
    const sweeps = (): number => looks.filter((name) => name === ROOT).length;
    await vi.advanceTimersByTimeAsync(30 * MINUTE_MS);
    const before = sweeps();
    await vi.advanceTimersByTimeAsync(30 * MINUTE_MS);
    expect(sweeps() - before).toBe(6);
    return { disk, sweeps, one };
  }

  it('a change that nobody told of is found all the same, and from then on it is swept as often as before', async () => {
    const { disk, sweeps, one } = await quiet();
    disk.write('d/e/new');
    for (let waited = 0; waited <= 5 * MINUTE_MS && one.told.length === 0; waited += 100)
      await vi.advanceTimersByTimeAsync(100);
    expect(one.told).toEqual([DE]);
    const before = sweeps();
    await vi.advanceTimersByTimeAsync(MINUTE_MS + 200);
    expect(sweeps() - before).toBe(2);
    one.stop();
  });

  it('the first sign of anything brings the next sweep within two seconds, and those after it are as often as before', async () => {
    const { disk, sweeps, one } = await quiet();
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    const before = sweeps();
    stirSweeps(disk);
    await vi.advanceTimersByTimeAsync(1_000);
    stirSweeps(disk); // more of it does not put it off
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sweeps() - before).toBe(1);
    await vi.advanceTimersByTimeAsync(MINUTE_MS + 200);
    expect(sweeps() - before).toBe(3);
    one.stop();
  });

  it('one more who sweeps is such a sign', async () => {
    const { disk, sweeps, one } = await quiet();
    const before = sweeps();
    const other: Sweeper = { begin: () => ({ index: new NameIndex(), isNews: () => false }), end: () => {} };
    const stop = sweepRegularly(disk, other);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sweeps() - before).toBe(1);
    stop();
    one.stop();
  });
});
