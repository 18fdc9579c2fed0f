import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { childrenOf } from '../../fixtures/sshd/throwaway.mjs';
import { churn } from '../support/churn.js';
import { place, type Running } from '../support/cli.js';
import { fill, temporaryDir } from '../support/tree.js';

const onLinux = process.platform === 'linux';

/** A command prefix with inotify limits of its own (user namespaces count them apart), so that nobody else notices. */
function withLimit(name: 'max_inotify_watches' | 'max_inotify_instances', value: number): string[] {
  const script = `echo ${value} > /proc/sys/user/${name} && exec "$@"`;
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'];
}

/** Whether such a limit can be set here. */
function canLimit(): boolean {
  const [file = '', ...args] = [...withLimit('max_inotify_watches', 100), 'true'];
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

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

/** The inodes of every directory that some process of this syncwatch watches: /proc/PID/fdinfo, proc(5). */
function watchedInodes(running: Running): Set<number> {
  const found = new Set<number>();
  for (const pid of childrenOf(running.child.pid ?? 0)) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
        for (const match of readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').matchAll(
          /^inotify .*\bino:([0-9a-f]+)/gm,
        )) {
          found.add(Number.parseInt(match[1] ?? '', 16));
        }
      }
    } catch {
      // the process or the descriptor is gone
    }
  }
  return found;
}

const directories = (root: string): string[] => [
  root,
  ...readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name)),
];

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
      const watched = watchedInodes(running);
      return directories(local).every((dir) => watched.has(lstatSync(dir).ino));
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
