import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Filter } from '../../src/core/filter.js';
import { nameFromText, ROOT } from '../../src/core/name.js';
import { Disk } from '../../src/scan/disk.js';
import { sweep } from '../../src/scan/look.js';
import { walkAll } from '../../src/scan/walk.js';
import { takeSnapshot } from '../../src/target/full-pass.js';
import { Line } from '../../src/target/line.js';
import { fill, temporaryDir } from '../support/tree.js';

const filter = (() => {
  const made = Filter.create([], [], []);
  if (!made.ok) throw new Error('no filter');
  return made.value;
})();

/** A line to a local target, with the real rsync. It begins held. */
function lineFor(root: string, path: string): Line {
  const line = new Line({
    rsync: {
      target: { kind: 'local', path, label: path },
      root,
      remoteShell: undefined,
      rules: filter.rsyncRules,
      bwlimit: undefined,
      chmod: undefined,
      compress: false,
      trash: undefined,
      extra: [],
      nanoseconds: true,
      escapesArgs: true,
    },
    aim: undefined,
    disk: new Disk(root),
    deletes: 'seen',
    rest: { writtenMs: 5, cameMs: 5 },
    oneByOne: false,
    relist: async () => {},
    report: () => {},
    rootIsThere: () => true,
    guard: () => undefined,
    onHalt: () => {},
  });
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
    const line = lineFor(root, there);
    const disk = new Disk(root);
    const { tree } = await takeSnapshot(disk, filter, () => {});
    for (const [name, entry] of tree.entries()) line.index.set(name, entry);
    for await (const listing of walkAll(disk, filter)) line.compare(listing);
    expect(line.pending.size).toBe(0);
    line.index.set(nameFromText('gone'), { ...(tree.get(nameFromText('d')) ?? never()) });
    line.index.set(nameFromText('gone/below'), { ...(tree.get(nameFromText('g')) ?? never()) });
    writeFileSync(join(root, 'g'), 'changed');
    for await (const listing of walkAll(disk, filter)) line.compare(listing);
    expect([...line.pending].map(([name]) => name).sort()).toEqual(['g', 'gone', 'gone/below']);
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
