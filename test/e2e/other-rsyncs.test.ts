import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Place, place, type Running } from '../support/cli.js';
import { startTestServer } from '../support/server-setup.js';
import { fill, names, temporaryDir, tree } from '../support/tree.js';

/** A place behind rrsync, as an authorized_keys file or ForceCommand starts it. */
async function restricted(...options: string[]): Promise<Place> {
  const base = temporaryDir();
  chmodSync(base, 0o777);
  const { server, stop } = await startTestServer([`ForceCommand /usr/bin/rrsync ${options.join(' ')} ${base}`]);
  onTestFinished(stop);
  return place({ ...server, hereBase: base, thereBase: '' }); // a path there begins where rrsync says
}

/** A place whose rsync there refuses these of its arguments, as a shell's pattern. */
function refusing(pattern: string, code: number): { there: Place; more: string[] } {
  const there = place();
  const wrapper = there.program(
    `#!/bin/sh\ncase " $* " in ${pattern}) echo 'not that' >&2; exit ${code} ;; esac\nexec rsync "$@"\n`,
  );
  return { there, more: ['--', `--rsync-path=${wrapper}`] };
}

/** What a day brings: new, changed within a second, renamed, deleted, something of others in a deleted directory. */
async function work({ local, remote }: Place, running: Running): Promise<void> {
  await running.inSync();
  // Times to the second: the most that some of these compare.
  const listed = (dir: string): string =>
    tree(dir, (name) => name.startsWith('gone'))
      .map((line) => line.replace(/\d{9}(",[^,]*)$/, '$1'))
      .join('\n');
  const same = (): Promise<boolean> => running.until('both are the same', () => listed(local) === listed(remote));
  writeFileSync(join(local, 'twice'), 'one');
  utimesSync(join(local, 'twice'), 1_700_000_000, 1_700_000_000.25);
  await same();
  writeFileSync(join(local, 'twice'), 'two');
  utimesSync(join(local, 'twice'), 1_700_000_000, 1_700_000_000.75);
  await running.until('the second one', () => readFileSync(join(remote, 'twice'), 'utf8') === 'two');
  writeFileSync(join(remote, 'gone/deep/theirs'), 'theirs');
  rmSync(join(local, 'gone'), { recursive: true });
  rmSync(join(local, 'kept/x*'));
  renameSync(join(local, 'dir'), join(local, 'renamed'));
  rmSync(join(local, 'thing'), { recursive: true });
  writeFileSync(join(local, 'thing'), 'a file now');
  await same();
  await running.until('what was ours is gone', () => names(join(remote, 'gone')).join() === 'deep,deep/theirs');
}

const TREE = {
  'gone/deep/mine': '1',
  'gone/mine': '2',
  'kept/x*': '3',
  'kept/xy': '4',
  'dir/a': '5',
  'dir/sub/b': '6',
  'thing/inside': '7',
  twice: '0',
};

describe('what the rsync there does not take', () => {
  it('behind rrsync all is brought and deleted', async () => {
    const there = await restricted();
    fill(there.local, TREE);
    await work(there, there.start());
  });

  it.each([
    ['marks for what is missing', '*" --delete-missing-args "*', 2],
    ['a negative time window', '*" -@-1 "*', 12],
    ['both', '*" --delete-missing-args "*|*" -@-1 "*', 1],
  ])('%s', async (_what, pattern, code) => {
    const { there, more } = refusing(pattern, code);
    fill(there.local, TREE);
    await work(there, there.start(more));
  });

  it('all deletions: said at the start, and each one fails', async () => {
    const there = await restricted('-no-del');
    fill(there.local, { a: 'a', b: 'b' });
    const running = there.start();
    await running.inSync();
    expect(running.stderr + running.stdout).toMatch(/deletions can't be carried over to there/);
    rmSync(join(there.local, 'a'));
    const failure = await running.event('pathFailed', ({ path }) => path === 'a');
    expect(JSON.stringify(failure)).toMatch(/can't be deleted there/);
    writeFileSync(join(there.local, 'b'), 'again');
    await running.until('b', () => readFileSync(join(there.remote, 'b'), 'utf8') === 'again');
    await running.stop();
    expect(existsSync(join(there.remote, 'a'))).toBe(true);
    const mirror = await there.run(['--delete', 'mirror', '--once']);
    expect(mirror.code).toBe(3);
    expect(mirror.stderr).toMatch(/mirror can't be had/);
    expect((await there.run(['--delete', 'never', '--once'])).stderr).not.toMatch(/deletions/);
  });

  it('anything, where it may only be read', async () => {
    const there = await restricted('-ro');
    fill(there.local, { a: 'a' });
    mkdirSync(there.remote);
    const { code, stderr } = await there.run(['--once']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/does not take what is sent: .*read-only/);
  });

  it('reading, where it may only be written', async () => {
    const there = await restricted('-wo');
    fill(there.local, TREE);
    await work(there, there.start());
  });
});
