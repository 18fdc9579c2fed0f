import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ROOT } from '../../src/core/name.js';
import { Disk } from '../../src/scan/disk.js';
import { hurryWalks, shareWalks, walkAll } from '../../src/scan/shared-walk.js';
import type { Listing } from '../../src/scan/walk.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

const filter = filterOf();

/** A small tree that so many targets look at; `reads`: of which directories the disk was asked. */
function treeFor(targets: number) {
  const root = temporaryDir();
  fill(root, { a: 'a', 'd/b': 'b', 'e/c': 'c' });
  const disk = new Disk(root);
  const names = vi.spyOn(disk, 'names');
  const leave = Array.from({ length: targets }, () => shareWalks(disk));
  onTestFinished(() => {
    for (const each of leave) each();
  });
  return { root, disk, leave, reads: () => names.mock.calls.map(([dir]) => dir) };
}

async function all(walk: AsyncIterable<Listing>): Promise<string[]> {
  const found: string[] = [];
  for await (const { dir, entries } of walk) for (const base of entries.keys()) found.push(`${dir}/${base}`);
  return found.sort();
}

const TREE = ['./a', './d', './e', 'd/b', 'e/c'];

it('ten that ask together look at the disk once, and each gets all of it', async () => {
  const { disk, reads } = treeFor(10);
  const found = await Promise.all(Array.from({ length: 10 }, () => all(walkAll(disk, filter))));
  expect(found).toEqual(Array.from({ length: 10 }, () => TREE));
  expect(reads().length).toBe(3);
});

it('one alone, or with another filter, has a walk of its own', async () => {
  const alone = treeFor(1);
  await Promise.all([all(walkAll(alone.disk, filter)), all(walkAll(alone.disk, filter))]);
  expect(alone.reads().length).toBe(6);
  const two = treeFor(2);
  await Promise.all([all(walkAll(two.disk, filter)), all(walkAll(two.disk, filterOf()))]);
  expect(two.reads().length).toBe(6);
  const left = treeFor(2);
  for (const leave of left.leave) leave();
  await Promise.all([all(walkAll(left.disk, filter)), all(walkAll(left.disk, filter))]);
  expect(left.reads().length).toBe(6);
});

it('who asks while one is under way sees what has changed since that began', async () => {
  const { root, disk, reads } = treeFor(3);
  const first = walkAll(disk, filter);
  const { value } = await first.next();
  expect(value?.entries.has('new')).toBe(false);
  writeFileSync(join(root, 'new'), 'new');
  expect(await all(walkAll(disk, filter))).toContain('./new');
  expect(await all(first)).toEqual(['d/b', 'e/c']);
  expect(reads().length).toBe(6);
});

it('reads no further than the slowest has taken, and goes on when that one leaves', async () => {
  const { root, disk, reads } = treeFor(2);
  const slow = walkAll(disk, filter);
  const quick = walkAll(disk, filter);
  const [one, other] = await Promise.all([slow.next(), quick.next()]);
  expect(one.value).toBe(other.value);
  const further = quick.next();
  renameSync(join(root, 'd/b'), join(root, 'd/later'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(reads()).toEqual([ROOT]);
  await slow.return(undefined);
  await further;
  expect(await all(quick).then((rest) => rest.length)).toBe(1);
  expect(reads().length).toBe(3);
});

it('when all have left nothing more is read; what goes wrong is told to each', async () => {
  const { disk, reads } = treeFor(2);
  const walks = [walkAll(disk, filter), walkAll(disk, filter)];
  await Promise.all(walks.map((walk) => walk.next()));
  await Promise.all(walks.map((walk) => walk.return(undefined)));
  await new Promise((resolve) => setImmediate(resolve));
  expect(reads().length).toBe(1);
  vi.spyOn(disk, 'see').mockImplementation(() => {
    throw new Error('odd');
  });
  const failed = await Promise.allSettled([all(walkAll(disk, filter)), all(walkAll(disk, filter))]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

it('one that nobody waits for is put off for others, until somebody does', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { disk, reads } = treeFor(2);
  const patient = (): Promise<string[]> => all(walkAll(disk, filter, () => {}, false));
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const first = patient();
  await settled();
  expect(reads()).toEqual([]);
  await Promise.all([first, all(walkAll(disk, filter))]);
  expect(reads().length).toBe(3);
  const second = patient();
  await settled();
  expect(reads().length).toBe(3);
  hurryWalks(disk);
  await second;
  const last = [patient(), patient()];
  await settled();
  vi.advanceTimersByTime(200);
  await Promise.all(last);
  expect(reads().length).toBe(9);
});
