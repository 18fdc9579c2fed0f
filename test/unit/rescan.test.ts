import { describe, expect, it } from 'vitest';
import type { Item } from '../../src/core/event.js';
import { ROOT } from '../../src/core/name.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { takeSnapshot } from '../../src/scan/snapshot.js';
import { unexpected } from '../../src/sync/rescan.js';
import { type FakeWork, fakeWork, n } from '../support/fake-work.js';

const item = (name: string): Item => ({ action: 'send', name: n(name), bytes: 1, isNew: false });

const treeOf = ({ disk }: FakeWork): NameIndex => {
  const tree = new NameIndex();
  const root = disk.get(ROOT);
  if (root !== undefined) tree.set(ROOT, root);
  for (const [name, entry] of disk.entries()) tree.set(name, entry);
  return tree;
};

/** All that is here was delivered as it is. */
function delivered(...names: readonly string[]): FakeWork {
  const world = fakeWork();
  for (const name of names) world.disk.write(name);
  for (const [name, entry] of treeOf(world).entries()) world.work.ledger.delivered(name, entry);
  return world;
}

/** A rescan in which rsync turns to these names, while `meanwhile` happens; gives what is told as repaired. */
async function rescanned(
  world: FakeWork,
  names: readonly string[],
  meanwhile: () => void = () => {},
  changedMs?: number,
) {
  const { work, disk } = world;
  const snapshot = await takeSnapshot(disk, work.filter, () => {});
  const fromMs = changedMs === undefined ? snapshot.fromMs : (changedMs as unknown as typeof snapshot.fromMs);
  const { gone, repaired } = await unexpected(work, { ...snapshot, fromMs });
  meanwhile();
  for (const name of gone) work.ledger.gone(name);
  const told = repaired(names.map(item), treeOf(world));
  return told.map(({ action, name }) => (action === 'delete' ? `-${name}` : name));
}

describe('a rescan tells as repaired', () => {
  it('what is here as it was delivered, and was not there any more', async () => {
    expect(await rescanned(delivered('a', 'd/b', 'c'), ['a', 'd/b'])).toEqual(['a', 'd/b']);
  });

  it('what was changed or came long ago, and nobody heard of; and what is gone', async () => {
    const world = delivered('a', 'gone', 'd/x');
    world.disk.write('a', 20);
    world.disk.write('new');
    world.disk.remove('gone');
    expect(await rescanned(world, ['a', 'new'])).toEqual(['a', 'new', '-gone']);
  });
});

describe('a rescan tells nothing', () => {
  it('of what waited, before it or by now', async () => {
    const world = delivered('a', 'b', 'c');
    world.work.ledger.note(n('a'));
    expect(await rescanned(world, ['a', 'b', 'c'], () => world.work.ledger.note(n('b')))).toEqual(['c']);
  });

  it('of what was changed a moment ago: that would have been noticed', async () => {
    const world = delivered('a', 'b');
    world.disk.write('a', 20);
    world.disk.remove('b');
    const nowS = world.disk.get(ROOT)?.mtimeS ?? 0;
    expect(await rescanned(world, ['a'], undefined, (nowS + 5) * 1_000)).toEqual([]);
    expect(await rescanned(world, ['a'], undefined, (nowS + 20) * 1_000)).toEqual(['a', '-b']);
  });

  it('of what was changed while it went on, or whose directory was renamed or replaced meanwhile', async () => {
    const world = delivered('a', 'd/b', 'c');
    const meanwhile = (): void => {
      world.disk.write('a', 30);
      world.disk.rename('d', 'x');
      world.disk.write('d/b');
    };
    expect(await rescanned(world, ['a', 'd/b', 'c'], meanwhile)).toEqual(['c']);
  });

  it('of what was away with its directory meanwhile', async () => {
    const world = delivered('d/b', 'c');
    const meanwhile = (): void => {
      world.disk.rename('d', 'x');
      world.disk.rename('x', 'd');
    };
    expect(await rescanned(world, ['d/b', 'c'], meanwhile)).toEqual(['c']);
  });

  it('of deletions where none are carried over', async () => {
    const world = delivered('a');
    world.disk.remove('a');
    expect(await rescanned({ ...world, work: { ...world.work, deletes: 'never' } }, [])).toEqual([]);
  });
});
