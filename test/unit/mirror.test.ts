import { describe, expect, it } from 'vitest';
import type { Ignores } from '../../src/core/filter/filter.js';
import type { GitRule, RawRule } from '../../src/core/filter/rule.js';
import { begun } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { forecast, inTheWayOf, type MirrorMode, removeThere } from '../../src/sync/mirror.js';
import type { Runs } from '../../src/sync/runner.js';
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
