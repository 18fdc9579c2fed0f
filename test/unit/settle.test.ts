import { describe, expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { wallMs } from '../../src/core/clock.js';
import type { Event } from '../../src/core/event.js';
import type { Failure } from '../../src/core/failure.js';
import { type Name, nameFromText } from '../../src/core/name.js';
import { begun, type Entry, type Seen } from '../../src/core/sync/entry.js';
import type { RunResult } from '../../src/sync/read-run.js';
import { type BatchView, settle } from '../../src/sync/settle.js';
import { newLedger } from '../support/deliver.js';
import { plainSettings } from '../support/settings.js';

const [A, D, DF] = ['a', 'd', 'd/f'].map(nameFromText) as [Name, Name, Name];

const file = (n: number): Entry => ({ ...begun('file'), size: n, mtimeS: n, mtimeNs: n, ino: n, born: 1, ctime: n });
const dir = (n: number): Entry => ({ ...file(n), type: 'dir', size: 0 });
const passing: Failure = { kind: 'path', message: 'file has vanished', isPassing: true };
const refused: Failure = { kind: 'path', message: 'permission denied' };

interface Case {
  readonly before: Readonly<Record<string, Seen>>;
  readonly after: Readonly<Record<string, Seen>>;
  readonly index?: Readonly<Record<string, Entry>>;
  readonly above?: Readonly<Record<string, Seen>>;
  readonly failures?: Readonly<Record<string, Failure>>;
  readonly result?: Partial<Pick<RunResult, 'items' | 'kept'>>;
  readonly tickMs?: number;
  readonly isClosed?: boolean;
  readonly isOtherGround?: boolean;
}

const mapOf = <T>(all: Readonly<Record<string, T>> = {}): Map<Name, T> =>
  new Map(Object.entries(all).map(([name, each]) => [nameFromText(name), each]));

/** Settles the names of a run that was looked at between 1,000 s and 1,001 s since 1970. */
async function settled(given: Case) {
  const ledger = newLedger('t');
  for (const [name, entry] of mapOf(given.index)) ledger.delivered(name, entry);
  const before = mapOf(given.before);
  for (const name of before.keys()) ledger.note(name);
  const after = new Map([...mapOf(given.above), ...mapOf(given.after)]);
  const ground = dir(9);
  const view: BatchView = {
    before,
    above: mapOf(given.above && Object.fromEntries(Object.keys(given.above).map((name) => [name, dir(7)]))),
    grounds: new Map([...before.keys()].map((name) => [name, ground])),
    fromMs: wallMs(1_000_000),
    toMs: wallMs(1_001_000),
  };
  const events: Event[] = [];
  const brought: Name[] = [];
  const disk = {
    tickMs: given.tickMs ?? 0,
    see: (name: Name) => after.get(name) ?? 'missing',
    canList: () => given.isClosed !== true,
    groundOf: () => (given.isOtherGround === true ? dir(10) : ground),
  };
  const rsync = plainSettings({ root: '/r', target: { kind: 'local', path: '/t', label: 't', place: '/t' } });
  const report = (event: Event): void => void events.push(event);
  const result = { items: [], kept: new Set<Name>(), ...given.result };
  await settle(
    { ledger, disk, rsync, report, onBrought: (name) => void brought.push(name) },
    [...before.keys()],
    view,
    result,
    mapOf(given.failures),
  );
  return { ledger, events, brought, waits: [...ledger.pending].map(([name]) => name) };
}

describe('after a run, a name', () => {
  it('that nothing was done to is done, and known as it was seen', async () => {
    const { ledger, waits, brought } = await settled({ before: { a: file(1) }, after: { a: file(1) } });
    expect(ledger.index.get(A)).toEqual(file(1));
    expect([waits, brought]).toEqual([[], [A]]);
  });

  it.each([
    ['another content', file(2)],
    ['the same face and another inode', { ...file(1), ino: 5 }],
    ['only its change time', { ...file(1), ctime: 5 }],
  ])('that changed meanwhile (%s) waits for its turn', async (_, now) => {
    const { ledger, waits } = await settled({ before: { a: file(1) }, after: { a: now } });
    expect(ledger.index.get(A)).toBeUndefined();
    expect(waits).toEqual([A]);
  });

  it('that was written within a tick of the look is there, but not surely so', async () => {
    const racy = { ...file(1), mtimeS: 1_000, mtimeNs: 5 };
    const { ledger, waits } = await settled({ before: { a: racy }, after: { a: racy }, tickMs: 10 });
    expect(ledger.index.get(A)).toEqual({ ...racy, mtimeNs: -1 });
    expect(waits).toEqual([A]);
  });

  it('below a directory that was away meanwhile is not done, though it is as it was', async () => {
    const { ledger, waits, brought } = await settled({
      before: { 'd/f': file(1) },
      after: { 'd/f': file(1) },
      above: { d: { ...dir(7), ctime: 8 } }, // renamed there and back
    });
    expect(ledger.index.get(DF)).toBeUndefined();
    expect([waits, brought]).toEqual([[DF], []]);
  });

  it('below a directory that may have been away and back is done only if rsync said something of it', async () => {
    // Something has come into the directory, which hides that it was renamed before that.
    const micros = { ...dir(7), mtimeS: 8, mtimeNs: 0, ctime: 8_000_000 };
    const quiet = await settled({ before: { 'd/f': file(1) }, after: { 'd/f': file(1) }, above: { d: micros } });
    expect(quiet.ledger.index.get(DF)).toBeUndefined();
    expect(quiet.ledger.pending.has(DF)).toBe(true);
    const items = [{ action: 'send', name: DF, bytes: 1, isNew: true }] as const;
    const told = await settled({
      before: { 'd/f': file(1) },
      after: { 'd/f': file(1) },
      above: { d: micros },
      result: { items },
    });
    expect(told.ledger.index.get(DF)).toEqual(file(1));
    expect(told.ledger.pending.has(DF)).toBe(false);
  });

  it('that rsync deleted there has its turn again where it is here as before', async () => {
    const items = [{ action: 'delete', name: A, bytes: 0, isNew: false }] as const;
    const { ledger } = await settled({
      before: { a: file(1) },
      after: { a: file(1) },
      index: { a: file(1) },
      result: { items },
    });
    expect(ledger.pending.has(A)).toBe(true);
  });

  it('that failed backs off and is told once; what was there of it is unsure', async () => {
    const { ledger, waits, events } = await settled({
      before: { a: file(2) },
      after: { a: file(2) },
      index: { a: file(1) },
      failures: { a: refused },
    });
    expect(ledger.index.get(A)).toEqual({ ...file(1), mtimeNs: -1 });
    expect(ledger.pending.failure(A)).toEqual(refused);
    expect(waits).toEqual([A]);
    expect(events).toEqual([]); // the ledger tells that
  });

  it('that failed because it was being changed has its turn again at once', async () => {
    const { ledger } = await settled({ before: { a: file(1) }, after: { a: file(2) }, failures: { a: passing } });
    expect(ledger.pending.failure(A)).toBeUndefined();
    expect(ledger.pending.ready(steadyNow(), 9)).toEqual([A]);
  });

  it('that is a directory nobody may look into has failed', async () => {
    const { ledger } = await settled({ before: { d: dir(1) }, after: { d: dir(1) }, isClosed: true });
    expect(ledger.pending.failure(D)?.message).toBe('permission denied here');
  });
});

describe('after a run, a name that is missing here', () => {
  const gone = { before: { a: 'missing' }, after: { a: 'missing' }, index: { a: file(1) } } as const;

  it('is gone there, if rsync said so, or if it was never back here', async () => {
    const items = [{ action: 'delete', name: A, bytes: 0, isNew: false }] as const;
    for (const more of [{ result: { items } }, {}, { result: { items }, isOtherGround: true }]) {
      const { ledger, waits } = await settled({ ...gone, ...more });
      expect(ledger.index.get(A)).toBeUndefined();
      expect(waits).toEqual([]);
    }
  });

  it('waits where it may have been back for a moment and rsync did not delete it', async () => {
    const { ledger, waits } = await settled({ ...gone, isOtherGround: true });
    expect(ledger.index.get(A)).toEqual(file(1));
    expect(waits).toEqual([A]);
  });

  it('waits where it has come back', async () => {
    const { waits } = await settled({ ...gone, after: { a: file(3) } });
    expect(waits).toEqual([A]);
  });

  it('is not ours any more where it is a directory that holds something else, and that is told', async () => {
    const { ledger, waits, events } = await settled({
      before: { d: 'missing' },
      after: { d: 'missing' },
      index: { d: dir(1) },
      result: { kept: new Set([D]) },
    });
    expect(ledger.index.get(D)).toBeUndefined();
    expect(waits).toEqual([]);
    expect(events).toMatchObject([{ kind: 'kept', name: D }]);
  });

  it('stays ours where it holds what is ours, and goes after that', async () => {
    const below = { before: { d: 'missing' }, after: { d: 'missing' }, index: { d: dir(1), 'd/f': file(1) } } as const;
    const { ledger, waits } = await settled({ ...below, result: { kept: new Set([D]) } });
    expect(ledger.index.get(D)).toEqual(dir(1));
    expect(ledger.pending.failure(D)?.isPassing).toBe(true);
    expect(waits).toEqual([D]);
    // What it held went in the same run: then its turn comes at once.
    const both = { before: { d: 'missing', 'd/f': 'missing' }, after: {}, index: below.index } as const;
    const after = await settled({ ...both, result: { kept: new Set([D]) } });
    expect(after.ledger.pending.failure(D)).toBeUndefined();
    expect(after.waits).toEqual([D]);
  });
});
