import { describe, expect, it } from 'vitest';
import type { Item } from '../../src/core/event.js';
import type { Ignores } from '../../src/core/filter/filter.js';
import type { GitRule, RawRule } from '../../src/core/filter/rule.js';
import { begun } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { forecast, inTheWayOf, type MirrorMode, removeThere } from '../../src/sync/mirror.js';
import type { Runs } from '../../src/sync/runner.js';
import { takeBack } from '../../src/sync/take-back.js';
import { BROKEN, FAILED } from '../support/fake-rsync.js';
import { type FakeWork, fakeWork, n } from '../support/fake-work.js';
import { filterOf } from '../support/settings.js';

const rule = (pattern: string, source: RawRule['source'] = { kind: 'default' }): RawRule => ({
  action: 'exclude',
  pattern,
  source,
});

/** git ignores what is called so; of `u` nobody knows. */
const ignoring = (ignored: string): Ignores => {
  const git: GitRule = { text: ignored, source: { kind: 'ignoreFile', path: '.gitignore', line: 1 } };
  return {
    learn: () => undefined,
    ruleFor: (name) => (name === n(ignored) ? git : name === n('u') ? { ...git, isUnsure: true } : undefined),
    dirRule: () => undefined,
    isTracked: () => false,
  };
};

const item = (name: string, isNew = true, action: Item['action'] = 'send'): Item => ({
  action,
  name: n(name),
  bytes: 0,
  isNew,
});

describe('what a full pass would do', () => {
  async function foreseen(mode: MirrorMode, world: FakeWork) {
    const end = await forecast(world.work.runner, { excluded: [] }, world.work.filter, mode);
    if (!('items' in end)) throw new Error(end.message);
    return { items: end.items.map(({ name }) => name), extraneous: [...end.extraneous].sort() };
  }
  function worldOf(...rules: readonly RawRule[]): FakeWork {
    const world = fakeWork({ filter: filterOf({ user: rules }) });
    world.disk.write('a');
    for (const name of ['d/b', 'x', 'x.d/y']) world.rsync.plant(n(name), begun('file'));
    return world;
  }

  it('is told apart: what differs here, and what is only there', async () => {
    const world = worldOf();
    expect(await foreseen('notExcluded', world)).toEqual({
      items: ['a'],
      extraneous: ['d', 'd/b', 'x', 'x.d', 'x.d/y'],
    });
    expect(await foreseen('off', world)).toEqual({ items: ['a'], extraneous: [] });
  });

  it('leaves alone what our own filter excludes, of which rsync was told nothing', async () => {
    const world = worldOf();
    world.work.filter.useIgnores(ignoring('x'));
    expect((await foreseen('notExcluded', world)).extraneous).toEqual(['d', 'd/b', 'x.d', 'x.d/y']);
  });

  it('goes by what each is there, a directory or not', async () => {
    expect((await foreseen('notExcluded', worldOf(rule('x.d/'), rule('x/')))).extraneous).toEqual(['d', 'd/b', 'x']);
  });

  it('is about what is excluded too with --delete-excluded, but never about the trash', async () => {
    const world = worldOf(rule('x'), rule('/d', { kind: 'trash' }));
    expect((await foreseen('all', world)).extraneous).toEqual(['x', 'x.d', 'x.d/y']);
    expect((await foreseen('notExcluded', world)).extraneous).toEqual(['x.d', 'x.d/y']);
  });

  it('is a failure where rsync does not say', async () => {
    const world = worldOf();
    const runner: Runs = {
      ...world.work.runner,
      look: async (...of) => ({ ...(await world.rsync.look(...of)), outcome: { kind: 'broken', failure: BROKEN } }),
    };
    expect(await forecast(runner, { excluded: [] }, world.work.filter, 'notExcluded')).toEqual(BROKEN);
  });
});

it('in the way is what is there in the place, or below the place, of what is no directory here', async () => {
  const tree = new NameIndex();
  tree.set(n('file'), begun('file'));
  tree.set(n('dir'), begun('dir'));
  const extraneous = ['file', 'file/x', 'file/x/y', 'dir/x', 'other'].map(n);
  expect(await inTheWayOf(tree, extraneous)).toEqual(['file', 'file/x', 'file/x/y']);
});

it('what is only there is deleted whoever put it there; told are what went and what failed', async () => {
  const world = fakeWork();
  for (const name of ['d/a', 'b']) world.rsync.plant(n(name), begun('file'));
  world.rsync.course.fate = (name) => (name === n('b') ? 'failed' : 'done');
  const end = await removeThere(world.work.ledger, world.work.runner, ['d', 'd/a', 'b'].map(n));
  if (!('items' in end)) throw new Error(end.message);
  expect(end.items.map(({ name }) => name)).toEqual(['d/a', 'd']);
  expect(end.failed).toEqual(new Map([[n('b'), FAILED]]));
  world.rsync.course.isCut = () => true;
  expect(await removeThere(world.work.ledger, world.work.runner, [n('b')])).toEqual(BROKEN);
});

describe('what a full pass took along although it is excluded', () => {
  async function taken(items: readonly Item[], before: (world: FakeWork) => void = () => {}) {
    const world = fakeWork({ filter: filterOf() });
    world.work.filter.useIgnores(ignoring('x'));
    for (const { name, action } of items) {
      if (action === 'mkdir') world.disk.mkdir(name);
      else world.disk.write(name);
    }
    before(world);
    for (const { name } of items) {
      const entry = world.disk.get(name) ?? begun('file');
      world.rsync.there.set(name, { entry, content: 0, isOurs: true });
      world.work.ledger.delivered(name, entry);
    }
    const { ledger, runner, filter } = world.work;
    const end = await takeBack(ledger, runner, filter, items);
    const there = [...world.rsync.there.keys()].sort();
    const known = [...ledger.index.entries()].map(([name]) => name).sort();
    return { world, names: [...end.names].sort(), failure: end.failure, there, known };
  }

  it('is deleted there again where it is new, and is ours no more', async () => {
    expect(await taken([item('a'), item('x')])).toMatchObject({ names: ['x'], there: ['a'], known: ['a'] });
  });

  it('stays where it was there before, but is left alone from now on', async () => {
    expect(await taken([item('a'), item('x', false)])).toMatchObject({ names: ['x'], there: ['a', 'x'], known: ['a'] });
  });

  it('is left aside where it was so before', async () => {
    const aside = ({ work, disk }: FakeWork): void => {
      work.ledger.delivered(n('x'), disk.get(n('x')) ?? begun('file'));
      work.ledger.setAside(n('x'));
    };
    const { world } = await taken([item('x', false)], aside);
    expect(world.work.ledger.index.aside.get(n('x'))).toBeDefined();
  });

  it('and of which nobody knows goes where it is new, and stays where it is not', async () => {
    expect(await taken([item('u')])).toMatchObject({ names: ['u'], there: [] });
    expect(await taken([item('u', false)])).toMatchObject({ names: [], there: ['u'], known: ['u'] });
  });

  it('is none where rsync knows all rules', async () => {
    const world = fakeWork({ filter: filterOf({ user: [rule('x')] }) });
    const { ledger, runner, filter } = world.work;
    expect((await takeBack(ledger, runner, filter, [item('x')])).names.size).toBe(0);
    expect(world.rsync.runs).toEqual([]);
  });

  it('is not deleted because it was deleted', async () => {
    const world = fakeWork();
    world.work.filter.useIgnores(ignoring('x'));
    const gone = [item('x', false, 'delete')];
    expect((await takeBack(world.work.ledger, world.work.runner, world.work.filter, gone)).names.size).toBe(0);
  });
});
