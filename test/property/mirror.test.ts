import fc from 'fast-check';
import { expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { ancestorsOf, isBelow } from '../../src/core/name.js';
import { begun } from '../../src/core/sync/entry.js';
import { runBatch } from '../../src/sync/batch.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { amount } from '../support/amount.js';
import { passOptions } from '../support/deliver.js';
import type { FakeRsync } from '../support/fake-rsync.js';
import { bringAll, differences, fakeWork, n } from '../support/fake-work.js';
import { aChange, aName, change } from '../support/random-changes.js';

const THINGS = ['file', 'dir', 'link', 'gone'] as const;

/** Others do something there: a file, a directory or a link, or nothing, in the place of whatever is there. */
function meddle(rsync: FakeRsync, text: string, as: (typeof THINGS)[number]): void {
  const { there } = rsync;
  const name = n(text);
  for (const each of [...there.keys()]) if (each === name || isBelow(each, name)) there.delete(each);
  for (const dir of ancestorsOf(name)) if (there.get(dir)?.entry.type !== 'dir') there.delete(dir);
  if (as !== 'gone') rsync.plant(name, { ...begun('file'), type: as, size: 3 });
}

it('whatever changes here and there, a mirror is what is here after its next full pass', async () => {
  const aRound = fc.record({
    isPass: fc.boolean(),
    /** Whether rsync is asked first what differs. */
    isAsked: fc.boolean(),
    changes: fc.array(aChange, { minLength: 1, maxLength: 2 }),
    during: fc.option(aChange, { nil: undefined }),
    there: fc.array(fc.tuple(aName, fc.constantFrom(...THINGS)), { maxLength: 2 }),
    cutAfter: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(aRound, { minLength: 1, maxLength: 4 }), async (rounds) => {
      const world = fakeWork();
      const { work, disk, rsync } = world;
      const { ledger } = work;
      for (const { isPass, isAsked, changes, during, there, cutAfter } of rounds) {
        for (const each of changes) change(disk, each);
        for (const [name, as] of there) meddle(rsync, name, as);
        let steps = 0;
        rsync.course.isCut = () => steps === cutAfter;
        rsync.course.fate = () => {
          if (steps++ === 1 && during !== undefined) change(disk, during);
          return 'done';
        };
        for (const [name] of [...disk.entries(), ...ledger.index.entries()]) ledger.note(name);
        ledger.hurry();
        if (isPass) await fullPass(work, passOptions({ mirror: 'all', ...(isAsked ? { askedFrom: 0 } : {}) }));
        else await runBatch(work, ledger.pending.ready(steadyNow(), 1_000), { mayRest: false, mayPart: false });
      }
      rsync.course.isCut = () => false;
      rsync.course.fate = () => 'done';
      expect(await fullPass(work, passOptions({ mirror: 'all' }))).toMatchObject({ kind: 'done' });
      await bringAll(world);
      expect(differences(world)).toEqual([]);
      expect([...rsync.there.keys()].filter((name) => !disk.has(name))).toEqual([]);
    }),
    { numRuns: amount(2_000, 50_000) },
  );
});
