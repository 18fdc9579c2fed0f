import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Running, run } from '../support/cli.js';
import { asOrdinary, OTHER_UID } from '../support/other-user.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

const isRoot = userInfo().uid === 0;

/** As an ordinary user: root may write anywhere. */
const wrapper = asOrdinary;

function open(dir: string): void {
  chmodSync(dir, 0o755);
  for (const each of readdirSync(dir, { withFileTypes: true })) if (each.isDirectory()) open(join(dir, each.name));
}

/** A directory that its owner may not write to, with what is in it, at these names. */
function closed(root: string, files: Readonly<Record<string, string>>, ...dirs: readonly string[]): void {
  fill(root, files);
  giveAll(root);
  for (const dir of dirs) chmodSync(join(root, dir), 0o555);
}

function giveAll(path: string): void {
  if (!isRoot) return;
  chownSync(path, OTHER_UID, OTHER_UID);
  for (const name of names(path)) chownSync(join(path, name), OTHER_UID, OTHER_UID);
}

function ordinary() {
  const base = temporaryDir();
  for (const name of ['run', 'state', 'home', 'here', 'there']) mkdirSync(join(base, name), { mode: 0o700 });
  const [here, there] = [join(base, 'here'), join(base, 'there')];
  giveAll(base);
  chmodSync(base, 0o755);
  const env = { XDG_STATE_HOME: join(base, 'state'), XDG_RUNTIME_DIR: join(base, 'run'), HOME: join(base, 'home') };
  return { here, there, args: ['--to', there, here], options: { env, wrapper } };
}

const TREE = { 'd/f': '1', 'd/e/g': '2', 'd/e/h/i': '3', x: 'x' };
const CLOSED = ['d/e/h', 'd/e', 'd'] as const;

describe('directories that may not be written to, of an ordinary user', () => {
  it('go there too when they were removed here, whether it was seen or not', async () => {
    const { here, there, args, options } = ordinary();
    closed(here, TREE, ...CLOSED);
    expect(await run([...args, '--once'], options)).toMatchObject({ code: 0 });
    expect(tree(there)).toEqual(tree(here));
    open(join(here, 'd'));
    rmSync(join(here, 'd'), { recursive: true });
    expect(await run([...args, '--once'], options)).toMatchObject({ code: 0, stderr: '' });
    expect(names(there)).toEqual(['x']);

    const running = new Running([...args, '--json'], options);
    await running.inSync();
    closed(here, TREE, ...CLOSED);
    expect(await run(['flush', here], options)).toMatchObject({ code: 0 });
    expect(tree(there)).toEqual(tree(here));
    open(join(here, 'd'));
    rmSync(join(here, 'd'), { recursive: true });
    await running.until('it is gone there', () => names(there).join() === 'x');
    closed(here, TREE, ...CLOSED);
    expect(await run(['flush', here], options)).toMatchObject({ code: 0 });
    expect(names(there)).toContain('d/e/h/i');
    open(join(here, 'd'));
    rmSync(join(here, 'd'), { recursive: true });
    writeFileSync(join(here, 'd'), 'a file');
    giveAll(here);
    await running.until('a file in its place', () => names(there).join() === 'd,x');
    expect(running.events.filter(({ event }) => event === 'pathFailed')).toEqual([]);
    expect(await running.stop()).toBe(130);
  });

  it('keep what is not ours, and go from a mirror', async () => {
    const { here, there, args, options } = ordinary();
    closed(here, TREE, ...CLOSED);
    expect(await run([...args, '--once'], options)).toMatchObject({ code: 0 });
    open(join(there, 'd'));
    fill(there, { 'd/e/theirs': '' });
    closed(there, {}, ...CLOSED);
    open(join(here, 'd'));
    rmSync(join(here, 'd'), { recursive: true });
    expect(await run([...args, '--once'], options)).toMatchObject({ code: 0, stderr: '' });
    expect(names(there)).toEqual(['d', 'd/e', 'd/e/theirs', 'x']);
    closed(there, { 'other/a/b': '' }, 'other/a', 'other');
    closed(there, {}, 'd/e', 'd');
    const mirror = [...args, '--once', '--delete', 'mirror', '--max-delete', '100'];
    expect(await run(mirror, options)).toMatchObject({ code: 0, stderr: '' });
    expect(names(there)).toEqual(['x']);
  });

  it('are found under their new name when they were renamed', async () => {
    const { here, there, args, options } = ordinary();
    closed(here, TREE, 'd/e/h', 'd/e');
    const running = new Running([...args, '--json'], options);
    await running.inSync();
    renameSync(join(here, 'd/e'), join(here, 'd/other'));
    await running.until('both are the same', () => JSON.stringify(tree(there)) === JSON.stringify(tree(here)));
    expect(running.events.filter(({ event }) => event === 'pathFailed')).toEqual([]);
    expect(await running.stop()).toBe(130);
    open(here);
    open(there);
  });
});
