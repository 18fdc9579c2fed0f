import { expect, it, vi } from 'vitest';
import { fullPass } from '../../src/sync/full-pass.js';
import { passOptions } from '../support/deliver.js';
import { fakeWork } from '../support/fake-work.js';

// How long a walk waits for what is short is for others to test.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => {} }));

const WHY = 'too many open files';

it('a full pass whose walk leaves out what can not be read just now brings nothing, and is made anew', async () => {
  const world = fakeWork();
  world.disk.write('d/a');
  world.disk.shortage = WHY;
  expect(await fullPass(world.work, passOptions())).toMatchObject({
    kind: 'broken',
    failure: { message: expect.stringContaining(WHY) },
  });
  expect(world.rsync.runs).toEqual([]);
  world.disk.shortage = undefined;
  expect(await fullPass(world.work, passOptions())).toMatchObject({ kind: 'done' });
  expect([...world.rsync.there.keys()]).toEqual(['d', 'd/a']);
});

it('nor is what it brought taken for all, where that happens to the walk after it', async () => {
  const world = fakeWork();
  world.disk.write('d/a');
  world.rsync.course.begins = () => {
    world.disk.shortage = WHY;
  };
  expect((await fullPass(world.work, passOptions())).kind).toBe('broken');
  expect([...world.work.ledger.pending]).toEqual([]);
});
