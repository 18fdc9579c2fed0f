import { describe, expect, it } from 'vitest';
import type { Failure } from '../../src/core/failure.js';
import type { Name } from '../../src/core/name.js';
import type { Doubt, Outcome } from '../../src/core/rsync/exit.js';
import { begun } from '../../src/core/sync/entry.js';
import { fullPass } from '../../src/sync/full-pass.js';
import type { Runs } from '../../src/sync/runner.js';
import { passOptions } from '../support/deliver.js';
import { BROKEN, FAILED } from '../support/fake-rsync.js';
import { bringAll, differences, type FakeWork, fakeWork, n } from '../support/fake-work.js';

/** Three files, all there but for what `differ` did since. */
async function known(differ: (world: FakeWork) => void = () => {}): Promise<FakeWork> {
  const world = fakeWork();
  for (const name of ['a', 'd/b', 'd/c']) world.disk.write(name);
  await bringAll(world);
  differ(world);
  world.rsync.runs.length = 0;
  return world;
}

/** What the runs of a full pass were told to bring. */
const passes = ({ rsync }: FakeWork): string[][] =>
  rsync.runs.flatMap((run) => (run.kind === 'pass' ? [[...run.names].filter((name) => name !== '.').sort()] : []));

const ALL = ['a', 'd', 'd/b', 'd/c'];
const ASKED = passOptions({ askedFrom: 4 });

describe('a full pass lists for rsync', () => {
  it('all that the walk has seen, and nothing that comes after it', async () => {
    const world = await known();
    world.rsync.course.begins = () => {
      world.disk.mkdir('late');
      world.disk.symlink('late/link');
    };
    await fullPass(world.work, passOptions());
    expect(passes(world)).toEqual([ALL]);
    expect([...world.rsync.there.keys()].sort()).toEqual(ALL);
    expect([...world.work.ledger.pending].map(([name]) => name)).toEqual(expect.arrayContaining(['late', 'late/link']));
  });

  it('of many names those that differ there, as rsync says when asked', async () => {
    const world = await known(({ disk, rsync }) => {
      disk.write('d/b');
      rsync.there.delete(n('a'));
    });
    expect(await fullPass(world.work, ASKED)).toMatchObject({ kind: 'done' });
    expect(passes(world)).toEqual([['a', 'd/b']]);
    expect(differences(world)).toEqual([]);
    expect(world.work.ledger.pending.size).toBe(0);
  });

  it('nothing where nothing differs: there is no such run', async () => {
    const world = await known();
    expect(await fullPass(world.work, ASKED)).toMatchObject({ kind: 'done' });
    expect(world.rsync.runs).toEqual([]);
  });

  it('all of many names where nothing is known to be there yet, without asking', async () => {
    const world = fakeWork();
    for (const name of ['a', 'd/b', 'd/c']) world.disk.write(name);
    world.rsync.plant(n('a'), begun('file'));
    await fullPass(world.work, ASKED);
    expect(passes(world)).toEqual([ALL]);
    expect(differences(world)).toEqual([]);
  });

  const some = (failed: ReadonlyMap<Name, Failure>, doubt: Doubt | undefined): Outcome => ({
    kind: 'finished',
    failed,
    strays: new Map(),
    doubt,
  });
  const told = (world: FakeWork, outcome: Outcome): Runs => ({
    run: world.rsync.run.bind(world.rsync),
    look: async (...of) => ({ ...(await world.rsync.look(...of)), outcome }),
  });

  it('all where rsync could not look at all of it, or left a doubt', async () => {
    for (const outcome of [
      some(new Map([[n('a'), FAILED]]), undefined),
      some(new Map(), { failure: FAILED, names: undefined }),
    ]) {
      const world = await known();
      await fullPass({ ...world.work, runner: told(world, outcome) }, ASKED);
      expect(passes(world)).toEqual([ALL]);
    }
  });

  it('directories which, until it is over, are not surely that there: one may be a link when rsync looks', async () => {
    for (const [options, unsure] of [
      [passOptions(), ['d', 'd/e']],
      [ASKED, ['d']],
    ] as const) {
      const world = await known(({ disk }) => disk.write('d/e/f'));
      await bringAll(world);
      world.disk.write('d/b');
      const { ledger } = world.work;
      const isSure = (name: Name): boolean => (ledger.index.get(name)?.mtimeNs ?? -1) >= 0;
      const during: string[][] = [];
      world.rsync.course.begins = () => during.push(['d', 'd/e'].filter((dir) => !isSure(n(dir))));
      expect(await fullPass(world.work, options)).toMatchObject({ kind: 'done' });
      expect([during, ['d', 'd/e'].filter((dir) => !isSure(n(dir)))]).toEqual([[unsure], []]);
    }
  });

  it('nothing where that breaks: the pass is broken', async () => {
    const world = await known();
    const runner = told(world, { kind: 'broken', failure: BROKEN });
    expect(await fullPass({ ...world.work, runner }, ASKED)).toEqual({ kind: 'broken', failure: BROKEN });
    expect(world.rsync.runs).toEqual([]);
  });
});
