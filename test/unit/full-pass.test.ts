import { describe, expect, it } from 'vitest';
import type { RawRule } from '../../src/core/filter/rule.js';
import { ROOT } from '../../src/core/name.js';
import { begun } from '../../src/core/sync/entry.js';
import { runBatch } from '../../src/sync/batch.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { passOptions } from '../support/deliver.js';
import { FAILED } from '../support/fake-rsync.js';
import { bringAll, differences, type FakeWork, fakeWork, n } from '../support/fake-work.js';
import { filterOf } from '../support/settings.js';

/** A known directory `b`, and a place where all is deleted by rules. */
async function knownDirectory(): Promise<FakeWork> {
  const { rsync } = fakeWork().work;
  const world = fakeWork({ rsync: { ...rsync, takes: { ...rsync.takes, deletions: 'rules' } } });
  world.disk.mkdir('b');
  world.disk.write('keep', 1);
  await bringAll(world);
  world.disk.write('a', 1);
  return world;
}

/** A full pass in which `b` becomes a link after the walk, and which breaks when that is there, and before rsync says so. */
async function cutPass({ work, disk, rsync }: FakeWork, then: () => void): Promise<void> {
  const { course } = rsync;
  let isThere = false;
  rsync.course = {
    ...course,
    begins: () => disk.symlink('b'),
    did: (what) => {
      if (what === 'brought b') isThere = true;
    },
    isCut: () => isThere,
    ends: then,
  };
  expect((await fullPass(work, passOptions())).kind).toBe('broken');
  expect(rsync.there.get(n('b'))?.entry.type).toBe('link');
  rsync.course = course;
}

describe('a directory that became a link while a pass went on that broke is deleted there as what it is', () => {
  it.each<[string, (world: FakeWork) => void]>([
    ['it is one still', () => {}],
    ['it is the directory again', ({ disk }) => disk.mkdir('b')],
    ['it is gone', ({ disk }) => disk.remove('b')],
  ])('when, right after that, %s', async (_, then) => {
    const world = await knownDirectory();
    await cutPass(world, () => then(world));
    world.disk.remove('b');
    await bringAll(world);
    expect(differences(world)).toEqual([]);
  });
});

it('what was a file in the walk, a directory when rsync looked, and is gone when the pass has broken, is deleted there', async () => {
  const world = fakeWork();
  const { disk, rsync, work } = world;
  disk.write('a');
  const { course } = rsync;
  let isThere = false;
  rsync.course = {
    ...course,
    begins: () => {
      disk.remove('a');
      disk.mkdir('a');
    },
    did: (what) => {
      if (what === 'brought a') isThere = true;
    },
    isCut: () => isThere,
    ends: () => disk.remove('a'),
  };
  expect((await fullPass(work, passOptions())).kind).toBe('broken');
  expect(rsync.there.get(n('a'))?.entry.type).toBe('dir');
  rsync.course = course;
  await bringAll(world);
  expect([...rsync.there.keys()]).toEqual([]);
});

describe('a mirror brings a file where others have a directory there, with something in it', () => {
  it.each<[string, (world: FakeWork) => Promise<void>]>([
    ['that was never there', async () => {}],
    ['that was there before', bringAll],
  ])('%s', async (_, before) => {
    const world = fakeWork();
    world.disk.write('a');
    await before(world);
    const { there } = world.rsync;
    there.delete(n('a'));
    world.rsync.plant(n('a/x'), begun('file'));
    expect(await fullPass(world.work, passOptions({ mirror: 'all' }))).toMatchObject({ kind: 'done' });
    expect([...there].map(([name, { entry }]) => [name, entry.type])).toEqual([['a', 'file']]);
    expect(world.work.ledger.pending.size).toBe(0);
  });
});

it('a mirror deletes what others have in the place of a directory that was brought there', async () => {
  const world = fakeWork();
  world.disk.mkdir('d');
  await bringAll(world);
  world.rsync.there.delete(n('d'));
  world.rsync.plant(n('d'), begun('file'));
  world.disk.remove('d');
  await fullPass(world.work, passOptions({ mirror: 'all' }));
  expect([...world.rsync.there.keys()]).toEqual([]);
});

it('a mirror gives the directories in which it deletes the times that they have here', async () => {
  const world = fakeWork();
  world.disk.write('d/a');
  await bringAll(world);
  for (const name of ['d/x', 'e/y', 'z']) world.rsync.plant(n(name), begun('file'));
  await fullPass(world.work, passOptions({ mirror: 'all' }));
  expect([...world.work.ledger.pending].map(([name]) => name).sort()).toEqual([ROOT, n('d')]);
  await bringAll(world);
  expect(differences(world)).toEqual([]);
  expect([...world.rsync.there.keys()]).toEqual(['d', 'd/a']);
});

describe('a pass that broke where the walk after it shows nothing leaves no doubt of the files that are known', () => {
  it.each<[string, boolean]>([
    ['it was stopped', true],
    ['the directory is gone', false],
  ])('for %s', async (_, isStopped) => {
    let isOver = false;
    const world = fakeWork({ rootIsThere: () => isStopped || !isOver });
    world.disk.write('d/a');
    await bringAll(world);
    world.disk.write('b');
    world.rsync.course.isCut = () => {
      isOver = true;
      if (!isStopped) world.disk.remove('d');
      return true;
    };
    await fullPass(world.work, passOptions({ isStopped: () => isStopped && isOver }));
    const sure = [...world.work.ledger.index.entries()].filter(([, { mtimeNs }]) => mtimeNs >= 0);
    expect(sure.map(([name]) => name)).toEqual(expect.arrayContaining([n('d/a')]));
  });
});

it.each([false, true])(
  'a directory nobody may look into has failed, whatever rsync says of it (asked first: %s)',
  async (isAsked) => {
    const world = fakeWork();
    world.disk.write('keep');
    await bringAll(world);
    world.disk.write('d/x');
    world.disk.mkdir('e');
    world.disk.closed.add(n('d'));
    const { ledger } = world.work;
    expect(await fullPass(world.work, passOptions(isAsked ? { askedFrom: 0 } : {}))).toMatchObject({ kind: 'done' });
    expect(ledger.unsent.map(([name, failure]) => [name, failure?.message])).toEqual([['d', 'permission denied here']]);
  },
);

const excluding = (pattern: string): RawRule => ({ action: 'exclude', pattern, source: { kind: 'default' } });

it('what can not even be looked at waits after a full pass, to be told of', async () => {
  const world = fakeWork({ filter: filterOf({ user: ['*.log', 'mounts/'].map(excluding) }) });
  const { ledger } = world.work;
  world.disk.write('keep');
  world.disk.write('closed/x');
  world.disk.closed.add(n('closed'));
  for (const name of ['d/dead', 'd/x.log', 'd/mounts']) world.disk.block(name, 'unreadable');
  await fullPass(world.work, passOptions());
  expect([...ledger.pending].map(([name]) => name)).toEqual(['closed', 'd/dead']);
  const end = await runBatch(world.work, [n('d/dead')], { mayRest: false, mayPart: false });
  expect(end.kind).toBe('done');
  expect(ledger.pending.failure(n('d/dead'))).toBe(FAILED);
});
