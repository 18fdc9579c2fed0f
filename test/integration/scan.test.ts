import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Name, nameFromBytes, nameFromText, ROOT } from '../../src/core/name.js';
import { isSettled, type Seen } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Disk } from '../../src/scan/disk.js';
import { differences } from '../../src/scan/look.js';
import { Scanner } from '../../src/scan/scanner.js';
import { takeSnapshot } from '../../src/scan/snapshot.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

const filter = filterOf();
const PATIENCE = { timeout: 20_000, interval: 1 };

/** A disk that counts what is read of it, and takes its time. */
class CountingDisk extends Disk {
  readonly listed: Name[] = [];
  readonly looked: Name[] = [];
  partMs = 0;
  /** How often it had been looked when the walk of everything began that follows all hints. */
  lookedBeforeWalk: number | undefined;

  override *names(dir: Name): ReturnType<Disk['names']> {
    this.listed.push(dir);
    if (dir === ROOT) this.lookedBeforeWalk ??= this.looked.length;
    for (const part of super.names(dir)) {
      const until = performance.now() + this.partMs;
      while (performance.now() < until);
      yield part;
    }
  }

  override look(name: Name): Seen {
    this.looked.push(name);
    return super.look(name);
  }

  countOf(dir: Name): number {
    return this.listed.filter((each) => each === dir).length;
  }
}

/** A scanner of a tree that was delivered as it is, and what it finds to differ. */
async function scannerOf(root: string): Promise<{ scanner: Scanner; disk: CountingDisk; found: Map<Name, Seen> }> {
  const { tree } = await takeSnapshot(new Disk(root), filter, () => {});
  const index = new NameIndex();
  for (const [name, entry] of tree.entries()) index.set(name, entry);
  const disk = new CountingDisk(root);
  const found = new Map<Name, Seen>();
  const scanner = new Scanner({
    disk,
    filter,
    index: () => index,
    onListing: async (listing) => {
      const settled: Parameters<typeof differences>[2] = (was, now) => isSettled(was, now, false);
      for (const difference of differences(listing, index, settled)) if (difference) found.set(...difference);
    },
    rootIsThere: () => true,
    refreshRules: async () => {},
    onShort: () => {},
    isHeld: () => false,
    isSending: () => false,
    waiting: () => undefined,
  });
  onTestFinished(() => scanner.stop());
  return { scanner, disk, found };
}

const many = (dir: string, count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${dir}/f${i}`, 'x']));
const d = nameFromText('d');

describe('hints', () => {
  it('are looked at by name, together: what is written in place lists no directory', async () => {
    const root = temporaryDir();
    fill(root, many('d', 100));
    const { scanner, disk, found } = await scannerOf(root);
    const names = Array.from({ length: 20 }, (_, i) => nameFromText(`d/f${i}`));
    for (const name of names) writeFileSync(join(root, name), 'other');
    for (let times = 0; times < 15; times++) for (const name of names) scanner.hint([name]);
    await vi.waitFor(() => expect([...found.keys()].sort()).toEqual([...names].sort()), PATIENCE);
    expect(disk.listed).toEqual([]);
    for (const name of names) expect(disk.looked.filter((each) => each === name)).toHaveLength(1);
  });

  it('list a directory where something came or went, once, and then at the pace that its size allows', async () => {
    const root = temporaryDir();
    fill(root, many('d', 10));
    const { scanner, disk, found } = await scannerOf(root);
    disk.partMs = 10;
    rmSync(join(root, 'd/f3')); // nobody tells of it
    const began = performance.now();
    let count = 0;
    for (; performance.now() - began < 700; count++) {
      writeFileSync(join(root, `d/new${count}`), '');
      scanner.hint([nameFromText(`d/new${count}`)]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await vi.waitFor(() => expect(found.size).toBe(count + 2), PATIENCE); // d/f3 and d itself
    expect(found.get(nameFromText('d/f3'))).toBe('missing');
    expect(disk.countOf(d)).toBeLessThan(3 + (performance.now() - began) / 200);
    const [last, seen] = [`d/new${count}`, disk.countOf(d)];
    writeFileSync(join(root, last), '');
    scanner.hint([nameFromText(last)]);
    await vi.waitFor(() => expect(disk.countOf(d)).toBeGreaterThan(seen), PATIENCE); // later, but surely
  });

  it('find what is new below, whose own hints were lost, and all that is gone with a directory', async () => {
    const root = temporaryDir();
    fill(root, { 'd/gone/x/y': '', 'd/stays': '' });
    const { scanner, found } = await scannerOf(root);
    fill(root, { 'd/a/b/c': '' });
    rmSync(join(root, 'd/gone'), { recursive: true });
    scanner.hint(['d/a', 'd/gone/x/y'].map(nameFromText));
    const expected = ['d', 'd/a', 'd/a/b', 'd/a/b/c', 'd/gone', 'd/gone/x', 'd/gone/x/y'];
    await vi.waitFor(() => expect([...found.keys()].sort()).toEqual(expected), PATIENCE);
  });

  it('in a directory of thousands cost a look for each, saved in place or atomically, however many there are', async () => {
    const root = temporaryDir();
    fill(root, many('d', 5_000));
    const { scanner, disk, found } = await scannerOf(root);
    writeFileSync(join(root, 'd/f1'), 'in place');
    scanner.hint([nameFromText('d/f1')]);
    await vi.waitFor(() => expect([...found.keys()]).toEqual(['d/f1']), PATIENCE);
    expect(disk.listed).toEqual([]);
    writeFileSync(join(root, 'd/new'), 'atomically');
    renameSync(join(root, 'd/new'), join(root, 'd/f2'));
    scanner.hint(['d/new', 'd/f2'].map(nameFromText));
    await vi.waitFor(() => expect([...found.keys()]).toEqual(expect.arrayContaining(['d', 'd/f2'])), PATIENCE);
    await vi.waitFor(() => expect(disk.countOf(d)).toBeGreaterThan(0), PATIENCE); // for what was not told
    expect(disk.lookedBeforeWalk ?? disk.looked.length).toBeLessThan(20);
  });

  it('that name nothing, for their bytes are no UTF-8, find the name all the same, in a large directory too', async () => {
    const root = temporaryDir();
    const raw = Buffer.from([0x62, 0xff, 0xfe, 0x64]);
    const path = (dir: string, base: Buffer): Buffer => Buffer.concat([Buffer.from(`${root}/${dir}/`), base]);
    fill(root, { ...many('d', 2_500), 'e/': '' });
    writeFileSync(path('d', raw), 'x');
    mkdirSync(path('e', raw));
    writeFileSync(Buffer.concat([path('e', raw), Buffer.from('/f')]), 'x');
    const { scanner, disk, found } = await scannerOf(root);
    writeFileSync(path('d', raw), 'other');
    writeFileSync(Buffer.concat([path('e', raw), Buffer.from('/f')]), 'other');
    scanner.hint([`d/${raw}`, `e/${raw}/f`].map(nameFromText));
    const expected = [`d/${nameFromBytes(raw)}`, `e/${nameFromBytes(raw)}/f`];
    await vi.waitFor(() => expect([...found.keys()].sort()).toEqual(expected), PATIENCE);
    expect(disk.looked.length).toBeLessThan(100); // not each of those that are known
  });

  it('are heard while the whole tree is looked at', async () => {
    const root = temporaryDir();
    fill(root, { ...many('d', 5_000), 'e/f': 'x' });
    const { scanner, disk, found } = await scannerOf(root);
    disk.partMs = 10;
    writeFileSync(join(root, 'e/f'), 'other');
    let isWalked = false;
    const walking = scanner.walk().then(() => (isWalked = true));
    await vi.waitFor(() => expect(disk.listed).toContain(d), PATIENCE);
    writeFileSync(join(root, 'd/f1'), 'other');
    scanner.hint([nameFromText('d/f1')]);
    await vi.waitFor(() => expect(found.has(nameFromText('d/f1'))).toBe(true), PATIENCE);
    expect(isWalked).toBe(false);
    await walking;
    expect([...found.keys()].sort()).toEqual(['d/f1', 'e/f']);
  });

  it('about the root itself list it', async () => {
    const root = temporaryDir();
    fill(root, { a: '' });
    const { scanner, found } = await scannerOf(root);
    fill(root, { b: '' });
    scanner.hint([ROOT]);
    await vi.waitFor(() => expect([...found.keys()].sort()).toEqual([ROOT, 'b']), PATIENCE);
  });
});

it('a directory that is gone is not one that nobody may look into', () => {
  const root = temporaryDir();
  fill(root, { 'd/f': 'x' });
  const disk = new Disk(root);
  expect(['', 'd', 'd/gone', 'd/f/below'].map((name) => disk.canList(nameFromText(name)))).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

it('what many names of a deleted tree stood on is looked at once for each directory', () => {
  const root = temporaryDir();
  fill(root, { 'stays/gone/inner/a': '', 'stays/b': '' });
  rmSync(join(root, 'stays/gone'), { recursive: true });
  const disk = new CountingDisk(root);
  const known = new Map();
  const names = ['stays/gone/inner/a', 'stays/gone/inner/b', 'stays/gone/inner', 'stays/gone/c', 'stays/d'];
  const grounds = names.map((name) => disk.groundOf(nameFromText(name), known));
  expect(disk.looked).toEqual(['stays/gone', 'stays']);
  expect(grounds).toEqual(names.map(() => disk.see(nameFromText('stays'))));
  expect(disk.groundOf(nameFromText('gone too/a'))).toEqual(disk.see(ROOT));
  expect(disk.groundOf(ROOT)).toBeUndefined();
});
