import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import type { Event } from '../../src/core/event.js';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import type { Entry } from '../../src/core/sync/entry.js';
import { Disk } from '../../src/scan/disk.js';
import { isNews } from '../../src/scan/look.js';
import { sweep } from '../../src/scan/shared-sweep.js';
import { takeSnapshot } from '../../src/scan/snapshot.js';
import { clear } from '../../src/sync/clear.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { readNames } from '../../src/sync/names-here.js';
import { quickPass } from '../../src/sync/quick-pass.js';
import { programOf } from '../support/alone.js';
import { bringWaiting, localWork, noteAll, passOptions } from '../support/deliver.js';
import { filterOf } from '../support/settings.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

const filter = filterOf();

const place = (files: Readonly<Record<string, string>>) => {
  const base = temporaryDir();
  const root = join(base, 'here');
  mkdirSync(root);
  fill(root, files);
  return { root, there: join(base, 'there') };
};

describe('a look at everything', () => {
  it('notes what differs from the index, and what is gone with all that was below it', async () => {
    const { root, there } = place({ 'd/e/f': 'f', g: 'g' });
    const work = localWork(root, there, filter);
    const { ledger } = work;
    const disk = new Disk(root);
    const { tree } = await takeSnapshot(disk, filter, () => {});
    await ledger.assume(tree.entries());
    await noteAll(work);
    expect(work.ledger.pending.size).toBe(0);
    ledger.delivered(nameFromText('gone'), { ...(tree.get(nameFromText('d')) ?? never()) });
    ledger.delivered(nameFromText('gone/below'), { ...(tree.get(nameFromText('g')) ?? never()) });
    writeFileSync(join(root, 'g'), 'changed');
    await noteAll(work);
    expect([...work.ledger.pending].map(([name]) => name).sort()).toEqual(['g', 'gone', 'gone/below']);
  });
});

describe('clearing', () => {
  it('does not forget a directory that still holds what is ours: it goes after that', async () => {
    const { root, there } = place({ 'd/s/t/x': 'x' });
    const work = localWork(root, there, filter);
    await noteAll(work);
    await bringWaiting(work);
    expect(names(there)).toEqual(['d', 'd/s', 'd/s/t', 'd/s/t/x']);
    const dir = nameFromText('d/s');
    await clear(work.ledger, work.runner, [dir]); // not what is in it
    expect(work.ledger.index.get(dir)).toBeDefined();
    expect(work.ledger.pending.has(dir)).toBe(true);
    rmSync(join(root, 'd'), { recursive: true });
    writeFileSync(join(root, 'd'), 'a file');
    await noteAll(work);
    const isThere = async (): Promise<void> => {
      await bringWaiting(work);
      expect(tree(there)).toEqual(tree(root));
    };
    await vi.waitFor(isThere, { timeout: 20_000 });
  });
});

describe('a full pass', () => {
  it('gives what had failed, and went over with it, its turn at once: it waits no longer', async () => {
    const { root, there } = place({ a: 'a', b: 'b' });
    const work = localWork(root, there, filter);
    const { ledger } = work;
    const failure = { kind: 'path', message: 'permission denied there' } as const;
    for (const name of ['a', 'b'].map(nameFromText))
      for (let tries = 0; tries < 10; tries++) ledger.failed(name, failure);
    expect(ledger.pending.ready(steadyNow(), 10)).toEqual([]);
    expect(await fullPass(work, passOptions())).toMatchObject({ kind: 'done' });
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root));
    expect([...ledger.unsent]).toEqual([]);
  });
});

describe('a quick pass', () => {
  it('brings what was changed, made and deleted since the index was saved, and knows it then', async () => {
    const { root, there } = place({ 'd/e/f': 'f', 'd/g': 'g', 'gone/x': 'x', keep: 'keep' });
    const work = localWork(root, there, filter);
    expect(await fullPass(work, passOptions())).toMatchObject({ kind: 'done' });
    writeFileSync(join(root, 'd/g'), 'another g');
    rmSync(join(root, 'gone'), { recursive: true });
    rmSync(join(root, 'd/e/f'));
    fill(root, { 'new/n': 'n' });
    expect(await quickPass(work, passOptions())).toMatchObject({ kind: 'done' });
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root));
    expect(work.ledger.pending.size).toBe(0);
    await noteAll(work);
    expect([...work.ledger.pending]).toEqual([]);
    expect(work.ledger.index.size).toBe(tree(root).length - 1);
  });

  it('is none where names are not enough, and deletes nothing', async () => {
    const { root, there } = place({ d: 'a file', a: 'a', b: 'b' });
    const work = localWork(root, there, filter);
    await fullPass(work, passOptions());
    const before = names(there);
    rmSync(join(root, 'd'));
    mkdirSync(join(root, 'd'));
    expect(await quickPass(work, passOptions())).toBeUndefined(); // a change of type
    rmSync(join(root, 'd'), { recursive: true });
    rmSync(join(root, 'a'));
    expect(await quickPass(work, passOptions())).toBeUndefined(); // most of it is gone: that is for the guards
    expect(names(there)).toEqual(expect.arrayContaining(before));
  });

  it('tells rsync what only we can exclude', async () => {
    const { root, there } = place({ a: 'a' });
    const work = localWork(root, there, filter);
    await fullPass(work, passOptions());
    fill(root, { 'd/skip': '', 'skip/x': '', 'd/b': '' });
    const regex = filterOf({ regexes: [{ text: 'skip$', source: { kind: 'option', option: '--exclude-regex' } }] });
    const anew = { ...work, filter: regex };
    expect(await quickPass(anew, passOptions())).toMatchObject({ kind: 'done' });
    await bringWaiting(anew);
    expect(names(there)).toEqual(['a', 'd', 'd/b']);
  });

  it('asks rsync once and changes nothing, here or in the journal, where all is the same', async () => {
    const { root, there } = place({ 'd/e/f': 'f', keep: 'keep' });
    const work = localWork(root, there, filter);
    await fullPass(work, passOptions());
    const runs: string[] = [];
    const runner: typeof work.runner = {
      look: (run, ...more) => {
        runs.push(run.kind);
        return work.runner.look(run, ...more);
      },
      run: never,
    };
    expect(await quickPass({ ...work, runner }, passOptions())).toMatchObject({ kind: 'done' });
    expect(runs).toEqual(['pass']);
    expect([...work.ledger.pending]).toEqual([]);
  });

  it('brings what was changed there, though nothing was here: contents, modes, what is gone, the root itself', async () => {
    const { root, there } = place({ 'd/e/f': 'f', 'd/g': 'g', gone: 'gone', mode: 'mode', keep: 'keep' });
    const work = localWork(root, there, filter);
    await fullPass(work, passOptions());
    writeFileSync(join(there, 'd/e/f'), 'somebody else');
    rmSync(join(there, 'gone'));
    chmodSync(join(there, 'mode'), 0o600);
    rmSync(join(there, 'd/g'));
    chmodSync(there, 0o700);
    expect(await quickPass(work, passOptions())).toMatchObject({ kind: 'done' });
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root));
    for (const name of ['mode', '.']) expect(statSync(join(there, name)).mode).toBe(statSync(join(root, name)).mode);
    expect(await quickPass(work, passOptions())).toMatchObject({ kind: 'done' });
    expect([...work.ledger.pending]).toEqual([]);
  });

  it('is none where a directory of ours is a link there, or a file has become a directory here', async () => {
    const { root, there } = place({ 'd/e/f': 'f', 'd/g': 'g', keep: 'keep', x: 'x' });
    const work = localWork(root, there, filter);
    await fullPass(work, passOptions());
    rmSync(join(there, 'd/e'), { recursive: true });
    symlinkSync(temporaryDir(), join(there, 'd/e'));
    const linksThere = async (dirs: readonly Name[]): Promise<ReadonlySet<Name>> => new Set(dirs);
    expect(await quickPass({ ...work, linksThere }, passOptions())).toBeUndefined();
    rmSync(join(root, 'keep'));
    fill(root, { 'keep/inside': 'i' });
    expect(await quickPass(work, passOptions())).toBeUndefined();
  });

  it('lists each directory once and looks only at what is new', async () => {
    const { root, there } = place({ 'd/e/f': 'f', 'd/g': 'g', 'd/h': 'h', keep: 'keep' });
    const work = localWork(root, there, filter);
    await fullPass(work, passOptions());
    fill(root, { 'd/e/new': 'new' });
    rmSync(join(root, 'd/h'));
    const disk = new Disk(root);
    const asked = { names: vi.spyOn(disk, 'names'), look: vi.spyOn(disk, 'look') };
    const found = await readNames(work.ledger.index, disk, filter);
    expect(found).toMatchObject({ count: 6, fresh: ['d/e/new'], gone: ['d/h'] });
    expect(asked.names.mock.calls.flat().sort()).toEqual([ROOT, 'd', 'd/e']);
    expect(asked.look.mock.calls.flat()).toEqual(['d/e/new']);
  });
});

describe('a rescan', () => {
  /** One during which this happens here, after the walk and before rsync reads. Gives what is told as repaired. */
  async function rescanWhile(root: string, there: string, meanwhile: () => void, before: () => void = () => {}) {
    const events: Event[] = [];
    const work = localWork(root, there, filter, {}, { report: (event) => void events.push(event) });
    expect(await fullPass(work, passOptions())).toMatchObject({ kind: 'done' });
    before();
    const { runner } = work;
    const runs: typeof runner = {
      look: (...args) => runner.look(...args),
      run: (begun, ...args) => {
        if (begun.run.kind === 'pass') meanwhile();
        return runner.run(begun, ...args);
      },
    };
    expect(await fullPass({ ...work, runner: runs }, passOptions({ isRescan: true }))).toMatchObject({ kind: 'done' });
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root));
    return events.flatMap((event) => (event.kind === 'repaired' ? event.items.map(({ name }) => String(name)) : []));
  }

  const files = (content: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: 188 }, (_, n) => [`src/d${n % 7}/f${n}`, `${content} ${n}`]));

  it('takes nothing that is written, made, moved or deleted meanwhile for repaired', async () => {
    const { root, there } = place({ ...files('old'), 'gone/x': 'x', 'moved/y': 'y', 'back/z': 'z' });
    const repaired = await rescanWhile(root, there, () => {
      fill(root, { ...files('checked out'), 'new/n': 'n' });
      rmSync(join(root, 'gone'), { recursive: true });
      renameSync(join(root, 'moved'), join(root, 'src/moved'));
      renameSync(join(root, 'back'), join(root, 'away'));
      rmSync(join(there, 'back/z')); // what rsync reads of it now is nobody's doing
      renameSync(join(root, 'away'), join(root, 'back'));
    });
    expect(repaired).toEqual([]);
  });

  it('still tells what somebody removed or changed there while others work here', async () => {
    const { root, there } = place({ ...files('old'), 'keep/a': 'a', 'keep/b': 'b', 'keep/c': 'c' });
    const repaired = await rescanWhile(
      root,
      there,
      () => fill(root, files('checked out')),
      () => {
        rmSync(join(there, 'keep/a'));
        writeFileSync(join(there, 'keep/b'), 'otherwise');
      },
    );
    expect(repaired.sort()).toEqual(['keep/a', 'keep/b']);
  });
});

describe('a walk', () => {
  it('waits for descriptors instead of taking a directory for empty', async () => {
    const { root } = place({ 'd/e/f': 'f', 'x/y': 'y' });
    const script = `
      import { closeSync, openSync } from 'node:fs';
      import { Filter } from 'src/core/filter/filter.js';
      import { Disk } from 'src/scan/disk.js';
      import { walkAll } from 'src/scan/shared-walk.js';
      const filter = Filter.create({ user: [], syncignore: [], regexes: undefined, defaults: [] }).value;
      const disk = new Disk(${JSON.stringify(root)});
      const taken = [];
      try {
        for (;;) taken.push(openSync('/dev/null'));
      } catch {}
      let shortage;
      const looking = setInterval(() => {
        shortage = disk.shortage;
        if (shortage === undefined) return;
        clearInterval(looking);
        for (const fd of taken) closeSync(fd);
      }, 20);
      const names = [];
      for await (const { entries } of walkAll(disk, filter)) names.push(...entries.keys());
      console.log(JSON.stringify([names.sort(), shortage, disk.shortage ?? 'none']));`;
    const program = await programOf(temporaryDir(), script);
    const said = execFileSync('sh', ['-c', 'ulimit -n 60; exec "$@"', 'sh', process.execPath, program], {
      encoding: 'utf8',
    });
    const why = 'too few files may be open at once here (ulimit -n)';
    expect(JSON.parse(said)).toEqual([['d', 'e', 'f', 'x', 'y'], why, 'none']);
  });
});

describe('the sweep', () => {
  it('finds directories whose time has changed, and only those', async () => {
    const { root } = place({ 'd/e/f': 'f', 'x/y': 'y' });
    const disk = new Disk(root);
    const { tree } = await takeSnapshot(disk, filter, () => {});
    const swept = { index: tree, isNews: (dir: Name, now: Entry) => isNews(tree.get(dir), now) };
    const news = async (): Promise<readonly Name[]> => (await sweep(disk, [swept])).flat();
    expect(await news()).toEqual([]);
    utimesSync(join(root, 'd/e'), 1, 1);
    expect(await news()).toEqual(['d/e']);
    utimesSync(root, 1, 1);
    expect([...(await news())].sort()).toEqual([ROOT, 'd/e']);
  });
});

const never = (): never => {
  throw new Error('not there');
};
