import fc from 'fast-check';
import { expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { begun } from '../../src/core/sync/entry.js';
import { runBatch } from '../../src/sync/batch.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { amount } from '../support/amount.js';
import { passOptions } from '../support/deliver.js';
import type { Fate } from '../support/fake-rsync.js';
import { bringAll, differences, type FakeWork, fakeWork, n, ours } from '../support/fake-work.js';

const NAMES = ['a', 'b', 'd', 'd/x', 'd/y', 'e', 'e/z', 'e/z/w'];
const aName = fc.constantFrom(...NAMES);
const aChange = fc.oneof(
  fc.record({
    do: fc.constantFrom('write', 'replace', 'again', 'mkdir', 'symlink', 'block', 'remove', 'chmod'),
    name: aName,
    to: aName,
  }),
  fc.record({ do: fc.constant('rename'), name: aName, to: aName }),
);
type Change = typeof aChange extends fc.Arbitrary<infer T> ? T : never;

function change({ disk }: FakeWork, { do: what, name, to }: Change): void {
  const isIn = (one: string, other: string): boolean => one === other || one.startsWith(`${other}/`);
  switch (what) {
    case 'write':
      if (disk.get(n(name))?.type !== 'dir') disk.write(name, 10 + name.length);
      return;
    case 'again':
      if (disk.get(n(name))?.type === 'file') disk.write(name, disk.get(n(name))?.size, true);
      return;
    case 'replace':
      disk.replace(name, 2_000_000);
      return;
    case 'mkdir':
      if (!disk.has(n(name))) disk.mkdir(name);
      return;
    case 'symlink':
      disk.symlink(name);
      return;
    case 'block':
      disk.block(name);
      return;
    case 'remove':
      disk.remove(name);
      return;
    case 'chmod':
      if (disk.get(n(name)) !== undefined && disk.get(n(name))?.type !== 'link') disk.chmod(name, 0o600);
      return;
    case 'rename':
      if (disk.get(n(name)) === undefined || isIn(name, to) || isIn(to, name)) return;
      disk.rename(name, to);
  }
}

it('whatever changes, fails and breaks in whatever order, in the end here is there, and what is foreign stays', async () => {
  const anEnd = fc.record({
    isPass: fc.boolean(),
    changes: fc.array(aChange, { minLength: 1, maxLength: 5 }),
    during: fc.array(aChange, { maxLength: 2 }),
    fates: fc.array(fc.constantFrom<Fate>('done', 'done', 'done', 'untouched', 'failed'), {
      minLength: 1,
      maxLength: 5,
    }),
    cutAfter: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<'marks' | 'rules'>('marks', 'rules'),
      fc.array(anEnd, { minLength: 1, maxLength: 6 }),
      async (deletions, rounds) => {
        const plain = fakeWork().work.rsync;
        const world = fakeWork({ rsync: { ...plain, takes: { ...plain.takes, deletions } } });
        const { work, disk, rsync } = world;
        rsync.plant(n('d/foreign'), { ...begun('file'), size: 3 });
        for (const { isPass, changes, during, fates, cutAfter } of rounds) {
          for (const each of changes) change(world, each);
          let steps = 0;
          const left = [...during];
          rsync.course.isCut = () => steps === cutAfter;
          rsync.course.fate = () => {
            const one = left.pop();
            if (one !== undefined) change(world, one);
            return fates[steps++ % fates.length] ?? 'done';
          };
          for (const [name] of [...disk.entries(), ...work.ledger.index.entries()]) work.ledger.note(name);
          work.ledger.hurry();
          if (isPass) await fullPass(work, passOptions());
          else await runBatch(work, work.ledger.pending.ready(steadyNow(), 1_000), { mayRest: false, mayPart: false });
          for (const name of ours(rsync)) expect(work.ledger.index.get(name), `${name} is ours there`).toBeDefined();
        }
        rsync.course.isCut = () => false;
        rsync.course.fate = () => 'done';
        // What is foreign in it would be in its way.
        if (disk.get(n('d'))?.type !== 'dir') disk.remove('d');
        await bringAll(world);
        expect(differences(world)).toEqual([]);
        expect(rsync.there.get(n('d/foreign'))?.isOurs).toBe(false);
      },
    ),
    { numRuns: amount(2_000, 100_000) },
  );
});
