import { describe, expect, it } from 'vitest';
import { type WallMs, wallMs } from '../../src/core/clock.js';
import { type Name, nameFromText as name } from '../../src/core/name.js';
import { atOnce } from '../../src/core/steps.js';
import { type Entry, type Seen, unsure } from '../../src/core/sync/entry.js';
import { findMoves, groupMoves, MOVE_WORTH_BYTES } from '../../src/core/sync/move.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { restMs, unrested } from '../../src/core/sync/rest.js';

const file = (ino: number, more: Partial<Entry> = {}): Entry => ({
  type: 'file',
  mode: 0o644,
  size: 2_000_000,
  mtimeS: 100,
  mtimeNs: 5,
  ino,
  born: 7,
  ctime: 0,
  link: '',
  ...more,
});

function moves(known: Record<string, Entry>, seen: Record<string, Seen>) {
  const index = new NameIndex();
  for (const [path, entry] of Object.entries(known)) index.set(name(path), entry);
  return atOnce(findMoves(new Map(Object.entries(seen).map(([path, s]): [Name, Seen] => [name(path), s])), index));
}
const pairs = (known: Record<string, Entry>, seen: Record<string, Seen>): string[] =>
  moves(known, seen).map(({ from, to, isTaken }) => `${from} → ${to}${isTaken ? ' (taken)' : ''}`);

describe('moves', () => {
  it('are a name that is gone and a new one with its inode', () => {
    expect(pairs({ a: file(1) }, { a: 'missing', b: file(1) })).toEqual(['a → b']);
    expect(pairs({ 'd/a': file(1) }, { 'd/a': 'blocked', b: file(1) })).toEqual(['d/a → b']);
    // edited at once
    expect(pairs({ a: file(1) }, { a: 'missing', b: file(1, { size: 9, mtimeS: 200 }) })).toEqual(['a → b']);
    // another file under the old name by now
    expect(pairs({ a: file(1) }, { a: file(7), b: file(1) })).toEqual(['a → b']);
  });

  it('may go to a name that is taken: swapped, or renamed over another', () => {
    expect(pairs({ a: file(1), b: file(2) }, { a: file(2), b: file(1) }).sort()).toEqual([
      'a → b (taken)',
      'b → a (taken)',
    ]);
    expect(pairs({ a: file(1), b: file(2) }, { a: 'missing', b: file(1) })).toEqual(['a → b (taken)']);
  });

  it('are none where it is unsure what is there, or the old name still has the file', () => {
    expect(pairs({ a: unsure(file(1)) }, { a: 'missing', b: file(1) })).toEqual([]);
    expect(pairs({ a: file(1) }, { a: file(1), b: file(1) })).toEqual([]); // a hard link
    expect(pairs({ a: file(1) }, { b: file(1) })).toEqual([]); // not looked at
    expect(pairs({ a: file(1) }, { a: 'missing', b: file(2) })).toEqual([]);
    expect(pairs({ a: file(1, { type: 'dir' }) }, { a: 'missing', b: file(1) })).toEqual([]);
  });

  it('are none where another file has got the number of the inode', () => {
    expect(pairs({ a: file(1) }, { a: 'missing', b: file(1, { born: 8 }) })).toEqual([]);
    expect(pairs({ a: file(1), b: file(2) }, { a: file(2, { born: 9 }), b: file(1, { born: 9 }) })).toEqual([]);
    // The same number once more at the new name: it was there before, as another file.
    expect(pairs({ a: file(1), b: file(1, { born: 6 }) }, { a: 'missing', b: file(1) })).toEqual(['a → b (taken)']);
  });

  it('are certain only where nothing was done to the file itself, and it is known when it was made', () => {
    const certain = (was: Entry, now: Entry) =>
      moves({ 'd/a': was }, { 'd/a': 'missing', 'e/a': now }).map(({ isCertain }) => isCertain);
    expect(certain(file(1), file(1))).toEqual([true]); // its directory was renamed
    expect(certain(file(1), file(1, { ctime: 5 }))).toEqual([false]); // renamed itself, or written to and given its old time
    expect(certain(file(1, { born: -1 }), file(1, { born: -1 }))).toEqual([false]);
    const groups = (now: Entry, to: string) =>
      atOnce(groupMoves(moves({ 'd/a': file(1) }, { 'd/a': 'missing', [to]: now })));
    expect(groups(file(1), 'e/a')).toMatchObject([{ comparesContent: false, isRenamed: false }]);
    expect(groups(file(1, { ctime: 5 }), 'e/a')).toMatchObject([{ comparesContent: true }]);
    // Another file may be called d/b there, of the same size and time.
    expect(groups(file(1, { ctime: 5 }), 'd/b')).toMatchObject([{ comparesContent: true, isRenamed: true }]);
  });

  it('take one new name for one old one', () => {
    expect(pairs({ a: file(1) }, { a: 'missing', b: file(1), c: file(1) })).toEqual(['a → b']);
  });

  it('are grouped by the directories that hold both under the same tail', () => {
    const found = moves(
      { 'old/x/f': file(1), 'old/g': file(2), 'p/q/r/h': file(3), 'p/i': file(4), z: file(5) },
      {
        'old/x/f': 'missing',
        'new/x/f': file(1),
        'old/g': 'missing',
        'new/g': file(2),
        'p/q/r/h': 'missing',
        'r/h': file(3),
        'p/i': 'missing',
        'p/j': file(4),
        z: 'missing',
        'd/z': file(5),
      },
    );
    expect(
      atOnce(groupMoves(found)).map(({ from, to, isRenamed, moves: m }) => [from, to, isRenamed, m.length]),
    ).toEqual([
      ['old', 'new', false, 2],
      ['p/q', '.', false, 1],
      ['p', 'p', true, 1],
      ['.', 'd', false, 1],
    ]);
  });

  it('are left to be sent where that is cheaper than a run of their own', () => {
    const small = { size: MOVE_WORTH_BYTES / 2 - 1 };
    const known = { 'a/1': file(1, small), 'a/2': file(2, small) };
    const seen = { 'a/1': 'missing', 'a/2': 'missing', 'b/1': file(1, small), 'b/2': file(2, small) } as const;
    expect(atOnce(groupMoves(moves(known, seen)))).toEqual([]);
    expect(atOnce(groupMoves(moves(known, seen), 1_000))).toHaveLength(1);
  });
});

describe('rest', () => {
  const rest = { writtenMs: 2, cameMs: 20 };
  /** So long after the last write. */
  const later = (ms: number): WallMs => wallMs(100_000 + 5e-6 + ms);
  it('a known file rests since its last write, whatever the watcher said when', () => {
    expect(restMs(file(1), file(2), later(0.5), 0, rest)).toBeCloseTo(1.5);
    expect(restMs(file(1), file(2), later(2), 0, rest)).toBeLessThanOrEqual(0);
    expect(restMs(file(1), file(2), later(0.5), 500, rest)).toBeLessThanOrEqual(0); // not for ever
    expect(restMs(file(1), file(2), later(-1_000), 0, rest)).toBeLessThanOrEqual(0); // dated in the future
  });

  it('what came or went rests since it was noted', () => {
    expect(restMs(undefined, file(1), later(500), 5, rest)).toBe(15);
    expect(restMs(file(1), 'missing', later(500), 5, rest)).toBe(15);
    expect(restMs(undefined, file(1, { type: 'dir' }), later(500), 25, rest)).toBeLessThanOrEqual(0);
  });

  it('an older file that took the place of a known one was moved here, and waits for the other half', () => {
    expect(restMs(file(1), file(2), later(500), 5, rest)).toBe(15);
    expect(restMs(file(1), file(1, { born: 6 }), later(500), 5, rest)).toBe(15); // the same number again, another file
    expect(restMs(file(1), file(1), later(500), 5, rest)).toBeLessThanOrEqual(0); // written to, heard of late
    expect(restMs(file(1), file(2), later(500), 400, rest)).toBeLessThanOrEqual(0); // saved, and noted at once
  });

  it('a file that is suddenly empty is about to be written', () => {
    expect(restMs(file(1), file(1, { size: 0 }), later(10), 10, rest)).toBeCloseTo(90);
    expect(restMs(file(1), file(1, { size: 0 }), later(101), 101, rest)).toBeLessThanOrEqual(0);
    expect(restMs(file(1, { size: 0 }), file(1, { size: 0 }), later(10), 10, rest)).toBeLessThanOrEqual(0);
    expect(restMs(file(1), file(1, { size: 0 }), later(0), 0, { writtenMs: 0, cameMs: 0 })).toBeLessThanOrEqual(0);
  });

  const all = (known: Record<string, Entry>, seen: Record<string, Seen>, waitedMs: Record<string, number> = {}) => {
    const index = new NameIndex();
    for (const [path, entry] of Object.entries(known)) index.set(name(path), entry);
    const view = new Map(Object.entries(seen).map(([path, s]): [Name, Seen] => [name(path), s]));
    return atOnce(unrested(view, index, (n) => waitedMs[n] ?? 0, later(1_000), rest));
  };
  const batch = (...given: Parameters<typeof all>) => all(...given).waits;
  const old = { type: 'dir', size: 0, mode: 0o755 } as const;

  it('what came or went rests together, a rename with both halves', () => {
    const waits = batch({ a: file(1), b: file(2) }, { a: 'missing', new: file(3), b: file(1) }, { a: 15 });
    expect([...waits]).toEqual([
      ['a', 20],
      ['new', 20],
      ['b', 20], // a file of this inode has another name in the index: it is the other half, not a save
    ]);
  });

  it('a directory goes along with a save in it, and not without', () => {
    const known = { d: file(9, old), 'd/f': file(1) };
    const dir = file(9, { ...old, mtimeNs: 6 });
    const saved = file(2, { mtimeS: 100, mtimeNs: 900_000_000 });
    expect([...batch(known, { d: dir, 'd/f': saved }).keys()]).toEqual([]);
    expect([...batch(known, { d: dir, 'd/f': saved, 'd/t': 'missing' }).keys()]).toEqual(['d/t']);
    expect([...batch(known, { d: dir }).keys()]).toEqual(['d']);
  });

  it('a tree that is being deleted is waited for, and goes as a whole; a single file is not', () => {
    const known = { p: file(9, old), 'p/d': file(8, old), 'p/d/f': file(1), 'p/g': file(2) };
    const fresh = file(9, { ...old, mtimeS: 101 });
    const heardOf = { p: 30, 'p/d': 30, 'p/d/f': 30, 'p/g': 30 };
    const tree = { p: fresh, 'p/d': 'missing', 'p/d/f': 'missing' } as const;
    expect([...batch(known, tree, heardOf).values()].map(Math.round)).toEqual([75, 75, 75]);
    expect(batch(known, tree, { ...heardOf, p: 600 }).size).toBe(0);
    // Whatever its directory says: as long as more of it is heard of.
    const heard = { 'p/d': 'missing', 'p/d/f': 'missing' } as const;
    expect([...batch(known, heard, { 'p/d': 90, 'p/d/f': 30 }).values()].map(Math.round)).toEqual([45, 45]);
    expect(batch(known, heard, { 'p/d': 90, 'p/d/f': 80 }).size).toBe(0);
    expect(batch(known, { ...tree, p: file(9, { ...old, mtimeNs: 6 }) }, { p: 80, 'p/d': 80, 'p/d/f': 80 }).size).toBe(
      0,
    );
    expect(batch(known, { p: fresh, 'p/g': 'missing', 'p/d/f': 'missing' }, heardOf).size).toBe(0);
  });

  it('such a tree is told of while all waits for it', () => {
    const known = { d: file(9, old), 'd/f': file(1), g: file(2) };
    const tree = { d: 'missing', 'd/f': 'missing' } as const;
    expect(all(known, tree, { d: 30, 'd/f': 30 }).going).toEqual(['d', 'd/f']);
    expect(all(known, tree, { d: 80, 'd/f': 80 }).going).toEqual([]);
    expect(all(known, { g: 'missing' }, { g: 30 }).going).toEqual([]);
  });

  it('a storm is waited out, but not for ever', () => {
    const seen = Object.fromEntries(
      Array.from({ length: 60 }, (_, i): [string, Seen] => [`f${i}`, file(i, { mtimeS: 101 })]),
    );
    expect(batch({}, seen).size).toBe(60); // the last write was this moment
    expect(batch({}, seen, { f0: 600 }).size).toBe(0);
    const quiet = Object.fromEntries(Object.keys(seen).map((path, i): [string, Seen] => [path, file(i)]));
    expect(batch({}, quiet, Object.fromEntries(Object.keys(seen).map((path) => [path, 30]))).size).toBe(0);
  });
});
