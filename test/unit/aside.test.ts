import { describe, expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import type { RawRule } from '../../src/core/filter/rule.js';
import { runBatch } from '../../src/sync/batch.js';
import { followRules } from '../../src/sync/turn.js';
import { bringAll, type FakeWork, fakeWork, n } from '../support/fake-work.js';
import { filterOf } from '../support/settings.js';

const RULE: RawRule = {
  action: 'exclude',
  pattern: 'left/',
  source: { kind: 'ignoreFile', path: '.syncignore', line: 1 },
};

const rules = async ({ work }: FakeWork, all: readonly RawRule[]): Promise<void> => {
  work.filter.replace('syncignore', all);
  await followRules(work, (name) => void work.ledger.note(name));
};

const oneBatch = ({ work: { ledger }, work }: FakeWork, name: string) => {
  ledger.note(n(name));
  ledger.hurry();
  return runBatch(work, ledger.pending.ready(steadyNow(), 1), { mayRest: false, mayPart: false });
};

describe('a directory that holds what is excluded by now stays ours, and goes when that does', () => {
  it.each<[string, (world: FakeWork) => void]>([
    ['is gone here', ({ disk }) => disk.remove('d')],
    ['is a FIFO here', ({ disk }) => disk.block('d')],
    ['is a file here, which fails', ({ disk }) => disk.write('d')],
  ])('where it %s', async (_, becomes) => {
    const world = fakeWork({ filter: filterOf({ syncignore: [] }) });
    world.disk.write('d/left/x');
    await bringAll(world);
    await rules(world, [RULE]);
    world.disk.remove('d');
    becomes(world);
    await oneBatch(world, 'd');
    expect([...world.rsync.there.keys()]).toEqual(['d', 'd/left', 'd/left/x']);
    world.disk.remove('d');
    await oneBatch(world, 'd');
    await rules(world, []);
    await bringAll(world);
    expect([...world.rsync.there.keys()]).toEqual([]);
  });
});
