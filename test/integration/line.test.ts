import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Filter } from '../../src/core/filter/filter.js';
import { nameFromText, ROOT } from '../../src/core/name.js';
import { Disk } from '../../src/scan/disk.js';
import { sweep } from '../../src/scan/look.js';
import { walkAll } from '../../src/scan/walk.js';
import { clear } from '../../src/sync/clear.js';
import { fullPass, takeSnapshot } from '../../src/sync/full-pass.js';
import type { Line } from '../../src/sync/line.js';
import { quickPass } from '../../src/sync/quick-pass.js';
import { localLine, newLedger, passOptions } from '../support/deliver.js';
import { filterOf } from '../support/settings.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

const filter = filterOf();

/** A line to a local target, with the real rsync. It begins held. */
function lineFor(root: string, path: string, ledger = newLedger(path)): Line {
  const line = localLine(root, path, filter, {}, { ledger });
  onTestFinished(() => line.stop());
  return line;
}

const place = (files: Readonly<Record<string, string>>) => {
  const base = temporaryDir();
  const root = join(base, 'here');
  mkdirSync(root);
  fill(root, files);
  return { root, there: join(base, 'there') };
};

describe('the line', () => {
  it('does not forget a name that is noted while a full pass waits for its turn', async () => {
    const { root, there } = place({ a: 'a' });
    const line = lineFor(root, there);
    line.resume();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const running = line.turn(() => gate);
    const pass = line.turn(async () => {}); // waits behind the first
    line.note(nameFromText('a'));
    await new Promise((resolve) => setTimeout(resolve, 50)); // past the debounce
    open();
    await running;
    await pass;
    await vi.waitFor(() => expect(existsSync(join(there, 'a'))).toBe(true), { timeout: 20_000 });
    await vi.waitFor(() => expect(line.pending.size).toBe(0), { timeout: 20_000 });
    expect(readFileSync(join(there, 'a'), 'utf8')).toBe('a');
  });

  it('notes what differs from the index, and what is gone with all that was below it', async () => {
    const { root, there } = place({ 'd/e/f': 'f', g: 'g' });
    const ledger = newLedger(there);
    const line = lineFor(root, there, ledger);
    const disk = new Disk(root);
    const { tree } = await takeSnapshot(disk, filter, () => {});
    await ledger.assume(tree.entries());
    for await (const listing of walkAll(disk, filter)) await line.compare(listing);
    expect(line.pending.size).toBe(0);
    ledger.delivered(nameFromText('gone'), { ...(tree.get(nameFromText('d')) ?? never()) });
    ledger.delivered(nameFromText('gone/below'), { ...(tree.get(nameFromText('g')) ?? never()) });
    writeFileSync(join(root, 'g'), 'changed');
    for await (const listing of walkAll(disk, filter)) await line.compare(listing);
    expect([...line.pending].map(([name]) => name).sort()).toEqual(['g', 'gone', 'gone/below']);
  });
});

describe('clearing', () => {
  it('does not forget a directory that still holds what is ours: it goes after that', async () => {
    const { root, there } = place({ 'd/s/t/x': 'x' });
    const line = lineFor(root, there);
    line.resume();
    const disk = new Disk(root);
    for await (const listing of walkAll(disk, filter)) await line.compare(listing);
    await line.drain();
    expect(names(there)).toEqual(['d', 'd/s', 'd/s/t', 'd/s/t/x']);
    const dir = nameFromText('d/s');
    await line.turn(({ ledger, runner }) => clear(ledger, runner, [dir])); // not what is in it
    expect(line.index.get(dir)).toBeDefined();
    expect(line.pending.has(dir)).toBe(true);
    rmSync(join(root, 'd'), { recursive: true });
    writeFileSync(join(root, 'd'), 'a file');
    for await (const listing of walkAll(disk, filter)) await line.compare(listing);
    await vi.waitFor(() => expect(tree(there)).toEqual(tree(root)), { timeout: 20_000 });
  });
});

describe('a quick pass', () => {
  const optionsFor = (root: string, filtered: Filter = filter) => passOptions(root, filtered);

  it('brings what was changed, made and deleted since the index was saved, and knows it then', async () => {
    const { root, there } = place({ 'd/e/f': 'f', 'd/g': 'g', 'gone/x': 'x', keep: 'keep' });
    const line = lineFor(root, there);
    line.resume();
    expect(await fullPass(line, optionsFor(root))).toMatchObject({ kind: 'done' });
    writeFileSync(join(root, 'd/g'), 'another g');
    rmSync(join(root, 'gone'), { recursive: true });
    rmSync(join(root, 'd/e/f'));
    fill(root, { 'new/n': 'n' });
    expect(await quickPass(line, optionsFor(root))).toMatchObject({ kind: 'done' });
    await vi.waitFor(() => expect(tree(there)).toEqual(tree(root)), { timeout: 20_000 });
    await vi.waitFor(() => expect(line.pending.size).toBe(0), { timeout: 20_000 });
    for await (const listing of walkAll(new Disk(root), filter)) await line.compare(listing);
    expect([...line.pending]).toEqual([]);
    expect(line.index.size).toBe(tree(root).length - 1);
  });

  it('is none where names are not enough, and deletes nothing', async () => {
    const { root, there } = place({ d: 'a file', a: 'a', b: 'b' });
    const line = lineFor(root, there);
    line.resume();
    await fullPass(line, optionsFor(root));
    const before = names(there);
    rmSync(join(root, 'd'));
    mkdirSync(join(root, 'd'));
    expect(await quickPass(line, optionsFor(root))).toBeUndefined(); // a change of type
    rmSync(join(root, 'd'), { recursive: true });
    rmSync(join(root, 'a'));
    expect(await quickPass(line, optionsFor(root))).toBeUndefined(); // most of it is gone: that is for the guards
    expect(names(there)).toEqual(expect.arrayContaining(before));
  });

  it('tells rsync what only we can exclude', async () => {
    const { root, there } = place({ a: 'a' });
    const line = lineFor(root, there);
    line.resume();
    await fullPass(line, optionsFor(root));
    fill(root, { 'd/skip': '', 'skip/x': '', 'd/b': '' });
    const regex = filterOf({ regexes: [{ text: 'skip$', source: { kind: 'option', option: '--exclude-regex' } }] });
    expect(await quickPass(line, optionsFor(root, regex))).toMatchObject({ kind: 'done' });
    expect(names(there)).toEqual(['a', 'd', 'd/b']);
  });
});

describe('a walk', () => {
  it('waits for descriptors instead of taking a directory for empty', () => {
    const { root } = place({ 'd/e/f': 'f', 'x/y': 'y' });
    const dist = join(import.meta.dirname, '../../dist');
    const script = `
      import { closeSync, openSync } from 'node:fs';
      import { Filter } from '${dist}/core/filter/filter.js';
      import { Disk } from '${dist}/scan/disk.js';
      import { walkAll } from '${dist}/scan/walk.js';
      const filter = Filter.create({ user: [], syncignore: [], regexes: undefined, defaults: [] }).value;
      const disk = new Disk(${JSON.stringify(root)});
      const taken = [];
      try {
        for (;;) taken.push(openSync('/dev/null'));
      } catch {}
      let shortage;
      setTimeout(() => {
        shortage = disk.shortage;
        for (const fd of taken) closeSync(fd);
      }, 300);
      const names = [];
      for await (const { entries } of walkAll(disk, filter)) names.push(...entries.keys());
      console.log(JSON.stringify([names.sort(), shortage, disk.shortage ?? 'none']));`;
    const said = execFileSync(
      'sh',
      ['-c', 'ulimit -n 60; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    const why = 'too few files may be open at once here (ulimit -n)';
    expect(JSON.parse(said)).toEqual([['d', 'e', 'f', 'x', 'y'], why, 'none']);
  });
});

describe('the sweep', () => {
  it('finds directories whose time has changed, and only those', async () => {
    const { root } = place({ 'd/e/f': 'f', 'x/y': 'y' });
    const disk = new Disk(root);
    const { tree } = await takeSnapshot(disk, filter, () => {});
    expect(await sweep(disk, tree)).toEqual([]);
    utimesSync(join(root, 'd/e'), 1, 1);
    expect(await sweep(disk, tree)).toEqual(['d/e']);
    utimesSync(root, 1, 1);
    expect((await sweep(disk, tree)).sort()).toEqual([ROOT, 'd/e']);
  });
});

const never = (): never => {
  throw new Error('not there');
};
