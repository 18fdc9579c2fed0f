import { describe, expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { EPOCH } from '../../src/core/clock.js';
import type { Event } from '../../src/core/event.js';
import { failed } from '../../src/core/failure.js';
import type { Name } from '../../src/core/name.js';
import { begun } from '../../src/core/sync/entry.js';
import { clear, remove } from '../../src/sync/clear.js';
import { deliver, type QuickCheck } from '../../src/sync/deliver.js';
import type { BatchView } from '../../src/sync/settle.js';
import type { PassWork } from '../../src/sync/work.js';
import { BROKEN, FAILED } from '../support/fake-rsync.js';
import { bringAll, type FakeWork, fakeWork, n, seenOn } from '../support/fake-work.js';

/** These were looked at just now. */
const viewOf = ({ disk }: FakeWork, names: readonly Name[]): BatchView => ({
  before: seenOn(disk, names),
  above: new Map(),
  grounds: new Map(names.map((name) => [name, disk.groundOf(name)])),
  fromMs: EPOCH,
  toMs: EPOCH,
});

function delivered(world: FakeWork, texts: readonly string[], check: QuickCheck = 'idle') {
  const names = texts.map(n);
  for (const name of names) world.work.ledger.note(name);
  return deliver(world.work, names, viewOf(world, names), check);
}

const indexed = ({ work }: FakeWork): string[] => [...work.ledger.index.entries()].map(([name]) => name).sort();

describe('a run for some names of a batch', () => {
  it('is none where there are no names', async () => {
    const world = fakeWork();
    expect(await delivered(world, [])).toEqual({ kind: 'done', any: false });
    expect(world.rsync.runs).toEqual([]);
  });

  it('goes to a standby that suits what is made of the quick check', async () => {
    const world = fakeWork();
    world.disk.write('a');
    for (const check of ['right', 'fooled', 'idle', 'gone'] as const) await delivered(world, ['a'], check);
    expect(world.rsync.suitable).toEqual([['plain'], ['sure'], ['plain', 'sure'], []]);
    expect(world.rsync.runs.map((run) => [run.kind, 'comparesContent' in run && run.comparesContent])).toEqual([
      ['names', false],
      ['names', true],
      ['names', false],
      ['clear', false],
    ]);
  });

  it('says how far it is where it may last, which not every standby does', async () => {
    const world = fakeWork();
    world.disk.write('small', 255_999);
    world.disk.write('large', 256_000);
    for (const [name, check] of [
      ['small', 'idle'],
      ['large', 'idle'],
      ['large', 'right'],
      ['large', 'fooled'],
    ] as const)
      await delivered(world, [name], check);
    expect(world.rsync.suitable).toEqual([['plain', 'sure'], ['sure'], [], ['sure']]);
    expect(world.rsync.runs.map((run) => 'saysHowFar' in run && run.saysHowFar)).toEqual([false, true, true, true]);
  });

  it('of very many names goes to no standby that reads all of them first, unless they have to be read', async () => {
    const world = fakeWork();
    const names = Array.from({ length: 4_001 }, (_, i) => world.disk.write(`f${i}`));
    await delivered(world, names.slice(1));
    await delivered(world, names);
    await delivered(world, names, 'fooled');
    expect(world.rsync.suitable).toEqual([['plain', 'sure'], ['plain'], ['sure']]);
  });

  it('is counted for the pace of what it has brought, not of what is gone, which waits there for what was in it', async () => {
    const world = fakeWork();
    const paced = (name: string): boolean => world.work.ledger.pending.isPaced(n(name), steadyNow());
    for (let i = 0; i < 8; i++) {
      world.disk.write('a');
      await delivered(world, ['a', 'gone']);
    }
    expect([paced('a'), paced('gone')]).toEqual([true, false]);
  });

  it('is begun in the ledger with all that it may bring, directories above included', async () => {
    const world = fakeWork();
    world.disk.write('d/e/a');
    world.rsync.course.begins = () => {
      expect(indexed(world)).toEqual(['d', 'd/e', 'd/e/a']);
      expect(world.work.ledger.index.get(n('d/e/a'))?.mtimeNs).toBe(-1);
    };
    await delivered(world, ['d/e/a']);
    expect(world.work.ledger.index.get(n('d/e/a'))).toEqual(world.disk.get(n('d/e/a')));
    expect(world.rsync.runs).toHaveLength(1);
  });

  it('may have put a link in the place of a file, where it broke before it said so', async () => {
    const world = fakeWork();
    world.disk.write('a');
    await bringAll(world);
    world.disk.symlink('a');
    let isCut = false;
    world.rsync.course.did = () => {
      isCut = true;
    };
    world.rsync.course.isCut = () => isCut;
    expect(await delivered(world, ['a'])).toMatchObject({ kind: 'broken' });
    expect(world.rsync.there.get(n('a'))?.entry.type).toBe('link');
    expect(world.work.ledger.index.get(n('a'))?.mtimeNs).toBe(-1);
  });

  it('does not begin where that can not be written down', async () => {
    const world = fakeWork();
    world.disk.write('a');
    world.work.ledger.begin = async () => failed(FAILED);
    expect(await delivered(world, ['a'])).toEqual({ kind: 'broken', failure: FAILED });
    expect(world.rsync.runs).toEqual([]);
  });

  it('that breaks settles nothing', async () => {
    const world = fakeWork();
    world.disk.write('a');
    world.rsync.course.isCut = () => world.rsync.there.size > 0;
    expect(await delivered(world, ['a'])).toEqual({ kind: 'broken', failure: BROKEN });
    expect(world.work.ledger.pending.has(n('a'))).toBe(true);
    expect(world.work.ledger.index.get(n('a'))?.mtimeNs).toBe(-1);
  });

  it('tells what it brought but what failed, and counts it', async () => {
    const told: Event[] = [];
    const world = fakeWork({ report: (event) => void told.push(event) });
    for (const name of ['a', 'b']) world.disk.write(name, 7);
    world.rsync.course.fate = (name) => (name === n('b') ? 'failed' : 'done');
    expect(await delivered(world, ['a', 'b'])).toEqual({ kind: 'done', any: true });
    expect(told).toMatchObject([
      { kind: 'pathFailed', name: 'b', failure: FAILED },
      { kind: 'delivered', items: [{ name: 'a', bytes: 7 }] },
    ]);
    expect(world.work.ledger.sums).toMatchObject({ sent: 1, bytes: 7 });
  });
});

describe('something that was delivered and is made anew', () => {
  async function removed(change: (world: FakeWork) => void, options: Partial<PassWork> = {}): Promise<Name[]> {
    const gone: Name[] = [];
    const world = fakeWork({ ...options, onRemoved: (name) => void gone.push(name) });
    world.disk.write('a');
    await bringAll(world);
    gone.length = 0;
    change(world);
    await delivered(world, ['a']);
    return gone;
  }

  it('was removed there by somebody else', async () => {
    const away = ({ rsync, disk }: FakeWork): void => {
      rsync.there.delete(n('a'));
      disk.write('a');
    };
    expect(await removed(away)).toEqual(['a']);
  });

  it('was not where it is another kind of thing by now, or nobody is sure that it was there', async () => {
    expect(await removed(({ disk }) => void disk.symlink('a'))).toEqual([]);
    const unsure = ({ rsync, disk, work }: FakeWork): void => {
      rsync.there.delete(n('a'));
      disk.write('a');
      void work.ledger.unsure([n('a')]);
    };
    expect(await removed(unsure)).toEqual([]);
    expect(await removed(({ disk }) => void disk.write('a'))).toEqual([]);
  });
});

describe('deleting exactly these names', () => {
  async function there(...files: readonly string[]): Promise<FakeWork> {
    const world = fakeWork();
    for (const file of files) world.disk.write(file);
    await bringAll(world);
    world.rsync.runs.length = 0;
    return world;
  }
  const cleared = ({ work }: FakeWork, names: readonly string[]) => clear(work.ledger, work.runner, names.map(n));

  it('takes one run for all levels, deepest first', async () => {
    const world = await there('d/e/a', 'b');
    expect(await cleared(world, ['d', 'd/e', 'd/e/a'])).toBeUndefined();
    expect(world.rsync.runs).toHaveLength(1);
    expect([[...world.rsync.there.keys()], indexed(world)]).toEqual([['b'], ['b']]);
  });

  it('takes a run for each level where a name is too long for a rule', async () => {
    const long = 'x'.repeat(1_000);
    const world = await there(`d/e/${long}`, 'b');
    expect(await cleared(world, ['d', 'd/e', `d/e/${long}`])).toBeUndefined();
    expect(world.rsync.runs).toHaveLength(3);
    expect([[...world.rsync.there.keys()], indexed(world)]).toEqual([['b'], ['b']]);
  });

  it('leaves alone what is no directory there where one was brought', async () => {
    const world = await there('d/a');
    for (const name of ['d', 'd/a']) world.rsync.there.delete(n(name));
    world.rsync.plant(n('d'), begun('file'));
    expect(await cleared(world, ['d', 'd/a'])).toBeUndefined();
    expect([[...world.rsync.there.keys()].sort(), indexed(world)]).toEqual([['d'], []]);
  });

  it('leaves a directory that holds what is not ours, which is ours no more', async () => {
    const world = await there('d/a');
    world.rsync.plant(n('d/x'), begun('file'));
    expect(await cleared(world, ['d', 'd/a'])).toBeUndefined();
    expect([[...world.rsync.there.keys()].sort(), indexed(world)]).toEqual([['d', 'd/x'], []]);
  });

  it('puts off a directory that holds what is ours and has its own turn', async () => {
    const world = await there('d/a');
    expect(await cleared(world, ['d'])).toBeUndefined();
    expect(world.rsync.runs).toHaveLength(1);
    expect(world.work.ledger.pending.failure(n('d'))?.isPassing).toBe(true);
    expect(indexed(world)).toEqual(['d', 'd/a']);
  });

  it('what fails backs off, and stays ours', async () => {
    const world = await there('a', 'b');
    world.rsync.course.fate = (name) => (name === n('a') ? 'failed' : 'done');
    expect(await cleared(world, ['a', 'b'])).toBeUndefined();
    expect(world.work.ledger.pending.failure(n('a'))).toEqual(FAILED);
    expect(indexed(world)).toEqual(['a']);
  });

  it('gives the failure where a run breaks', async () => {
    const world = await there('a', 'b');
    world.rsync.course.isCut = () => true;
    expect(await cleared(world, ['a', 'b'])).toEqual(BROKEN);
    expect(indexed(world)).toEqual(['a', 'b']);
  });

  it('leaves alone what was in a directory in the place of which a file was brought: that has gone with it', async () => {
    const world = await there('d/a', 'b');
    const { ledger, runner } = world.work;
    const file = ledger.index.get(n('b'));
    if (file === undefined) throw new Error('b was not brought');
    ledger.delivered(n('d'), file);
    expect(await clear(ledger, runner, ['d/a', 'b'].map(n))).toBeUndefined();
    expect(world.rsync.runs.map((run) => run.kind !== 'pass' && run.names)).toEqual([['b']]);
    expect(indexed(world)).toEqual(['d']);
  });

  it('tells each round, or nothing where it is housekeeping', async () => {
    const world = await there('d/a');
    const rounds: string[][] = [];
    await remove(world.work.ledger, world.work.runner, ['d', 'd/a'].map(n), (items) => {
      rounds.push(items.map(({ name }) => name));
    });
    expect(rounds).toEqual([['d/a', 'd']]);
    const silent = await there('a');
    const { sums } = silent.work.ledger;
    await clear(silent.work.ledger, silent.work.runner, [n('a')], true);
    expect(silent.work.ledger.sums.deleted).toBe(sums.deleted);
  });
});
