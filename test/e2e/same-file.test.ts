import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, type Running } from '../support/cli.js';
import { fill, names, temporaryDir } from '../support/tree.js';

const TIME = 1_600_000_000;

/** Gives a file content and this fixed time. */
function write(path: string, content: string): void {
  writeFileSync(path, content);
  utimesSync(path, TIME, TIME);
}

/** An archive of these files, all of one time, as reproducible builds make them. */
function archive(files: Readonly<Record<string, string>>): string {
  const dir = temporaryDir();
  fill(join(dir, 'in'), files);
  execFileSync('tar', ['-C', join(dir, 'in'), `--mtime=@${TIME}`, '-cf', join(dir, 'tar'), '.']);
  return join(dir, 'tar');
}

const OLD = 'old content';
const NEW = 'new content';

/** Other content at the same size and time, made in ways in which people and programs make it. */
const WAYS: Readonly<Record<string, (path: string) => void>> = {
  'cp -p over it': (path) => {
    const other = join(temporaryDir(), 'other');
    write(other, NEW);
    execFileSync('cp', ['-p', other, path]);
  },
  'tar x over the tree': (path) => {
    const [dir, base] = [join(path, '..'), path.slice(path.lastIndexOf('/') + 1)];
    execFileSync('tar', ['-C', dir, '-xf', archive({ [base]: NEW })]);
  },
  'removed and made again': (path) => {
    rmSync(path);
    write(path, NEW);
  },
  'written, then touch -r': (path) => {
    const reference = join(temporaryDir(), 'reference');
    execFileSync('touch', ['-r', path, reference]);
    writeFileSync(path, NEW);
    execFileSync('touch', ['-r', reference, path]);
  },
  'a part of it written in place': (path) => {
    execFileSync('dd', [`of=${path}`, 'conv=notrunc', 'status=none'], { input: NEW.slice(0, 3) });
    utimesSync(path, TIME, TIME);
  },
  'another moved over it': (path) => {
    write(`${path}.new`, NEW);
    renameSync(`${path}.new`, path);
  },
  'written through another name of it': (path) => {
    const other = join(path, '..', '..', 'outside');
    linkSync(path, other);
    write(other, NEW);
    rmSync(other);
  },
};

const trees = (root: string): string[] =>
  names(root).map((name) => `${name} ${lstatSync(join(root, name)).isFile() ? readFileSync(join(root, name)) : ''}`);

const equal = (running: Running, local: string, remote: string): Promise<boolean> =>
  running.until('the same content', () => JSON.stringify(trees(local)) === JSON.stringify(trees(remote)));

/** What was sent from event number `from` on. */
const sentIn = (running: Running, from = 0) =>
  running.events
    .slice(from)
    .filter(({ event }) => event === 'delivered')
    .flatMap(({ items }) => items as ReadonlyArray<{ path: string; action: string }>)
    .filter(({ action }) => action === 'send')
    .map(({ path }) => path);

describe('other content at the same size and time', () => {
  const files = Object.fromEntries(Object.keys(WAYS).map((_, i) => [`f${i}`, OLD]));

  it('is sent while it runs, however it was made', async () => {
    const { local, remote, start } = place();
    fill(local, files);
    for (const name of Object.keys(files)) utimesSync(join(local, name), TIME, TIME);
    const running = start();
    await running.inSync();
    for (const [i, change] of Object.values(WAYS).entries()) change(join(local, `f${i}`));
    await equal(running, local, remote);
    expect([...new Set(sentIn(running))].sort()).toEqual(Object.keys(files));
  });

  it('is sent at the next start, or with --once', async () => {
    const { local, remote, start, run } = place();
    fill(local, { ...files, same: OLD });
    for (const name of Object.keys(files)) utimesSync(join(local, name), TIME, TIME);
    expect((await run(['--once'])).code).toBe(0);
    const half = Math.ceil(Object.keys(WAYS).length / 2);
    for (const [i, change] of Object.values(WAYS).entries()) if (i < half) change(join(local, `f${i}`));
    expect((await run(['--once'])).code).toBe(0);
    expect(trees(remote)).toEqual(trees(local));
    for (const [i, change] of Object.values(WAYS).entries()) if (i >= half) change(join(local, `f${i}`));
    const running = start();
    await equal(running, local, remote);
    expect(sentIn(running)).not.toContain('same');
  });
});

describe('other content at the same size and time, after a kill -9', () => {
  const rounds = ['while it ran', 'while it did not run, twice killed'];

  it.each(rounds)('is sent, of what was never saved as delivered: %s', async (when) => {
    const { local, remote, start } = place();
    const files = Object.fromEntries(Object.keys(WAYS).map((_, i) => [`d/f${i}`, OLD]));
    fill(local, { ...files, 'x/in': OLD, 'y/in': NEW, 'z/old': OLD });
    for (const name of names(local)) utimesSync(join(local, name), TIME, TIME);
    const running = start();
    await running.inSync();
    await running.stop('SIGKILL');
    for (const [i, change] of Object.values(WAYS).entries()) change(join(local, `d/f${i}`));
    // what is in a directory that was renamed has no mark of it
    renameSync(join(local, 'x'), join(local, 't'));
    renameSync(join(local, 'y'), join(local, 'x'));
    renameSync(join(local, 't'), join(local, 'y'));
    if (when !== rounds[0]) {
      const second = start();
      await second.event('watching');
      await second.stop('SIGKILL');
    }
    await equal(start(), local, remote);
  });
});

describe('one version unpacked in the place of another', () => {
  const big = (text: string): string => text.repeat(200_000);
  const first = (): string => archive({ 'v1.0/lib.so': big('first '), 'v1.0/a/b.so': big('FIRST '), 'v1.0/doc': 'x' });
  const second = (): string => archive({ 'v1.1/lib.so': big('other '), 'v1.1/a/b.so': big('OTHER '), 'v1.1/doc': 'y' });

  it('is never taken for the old one that was moved', async () => {
    const { local, remote, start } = place();
    write(join(local, 'beside'), 'so that it is never empty'); // which would end it, on a machine that is slow to unpack
    execFileSync('tar', ['-C', local, '-xf', first()]);
    const running = start();
    await running.inSync();
    for (const [old, next, tar] of [
      ['v1.0', 'v1.1', second()],
      ['v1.1', 'v1.0', first()],
    ] as const) {
      const inodes = new Set(names(join(local, old)).map((name) => lstatSync(join(local, old, name)).ino));
      rmSync(join(local, old), { recursive: true });
      execFileSync('tar', ['-C', local, '-xf', tar]);
      // ext4 hands the same numbers out again; elsewhere there is nothing to be mistaken about.
      const reused = names(join(local, next)).filter((name) => inodes.has(lstatSync(join(local, next, name)).ino));
      expect(reused.length).toBeGreaterThanOrEqual(0);
      await equal(running, local, remote);
    }
  });

  it.each<[string, (at: (name: string) => string) => void]>([
    [
      'two that changed their names',
      (at) => {
        renameSync(at('d/a'), at('t'));
        renameSync(at('d/b'), at('d/a'));
        renameSync(at('t'), at('d/b'));
      },
    ],
    [
      'three that did',
      (at) => {
        renameSync(at('d/a'), at('t'));
        renameSync(at('d/b'), at('d/a'));
        renameSync(at('d/c'), at('d/b'));
        renameSync(at('t'), at('d/c'));
      },
    ],
    ['one that got the name of a neighbour elsewhere', (at) => renameSync(at('d/a'), at('e/b'))],
  ])('nor are files of one size and time taken for each other: %s', async (_what, change) => {
    const { local, remote, start } = place();
    const at = (name: string): string => join(local, name);
    for (const dir of ['d', 'e']) mkdirSync(at(dir));
    for (const name of ['a', 'b', 'c']) write(at(`d/${name}`), big(`file ${name} `));
    const running = start();
    await running.inSync();
    change(at);
    await equal(running, local, remote);
  });

  it('nor is a file that was written to, given its old time and moved to another directory', async () => {
    const { local, remote, start } = place();
    mkdirSync(join(local, 'to'));
    mkdirSync(join(local, 'from'));
    write(join(local, 'from/big'), big('before '));
    const running = start();
    await running.inSync();
    writeFileSync(join(local, 'from/big'), big('behind '));
    utimesSync(join(local, 'from/big'), TIME, TIME);
    renameSync(join(local, 'from/big'), join(local, 'to/big'));
    await equal(running, local, remote);
  });
});

describe('what does not touch the content', () => {
  it('sends no data: modes, hard links, a copy of the same content over it', async () => {
    const { local, remote, start, same } = place();
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`d${i % 5}/f${i}`, `${OLD} ${i}`]));
    fill(local, files);
    const running = start();
    await running.inSync();
    const from = running.events.length;
    execFileSync('chmod', ['-R', 'go-rwx', local]);
    chmodSync(local, 0o700);
    await same(running);
    linkSync(join(local, 'd1/f1'), join(local, 'd1/linked'));
    await same(running);
    copyFileSync(join(local, 'd2/f2'), join(local, '..', 'copy'));
    execFileSync('touch', ['-r', join(local, 'd2/f2'), join(local, '..', 'copy')]);
    execFileSync('cp', ['-p', join(local, '..', 'copy'), join(local, 'd2/f2')]);
    await same(running);
    writeFileSync(join(local, 'last'), 'last');
    await running.event('delivered', (e) => JSON.stringify(e['items']).includes('"last"'), from);
    expect(sentIn(running, from)).toEqual(['d1/linked', 'last']);
    expect(names(remote)).toEqual(names(local));
  });
});
