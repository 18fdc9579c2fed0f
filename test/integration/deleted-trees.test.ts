import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.js';
import { nameFromText } from '../../src/core/name.js';
import type { RsyncSettings } from '../../src/core/rsync/args.js';
import { clearRules } from '../../src/core/rsync/rules.js';
import { parseTarget } from '../../src/core/target.js';
import { startClear, startRsync, type WritingRun } from '../../src/rsync/run.js';
import { clearRun } from '../../src/sync/clear.js';
import type { RunResult } from '../../src/sync/read-run.js';
import { amount } from '../support/amount.js';
import { bringWaiting, localWork, noteAll } from '../support/deliver.js';
import { BROKEN } from '../support/fake-rsync.js';
import { filterOf } from '../support/settings.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

/** A tree here, the same there, and what the runs for it are; the two sides of rsync are processes of their own, as over ssh. */
async function synced(make: (root: string) => void, more: Partial<RsyncSettings> = {}) {
  const [root, there, shell] = [temporaryDir(), temporaryDir(), join(temporaryDir(), 'shell')];
  writeFileSync(shell, '#!/bin/sh\nshift\nexec sh -c "$*"\n', { mode: 0o755 });
  const parsed = parseTarget(`there:${there}`);
  if (!parsed.ok) throw new Error(parsed.failure.message);
  const told: Event[] = [];
  const report = (event: Event): void => void told.push(event);
  make(root);
  const settings = { target: parsed.value, remoteShell: shell, ...more };
  const work = localWork(root, there, filterOf(), settings, { report });
  const runs: WritingRun[] = [];
  const { runner: real } = work;
  /** How many lines of the next run are heard before its link is cut, all of them where undefined; and what happens before it begins. */
  const course: { cutAfter: number | undefined; meanwhile: () => void } = { cutAfter: undefined, meanwhile: () => {} };
  const runner: typeof work.runner = Object.assign(Object.create(real) as typeof real, {
    run: async (...[begun, about, options]: Parameters<typeof real.run>): Promise<RunResult> => {
      runs.push(begun.run);
      course.meanwhile();
      course.meanwhile = () => {};
      const { cutAfter } = course;
      if (cutAfter === undefined) return real.run(begun, about, options);
      course.cutAfter = undefined;
      // rsync has done more than was heard of.
      const { items } = await real.look(begun.run as never, about);
      const heard = items.slice(0, cutAfter);
      for (const item of heard) begun.turnedTo(item);
      const outcome = { kind: 'broken', failure: BROKEN } as const;
      await begun.ended({ outcome, items: heard });
      return { outcome, items: heard, kept: new Set(), deletedDirs: new Set() };
    },
  });
  const all = { ...work, runner };
  await noteAll(all);
  await bringWaiting(all);
  expect(tree(there)).toEqual(tree(root));
  runs.length = 0;
  told.length = 0;
  const go = async (): Promise<void> => {
    await noteAll(all);
    await bringWaiting(all);
  };
  return {
    root,
    there,
    rsync: all.rsync,
    go,
    runs,
    told,
    course,
    index: all.ledger.index,
    pending: all.ledger.pending,
  };
}

const remove = (root: string, name: string): void => rmSync(join(root, name), { recursive: true });
const deep = (levels: number): string => Array.from({ length: levels }, (_, i) => `l${i}`).join('/');
const clears = (runs: readonly WritingRun[]): number => runs.filter(({ kind }) => kind === 'clear').length;

describe('a tree that was deleted here', () => {
  it('goes there in one run, however deep it is, and what stays gets its time', async () => {
    const world = await synced((root) => {
      for (let i = 1; i <= 12; i++) fill(root, { [`d/${deep(i)}/f`]: `${i}`, [`d/${deep(i)}/g`]: `${i}` });
      fill(root, { 'd/stays': '', x: '' });
    });
    remove(world.root, 'd/l0');
    await world.go();
    expect(tree(world.there)).toEqual(tree(world.root));
    expect(world.runs.map(({ kind }) => kind)).toEqual(['clear', 'names']);
    expect(world.told.filter(({ kind }) => kind === 'pathFailed' || kind === 'kept')).toEqual([]);
  });

  it('leaves what is not ours at every level, and says so at once', async () => {
    const world = await synced((root) => {
      for (let i = 1; i <= 5; i++) fill(root, { [`d/${deep(i)}/f`]: `${i}`, [`e/${deep(i)}/f`]: `${i}` });
    });
    const theirs = ['d/theirs', 'd/l0/l1/theirs', 'd/l0/l1/l2/l3/l4/theirs'];
    for (const name of theirs) fill(world.there, { [name]: 'theirs' });
    fill(world.there, { 'd/l0/l1/l2/their dir/': '' });
    remove(world.root, 'd');
    remove(world.root, 'e');
    await world.go();
    const left = [...theirs, 'd', 'd/l0', 'd/l0/l1', 'd/l0/l1/l2', 'd/l0/l1/l2/l3', 'd/l0/l1/l2/l3/l4'];
    expect(names(world.there)).toEqual([...left, 'd/l0/l1/l2/their dir'].sort());
    expect(clears(world.runs)).toBe(1);
    expect(world.told.flatMap((event) => (event.kind === 'kept' ? [event.name] : [])).sort()).toEqual(
      left.filter((name) => !theirs.includes(name)).sort(),
    );
    expect([[...world.index.entries()].map(([name]) => name), world.pending.size]).toEqual([['.'], 0]);
  });

  it('whatever its names are', async () => {
    const odd = [
      ...['a*', 'a?', '[ab]', 'b\\', '\\*', 'a\\[b', '**', '***', '-', '-r', '#', ';', '+ x', '- x', 'P x', '!'],
      ...[' ', 'x ', ' x', 'a\nb', '\n', '\r', '\t', '~', '$HOME', "'", '"', '.rsync-filter', 'é', '日本', '...'],
      ...['x'.repeat(255), '[*]'.repeat(60), '\\#101', 'cannot delete non-empty directory: a', '*deleting   x'],
    ];
    const bytes = [Buffer.from([0x66, 0xff, 0xfe]), Buffer.from([0xc3, 0x28])];
    const world = await synced((root) => {
      for (const top of ['t', 'u']) {
        for (const name of odd) fill(root, { [`${top}/${name}/${name}`]: '', [`${top}/${name}/d/f`]: '' });
        for (const name of bytes) {
          const dir = Buffer.concat([Buffer.from(`${root}/${top}/`), name]);
          mkdirSync(dir);
          writeFileSync(Buffer.concat([dir, Buffer.from('/'), name]), '');
        }
      }
    });
    // What a pattern that is not taken by the letter would hit.
    const near = ['a1', 'a12', 'a', 'b', '*', '\\x', 'xx', '~root', 'ab'];
    for (const name of near) fill(world.there, { [`t/${name}/theirs`]: '', [`t/a*/${name}`]: '' });
    remove(world.root, 't');
    await world.go();
    expect(names(world.there, (name) => /^u\//.test(name))).toEqual(
      ['t', 't/a*', 'u', ...near.flatMap((name) => [`t/${name}`, `t/${name}/theirs`, `t/a*/${name}`])].sort(),
    );
    expect(names(join(world.there, 'u'))).toEqual(names(join(world.root, 'u')));
    expect(clears(world.runs)).toBe(1);
  });

  it('goes level by level where a name is too long for a rule', async () => {
    const long = Array.from({ length: 5 }, () => '*'.repeat(120)).join('/');
    const world = await synced((root) => {
      mkdirSync(join(root, 'd', long), { recursive: true });
      fill(root, { 'd/e/f': '', [`d/${long}/f`]: '' });
    });
    remove(world.root, 'd');
    await world.go();
    await world.go();
    expect(names(world.there)).toEqual([]);
  });

  it('leaves what has become another kind of thing there, and does not go through a link', async () => {
    const world = await synced((root) => {
      fill(root, { 'd/file': '', 'd/dir/f': '', 'd/linked/f': '', 'd/e/f': '' });
      symlinkSync('e', join(root, 'd/link'));
    });
    const { there } = world;
    const outside = temporaryDir();
    fill(outside, { f: 'outside' });
    for (const name of ['file', 'dir', 'linked', 'link']) remove(there, `d/${name}`);
    fill(there, { 'd/file/theirs': '', 'd/link/f': '', 'd/dir': 'a file by now' });
    symlinkSync(outside, join(there, 'd/linked'));
    remove(world.root, 'd');
    await world.go();
    expect(names(there)).toEqual(['d', 'd/dir', 'd/file', 'd/file/theirs', 'd/link', 'd/link/f', 'd/linked']);
    expect(names(outside)).toEqual(['f']);
    expect(world.pending.size).toBe(0);
  });

  it('goes into the trash', async () => {
    const trash = temporaryDir();
    const world = await synced((root) => fill(root, { 'd/e/f': 'f', 'd/e/g/h': 'h' }), { trash });
    fill(world.there, { 'd/e/theirs': '' });
    remove(world.root, 'd');
    await world.go();
    expect(names(world.there)).toEqual(['d', 'd/e', 'd/e/theirs']);
    expect(names(trash)).toEqual(['d', 'd/e', 'd/e/f', 'd/e/g', 'd/e/g/h']);
    expect(readFileSync(join(trash, 'd/e/g/h'), 'utf8')).toBe('h');
    expect(clears(world.runs)).toBe(1);
  });

  it('where rsync takes no marks, too', async () => {
    const world = await synced((root) => fill(root, { [`${deep(6)}/f`]: '', 'l0/g': '' }), {
      takes: { window: -1, deletions: 'rules' },
    });
    fill(world.there, { 'l0/l1/theirs': '' });
    remove(world.root, 'l0');
    await world.go();
    expect(names(world.there)).toEqual(['l0', 'l0/l1', 'l0/l1/theirs']);
    expect(clears(world.runs)).toBe(1);
  });

  it('makes way for a file in its place in one run', async () => {
    const world = await synced((root) => fill(root, { [`${deep(6)}/f`]: '', 'l0/g': '' }));
    remove(world.root, 'l0');
    writeFileSync(join(world.root, 'l0'), 'a file');
    await world.go();
    expect(tree(world.there)).toEqual(tree(world.root));
    expect(clears(world.runs)).toBe(1);
  });

  it('stays whole while a run that was started ahead waits, and where that is not told to begin', async () => {
    const world = await synced((root) => fill(root, { 'd/e/f': '', 'd/g': '', x: '' }));
    fill(world.there, { 'd/e/theirs': 'theirs' });
    const before = tree(world.there);
    const run = clearRun(world.index, ['d', 'd/e', 'd/e/f', 'd/g'].map(nameFromText));
    const folder = temporaryDir();
    const ground = { emptyDir: join(folder, 'empty'), rulesFile: join(folder, 'rules') };
    mkdirSync(ground.emptyDir);
    writeFileSync(ground.rulesFile, [...clearRules(run.names, run.isDir)].map((rule) => `${rule}\0`).join(''));
    const options = { abort: new AbortController().signal };
    // As where whoever started it is killed: its stdin just ends.
    const orphan = await startRsync(world.rsync, { ...run, ...ground, waits: true }).finish([], () => {}, options);
    expect([orphan.code, tree(world.there)]).toEqual([0, before]);
    const [first, second] = [await startClear(world.rsync, run), await startClear(world.rsync, run)];
    first?.end();
    expect(first?.isAlive()).toBe(false); // though it takes its time
    await first?.ended;
    expect(tree(world.there)).toEqual(before);
    const gone: string[] = [];
    await second?.finish([], (line) => void (line.kind === 'item' && gone.push(line.name)), options);
    expect(gone.sort()).toEqual(['d/e/f', 'd/g']);
    expect(names(world.there)).toEqual(['d', 'd/e', 'd/e/theirs', 'x']);
  });

  it('and is made again meanwhile is there again after it', async () => {
    const world = await synced((root) => fill(root, { 'd/e/f': 'f', 'd/e/g': 'g', 'x/y/z': '' }));
    remove(world.root, 'd');
    remove(world.root, 'x');
    world.course.meanwhile = () => fill(world.root, { 'd/e/f': 'new' });
    await world.go();
    await world.go();
    expect(tree(world.there)).toEqual(tree(world.root));
    expect(world.pending.size).toBe(0);
  });
});

const PARTS = ['a', 'b', 'c*', 'd'] as const;
const aPath = fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

it('whatever trees there are: ours go, what is theirs stays with the directories that it is in, and a cut link changes nothing of that', async () => {
  const someTree = fc.record({
    ours: fc.uniqueArray(aPath, { minLength: 1, maxLength: 8 }),
    theirs: fc.uniqueArray(aPath, { maxLength: 3 }),
    gone: fc.uniqueArray(aPath, { minLength: 1, maxLength: 3 }),
    cutAfter: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
    isMore: fc.boolean(), // something is sent before, while the run by rules waits
  });
  await fc.assert(
    fc.asyncProperty(someTree, async ({ ours, theirs, gone, cutAfter, isMore }) => {
      const world = await synced((root) =>
        fill(root, Object.fromEntries(ours.map((path) => [`${path}/our file`, '']))),
      );
      fill(world.there, Object.fromEntries(theirs.map((path) => [`${path}/their file`, 'theirs'])));
      for (const path of gone) rmSync(join(world.root, path), { recursive: true, force: true });
      if (isMore) fill(world.root, { 'more/f': '' });
      if (cutAfter !== undefined) {
        world.course.cutAfter = cutAfter;
        await world.go().catch(() => {});
        world.course.cutAfter = undefined;
      }
      await world.go();
      const left = new Set(names(world.root));
      for (const path of theirs) {
        const parts = [...path.split('/'), 'their file'];
        for (let i = 1; i <= parts.length; i++) left.add(parts.slice(0, i).join('/'));
      }
      expect(names(world.there)).toEqual([...left].sort());
      expect(world.pending.size).toBe(0);
    }),
    { numRuns: amount(15, 400) },
  );
});
