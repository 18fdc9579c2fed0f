import { expect, it } from 'vitest';
import type { Name } from '../../src/core/name.js';
import { begun } from '../../src/core/sync/entry.js';
import type { Input } from '../../src/core/sync/inputs.js';
import { type Phase, schedule } from '../../src/core/sync/state.js';
import { Sources } from '../../src/sync/sources.js';
import { fakeWork, n } from '../support/fake-work.js';

/** What the watcher and the link tell of is written down in order: for the schedule, the scanner, the findings, or the link. */
function sources(phase: Phase = { is: 'waiting' }, rootIsThere = true) {
  const heard: unknown[] = [];
  const hear =
    (who: string) =>
    (...what: readonly unknown[]): void =>
      void heard.push([who, ...what]);
  const { work, disk } = fakeWork();
  const state = { ...schedule({ oneByOne: false, rescanMs: 0 }), phase };
  const told = new Sources(
    { ledger: work.ledger, rootIsThere: () => rootIsThere, link: { nudge: hear('nudge') } },
    {
      inbox: { state, take: (input: Input) => hear('take')(input.kind) },
      scanner: {
        hint: (names: Iterable<Name>) => hear('hint')(...names),
        walk: async () => hear('walk')(),
        setBlind: hear('blind'),
        setPolled: hear('polled'),
      },
      findings: { note: hear('note') },
      runner: { underWay: async () => hear('underWay')() },
    },
  );
  return { told, heard, ledger: work.ledger, disk };
}

const hints = { kind: 'watcherHints', names: [n('a'), n('x')], synced: [n('a')] } as const;

it('hints are for the scanner; without a link their names wait, and the link is nudged', () => {
  const up = sources();
  up.told.handleDirectory(hints);
  up.told.handleDirectory({ ...hints, names: [], synced: [] });
  expect(up.heard).toEqual([['hint', 'a', 'x']]);
  const off = sources({ is: 'offline', turn: undefined });
  off.told.handleDirectory(hints);
  off.told.handleDirectory({ ...hints, synced: [] });
  expect(off.heard).toEqual([['note', 'a'], ['nudge']]);
});

it('what may have been missed is looked for everywhere, new rules too', () => {
  const { told, heard } = sources();
  told.handleDirectory({ kind: 'doubt' });
  told.handleDirectory({ kind: 'rulesChanged' });
  told.handleDirectory({ kind: 'blind', isBlind: true });
  told.handleDirectory({ kind: 'polled', parts: [n('d')], everyMs: 5 });
  told.handleDirectory({ kind: 'woke' });
  expect(heard).toEqual([
    ['walk'],
    ['take', 'rulesChanged'],
    ['walk'],
    ['blind', true],
    ['polled', ['d'], 5],
    ['take', 'woke'],
  ]);
});

it('of another directory at the root’s path nothing is known any more; the same one that is back changes nothing', () => {
  for (const isReplaced of [true, false]) {
    const { told, heard, ledger, disk } = sources();
    ledger.delivered(disk.write('a'), begun('file'));
    ledger.note(n('b'));
    told.handleDirectory({ kind: 'rootBack', isReplaced });
    expect([ledger.index.size, ledger.pending.size]).toEqual(isReplaced ? [0, 0] : [1, 1]);
    expect(heard).toEqual([['take', 'rootBack']]);
  }
});

it('what becomes of the link is for the schedule', () => {
  const { told, heard } = sources();
  for (const kind of ['lost', 'up', 'replaced'] as const) told.handleLink({ kind });
  told.handleLink({ kind: 'gaveUp', failure: { kind: 'login', message: 'no' } });
  expect(heard).toEqual(['down', 'up', 'replaced', 'halt'].map((kind) => ['take', kind]));
});
