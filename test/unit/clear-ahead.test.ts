import { beforeEach, describe, expect, it, vi } from 'vitest';
import { clearRules } from '../../src/core/rsync/rules.js';
import { begun } from '../../src/core/sync/entry.js';
import { later } from '../../src/later.js';
import type { RsyncProcess, Run } from '../../src/rsync/run.js';
import { nextTurn } from '../../src/slice.js';
import { ClearAhead } from '../../src/sync/clear-ahead.js';
import type { Ledger } from '../../src/sync/ledger.js';
import { newLedger } from '../support/deliver.js';
import { n } from '../support/fake-work.js';

interface Started {
  readonly names: readonly string[];
  readonly rules: readonly string[];
  end: 'waits' | 'ended';
}

let ledger: Ledger;
let started: Started[];
let mayStart: boolean;
/** What each does when it is ended, before it is gone. */
let leaving: Promise<void>;
let ahead: ClearAhead;

async function start({ names, isDir }: Extract<Run, { kind: 'clear' }>): Promise<RsyncProcess | undefined> {
  if (!mayStart) return undefined;
  const one: Started = { names: [...names].sort(), rules: [...clearRules(names, isDir)], end: 'waits' };
  started.push(one);
  return {
    args: [],
    ended: leaving.then(() => ({ kind: 'exited', code: 0 })),
    isAlive: () => one.end === 'waits',
    finish: () => Promise.reject(new Error('not used here')),
    end: () => {
      one.end = 'ended';
    },
  };
}

beforeEach(() => {
  ledger = newLedger('there');
  for (const dir of ['d', 'e', 'f']) ledger.delivered(n(dir), { ...begun('dir'), mtimeNs: 1 });
  started = [];
  mayStart = true;
  leaving = Promise.resolve();
  ahead = new ClearAhead(ledger, start);
});

const prepare = (...names: string[]): Promise<void> => ahead.prepare(names.map(n));
const take = async (...names: string[]): Promise<boolean> => (await ahead.take(names.map(n))) !== undefined;
const words = (): string[] => started.map(({ names, end }) => `${names.join(' ')}: ${end}`);

describe('what was started ahead', () => {
  it('is taken once, for just its names, in whatever order', async () => {
    await prepare('d', 'd/a', 'd/b');
    expect(await take('d', 'd/a')).toBe(false);
    expect(await take('d', 'd/a', 'd/c')).toBe(false);
    const both = await Promise.all([take('d/b', 'd', 'd/a'), take('d', 'd/a', 'd/b')]);
    expect(both.filter((isTaken) => isTaken)).toHaveLength(1);
    expect(await take('d', 'd/a', 'd/b')).toBe(false);
    await ahead.drop();
    expect(words()).toEqual(['d d/a d/b: waits']); // it is not ours any more
  });

  it('is not taken where it would be told otherwise by now, or is gone', async () => {
    await prepare('d');
    ledger.doubt(n('d'));
    expect(await take('d')).toBe(false);
    await prepare('e');
    for (const one of started) one.end = 'ended';
    expect(await take('e')).toBe(false);
  });

  it('goes on waiting while the names are the same', async () => {
    await prepare('d');
    await prepare('d');
    expect(words()).toEqual(['d: waits']);
    await prepare('d', 'e');
    expect(words()).toEqual(['d: ended', 'd e: waits']);
    await prepare();
    expect(words()).toEqual(['d: ended', 'd e: ended']);
  });

  it('is replaced once only while more and more names are foreseen', async () => {
    const foresee = (...names: string[]): Promise<void> => ahead.foresee(names.map(n), () => false);
    await foresee('d');
    await foresee('d', 'e');
    await foresee('d', 'e', 'f');
    expect(words()).toEqual(['d: ended', 'd e: waits']);
    expect(await take('d', 'e', 'f')).toBe(false);
    await prepare('d', 'e', 'f');
    expect(await take('d', 'e', 'f')).toBe(true);
    await foresee('e'); // that is another tree
    expect(words().at(-1)).toBe('e: waits');
  });

  it('is for all of a tree that is gone, of which only a part is heard of so far', async () => {
    for (const name of ['d/x', 'd/x/a', 'd/x/b', 'd/y', 'd/z/a'])
      ledger.delivered(n(name), { ...begun('dir'), mtimeNs: 1 });
    const isGone = (dir: string): boolean => dir === 'd/x';
    await ahead.foresee([n('d/x/b'), n('e')], isGone);
    expect(words()).toEqual(['d/x d/x/a d/x/b e: waits']);
  });

  it('is for a tree as it is when no more of it goes', async () => {
    for (const name of ['d/x', 'd/x/a', 'd/x/b']) ledger.delivered(n(name), { ...begun('dir'), mtimeNs: 1 });
    let looks = 0;
    await ahead.foresee([n('d/x/b')], (dir) => dir === 'd/x' && looks++ > 0);
    expect(words()).toEqual(['d/x d/x/a d/x/b: waits']);
    await ahead.drop();
    const foreseeing = ahead.foresee([n('e')], () => false);
    await ahead.drop(); // its turn has come, and is over
    await foreseeing;
    expect(words()).toHaveLength(1);
  });

  it('is waited for where it is just about to start', async () => {
    const preparing = prepare('d');
    expect(await take('d')).toBe(true);
    await preparing;
    const again = prepare('e');
    await ahead.drop();
    await again;
    expect(words()).toEqual(['d: waits', 'e: ended']);
    mayStart = false;
    await prepare('f');
    expect(await take('f')).toBe(false);
  });

  it('is told just what it was compared by, though that changes while it starts', async () => {
    const other = newLedger('there').index; // it is not sure there that d was brought as a directory
    let looks = 0;
    ahead = new ClearAhead(
      {
        get index() {
          return ++looks === 2 ? other : ledger.index;
        },
      },
      start,
    );
    await prepare('d');
    await expect.poll(() => take('d')).toBe(true);
    expect(started.map(({ rules }) => rules)).toEqual([['R /d/', 'P *']]);
  });

  it('is dropped when all are gone that were ended, whoever did that', async () => {
    const gone = later<void>();
    leaving = gone.promise;
    await prepare('d');
    await prepare('e'); // ends that for d
    void ahead.drop();
    let isDropped = false;
    const dropped = ahead.drop().then(() => {
      isDropped = true;
    });
    await expect.poll(words).toEqual(['d: ended', 'e: ended']);
    await nextTurn();
    expect(isDropped).toBe(false);
    gone.resolve();
    await dropped;
  });

  it('does not wait for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await prepare('d');
      await prepare('e');
      expect(await take('e')).toBe(true);
      await prepare('f');
      vi.advanceTimersByTime(10_000);
      expect(words()).toEqual(['d: ended', 'e: waits', 'f: ended']);
    } finally {
      vi.useRealTimers();
    }
  });
});
