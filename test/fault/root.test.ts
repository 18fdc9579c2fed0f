import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { faultyPlace, processesOf, STANDBY, timed, took } from '../support/faulty.js';
import { canMount, mountSmall } from '../support/mount.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

describe('the root', () => {
  it('renamed and back: nothing is deleted meanwhile, and then all goes on', async () => {
    const { local, remote, startWired, same } = await faultyPlace();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = startWired();
    await running.inSync();
    const before = tree(remote);
    renameSync(local, `${local}.away`);
    const noticedMs = await timed(running.event('rootGone'));
    writeFileSync(join(`${local}.away`, 'd/b'), 'changed while away');
    expect(tree(remote)).toEqual(before);
    renameSync(`${local}.away`, local);
    const equalMs = await timed(same(running));
    took('root renamed and back', noticedMs, equalMs);
    writeFileSync(join(local, 'a'), 'changed after');
    fill(local, { 'new/n': 'n' });
    await same(running);
  });

  it('a directory above it renamed and back: the same', async () => {
    const { local, remote, start, wired, env, startWired, same } = await faultyPlace();
    const above = join(local, 'above');
    const root = join(above, 'root');
    fill(root, { a: 'a', 'd/b': 'b' });
    const running = startWired([root]);
    expect(await running.ended).toBe(2); // two DIRs
    rmSync(above, { recursive: true });
    fill(local, { a: 'a', 'd/b': 'b' });
    // Its own folders elsewhere: what goes of them is made again.
    const own = temporaryDir();
    const other = start([...wired], { env: { ...env, XDG_STATE_HOME: join(own, 'state'), XDG_RUNTIME_DIR: own } });
    await other.inSync();
    const base = join(local, '..');
    const before = tree(remote);
    renameSync(base, `${base}.away`);
    onTestFinished(() => rmSync(`${base}.away`, { recursive: true, force: true }));
    await other.event('rootGone');
    expect(tree(remote)).toEqual(before);
    renameSync(`${base}.away`, base);
    writeFileSync(join(local, 'd/b'), 'changed after');
    await same(other);
  });

  it('deleted and made again with other things in it: what was there stays there, the new is sent', async () => {
    const { local, remote, startWired } = await faultyPlace();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = startWired();
    await running.inSync();
    rmSync(local, { recursive: true });
    const noticedMs = await timed(running.event('rootGone'));
    expect(names(remote)).toEqual(['a', 'd', 'd/b']);
    fill(local, { 'other/x': 'x' });
    const back = await running.event('rootBack');
    expect(back).toMatchObject({ replaced: true });
    const equalMs = await timed(running.until('the new', () => names(remote).includes('other/x')));
    took('root deleted and made again', noticedMs, equalMs);
    expect(names(remote)).toEqual(['a', 'd', 'd/b', 'other', 'other/x']);
    // What comes and goes now is carried over as ever.
    fill(local, { 'other/y': 'y' });
    await running.until('y', () => names(remote).includes('other/y'));
    rmSync(join(local, 'other'), { recursive: true });
    fill(local, { z: '' });
    await running.until('other gone', () => !names(remote).includes('other'));
    expect(names(remote)).toEqual(['a', 'd', 'd/b', 'z']);
  });

  it('replaced by another directory from one moment to the next: the same', async () => {
    const { local, remote, startWired } = await faultyPlace();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = startWired();
    await running.inSync();
    mkdirSync(`${local}.new`);
    fill(`${local}.new`, { c: 'c' });
    renameSync(local, `${local}.old`);
    renameSync(`${local}.new`, local);
    await running.event('rootBack', ({ replaced }) => replaced === true);
    await running.until('the new', () => names(remote).includes('c'));
    expect(names(remote)).toEqual(['a', 'c', 'd', 'd/b']);
    // Not by what was started ahead in the old one.
    for (let n = 0; n < 3; n++) {
      writeFileSync(join(local, 'c'), `changed ${n}`);
      await running.until(`save ${n}`, () => readFileSync(join(remote, 'c'), 'utf8') === `changed ${n}`);
    }
    expect(running.events.filter(({ action }) => action === 'delete')).toEqual([]);
  });

  it('emptied: nothing is deleted, and it stops', async () => {
    const { local, remote, startWired } = await faultyPlace();
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = startWired();
    await running.inSync();
    for (const base of readdirSync(local)) rmSync(join(local, base), { recursive: true });
    expect(await running.ended).toBe(3);
    expect(names(remote)).toContain('a');
    expect(running.events.find((e) => e.event === 'halted')).toMatchObject({
      failure: { kind: 'guard', message: expect.stringMatching(/is empty now/) },
    });
  });

  it('unmounted: nothing is deleted; mounted again: all goes on', async ({ skip }) => {
    if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
    const { local, remote, startWired, same } = await faultyPlace();
    const image = mountSmall(local, 4);
    fill(local, { a: 'a', 'd/b': 'b' });
    const running = startWired();
    await running.inSync();
    const before = tree(remote);
    // Away as an unmounted disk is: another, empty directory is at its place.
    image.away();
    const noticedMs = await timed(running.event('rootGone'));
    // An rsync that starts now would find nothing here, and delete whatever it is asked for later.
    const old = processesOf(running, STANDBY);
    for (const pid of old) process.kill(pid, 'SIGKILL');
    const restarted = running.until(
      'new ones',
      () => processesOf(running, STANDBY).filter((pid) => !old.includes(pid)).length > 1,
      3_000,
    );
    await restarted.catch(() => {}); // there are none, where nothing can start in what is not there
    expect(tree(remote)).toEqual(before);
    image.back();
    writeFileSync(join(local, 'd/b'), 'changed after');
    const equalMs = await timed(same(running));
    took('root unmounted and mounted again', noticedMs, equalMs);
    expect(running.events.filter(({ action }) => action === 'delete')).toEqual([]);
    fill(local, { 'new/n': 'n' });
    await same(running);
    expect(await running.stop()).toBe(130);
  });
});
