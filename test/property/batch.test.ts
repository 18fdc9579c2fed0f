import fc from 'fast-check';
import { expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { begun } from '../../src/core/sync/entry.js';
import { runBatch } from '../../src/sync/batch.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { amount } from '../support/amount.js';
import { passOptions } from '../support/deliver.js';
import type { Fate } from '../support/fake-rsync.js';
import { bringAll, differences, fakeWork, n, ours } from '../support/fake-work.js';
import { aChange, change } from '../support/random-changes.js';

it('whatever changes, fails and breaks in whatever order, in the end here is there, and what is foreign stays', async () => {
  const anEnd = fc.record({
    isPass: fc.boolean(),
    /** Whether rsync is asked first what differs. */
    isAsked: fc.boolean(),
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
        for (const { isPass, isAsked, changes, during, fates, cutAfter } of rounds) {
          for (const each of changes) change(disk, each);
          let steps = 0;
          const left = [...during];
          rsync.course.isCut = () => steps === cutAfter;
          rsync.course.fate = () => {
            const one = left.pop();
            if (one !== undefined) change(disk, one);
            return fates[steps++ % fates.length] ?? 'done';
          };
          for (const [name] of [...disk.entries(), ...work.ledger.index.entries()]) work.ledger.note(name);
          work.ledger.hurry();
          if (isPass) await fullPass(work, passOptions(isAsked ? { askedFrom: 0 } : {}));
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
