import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Place, place, type Running, run } from '../support/cli.js';
import { canMount, mountSmall } from '../support/mount.js';
import { fill, names, tree } from '../support/tree.js';

const deletions = (running: Running): unknown[] => running.events.filter(({ action }) => action === 'delete');

/** DIR with a file system mounted at `data`. */
function withData(skip: (why: string) => never) {
  if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
  const here = place();
  mkdirSync(join(here.local, 'data'));
  const data = mountSmall(join(here.local, 'data'), 4);
  fill(here.local, { a: 'a', 'd/b': 'b', 'data/x': 'x', 'data/deep/y': 'y' });
  return { ...here, data };
}

/** Waits until a change beside it is there: until then whatever it would do about the mount is done. */
async function goesOn({ local, remote }: Place, running: Running, base: string): Promise<void> {
  fill(local, { [base]: base });
  await running.until(base, () => names(remote).includes(base));
}

describe('a file system below DIR', () => {
  it('unmounted: nothing is deleted there, what is beside it goes on; mounted again: all goes on', async ({ skip }) => {
    const { data, ...here } = withData(skip);
    const { local, remote, start, same } = here;
    const running = start();
    await running.inSync();
    const before = tree(remote);
    execFileSync('umount', [join(local, 'data')]); // not lazily: nothing of syncwatch holds it
    const gone = await running.event('mountGone');
    expect(gone).toMatchObject({ path: 'data', inUse: false });
    rmSync(join(local, 'd'), { recursive: true });
    await running.until('d gone there', () => !names(remote).includes('d'));
    await goesOn(here, running, 'new');
    expect(names(remote)).toEqual([...names(remote)].filter((name) => name !== 'd'));
    expect(tree(remote).filter((line) => line.includes('data'))).toEqual(
      before.filter((line) => line.includes('data')),
    );
    data.back();
    await running.event('mountBack', ({ replaced }) => replaced === false);
    fill(local, { 'data/deep/y': 'changed after', 'data/fresh/z': 'z' });
    rmSync(join(local, 'data/x'));
    await same(running);
    writeFileSync(join(local, 'data/fresh/z'), 'in place, and watched');
    await same(running);
    expect(await running.stop()).toBe(130);
  });

  it('unmounted with its mount point, with what is mounted in it, and with the directory that it is in: the same', async ({
    skip,
  }) => {
    const { data, ...here } = withData(skip);
    const { local, remote, start, same } = here;
    const inner = join(local, 'data/deep/inner');
    fill(local, { 'above/m/': '', 'data/deep/inner/': '' });
    const nested = mountSmall(inner, 4);
    const other = mountSmall(join(local, 'above/m'), 4);
    fill(local, { 'data/deep/inner/n': 'n', 'above/m/o': 'o', 'above/f': 'f' });
    const running = start();
    await running.inSync();
    const kept = (): string[] => names(remote).filter((name) => /^data|^above\/m|^above$/.test(name));
    const before = kept();
    nested.away();
    await running.event('mountGone', ({ path }) => path === 'data/deep/inner');
    data.away();
    other.away();
    rmdirSync(join(local, 'data'));
    rmSync(join(local, 'above'), { recursive: true });
    await running.event('mountGone', ({ path }) => path === 'data');
    await running.event('mountGone', ({ path }) => path === 'above/m');
    await running.until('what was beside it gone', () => !names(remote).includes('above/f'));
    await goesOn(here, running, 'new');
    expect(kept()).toEqual(before);
    writeFileSync(join(local, 'above'), 'a file by now');
    await goesOn(here, running, 'newer');
    expect(kept()).toEqual(before);
    expect((await run(['flush', '--timeout', '30', local], { env: here.env })).code).toBe(0);
    rmSync(join(local, 'above'));
    expect((await run(['flush', '--timeout', '30', local], { env: here.env })).code).toBe(0);
    mkdirSync(join(local, 'data'));
    fill(local, { 'above/m/': '' });
    data.back();
    nested.back();
    other.back();
    await same(running);
    expect(await running.stop()).toBe(130);
  });

  it.each<readonly [string, readonly string[]]>([
    ['seen', []],
    ['mirror', ['--delete', 'mirror']],
  ])('that goes between two runs loses nothing there, nor what is mounted over files (%s)', async (_, args) => {
    const { data, ...here } = withData((why) => {
      throw new Error(why);
    });
    const { local, remote, run, args: to } = here;
    const once = [...to, '--once', ...args];
    fill(local, { 'over/p': 'p' });
    expect(await run(once.slice(to.length))).toMatchObject({ code: 0 });
    const before = names(remote);
    data.away();
    const over = mountSmall(join(local, 'over'), 4);
    fill(local, { 'over/q': 'q' });
    const second = await run(once.slice(to.length));
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('data is not mounted any more') });
    // A mirror has what is mounted now: a new file system, looked at as one.
    const isMirror = args.length > 0;
    expect(names(remote)).toEqual([...before, 'over/q'].filter((name) => !isMirror || name !== 'over/p').sort());
    over.away();
    rmSync(join(local, 'd'), { recursive: true });
    // Its own directory has something: that is synced, and nothing else of it is touched.
    writeFileSync(join(local, 'data/.keep'), '');
    expect(await run(once.slice(to.length))).toMatchObject({ code: 0 });
    expect(names(remote)).toEqual(expect.arrayContaining(['data/.keep', 'data/deep/y', 'data/x', 'over/p']));
    expect(names(remote)).not.toContain('d');
    expect(await run(once.slice(to.length))).toMatchObject({ code: 0 });
    expect(names(remote)).toEqual(expect.arrayContaining(['data/.keep', 'data/deep/y', 'data/x']));
    data.back();
    rmSync(join(local, 'data/x'));
    expect(await run(once.slice(to.length))).toMatchObject({ code: 0 });
    expect(names(remote)).toContain('data/deep/y');
  });

  it('in whose place another one is mounted while it runs: that is synced, and nothing of the first is deleted', async ({
    skip,
  }) => {
    const { data, ...here } = withData(skip);
    const { local, remote, start } = here;
    const running = start();
    await running.inSync();
    data.away();
    writeFileSync(join(local, 'data/of the directory itself'), '');
    await running.event('mountGone', ({ inUse }) => inUse === true);
    await running.until('its own', () => names(remote).includes('data/of the directory itself'));
    const second = mountSmall(join(local, 'data'), 4);
    fill(local, { 'data/second': '2' });
    await running.event('mountBack', ({ replaced }) => replaced === true);
    await running.until('the second', () => names(remote).includes('data/second'));
    rmSync(join(local, 'data/second'));
    fill(local, { 'data/third': '3' });
    await running.until('deletions in it', () => !names(remote).includes('data/second'));
    second.away();
    await running.event(
      'mountGone',
      () => true,
      running.events.findIndex(({ event }) => event === 'mountBack'),
    );
    await goesOn(here, running, 'new');
    expect(names(remote)).toEqual(
      [
        'a',
        'd',
        'd/b',
        'data',
        'data/deep',
        'data/deep/y',
        'data/of the directory itself',
        'data/third',
        'data/x',
        'new',
      ].sort(),
    );
    expect(deletions(running).length).toBe(1);
    expect(await running.stop()).toBe(130);
  });

  it('that is DIR itself, and another one with the same number and inode the next time: that is a new start', async ({
    skip,
  }) => {
    if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
    const { local, remote, run } = place();
    onTestFinished(() => void spawnSync('umount', ['--lazy', local]));
    for (const name of ['first', 'second']) {
      execFileSync('mount', ['-t', 'tmpfs', 'syncwatch-test', local]);
      fill(local, { [name]: '' });
      expect(await run(['--once'])).toMatchObject({ code: 0 });
      execFileSync('umount', [local]);
    }
    expect(names(remote)).toEqual(['first', 'second']);
  });

  it('in whose place a new one is mounted that gets its number and inode: nothing of the first is deleted', async ({
    skip,
  }) => {
    if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
    const { local, remote, start, run } = place();
    const at = join(local, 'data');
    mkdirSync(at);
    const mountNew = (): void => void execFileSync('mount', ['-t', 'tmpfs', 'syncwatch-test', at]);
    onTestFinished(() => void spawnSync('umount', ['--lazy', at]));
    mountNew();
    fill(local, { a: 'a', 'data/first': '1' });
    expect(await run(['--once'])).toMatchObject({ code: 0 });
    // While it does not run, and while it does.
    execFileSync('umount', [at]);
    mountNew();
    fill(local, { 'data/second': '2' });
    const running = start();
    await running.inSync();
    expect(names(remote)).toEqual(['a', 'data', 'data/first', 'data/second']);
    execFileSync('umount', [at]);
    mountNew();
    fill(local, { 'data/third': '3' });
    await running.until('the third', () => names(remote).includes('data/third'));
    expect(names(remote)).toEqual(['a', 'data', 'data/first', 'data/second', 'data/third']);
    expect(deletions(running)).toEqual([]);
    expect(await running.stop()).toBe(130);
  });

  it('emptied: as when DIR is, nothing is deleted and it stops', async ({ skip }) => {
    const { local, remote, start } = withData(skip);
    const running = start();
    await running.inSync();
    rmSync(join(local, 'data/deep'), { recursive: true });
    rmSync(join(local, 'data/x'));
    expect(await running.ended).toBe(3);
    expect(names(remote)).toEqual(expect.arrayContaining(['data/x']));
    expect(running.events.find(({ event }) => event === 'halted')).toMatchObject({
      failure: { kind: 'guard', message: expect.stringMatching(/data, a mount point, is empty now/) },
    });
  });
});
