import fc from 'fast-check';
import { expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { ROOT } from '../../src/core/name.js';
import { isSettled } from '../../src/core/sync/entry.js';
import { differences as differing } from '../../src/scan/look.js';
import { SeenWaiting } from '../../src/scan/seen-waiting.js';
import { walk } from '../../src/scan/walk.js';
import { runBatch } from '../../src/sync/batch.js';
import { amount } from '../support/amount.js';
import { bringAll, differences, fakeWork, n } from '../support/fake-work.js';

/** So many that they are a storm. */
const DIRS = 4;
const EACH = 20;
const aName = fc.tuple(fc.nat({ max: DIRS - 1 }), fc.nat({ max: EACH - 1 })).map(([d, f]) => `d${d}/f${f}`);
const aChange = fc.record({
  do: fc.constantFrom('write', 'again', 'replace', 'remove', 'mkdir', 'chmod', 'rename', 'renameDir'),
  name: aName,
  to: aName,
});
type Change = typeof aChange extends fc.Arbitrary<infer T> ? T : never;

function change({ disk }: ReturnType<typeof fakeWork>, { do: what, name, to }: Change): void {
  const is = disk.get(n(name));
  const dir = name.slice(0, 2);
  if (what === 'write' && is?.type !== 'dir') disk.write(name, 11);
  else if (what === 'again' && is?.type === 'file') disk.write(name, is.size, true);
  else if (what === 'replace') disk.replace(name, 10);
  else if (what === 'remove') disk.remove(name);
  else if (what === 'mkdir') disk.write(`${name}/below`);
  else if (what === 'chmod' && is !== undefined) disk.chmod(name, 0o600);
  else if (what === 'rename' && is !== undefined && name !== to) disk.rename(name, to);
  else if (what === 'renameDir' && disk.has(n(dir)) && dir !== to.slice(0, 2)) disk.rename(dir, to.slice(0, 2));
}

it('in a storm nothing is proven that is not so, whatever happens between a look and its run, and in the end here is there', async () => {
  const aRound = fc.record({
    before: fc.array(aChange, { maxLength: 6 }),
    unheard: fc.array(aChange, { maxLength: 6 }),
    during: fc.array(fc.tuple(fc.nat({ max: 80 }), aChange), { maxLength: 4 }),
    isHeardTwice: fc.boolean(),
    heardAt: fc.nat({ max: 100 }),
    cutAfter: fc.option(fc.nat({ max: 100 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(aRound, { minLength: 1, maxLength: 5 }), async (rounds) => {
      const world = fakeWork();
      const { disk, rsync } = world;
      const { ledger, filter } = world.work;
      const seen = new SeenWaiting({ disk, ledger });
      const work = { ...world.work, seen };
      const find = async (): Promise<void> => {
        const waiting = seen.ofNew.bind(seen);
        for await (const listing of walk(disk, filter, { from: [ROOT], descend: () => true, waiting }))
          for (const found of differing(listing, ledger.index, (was, now) => isSettled(was, now, false))) {
            if (found === undefined) continue;
            ledger.note(...found);
            if (typeof found[1] === 'object' && found[0] !== listing.dir) seen.note(listing, found[0], found[1]);
          }
      };
      const areProven = (): void => {
        for (const [name, here] of disk.entries()) {
          if (here.type !== 'file' || !isSettled(ledger.index.get(name), here, false)) continue;
          expect(rsync.there.get(name)?.content, `${name} is taken for there`).toBe(disk.contentOf(name));
        }
      };
      for (let d = 0; d < DIRS; d++) for (let f = 0; f < EACH; f++) disk.write(`d${d}/f${f}`);
      for (const { before, unheard, during, isHeardTwice, heardAt, cutAfter } of rounds) {
        for (const each of before) change(world, each);
        await find();
        for (const each of unheard) change(world, each);
        if (isHeardTwice) await find();
        let steps = 0;
        let finding: Promise<void> | undefined;
        rsync.course.isCut = () => steps === cutAfter;
        rsync.course.fate = () => {
          for (const [at, each] of during) if (at === steps) change(world, each);
          if (steps++ === heardAt) finding = find();
          return 'done';
        };
        ledger.hurry();
        const names = ledger.pending.ready(steadyNow(), Number.POSITIVE_INFINITY);
        await runBatch(work, names, { mayRest: false, mayPart: false });
        await finding;
        areProven();
      }
      rsync.course.isCut = () => false;
      rsync.course.fate = () => 'done';
      await bringAll({ ...world, work });
      areProven();
      expect(differences(world)).toEqual([]);
    }),
    { numRuns: amount(100, 10_000) },
  );
});
