import { describe, expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import type { Event } from '../../src/core/event.js';
import type { Failure } from '../../src/core/failure.js';
import { ROOT } from '../../src/core/name.js';
import { begun } from '../../src/core/sync/entry.js';
import type { BatchOver } from '../../src/core/sync/inputs.js';
import { runBatch } from '../../src/sync/batch.js';
import type { PassWork } from '../../src/sync/work.js';
import { BROKEN } from '../support/fake-rsync.js';
import { bringAll, differences, type FakeWork, fakeWork, n } from '../support/fake-work.js';

/** So large that a run for it alone is worth its while. */
const LARGE = 2_000_000;

/** A world with these files there, each large, and what it tells from then on. */
async function synced(files: readonly string[], options: Partial<PassWork> = {}) {
  const told: Event[] = [];
  const world = fakeWork({ ...options, report: (event) => void told.push(event) });
  for (const file of files) world.disk.write(file, LARGE);
  await bringAll(world);
  world.rsync.runs.length = 0;
  told.length = 0;
  return { ...world, told };
}

/** A batch of all that differs. */
function batch({ work, disk }: FakeWork): Promise<BatchOver> {
  for (const [name] of [...disk.entries(), ...work.ledger.index.entries()]) work.ledger.note(name);
  work.ledger.hurry();
  return runBatch(work, work.ledger.pending.ready(steadyNow(), 1_000), { mayRest: false, mayPart: false });
}

const kinds = ({ rsync }: FakeWork): string[] => rsync.runs.map(({ kind }) => kind);
const sent = (told: readonly Event[]): string[] =>
  told.flatMap((event) =>
    event.kind === 'delivered' ? event.items.map(({ action, name }) => `${action} ${name}`) : [],
  );
const swap = ({ disk }: FakeWork, a: string, b: string): void => {
  disk.rename(a, 'aside');
  disk.rename(b, a);
  disk.rename('aside', b);
};

describe('a file that has another name', () => {
  it('is linked there, and the old name goes after that', async () => {
    const world = await synced(['d/a']);
    world.disk.rename('d/a', 'e/a');
    await batch(world);
    expect(world.rsync.runs.find(({ kind }) => kind === 'moves')).toMatchObject({ from: 'd', to: 'e', names: ['a'] });
    expect(kinds(world).at(-1)).toBe('names');
    expect(sent(world.told)).toContain('move e/a');
    expect(sent(world.told)).not.toContain('send e/a');
    expect(differences(world)).toEqual([]);
  });

  it('is linked before another file takes its old name there', async () => {
    const world = await synced(['d/a']);
    world.disk.rename('d/a', 'e/a');
    world.disk.write('d/a', LARGE);
    world.disk.write('new');
    await batch(world);
    expect(world.rsync.runs).toMatchObject([{ names: ['e', 'new'] }, { kind: 'moves' }, { names: ['d/a', 'd'] }]);
    expect(sent(world.told)).toContain('move e/a');
    expect(differences(world)).toEqual([]);
  });

  it('is sent where it is small, or where something was done to it', async () => {
    const world = await synced(['d/a']);
    world.disk.write('d/a', 100);
    await bringAll(world);
    world.rsync.runs.length = 0;
    world.disk.rename('d/a', 'e/a');
    await batch(world);
    expect(kinds(world)).not.toContain('moves');
    expect(differences(world)).toEqual([]);
  });

  it('is compared before it is linked, since its change time has moved', async () => {
    const world = await synced(['d/a']);
    world.disk.rename('d/a', 'e/a');
    world.rsync.spoil(n('d/a'));
    await batch(world);
    expect(world.rsync.runs.find(({ kind }) => kind === 'moves')).toMatchObject({ comparesContent: true });
    expect(sent(world.told)).toContain('send e/a');
    expect(sent(world.told)).not.toContain('move e/a');
    expect(differences(world)).toEqual([]);
  });

  it('is not compared where only a directory above it was renamed', async () => {
    const world = await synced(['d/x/a', 'd/b']);
    world.disk.rename('d', 'e');
    await batch(world);
    const moves = world.rsync.runs.filter(({ kind }) => kind === 'moves');
    expect(moves).toMatchObject([{ from: 'd', to: 'e', fuzzy: false, comparesContent: false }]);
    await bringAll(world); // its directories go one after the other
    expect(differences(world)).toEqual([]);
  });

  it('goes with its directory by rules that wait for that while it is moved', async () => {
    const world = await synced(['d/a', 'd/b']);
    let waited: unknown;
    world.rsync.course.begins = ({ kind }) => {
      if (kind === 'moves') waited = world.rsync.ahead.map(({ names, end }) => [names, end]);
    };
    world.disk.rename('d', 'e');
    await batch(world);
    expect(kinds(world)).toEqual(['names', 'moves', 'clear', 'names']);
    expect(waited).toEqual([[['d', 'd/a', 'd/b'], 'waits']]);
    expect(world.rsync.ahead).toMatchObject([{ end: 'run' }]);
    expect(differences(world)).toEqual([]);
  });

  it('is copied where nothing is deleted', async () => {
    const world = await synced(['d/a'], { deletes: 'never' });
    world.disk.rename('d/a', 'e/a');
    await batch(world);
    expect(world.rsync.runs.find(({ kind }) => kind === 'moves')).toMatchObject({ copy: true });
    expect(world.rsync.there.has(n('d/a'))).toBe(true);
  });
});

describe('a file whose old name is that of a directory by now', () => {
  /** What is there by our doing is known to the index. */
  function expectKnown({ rsync, work }: FakeWork, when: string): void {
    for (const [name, { isOurs }] of rsync.there)
      if (isOurs) expect(work.ledger.index.get(name), `${name} is ours there, ${when}`).toBeDefined();
  }

  it.each(['d/a/x', 'd/a/deep/x'])('is linked before that is made there for %s', async (inIt) => {
    const world = await synced(['d/a']);
    world.disk.rename('d/a', 'e/a');
    world.disk.write(inIt);
    world.disk.write('new');
    await batch(world);
    expect(sent(world.told)).toContain('move e/a');
    expect(sent(world.told)).not.toContain('send e/a');
    await bringAll(world);
    expect(differences(world)).toEqual([]);
  });

  it('goes to the stash before that, where its new name is taken, wherever it breaks', async () => {
    for (let cutAt = 1; cutAt <= 12; cutAt++) {
      const world = await synced(['d/a', 'e/a']);
      world.disk.rename('d/a', 'e/a');
      world.disk.write('d/a/x');
      let steps = 0;
      world.rsync.course.isCut = () => steps >= cutAt;
      world.rsync.course.fate = () => {
        steps++;
        return 'done';
      };
      await batch(world);
      expectKnown(world, `cut at ${cutAt}`);
      world.rsync.course.isCut = () => false;
      await bringAll(world);
      expect(differences(world), `cut at ${cutAt}`).toEqual([]);
    }
  });
});

describe('names that have changed places', () => {
  it('go to the stash, and are linked from there; nothing of it is left', async () => {
    const world = await synced(['d/a', 'e/a', 'keep']);
    swap(world, 'd', 'e');
    await batch(world);
    expect(kinds(world)).toEqual(['clear', 'moves', 'moves', 'clear', 'names']);
    expect(world.rsync.runs[0]).toMatchObject({ stashDir: '.syncwatch-moved' });
    expect(sent(world.told).filter((one) => one.startsWith('send'))).toEqual([]);
    expect(world.work.ledger.pending.has(ROOT)).toBe(true); // it held the stash, and has a new time there
    await bringAll(world);
    expect(differences(world)).toEqual([]);
  });

  const { rsync } = fakeWork().work;
  it.each<[string, Partial<PassWork>]>([
    ['nothing is deleted', { deletes: 'never' }],
    ['what is deleted goes to the trash', { rsync: { ...rsync, trash: '.trash' } }],
    ['nothing can be deleted', { rsync: { ...rsync, takes: { ...rsync.takes, deletions: 'none' } } }],
  ])('are sent where %s', async (_, options) => {
    const world = await synced(['d/a', 'e/a'], options);
    swap(world, 'd', 'e');
    await batch(world);
    expect(kinds(world)).toEqual(['names']);
    expect(differences(world)).toEqual([]);
  });

  it('and could not be stashed are still known to be there', async () => {
    const world = await synced(['d/a', 'e/a']);
    swap(world, 'd', 'e');
    world.rsync.course.fate = (name) => (name === n('d/a') ? 'failed' : 'done');
    await batch(world);
    expect(world.work.ledger.index.get(n('d/a'))).toBeDefined();
    world.rsync.course.fate = () => 'done';
    await bringAll(world);
    expect(differences(world)).toEqual([]);
  });

  it('and are kept in place, for somebody made a directory of one there, are still known to be there', async () => {
    const world = await synced(['d/a', 'e/a']);
    world.disk.rename('e', 'f');
    world.disk.rename('d', 'e');
    world.rsync.there.delete(n('d/a'));
    world.rsync.plant(n('d/a/foreign'), { ...begun('file'), size: 3 });
    let isStashed = false;
    world.rsync.course.begins = ({ kind }) => void (isStashed ||= kind === 'moves');
    world.rsync.course.isCut = () => isStashed;
    expect(await batch(world)).toEqual({ kind: 'broken', failure: BROKEN });
    expect(world.work.ledger.index.get(n('d/a'))).toBeDefined();
    world.rsync.course.isCut = () => false;
    await bringAll(world);
    expect(differences(world)).toEqual([]);
    expect(world.rsync.there.has(n('d/a/foreign'))).toBe(true);
  });

  it('are ours to delete in the stash, wherever it breaks', async () => {
    for (let cutAt = 1; cutAt <= 8; cutAt++) {
      const world = await synced(['d/a', 'e/a']);
      swap(world, 'd', 'e');
      let steps = 0;
      world.rsync.course.fate = () => {
        steps++;
        return 'done';
      };
      world.rsync.course.isCut = () => steps >= cutAt;
      expect(await batch(world)).toEqual({ kind: 'broken', failure: BROKEN });
      for (const [name, { isOurs }] of world.rsync.there)
        if (isOurs) expect(world.work.ledger.index.get(name), `${name}, cut at ${cutAt}`).toBeDefined();
      world.rsync.course.isCut = () => false;
      await bringAll(world);
      expect(differences(world), `cut at ${cutAt}`).toEqual([]);
    }
  });
});

describe('a run that moves breaks', () => {
  it('for good where the connection is lost', async () => {
    const world = await synced(['d/a']);
    world.disk.rename('d/a', 'e/a');
    let isMoving = false;
    world.rsync.course.begins = ({ kind }) => void (isMoving = kind === 'moves');
    world.rsync.course.isCut = () => isMoving;
    expect(await batch(world)).toEqual({ kind: 'broken', failure: BROKEN });
    expect(kinds(world).at(-1)).toBe('moves');
  });

  it('and it is sent instead where it was anything else', async () => {
    const other: Failure = { kind: 'run', message: 'no such directory there' };
    const world = await synced(['d/a']);
    world.disk.rename('d/a', 'e/a');
    let isMoving = false;
    world.rsync.course.begins = ({ kind }) => void (isMoving = kind === 'moves');
    world.rsync.course.isCut = () => isMoving;
    world.rsync.course.why = () => other;
    expect(await batch(world)).toMatchObject({ kind: 'done' });
    world.rsync.runs.length = 0;
    await bringAll(world);
    expect(kinds(world)).not.toContain('moves');
    expect(differences(world)).toEqual([]);
  });
});
