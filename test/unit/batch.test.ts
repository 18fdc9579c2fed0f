import { describe, expect, it, vi } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import type { Failure } from '../../src/core/failure.js';
import type { BatchOptions } from '../../src/core/sync/effects.js';
import { begun } from '../../src/core/sync/entry.js';
import type { BatchOver } from '../../src/core/sync/inputs.js';
import type { WritingRun } from '../../src/rsync/run.js';
import { runBatch } from '../../src/sync/batch.js';
import { NOT_EMPTY } from '../../src/sync/settle.js';
import { BROKEN, FAILED } from '../support/fake-rsync.js';
import { bringAll, differences, type FakeWork, fakeWork, n } from '../support/fake-work.js';

const REFUSED: Failure = { kind: 'guard', message: 'too many' };

/** A batch of these names, which waited. */
function batch({ work }: FakeWork, names: readonly string[], options: Partial<BatchOptions> = {}): Promise<BatchOver> {
  for (const name of names) work.ledger.note(n(name));
  return runBatch(work, names.map(n), { mayRest: false, mayPart: false, ...options });
}

const waits = ({ work }: FakeWork): string[] => [...work.ledger.pending].map(([name]) => name);
const inWords = ({ rsync }: FakeWork): string[] =>
  rsync.runs.map((run) => (run.kind === 'pass' ? run.kind : `${run.kind} ${[...run.names].sort().join(' ')}`));

/** These are there, and what was done for that is forgotten. */
async function synced(world: FakeWork, ...files: readonly string[]): Promise<FakeWork> {
  for (const file of files) world.disk.write(file);
  await bringAll(world);
  world.rsync.runs.length = 0;
  return world;
}

describe('a batch', () => {
  it('needs no run where nothing differs', async () => {
    const world = await synced(fakeWork(), 'a', 'd/b');
    expect(await batch(world, ['a', 'd/b', 'd', 'none'])).toEqual({
      kind: 'done',
      delivered: false,
      bulk: [],
      restMs: 0,
    });
    expect([world.rsync.runs, waits(world)]).toEqual([[], []]);
  });

  it('is one run where all is new, or all is gone', async () => {
    const world = await synced(fakeWork(), 'a', 'b');
    world.disk.write('a');
    world.disk.write('c');
    await batch(world, ['a', 'c']);
    world.disk.remove('a');
    world.disk.remove('b');
    await batch(world, ['a', 'b']);
    expect(inWords(world)).toEqual(['names a c', 'names a b']);
    expect(differences(world)).toEqual([]);
  });

  it('brings what is new before it deletes what is missing', async () => {
    const world = await synced(fakeWork(), 'a', 'b');
    world.disk.remove('a');
    world.disk.write('c');
    const end = await batch(world, ['a', 'c']);
    expect(inWords(world)).toEqual(['names c', 'names a']);
    expect(end).toMatchObject({ kind: 'done', delivered: true });
    expect([differences(world), waits(world)]).toEqual([[], []]);
  });

  it('starts the run by rules for a tree that is gone while the runs before it go on', async () => {
    const world = await synced(fakeWork(), 'd/a', 'd/b', 'old/x/f', 'stays');
    const ahead = (): unknown[] => world.rsync.ahead.map(({ names, end }) => [[...names].sort().join(' '), end]);
    world.rsync.course.begins = ({ kind }) => void (kind === 'names' && started.push(ahead()));
    const started: unknown[] = [];
    world.disk.remove('d');
    world.disk.write('new');
    await batch(world, ['d', 'd/a', 'd/b', 'new']);
    expect(inWords(world)).toEqual(['names new', 'clear d d/a d/b', 'names .']);
    expect(started[0]).toEqual([['d d/a d/b', 'waits']]);
    expect(ahead()).toEqual([['d d/a d/b', 'run']]);
    expect(differences(world)).toEqual([]);
    // Nothing goes before it, or nothing goes by rules.
    world.disk.remove('old/x');
    await batch(world, ['old/x', 'old/x/f']);
    world.disk.remove('stays');
    world.disk.write('newer');
    await batch(world, ['stays', 'newer']);
    expect(world.rsync.ahead).toHaveLength(1);
  });

  it('starts the run by rules while the tree is waited for, and has it take that', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] });
    try {
      const world = await synced(fakeWork({ rest: { writtenMs: 10, cameMs: 30 } }), 'd/a', 'd/b', 'stays');
      const tree = ['d', 'd/a', 'd/b'];
      world.disk.remove('d');
      expect(await batch(world, tree, { mayRest: true })).toMatchObject({ delivered: false, restMs: 75 });
      await expect.poll(() => world.rsync.ahead).toEqual([{ names: tree.map(n), end: 'waits' }]);
      vi.advanceTimersByTime(75);
      expect(await batch(world, tree, { mayRest: true })).toMatchObject({ delivered: true, restMs: 0 });
      expect(world.rsync.ahead).toEqual([{ names: tree.map(n), end: 'run' }]);
      expect([inWords(world), differences(world)]).toEqual([['clear d d/a d/b', 'names .'], []]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('starts each run by rules while the one before it goes on, where a tree takes several', async () => {
    const world = await synced(fakeWork(), 'd/f', 'd/x/g');
    world.work.ledger.gone(n('d/x')); // as if somebody else had made it
    world.disk.remove('d');
    const waiting: unknown[] = [];
    world.rsync.course.begins = ({ kind }) =>
      void (kind === 'clear' && waiting.push(structuredClone(world.rsync.ahead)));
    await batch(world, ['d', 'd/f', 'd/x/g']);
    expect(inWords(world)).toEqual(['clear d/x/g', 'clear d d/f', 'names .']);
    const names = ['d', 'd/f'];
    expect(waiting).toEqual([[{ names, end: 'waits' }], [{ names, end: 'run' }]]);
  });

  it('lets a run that was started by rules go on only where it would be told the same', async () => {
    const back = ({ disk }: FakeWork): void => void disk.write('d/b');
    const isUnsure = ({ work }: FakeWork): void => void work.ledger.unsure([n('d')]);
    const breaks = ({ rsync }: FakeWork): void => void (rsync.course.isCut = () => true);
    for (const [meanwhile, end] of [
      [() => {}, 'run'],
      [back, 'ended'],
      [isUnsure, 'ended'],
      [breaks, 'ended'],
    ] as const) {
      const world = await synced(fakeWork(), 'd/a', 'd/b');
      let isFirst = true;
      world.rsync.course.fate = () => {
        if (isFirst) meanwhile(world);
        isFirst = false;
        return 'done';
      };
      world.disk.remove('d');
      world.disk.write('new');
      await batch(world, ['d', 'd/a', 'd/b', 'new']);
      await expect.poll(() => world.rsync.ahead).toMatchObject([{ end }]);
      world.rsync.course.isCut = () => false;
      await bringAll(world);
      expect(differences(world)).toEqual([]);
    }
  });

  it('leaves no run by rules waiting where that is not to be written down', async () => {
    const world = await synced(fakeWork(), 'd/a');
    const names = ['d', 'd/a'].map(n);
    world.disk.remove('d');
    await world.work.clearAhead.prepare(names);
    const failure: Failure = { kind: 'start', message: 'the disk is full' };
    vi.spyOn(world.work.ledger, 'begin').mockResolvedValue({ ok: false, failure });
    expect(await batch(world, names)).toEqual({ kind: 'broken', failure });
    expect(world.rsync.ahead).toEqual([{ names, end: 'ended' }]);
  });

  it('looks again before it deletes: what is back meanwhile stays, and waits', async () => {
    const world = await synced(fakeWork(), 'a');
    world.disk.remove('a');
    world.disk.write('c');
    world.rsync.course.fate = () => {
      if (!world.disk.has(n('a'))) world.disk.write('a');
      return 'done';
    };
    await batch(world, ['a', 'c']);
    expect(inWords(world)).toEqual(['names c']);
    expect([world.rsync.there.has(n('a')), waits(world)]).toEqual([true, ['a']]);
  });

  it('lets a name wait on that changes while it is on its way', async () => {
    const world = fakeWork();
    for (const file of ['a', 'b']) world.disk.write(file);
    let isFirst = true;
    world.rsync.course.fate = (name) => {
      if (name === n('a') && isFirst) world.disk.write('a', 11);
      isFirst = false;
      return 'done';
    };
    await batch(world, ['a', 'b']);
    expect(waits(world)).toEqual(['a']);
    await bringAll(world);
    expect(differences(world)).toEqual([]);
  });

  it('compares the content of what the quick check would take for the same', async () => {
    const world = await synced(fakeWork(), 'a', 'b');
    world.disk.write('a', 10, true);
    world.disk.write('b', 11);
    await batch(world, ['a', 'b']);
    const compares = ({ kind, ...run }: WritingRun): boolean =>
      kind === 'names' && 'comparesContent' in run && run.comparesContent;
    expect(inWords(world)).toEqual(['names a', 'names b']);
    expect(world.rsync.runs.map(compares)).toEqual([true, false]);
    expect(world.rsync.suitable.slice(-2)).toEqual([['sure'], ['plain', 'sure']]);
    expect(differences(world)).toEqual([]);
  });

  it('compares it too where a link has become a file that is written again meanwhile, at its size and time', async () => {
    const world = fakeWork();
    world.disk.symlink('a');
    await bringAll(world);
    world.disk.replace('a');
    world.disk.write('b');
    world.rsync.course.fate = (name) => {
      if (name === n('b')) world.disk.write('a', 10, true);
      return 'done';
    };
    await batch(world, ['a', 'b']);
    expect(waits(world)).toEqual(['a']);
    await batch(world, ['a']);
    expect(differences(world)).toEqual([]);
  });

  it('leaves large files for a run of their own, where it may', async () => {
    const world = fakeWork();
    world.disk.write('large', 16_000_000);
    world.disk.write('small', 15_999_999);
    expect(await batch(world, ['large', 'small'], { mayPart: true })).toMatchObject({ bulk: ['large'] });
    expect([inWords(world), waits(world)]).toEqual([['names small'], ['large']]);
    expect(await batch(world, ['large'])).toMatchObject({ bulk: [] });
    expect(differences(world)).toEqual([]);
  });

  it('gives a directory its time back in the run in which something in it is deleted', async () => {
    const world = await synced(fakeWork(), 'd/a', 'd/b');
    world.disk.remove('d/a');
    await batch(world, ['d/a', 'd']);
    expect([inWords(world), differences(world)]).toEqual([['names d d/a'], []]);
  });

  it('deletes nothing where deletions are not wanted', async () => {
    const world = await synced(fakeWork({ deletes: 'never' }), 'a');
    world.disk.remove('a');
    expect(await batch(world, ['a'])).toMatchObject({ kind: 'done', delivered: false });
    expect([world.rsync.runs, waits(world), world.rsync.there.has(n('a'))]).toEqual([[], [], true]);
    expect(world.work.ledger.index.get(n('a'))).toBeUndefined(); // it is not ours any more
  });

  it('deletes in runs of their own where the rsync there takes no marks, and sets the times after that', async () => {
    const { work } = fakeWork();
    const world = fakeWork({ rsync: { ...work.rsync, takes: { ...work.rsync.takes, deletions: 'rules' } } });
    await synced(world, 'd/a', 'd/b');
    world.disk.remove('d/a');
    await batch(world, ['d/a']);
    expect([inWords(world), differences(world)]).toEqual([['clear d/a', 'names d'], []]);
  });

  it('deletes what has failed before by rules, also below a directory that is not in the batch', async () => {
    const world = await synced(fakeWork(), 'a/b/c/f');
    const { ledger } = world.work;
    world.disk.remove('a');
    const names = ['a', 'a/b/c', 'a/b/c/f'];
    for (const name of [...names, 'a/b']) ledger.putOff(n(name), NOT_EMPTY);
    await batch(world, names);
    expect(inWords(world)).toEqual(['clear a/b/c a/b/c/f', 'clear a', 'names .']);
    expect([...world.rsync.there.keys()]).toEqual(['a', 'a/b']);
    // What held it up is gone: it has its turn at once.
    expect(ledger.pending.ready(steadyNow(), 10)).toContain('a/b');
    await batch(world, ['a', 'a/b']);
    expect(differences(world)).toEqual([]);
  });

  it('sends what one name has to say of one by one', async () => {
    const world = fakeWork({}, { fate: (name) => (name === n('d') ? 'untouched' : 'done') });
    world.disk.write('d/a');
    world.disk.write('b');
    await batch(world, ['d/a', 'b']);
    // The directory above it was no name of the batch.
    expect(world.work.ledger.pending.failure(n('d'))).toEqual(FAILED);
    expect(waits(world).sort()).toEqual(['d', 'd/a']);
    expect(world.rsync.there.has(n('b'))).toBe(true);
  });
});

describe('where something has taken the place of another kind', () => {
  it('what is ours goes first, deepest first, and then comes what is here', async () => {
    const world = await synced(fakeWork(), 'd/e/a', 'd/b', 'x');
    world.disk.remove('d');
    world.disk.write('d');
    await batch(world, ['d']);
    expect(inWords(world).slice(0, 2)).toEqual(['clear d d/b d/e d/e/a', 'names . d']);
    expect(differences(world)).toEqual([]);
  });

  it('what others put there stays, and what is here waits, with a reason', async () => {
    const world = await synced(fakeWork(), 'd/a');
    world.rsync.plant(n('d/foreign'), begun('file'));
    world.disk.remove('d');
    world.disk.write('d');
    await batch(world, ['d']);
    expect([...world.rsync.there.keys()].sort()).toEqual(['d', 'd/foreign']);
    expect(world.work.ledger.pending.failure(n('d'))).toEqual(FAILED);
  });

  it('a FIFO here, what was there of it goes, with all below', async () => {
    const world = await synced(fakeWork(), 'd/a', 'd/b');
    world.disk.remove('d');
    world.disk.block('d');
    await batch(world, ['d', 'd/a', 'd/b']);
    expect([...world.rsync.there.keys()]).toEqual([]);
    expect(await batch(world, ['d', 'd/a', 'd/b'])).toMatchObject({ delivered: false });
    expect(waits(world)).toEqual([]);
  });

  it('the directory that held what was cleared gets its time back', async () => {
    const world = await synced(fakeWork(), 'p/f', 'p/g');
    world.disk.remove('p/f');
    world.disk.mkdir('p/f');
    world.disk.remove('p/f');
    world.disk.block('p/f');
    await batch(world, ['p/f']);
    expect(inWords(world)).toEqual(['clear p/f', 'names p']);
    expect(world.rsync.there.get(n('p'))?.isTouched).not.toBe(true);
  });
});

describe('nothing is deleted', () => {
  it('where the root is another one, before or after the look', async () => {
    for (const goesAt of [0, 1]) {
      let asked = 0;
      let isAway = false;
      const world = await synced(fakeWork({ rootIsThere: () => !isAway || asked++ < goesAt }), 'a', 'b');
      world.disk.remove('a');
      isAway = true;
      expect(await batch(world, ['a'])).toEqual({ kind: 'rootGone' });
      expect([world.rsync.runs, waits(world)]).toEqual([[], ['a']]);
      expect(world.work.ledger.index.get(n('a'))).toBeDefined();
    }
  });

  it('where the guard refuses, which is asked for as many as would go, and only then', async () => {
    const asked: number[] = [];
    const guard = async (deletions: number): Promise<Failure | undefined> => {
      asked.push(deletions);
      return REFUSED;
    };
    const world = await synced(fakeWork({ guard }), 'a', 'd/b', 'd/c');
    world.disk.write('a');
    await batch(world, ['a']);
    expect(asked).toEqual([]);
    world.rsync.runs.length = 0;
    world.disk.remove('a');
    world.disk.remove('d');
    world.disk.write('d');
    expect(await batch(world, ['a', 'd'])).toEqual({ kind: 'refused', failure: REFUSED });
    expect(asked).toEqual([4]); // a, and d with what is in it
    expect([world.rsync.runs, world.rsync.there.has(n('a'))]).toEqual([[], true]);
  });
});

describe('a batch breaks', () => {
  it.each([1, 2, 3])('with its run number %i: no further one begins, and all that it had waits', async (breaksAt) => {
    const world = await synced(fakeWork(), 'd/a', 'gone');
    world.disk.remove('d');
    world.disk.write('d');
    world.disk.remove('gone');
    world.disk.write('new');
    let runs = 0;
    world.rsync.course.begins = () => void runs++;
    world.rsync.course.isCut = () => runs === breaksAt;
    expect(await batch(world, ['d', 'gone', 'new'])).toEqual({ kind: 'broken', failure: BROKEN });
    expect(runs).toBe(breaksAt);
    expect(waits(world)).toContain('gone');
    world.rsync.course.isCut = () => false;
    await bringAll(world);
    expect(differences(world)).toEqual([]);
  });

  it('where what rsync left there can not be looked for', async () => {
    const world = await synced(fakeWork(), 'a');
    const leftovers = { sweep: async () => BROKEN };
    world.disk.write('a');
    const work = { ...world.work, leftovers };
    expect(await batch({ ...world, work }, ['a'])).toEqual({ kind: 'broken', failure: BROKEN });
    expect(world.rsync.runs).toEqual([]);
  });
});
