import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, type Running, run } from '../support/cli.js';
import { MASTER, processesOf } from '../support/faulty.js';
import { fill } from '../support/tree.js';

const folderOf = ({ env }: Place): string => join(env['XDG_RUNTIME_DIR'] ?? '', 'syncwatch');

/** Removes what has such a name there. */
const removeOne = (where: Place, ending: RegExp): void => {
  const found = readdirSync(folderOf(where)).filter((base) => ending.test(base));
  expect(found.length).toBe(1);
  for (const base of found) rmSync(join(folderOf(where), base), { recursive: true });
};

const troubles = (running: Running) => running.events.filter(({ event }) => event === 'trouble' || event === 'halted');

/** All is as before: it is found, a save arrives, a command runs there, and there is one connection. */
async function expectAllWell(where: Place, running: Running): Promise<void> {
  const { local, env } = where;
  writeFileSync(join(local, 'a'), `changed at ${performance.now()}`);
  expect(await run(['flush', local], { env })).toMatchObject({ code: 0, stderr: '' });
  await where.same(running);
  await running.until('one connection', () => processesOf(running, MASTER).length === 1);
  const exec = await running.until('a socket for exec', () =>
    readdirSync(folderOf(where)).some((base) => /\.ssh2?$/.test(base)),
  );
  expect(exec).toBe(true);
  expect(await run(['exec', local, '--', 'cat', 'a'], { env })).toMatchObject({
    code: 0,
    stdout: readFileSync(join(local, 'a'), 'utf8'),
  });
  expect(troubles(running)).toEqual([]);
}

describe('the runtime folder, while it runs', () => {
  it('removed: nobody else gets in, all of it comes back, and nothing is lost or said to be', async () => {
    const there = place();
    const { local, start } = there;
    fill(local, { a: 'a' });
    const running = start();
    await running.inSync();
    for (const folder of [folderOf(there), join(there.env['XDG_STATE_HOME'] ?? '', 'syncwatch')])
      rmSync(folder, { recursive: true });
    const second = await there.run(['--once']);
    expect(second).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`another syncwatch (pid ${running.child.pid}) already syncs`),
    });
    await expectAllWell(there, running);
    rmSync(folderOf(there), { recursive: true });
    await expectAllWell(there, running);
    expect(await running.stop()).toBe(130);
    expect(existsSync(folderOf(there)) ? readdirSync(folderOf(there)) : []).toEqual([]);
  });

  it.each([
    ['the socket', /\.sock$/],
    ['the socket of the connection', /\.ssh$/],
  ])('without %s: it comes back', async (_what, ending) => {
    const there = place();
    fill(there.local, { a: 'a' });
    const running = there.start();
    await running.inSync();
    removeOne(there, ending);
    await running.until(
      'it is back',
      () => readdirSync(folderOf(there)).filter((base) => /\.(sock|ssh2?)$/.test(base)).length === 2,
    );
    await expectAllWell(there, running);
  });

  it('without what the watcher needs of it: another watcher takes over, and nothing is missed', async () => {
    const there = place();
    fill(there.local, { a: 'a', 'd/b': 'b' });
    const running = there.start();
    await running.inSync();
    removeOne(there, /\.beat$/);
    fill(there.local, { 'd/e/f/g': 'g' }); // new directories: the watcher is renewed
    await running.until('it is back', () => readdirSync(folderOf(there)).some((base) => base.endsWith('.beat')));
    await expectAllWell(there, running);
  });

  it('gone for good, as at logout, or taken by another user: it goes on elsewhere', async () => {
    const there = place();
    const { local, env } = there;
    fill(local, { a: 'a' });
    const running = there.start();
    await running.inSync();
    const runtime = env['XDG_RUNTIME_DIR'] ?? '';
    renameSync(runtime, `${runtime}.away`);
    mkdirSync(runtime, { mode: 0o755 });
    if (userInfo().uid === 0) chownSync(runtime, 65_534, 65_534);
    else writeFileSync(join(runtime, 'syncwatch'), '');
    writeFileSync(join(local, 'a'), 'changed');
    expect(await run(['flush', local], { env })).toMatchObject({ code: 0, stderr: '' });
    await there.same(running);
    expect(await run(['exec', local, '--', 'cat', 'a'], { env })).toMatchObject({ code: 0, stdout: 'changed' });
    const another = { ...env, XDG_RUNTIME_DIR: `${runtime}.away` };
    expect(await there.run(['--once'], { env: another })).toMatchObject({ code: 3 });
    expect(troubles(running)).toEqual([]);
    expect(await running.stop()).toBe(130);
  });

  it('removed during an upload: that is not cut, and what is saved meanwhile goes ahead', async () => {
    const there = place();
    const { local, remote, start } = there;
    fill(local, { a: 'a' });
    const running = start(['--bwlimit', '4m']);
    await running.inSync();
    writeFileSync(`${local}.big`, 'x'.repeat(20_000_000));
    renameSync(`${local}.big`, join(local, 'big')); // as a whole: it is large from the beginning
    await running.event('started', ({ path }) => path === 'big');
    rmSync(folderOf(there), { recursive: true });
    for (let n = 0; n < 4; n++) {
      writeFileSync(join(local, `small${n}`), '');
      await running.until('the small one', () => existsSync(join(remote, `small${n}`)));
    }
    expect(existsSync(join(remote, 'big'))).toBe(false);
    await there.same(running);
    expect(running.events.filter(({ event, path }) => event === 'started' && path === 'big').length).toBe(1);
    await expectAllWell(there, running);
  });
});
