import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Name, nameFromText } from '../../src/core/name.js';
import { mountPointsBelow } from '../../src/scan/mount-table.js';
import { runBatch } from '../../src/sync/batch.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { bringWaiting, localWork, noteAll, passOptions } from '../support/deliver.js';
import { canMount } from '../support/mount.js';
import { filterOf } from '../support/settings.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

const data = nameFromText('data');

const inData = (dir: string): string[] => tree(dir).filter((line) => line.includes('data'));

/** DIR and its target in step, with something mounted at `data`, which goes when it is taken away. */
async function inStep() {
  const base = temporaryDir();
  const [root, there] = [join(base, 'here'), join(base, 'there')];
  fill(root, { 'data/x': 'x', 'data/y': 'y', z: 'z' });
  const look = { atMounts: () => {} };
  const work = localWork(root, there, filterOf(), {}, { lookAtMounts: () => look.atMounts() });
  work.disk.mounts.set({ on: [data], bare: [], away: [] });
  await fullPass(work, passOptions());
  const unmount = (): void => {
    renameSync(join(root, 'data'), join(base, 'unmounted'));
    mkdirSync(join(root, 'data'));
  };
  return { work, root, there, unmount, look };
}

it('a save that rsync finds unmounted is not deleted there', async () => {
  const { work, root, there, unmount } = await inStep();
  const before = names(there);
  fill(root, { 'data/x': 'another x', 'data/new': 'new' });
  await noteAll(work);
  const { runner } = work;
  const runs: typeof runner = {
    look: (...args) => runner.look(...args),
    run: (...args) => {
      unmount();
      return runner.run(...args);
    },
  };
  const waiting = [...work.ledger.pending].map(([name]) => name);
  await runBatch({ ...work, runner: runs }, waiting, { mayRest: false, mayPart: false });
  expect(names(there)).toEqual(before);
});

it('what looks deleted because the file system went meanwhile means nothing', async () => {
  const { work, there, unmount, look } = await inStep();
  look.atMounts = () => work.disk.mounts.set({ on: [data], bare: [], away: [data] });
  const before = inData(there);
  unmount();
  await noteAll(work);
  const waiting: Name[] = [...work.ledger.pending].map(([name]) => name);
  const end = await runBatch(work, waiting, { mayRest: false, mayPart: false });
  expect(end).toEqual({ kind: 'rootGone' }); // it is looked at again
  await bringWaiting(work);
  expect(await fullPass(work, passOptions({ mirror: 'all' }))).toMatchObject({ kind: 'done' });
  await bringWaiting(work);
  expect([inData(there), work.ledger.index.get(nameFromText('data/x'))]).toEqual([before, expect.anything()]);
});

it('a mirror deletes nothing below a mount point whose own directory is in use', async () => {
  const { work, root, there, unmount } = await inStep();
  unmount();
  fill(root, { 'data/.keep': '' });
  await work.ledger.forgetBelow(data);
  work.disk.mounts.set({ on: [], bare: [data], away: [] });
  fill(there, { extra: '' });
  expect(await fullPass(work, passOptions({ mirror: 'notExcluded' }))).toMatchObject({ kind: 'done' });
  expect(names(there)).toEqual(['data', 'data/.keep', 'data/x', 'data/y', 'z']);
});

it.skipIf(!canMount())('what is mounted is seen each time, also where the table is longer than ever before', () => {
  const root = temporaryDir();
  const points = Array.from({ length: 80 }, (_, i) => nameFromText(`${i}-${'x'.repeat(230)}`)); // 20 kB of them
  for (const point of points) mkdirSync(join(root, point));
  const paths = points.map((point) => join(root, point));
  const each = (command: string, some: readonly string[]): void =>
    void execFileSync('sh', ['-c', `for each; do ${command}; done`, 'sh', ...some]);
  onTestFinished(() => void spawnSync('umount', paths));
  expect(mountPointsBelow(root)).toEqual([]);
  each('mount -t tmpfs -o size=4k none "$each"', paths);
  expect(mountPointsBelow(root)).toEqual(points);
  expect(mountPointsBelow(root)).toEqual(points);
  each('umount "$each"', paths.slice(3));
  expect(mountPointsBelow(root)).toEqual(points.slice(0, 3));
  each('umount "$each"', paths.slice(0, 3));
  expect(mountPointsBelow(root)).toEqual([]);
});
