import { existsSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { churn } from '../support/churn.js';
import { place } from '../support/cli.js';
import { canLimit, withLimit } from '../support/limits.js';
import { fill, temporaryDir } from '../support/tree.js';
import { directories, unwatched, watchedInodes } from '../support/watches.js';

const onLinux = process.platform === 'linux';

describe('the limits of the system', () => {
  it.skipIf(!onLinux)(
    'watches: how many directories there are, and the command that raises the limit',
    async ({ skip }) => {
      if (process.env['CI'] === undefined && !canLimit()) skip('no user namespaces here');
      const { local, remote, start } = place();
      for (let i = 0; i < 30; i++) fill(local, { [`d${i}/f`]: '' });
      const running = start([], { wrapper: withLimit('max_inotify_watches', 10) });
      expect(await running.ended).toBe(3);
      expect(running.events.at(-2)).toMatchObject({
        event: 'halted',
        failure: {
          message: expect.stringMatching(/the limit of inotify watches is reached: \S+ has 31 directories/),
          hint: expect.stringMatching(/sudo sysctl fs\.inotify\.max_user_watches=\d+/),
        },
      });
      expect(existsSync(remote)).toBe(false);
    },
  );

  it.skipIf(!onLinux)('instances: said at once instead of hanging', async ({ skip }) => {
    if (process.env['CI'] === undefined && !canLimit()) skip('no user namespaces here');
    const { local, start } = place();
    fill(local, { a: '' });
    const running = start([], { wrapper: withLimit('max_inotify_instances', 0) });
    expect(await running.ended).toBe(3);
    expect(running.events.at(-2)).toMatchObject({
      failure: { message: expect.stringMatching(/all inotify instances are in use/) },
    });
  });
});

describe('watches', () => {
  it.skipIf(!onLinux)('are complete after directories were made quickly, moved in, renamed and swapped', async () => {
    const { local, start, same } = place();
    fill(local, { 'p/q/r/f': '', 's/t/u/f': '' });
    const running = start();
    await running.inSync();
    for (let i = 0; i < 200; i++) fill(local, { [`quick/${i}/a/b/f`]: String(i) });
    const elsewhere = temporaryDir();
    for (let i = 0; i < 50; i++) fill(elsewhere, { [`in/${i}/x/f`]: String(i) });
    renameSync(join(elsewhere, 'in'), join(local, 'in'));
    renameSync(join(local, 'p'), join(local, 'swap'));
    renameSync(join(local, 's'), join(local, 'p'));
    renameSync(join(local, 'swap'), join(local, 's'));
    await running.until('every directory has a watch', () => {
      return unwatched(running, local).length === 0;
    });
    for (const dir of directories(local)) writeFileSync(join(dir, 'probe'), dir);
    await same(running);
  });

  it.skipIf(!onLinux)('are spared for excluded directories', async () => {
    const { local, start, same } = place();
    fill(local, { 'src/a': '' });
    for (let i = 0; i < 50; i++) fill(local, { [`node_modules/${i}/lib/f`]: '' });
    const running = start(['-x', 'node_modules/']);
    await running.inSync();
    const watched = watchedInodes(running);
    const excluded = directories(join(local, 'node_modules')).filter((dir) => watched.has(lstatSync(dir).ino));
    expect(excluded).toEqual([]);
    writeFileSync(join(local, 'src/b'), '');
    await same(running, (name) => name === 'node_modules');
  });
});

describe('a change that cancels out', () => {
  it('arrives: a file that is saved atomically and removed at once', async () => {
    const { local, remote, start, same } = place();
    fill(local, { 'd/e/f': 'before', 'd/g': '' });
    const running = start();
    await running.inSync();
    const [file, fresh] = [join(local, 'd/e/f'), join(local, 'd/e/fresh')];
    writeFileSync(fresh, 'after');
    renameSync(fresh, file);
    rmSync(file);
    await running.until('it is gone there', () => !existsSync(join(remote, 'd/e/f')));
    await same(running);
  });
});

describe('a storm of changes', () => {
  it.each([1, 2])('seed %i: once it is over both sides are equal', async (seed) => {
    const { local, start, same } = place();
    fill(local, { 'keep/this': '' });
    const running = start(['--no-default-excludes']);
    await running.inSync();
    await churn(local, seed, 2_000);
    await same(running);
    expect(running.events.filter((event) => event.event === 'halted')).toEqual([]);
  });
});
