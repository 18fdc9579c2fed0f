import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, type Running, run } from '../support/cli.js';
import { fill, names } from '../support/tree.js';

/** What a path may have, in bytes, with the NUL at its end (PATH_MAX). */
const MOST = process.platform === 'darwin' ? 1_024 : 4_096;

/** Makes directories in one another with names of so many letters, and a file in each: no path leads to the last of them. */
function dig(dir: string, letter = 'x', levels = 20, letters = 250): void {
  const script = `
    const { mkdirSync, writeFileSync } = require('node:fs');
    const [, dir, name, levels] = process.argv;
    process.chdir(dir);
    for (let i = 0; i < Number(levels); i++) {
      mkdirSync(name);
      process.chdir(name);
      writeFileSync('f', String(i));
    }`;
  execFileSync(process.execPath, ['-e', script, dir, letter.repeat(letters), String(levels)]);
}

const remove = (path: string): void => void execFileSync('rm', ['-rf', path]);

/** What can't be synced, or (in Docker) can't be seen from here; and what git keeps. */
const isTooLong =
  ({ local, remote }: Place) =>
  (name: string): boolean =>
    name === '.git' || Math.max(local.length, remote.length) + 1 + name.length >= MOST;

/** The deepest directory that has a path here which leaves room for a short name. */
function deepest({ local }: Place, letter = 'x', letters = 250): string {
  let path = local;
  while (path.length + 1 + letters + '/short'.length < MOST) path = join(path, letter.repeat(letters));
  return path;
}

const failures = (running: Running) => running.events.filter(({ event }) => event === 'pathFailed');

describe('a path that is longer than the system takes', () => {
  it('--once: is said and skipped, and all the rest is there; a mirror goes on too', async () => {
    const there = place();
    const { local, remote } = there;
    fill(local, { a: 'a', 'd/b': 'b' });
    dig(local);
    there.fillRemote({ 'only-there': '' });
    for (const more of [[], ['--delete', 'mirror']]) {
      const { code, stdout, stderr } = await there.run(['--once', ...more]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/x{250}\/x{250} FAILED: its path is longer than the system takes/);
      expect(stdout + stderr).toMatch(/1 NOT there yet/);
      expect(names(remote, isTooLong(there)).filter((name) => !/^x/.test(name))).toEqual(
        more.length === 0 ? ['a', 'd', 'd/b', 'only-there'] : ['a', 'd', 'd/b'],
      );
      expect(names(local, isTooLong(there)).filter((name) => !names(remote, isTooLong(there)).includes(name))).toEqual(
        [],
      );
    }
    expect(await there.run(['--dry-run'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/FAILED: its path is longer/),
    });
    const { stdout } = await run(['doctor', ...there.args, local], { env: there.env });
    expect(stdout).toMatch(/WARNING {2}long paths: 1 path: its path is longer/);
    // Left out by a rule, it is nobody's concern.
    expect(await there.run(['--once', '--exclude', 'x'.repeat(250)])).toMatchObject({ code: 0, stderr: '' });
  });

  it('at the start and while it runs: the rest is watched and sent, beside it too', async () => {
    const there = place();
    const { local, remote, env } = there;
    execFileSync('git', ['init', '-q', local]);
    fill(local, { a: 'a', 'd/b': 'b', '.gitignore': 'ignored\n' });
    dig(local);
    const running = there.start();
    await running.inSync();
    expect(failures(running).length).toBe(1);
    writeFileSync(join(local, 'd/b'), 'changed');
    writeFileSync(join(deepest(there), 'short'), 'beside what is too long');
    await there.same(running, isTooLong(there));
    // One that comes while it runs, and goes again.
    dig(join(local, 'd'), 'y');
    await running.until('the second one', () => failures(running).length === 2);
    fill(local, { 'new/e/f': 'f' });
    await there.same(running, isTooLong(there));
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0, stderr: '' });
    remove(join(local, 'd', 'y'.repeat(250)));
    // What is moved out of reach is removed there, and what comes into reach is brought.
    fill(local, { [`m/${'m'.repeat(200)}/${'n'.repeat(200)}/file`]: 'moved' });
    await there.same(running, isTooLong(there));
    renameSync(join(local, 'm'), join(deepest(there), 'm'));
    await running.until('the third one', () => failures(running).length === 3);
    await there.same(running, isTooLong(there));
    expect(names(remote, isTooLong(there)).filter((name) => name.endsWith('/file'))).toEqual([]);
    renameSync(join(deepest(there), 'm'), join(local, 'm'));
    await there.same(running, isTooLong(there));
    remove(join(local, 'x'.repeat(250)));
    await there.same(running, isTooLong(there));
    expect(failures(running).length).toBe(3);
    expect(running.events.filter(({ event }) => event === 'trouble')).toEqual([]);
    expect(await running.stop()).toBe(130);
    expect(running.events.find((e) => e.event === 'stopped')?.['summary']).toMatchObject({ unsent: [] });
  });
});
