import { describe, expect, it } from 'vitest';
import { LONG_AGO, steadyMs, wallMs } from '../../src/core/clock.js';
import type { Failure } from '../../src/core/failure.js';
import { type Name, nameFromText as name, ROOT } from '../../src/core/name.js';
import { atOnce } from '../../src/core/steps.js';
import { planBatch } from '../../src/core/sync/batch.js';
import {
  begun,
  type Entry,
  foolsPass,
  foolsQuickCheck,
  hasRacyAttributes,
  isRacy,
  isSettled,
  isUntouched,
  looksSame,
  type Seen,
  stayedPut,
  unsure,
  unsureAttributes,
  wasLeftAlone,
} from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Pending } from '../../src/core/sync/pending.js';
import { delayMs, PATH_BACKOFF, RUN_BACKOFF } from '../../src/core/sync/retry.js';

const file = (more: Partial<Entry> = {}): Entry => ({
  type: 'file',
  mode: 0o644,
  size: 3,
  mtimeS: 100,
  mtimeNs: 5,
  ino: 1,
  born: 7,
  ctime: 0,
  link: '',
  ...more,
});
const dir = (more: Partial<Entry> = {}): Entry => file({ type: 'dir', mode: 0o755, size: 0, ...more });
const failure: Failure = { kind: 'path', message: 'no' };

describe('entries', () => {
  it('were left alone or not; what could not be read may have changed', () => {
    expect(wasLeftAlone(file(), file())).toBe(true);
    expect(wasLeftAlone(file(), file({ ctime: 1 }))).toBe(false);
    expect(wasLeftAlone('missing', 'missing')).toBe(true);
    expect(wasLeftAlone('missing', file())).toBe(false);
    expect(wasLeftAlone(undefined, file())).toBe(false);
    expect(wasLeftAlone('unreadable', 'unreadable')).toBe(false);
  });

  it('of a directory that was away and is back show it by their change time', () => {
    const before = dir({ ctime: 5 });
    expect(stayedPut(before, before)).toBe(true);
    expect(stayedPut(before, dir({ ctime: 6 }))).toBe(false); // renamed itself, or its mode changed
    const filled = { mtimeS: 1_700_000_000, mtimeNs: 123_456_789 };
    const micros = (1_700_000_000 * 1_000_000 + 123_456) % 2 ** 30;
    expect(stayedPut(before, dir({ ...filled, ctime: micros }))).toBe(true); // something came into it
    expect(stayedPut(before, dir({ ino: 2, ctime: 5 }))).toBe(false);
    expect(stayedPut(before, dir({ ...filled, born: 2, ctime: micros }))).toBe(false); // its number was given to another
    expect(stayedPut(before, 'missing')).toBe(false);
    expect(stayedPut(before, file({ ctime: 5 }))).toBe(false);
  });

  it('are the same or not', () => {
    expect(looksSame(file(), file({ ino: 2 }), false)).toBe(true);
    for (const change of [
      { size: 4 },
      { mtimeNs: 6 },
      { mtimeS: 101 },
      { mode: 0o600 },
      { type: 'dir' },
      { link: 'x' },
    ] as const) {
      expect(looksSame(file(), file(change), false)).toBe(false);
    }
    expect(looksSame(file({ type: 'link', mode: 0o777 }), file({ type: 'link', mode: 0o755 }), false)).toBe(true);
  });

  it('are settled when they are the same file; a directory may be another one', () => {
    expect(isSettled(undefined, file(), false)).toBe(false);
    expect(isSettled(file(), file(), false)).toBe(true);
    expect(isSettled(file(), file({ ino: 2 }), false)).toBe(false);
    expect(isSettled(file(), file({ born: 8 }), false)).toBe(false); // the number of an inode that was handed out again
    expect(isSettled(file(), file({ ctime: 1 }), false)).toBe(false); // written to and given its old time, perhaps
    expect(isSettled(file({ born: -1 }), file({ born: -1 }), false)).toBe(true);
    expect(isSettled(dir(), dir({ ino: 2 }), false)).toBe(true);
    expect(isSettled(unsure(file()), file(), false)).toBe(false);
    expect(isSettled(begun('file'), file(), false)).toBe(false);
  });

  it('are settled where more goes along only if nothing was done since: owner and attributes show nowhere else', () => {
    expect(isSettled(dir(), dir({ ctime: 1 }), false)).toBe(true);
    for (const entry of [file, dir]) {
      expect(isSettled(entry(), entry({ ctime: 1 }), true)).toBe(false);
      expect(isSettled(entry({ ctime: 1 }), entry({ ctime: 1 }), true)).toBe(true);
      expect(isSettled(unsureAttributes(entry()), entry(), true)).toBe(false);
      expect(looksSame(entry(), entry({ ctime: 1 }), true)).toBe(false);
    }
    expect(isSettled(file({ type: 'link' }), file({ type: 'link', ctime: 1 }), true)).toBe(false);
  });

  it('are untouched only if nothing was done and undone either', () => {
    expect(isUntouched(file(), file())).toBe(true);
    expect(isUntouched(file(), file({ ctime: 1 }))).toBe(false);
    expect(isUntouched(file(), file({ size: 9 }))).toBe(false);
  });

  it('may fool the quick check', () => {
    expect(foolsQuickCheck(file(), file({ ino: 2 }), -1)).toBe(true);
    expect(foolsQuickCheck(file(), file({ ino: 2, size: 4 }), -1)).toBe(false);
    expect(foolsQuickCheck(file(), file({ born: 8 }), -1)).toBe(true);
    expect(foolsQuickCheck(file(), file({ ctime: 1, mode: 0o600 }), -1)).toBe(true);
    expect(foolsQuickCheck(file(), file({ ctime: 1, mtimeNs: 6 }), -1)).toBe(false);
    expect(foolsQuickCheck(file(), file({ ctime: 1, mtimeNs: 6 }), 0)).toBe(true);
    expect(foolsQuickCheck(file(), file({ ctime: 1, mtimeS: 6 }), 0)).toBe(false);
    expect(foolsQuickCheck(file(), file({ ctime: 1, mtimeS: file().mtimeS + 1 }), 1)).toBe(true);
    expect(foolsQuickCheck(file(), file({ ctime: 1, mtimeS: file().mtimeS + 2 }), 1)).toBe(false);
    expect(foolsQuickCheck(file(), file(), -1)).toBe(false);
    expect(foolsQuickCheck(unsure(file()), file(), -1)).toBe(true);
    expect(foolsQuickCheck(undefined, file(), -1)).toBe(false);
    expect(foolsQuickCheck(dir(), dir({ ino: 2 }), -1)).toBe(false);
  });

  it('may fool a full pass, unless nothing is known of what is there and it is older than that', () => {
    const never = (): boolean => false;
    expect(foolsPass(file(), file({ ctime: 1 }), -1, never)).toBe(true);
    expect(foolsPass(unsure(file()), file(), -1, never)).toBe(true);
    expect(foolsPass(unsure(file()), file({ size: 9 }), -1, never)).toBe(false);
    expect(foolsPass(begun('file'), file({ size: 0 }), -1, never)).toBe(false);
    expect(foolsPass(begun('file'), file({ size: 9 }), -1, () => true)).toBe(true);
    expect(foolsPass(undefined, file(), -1, never)).toBe(false);
    expect(foolsPass(file(), file(), -1, never)).toBe(false);
  });

  it('are racy when they were written within the tick in which they were seen', () => {
    const racy = (entry: Entry, fromMs: number, toMs: number, tickMs: number): boolean =>
      isRacy(entry, wallMs(100_000 + 5e-6 + fromMs), wallMs(100_000 + 5e-6 + toMs), tickMs);
    expect(racy(file(), 5, 6, 10)).toBe(true);
    expect(racy(file(), 20, 21, 10)).toBe(false);
    expect(racy(file(), -5, 5, 10)).toBe(true);
    expect(racy(file(), -100, -50, 10)).toBe(false); // dated in the future
    expect(racy(dir(), 0, 0, 10)).toBe(false);
    expect(racy(file(), 5, 6, 0)).toBe(false); // stamps that never repeat
  });
});

describe('attributes', () => {
  it('are racy when the change time is within the tick in which they were seen, also where it begins anew', () => {
    for (const stampMs of [100_000, 2 ** 30 / 1_000, (3 * 2 ** 30) / 1_000 + 2, 1_700_000_000_123]) {
      const racy = (fromMs: number, toMs: number, tickMs: number): boolean =>
        hasRacyAttributes(entry, wallMs(stampMs + fromMs), wallMs(stampMs + toMs), tickMs);
      const entry = file({ ctime: Math.floor(stampMs * 1_000) % 2 ** 30 });
      expect(racy(5, 6, 10)).toBe(true);
      expect(racy(20, 21, 10)).toBe(false);
      expect(racy(-5, 5, 10)).toBe(true);
      expect(racy(-100, -50, 10)).toBe(false);
      expect(racy(5, 6, 0)).toBe(false);
    }
  });
});

describe('the index', () => {
  it('knows names, children and what is below', () => {
    const index = new NameIndex();
    index.set(ROOT, dir());
    for (const path of ['a', 'a/b', 'a/b/c', 'ab', 'z'])
      index.set(name(path), path === 'a' || path === 'a/b' ? dir() : file());
    expect(index.size).toBe(5);
    expect(index.get(ROOT)).toEqual(dir());
    expect([...index.children(name('a')).keys()]).toEqual(['b']);
    expect([...index.below(name('a'))].map(([n]) => n)).toEqual(['a/b', 'a/b/c']);
    expect([...index.entries()].map(([n]) => n)).toEqual(['.', 'a', 'a/b', 'a/b/c', 'ab', 'z']);
    expect([...index.directories()].sort()).toEqual(['.', 'a', 'a/b']);
    index.set(name('z'), file({ size: 9 }));
    expect(index.size).toBe(5);
    index.delete(name('a/b/c'));
    index.delete(name('nope'));
    expect(index.size).toBe(4);
    expect([...index.below(name('a'))].map(([n]) => n)).toEqual(['a/b']);
  });

  it('still finds what is below a name that is a file by now', () => {
    const index = new NameIndex();
    index.set(name('d'), file());
    index.set(name('d/x'), file());
    expect([...index.below(name('d'))].map(([n]) => n)).toEqual(['d/x']);
  });
});

const at = steadyMs;

describe('the pending set', () => {
  it('holds a name once and in order, until it is settled', () => {
    const pending = new Pending();
    for (const path of ['b', 'a', 'b']) pending.note(name(path), at(1));
    expect(pending.ready(at(1), 10)).toEqual(['b', 'a']);
    expect(pending.ready(at(1), 1)).toEqual(['b']);
    expect(pending.size).toBe(2); // taking is not settling
    pending.settle(name('b'));
    expect(pending.ready(at(1), 10)).toEqual(['a']);
    expect(pending.has(name('a'))).toBe(true);
  });

  it('lets a failed name wait longer each time, and tells of a failure once', () => {
    const pending = new Pending();
    pending.note(name('a'), at(0));
    expect(pending.nextMs).toBe(LONG_AGO);
    expect(pending.fail(name('a'), failure, at(0), 1)).toBe(true);
    expect(pending.ready(at(999), 9)).toEqual([]);
    expect(pending.nextMs).toBe(at(1000));
    expect(pending.ready(at(1000), 9)).toEqual(['a']);
    expect(pending.fail(name('a'), failure, at(1000), 1)).toBe(false);
    expect(pending.nextMs).toBe(at(3000));
    expect(pending.fail(name('a'), { kind: 'path', message: 'other' }, at(3000), 1)).toBe(true);
    expect([...pending]).toMatchObject([['a', { message: 'other' }]]);
  });

  it('tells of a passing failure only when it does not pass', () => {
    const pending = new Pending();
    const passing: Failure = { ...failure, isPassing: true };
    expect([1, 2, 3, 4, 5].map(() => pending.fail(name('a'), passing, at(0), 0))).toEqual([
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  it('never lets a failed name hold up another; a new change gives it a turn at once', () => {
    const pending = new Pending();
    pending.note(name('a'), at(0));
    pending.note(name('b'), at(0));
    pending.fail(name('a'), failure, at(0), 1);
    expect(pending.ready(at(0), 9)).toEqual(['b']);
    pending.note(name('a'), at(1));
    expect(pending.ready(at(1), 9)).toEqual(['a', 'b']);
    pending.fail(name('a'), failure, at(1), 1);
    pending.hurry();
    expect(pending.ready(at(1), 9).sort()).toEqual(['a', 'b']);
  });
});

it('a failed name that is seen as it was when it failed goes on waiting', () => {
  const pending = new Pending();
  const seen = { ...begun('file'), mtimeNs: 1, ctime: 1 };
  pending.note(name('a'), at(0));
  pending.fail(name('a'), failure, at(0), 1, seen);
  expect([pending.note(name('a'), at(1), { ...seen }), pending.ready(at(1), 9)]).toEqual([false, []]);
  expect([pending.note(name('a'), at(1), { ...seen, ctime: 2 }), pending.ready(at(1), 9)]).toEqual([true, ['a']]);
});

describe('backing off', () => {
  it('doubles up to a ceiling, spread over the upper half', () => {
    expect([1, 2, 3, 4].map((n) => delayMs(PATH_BACKOFF, n, 1))).toEqual([1000, 2000, 4000, 8000]);
    expect(delayMs(PATH_BACKOFF, 99, 1)).toBe(60_000);
    expect(delayMs(RUN_BACKOFF, 99, 1)).toBe(30_000);
    expect(delayMs(PATH_BACKOFF, 1, 0)).toBe(500);
  });
});

describe('a batch', () => {
  const plan = (
    seen: Record<string, Seen>,
    known: Record<string, Entry>,
    deletes: 'seen' | 'never' = 'seen',
    carriesMore = false,
  ) => {
    const index = new NameIndex();
    for (const [path, entry] of Object.entries(known)) index.set(name(path), entry);
    const seenBy = new Map(Object.entries(seen).map(([path, s]) => [name(path), s] as [Name, Seen]));
    return atOnce(planBatch(seenBy, index, { deletes, carriesMore, window: -1 }));
  };

  it('where more goes along, compares what was touched, without sending it again', () => {
    const touched = { a: file({ ctime: 1 }), d: dir({ ctime: 1 }) };
    const known = { a: file(), d: dir() };
    expect(plan(touched, known)).toMatchObject({ send: [], compare: ['a'], touch: [], drop: ['d'] });
    expect(plan(touched, known, 'seen', true)).toMatchObject({ send: [], compare: ['a'], touch: ['d'], drop: [] });
  });

  it('sends what is here and deletes only what is ours', () => {
    expect(plan({ new: file(), gone: 'missing', 'never there': 'missing' }, { gone: file() })).toEqual({
      clear: [],
      send: ['new'],
      compare: [],
      touch: [],
      remove: ['gone'],
      quickCheck: 'idle',
      drop: ['never there'],
    });
  });

  it('has nothing to do about what was in a directory that surely is a file there by now', () => {
    const seen: Record<string, Seen> = { 'd/x': 'blocked', 'd/e/y': 'missing' };
    const known = { 'd/x': file(), 'd/e': dir(), 'd/e/y': file() };
    const isNothing = { clear: [], send: [], remove: [], drop: ['d/x', 'd/e/y'] };
    expect(plan(seen, { ...known, d: file() })).toMatchObject(isNothing);
    expect(plan(seen, { ...known, d: unsure(file()) })).toMatchObject({ clear: ['d/x'], remove: ['d/e/y'], drop: [] });
    expect(plan(seen, { ...known, d: dir() })).toMatchObject({ clear: ['d/x'], remove: ['d/e/y'], drop: [] });
  });

  it('sends what can not be read, so that rsync says why, and never deletes it', () => {
    expect(plan({ a: 'unreadable' }, { a: file() })).toMatchObject({ send: ['a'], remove: [], clear: [], drop: [] });
  });

  it('needs nothing for what is there as it is here', () => {
    expect(plan({ a: file(), d: dir({ ino: 9 }) }, { a: file(), d: dir() })).toEqual({
      clear: [],
      send: [],
      compare: [],
      touch: [],
      remove: [],
      quickCheck: 'idle',
      drop: ['a', 'd'],
    });
  });

  it('clears the way where something else has taken a place', () => {
    expect(
      plan({ d: file(), 'd/a': 'blocked', fifo: 'blocked' }, { d: dir(), 'd/a': file(), 'd/b': file(), fifo: file() }),
    ).toEqual({
      clear: ['d', 'd/a', 'd/b', 'fifo'],
      send: ['d'],
      compare: [],
      touch: [],
      remove: [],
      quickCheck: 'idle',
      drop: [],
    });
  });

  it('clears a directory that can not be here any more with all that is ours in it, though their turn has not come', () => {
    const index = { 'd/s': dir(), 'd/s/x': file(), 'd/s/t': dir(), 'd/s/t/y': file() };
    expect(plan({ 'd/s': 'blocked' }, index).clear).toEqual(['d/s', 'd/s/x', 'd/s/t', 'd/s/t/y']);
  });

  it('keeps known directories for the last run', () => {
    const { send, touch, remove } = plan(
      { d: dir({ mtimeNs: 9 }), e: dir(), 'd/a': 'missing', f: dir() },
      { d: dir(), 'd/a': file(), f: file() },
    );
    expect({ send, touch, remove }).toEqual({ send: ['e', 'f'], touch: ['d'], remove: ['d/a'] });
  });

  it('deletes nothing if deletions are not wanted', () => {
    expect(
      plan({ d: file(), gone: 'missing', 'd/a': 'blocked' }, { d: dir(), 'd/a': file(), gone: file() }, 'never'),
    ).toEqual({
      clear: [],
      send: ['d'],
      compare: [],
      touch: [],
      remove: [],
      quickCheck: 'idle',
      drop: ['gone', 'd/a'],
    });
  });

  it('knows what the quick check decides: nothing, rightly, or wrongly', () => {
    expect(plan({ a: file({ size: 9 }) }, { a: file() }).quickCheck).toBe('idle');
    expect(plan({ a: file({ mode: 0o600 }) }, { a: file() }).quickCheck).toBe('right');
    expect(plan({ a: file({ ino: 2 }) }, { a: file() })).toMatchObject({ send: [], compare: ['a'] });
    expect(plan({ a: file({ ino: 2 }), b: file({ size: 9 }) }, { a: file(), b: file() })).toMatchObject({
      send: ['b'],
      compare: ['a'],
      quickCheck: 'idle',
    });
  });
});
