import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import { ALL_DONE } from '../../src/core/rsync/exit.js';
import { begun, type Entry } from '../../src/core/sync/entry.js';
import type { Journal } from '../../src/sync/begun.js';
import { Ledger } from '../../src/sync/ledger.js';
import { NO_JOURNAL } from '../support/deliver.js';
import { type ModelRun, There } from '../support/there.js';

const NAMES = ['a', 'b', 'l', 'd', 'd/x', 'd/l', 'e', 'e/z'].map(nameFromText);
const A = nameFromText('a');

const aName = fc.constantFrom(...NAMES);

const aRun = (
  names: readonly Name[],
  kinds: readonly ModelRun['kind'][] = ['names', 'names', 'names', 'clear', 'stash', 'moves'],
): fc.Arbitrary<ModelRun> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    names: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
    fates: fc.array(fc.constantFrom('done', 'done', 'done', 'untouched', 'failed'), { minLength: 1, maxLength: 5 }),
    breaksAt: fc.option(fc.nat({ max: 8 }), { nil: undefined }),
    edits: fc.array(aName, { maxLength: 2 }),
  });

const aStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('edit' as const, 'edit' as const, 'remove' as const, 'restore' as const),
      name: aName,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('run' as const), run: aRun(NAMES), isSaved: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('run' as const), run: aRun(NAMES, ['pass']), isSaved: fc.boolean() }),
  },
  // A large file has a run of its own beside the others.
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('both' as const),
      run: aRun([A, ...NAMES.slice(2, 6)]),
      beside: aRun([nameFromText('e/z')]),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('save' as const, 'restart' as const) }) },
);

describe('the ledger', () => {
  it('keeps its word at whatever step it is killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(aStep, { minLength: 1, maxLength: 12 }), async (isSynced, steps) => {
        const world = await There.begin([A, nameFromText('d/x')]);
        if (isSynced) {
          for (const name of NAMES) world.edit(name);
          await world.run({ kind: 'pass', names: [], fates: ['done'], breaksAt: undefined, edits: [] });
          await world.ledger.save();
        }
        const removed = new Map<Name, Entry | undefined>();
        let restored: Entry | undefined;
        for (const step of steps) {
          switch (step.do) {
            case 'edit':
              world.edit(step.name);
              break;
            case 'remove':
              removed.set(step.name, world.remove(step.name) ?? removed.get(step.name));
              break;
            case 'restore':
              // The very same file, as `mv` there and back leaves it.
              restored = removed.get(step.name);
              if (restored !== undefined && !world.here.has(step.name)) world.put(step.name, restored);
              break;
            case 'save':
              await world.ledger.save();
              break;
            case 'restart':
              await world.restart();
              break;
            case 'run': {
              // As when the root is another one: nobody waits for runs to end.
              const saving = step.isSaved ? world.ledger.save() : undefined;
              await world.run(step.run);
              await saving;
              break;
            }
            case 'both':
              await Promise.all([world.run(step.run), world.run(step.beside)]);
              break;
          }
          await world.verify();
        }
        world.close();
      }),
      { numRuns: 50 },
    );
  }, 120_000);

  it.each([
    ['what a run deleted that broke before it said so', { kind: 'names', breaksAt: 1 }, 'remove'],
    ['what was linked over something else, of which rsync says nothing', { kind: 'moves' }, 'edit'],
  ] as const)('is sure of nothing: %s', async (_, run, change) => {
    const world = await There.begin([]);
    const whole = { names: [A], fates: ['done'], breaksAt: undefined, edits: [] } as const;
    world.edit(A);
    await world.run({ ...whole, kind: 'names' });
    await world.ledger.save();
    world[change](A);
    await world.run({ ...whole, ...run });
    await world.verify();
    world.close();
  });
});

describe('the journal', () => {
  /** A ledger, and all that it writes down. */
  function written() {
    const words: string[] = [];
    const journal: Journal = {
      ...NO_JOURNAL,
      writeAhead: async (deeds) => void words.push(`ahead: ${[...deeds].map(([name]) => name).join(' ')}`),
      markInFlight: (name, type) => void words.push(`in flight: ${type} ${name}`),
      markGone: (name) => void words.push(`gone: ${name}`),
    };
    const options = { journal, target: 't', report: () => {}, rulesMayComeBack: () => false };
    return { ledger: new Ledger(options), words };
  }
  const [D, DF] = [nameFromText('d'), nameFromText('d/f')];

  it('has what is found to be there already: nobody else would know after a kill that it is ours to delete', () => {
    const { ledger, words } = written();
    ledger.delivered(A, begun('file'));
    ledger.delivered(D, begun('dir'));
    expect(words).toEqual(['in flight: file a', 'in flight: dir d']);
    ledger.delivered(A, begun('file')); // it is known by now
    ledger.delivered(ROOT, begun('dir')); // it is never gone
    expect(words).toHaveLength(2);
  });

  it('has what comes without a run, and what goes, once', () => {
    const { ledger, words } = written();
    ledger.markInFlight(D, 'dir');
    ledger.markInFlight(D, 'dir');
    ledger.gone(D);
    ledger.gone(D);
    expect(words).toEqual(['in flight: dir d', 'gone: d']);
  });

  it('has a run before it begins, and from it only what was not to be expected', async () => {
    const { ledger, words } = written();
    const run = { kind: 'names', names: [DF], comparesContent: false, deleteMissing: true } as const;
    const begunRun = await ledger.begin(run, () => [
      [D, 'dir'],
      [DF, 'file'],
    ]);
    expect(words).toEqual(['ahead: d d/f']);
    if (!begunRun.ok) throw new Error(begunRun.failure.message);
    begunRun.value.turnedTo({ action: 'mkdir', name: D, bytes: 0, isNew: true });
    begunRun.value.turnedTo({ action: 'send', name: DF, bytes: 1, isNew: true });
    begunRun.value.turnedTo({ action: 'send', name: A, bytes: 1, isNew: true });
    expect(words.slice(1)).toEqual(['in flight: file a']);
    ledger.delivered(DF, begun('file')); // it is known by the run
    expect(words).toHaveLength(2);
  });

  it('has the names back that nothing was done to', async () => {
    const { ledger, words } = written();
    const run = { kind: 'names', names: [A], comparesContent: false, deleteMissing: true } as const;
    const begunRun = await ledger.begin(run, () => [[A, 'file']]);
    if (!begunRun.ok) throw new Error(begunRun.failure.message);
    await begunRun.value.ended({ outcome: ALL_DONE, items: [] });
    expect(words).toEqual(['ahead: a', 'gone: a']);
    expect(ledger.index.get(A)).toBeUndefined();
  });
});
