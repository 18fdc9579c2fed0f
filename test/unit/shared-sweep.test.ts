import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import type { Entry } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { isNews } from '../../src/scan/look.js';
import { type Sweeper, sweepRegularly } from '../../src/scan/shared-sweep.js';
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
