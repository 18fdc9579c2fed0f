import { chmodSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RSYNC_OPTIONS } from '../../src/core/rsync/options.js';
import { bring, extrasOf, inStep, rescan } from '../support/in-step.js';
import { tree } from '../support/tree.js';

/** Names and contents, without permissions and times; of a link not what is behind it. */
const contents = (root: string): string[] =>
  tree(root).map((line) => {
    const [name, type, , , content] = JSON.parse(line) as string[];
    return JSON.stringify([name, content, type === 'dir']);
  });

/** All that may follow the `--`, in lists of what goes well together, and what must be the same on both sides then. */
const LISTS: ReadonlyArray<readonly [words: readonly string[], look: typeof contents]> = [
  [['-ogAX', '--numeric-ids', '--super', '-lpt'], tree],
  [['--owner', '--group', '--acls', '--xattrs', '--no-o', '--no-g', '--no-A', '--no-X'], tree],
  [['--usermap=*:0', '--groupmap=*:0', '--no-super', '--no-numeric-ids'], tree],
  [['--chown=0:0', '--chmod=F600'], contents],
  [['--no-perms', '-E'], contents],
  [['-O', '-J'], contents],
  [['-zz', '--zc=zlibx', '--zl=3', '--skip-compress=gz/jpg', '--no-i-r', '-B4096', '--no-W'], tree],
  [['--old-compress', '--zt=1', '-W', '--bwlimit=500m', '--max-alloc=1g', '--inc-recursive'], tree],
  [['--new-compress', '--no-compress', '--no-bwlimit', '--no-open-noatime'], tree],
  [['-c', '--cc=md5', '--checksum-seed=7', '--open-noatime', '--rsync-path', 'rsync'], tree],
  [['-c', '--no-c', '-y', '-S', '--preallocate', '--fsync'], tree],
  [['-y', '--no-y', '-S', '--no-S', '-OJ', '--no-O', '--no-J'], tree],
  // A link is a file there, with what it leads to in it.
  [['-M--fake-super', '-ogX'], contents],
];

describe('with what may follow the --', () => {
  it('all of it is here', () => {
    const tested = new Set(LISTS.flatMap(([words]) => extrasOf(words).map(({ name }) => name)));
    const known = RSYNC_OPTIONS.filter(({ use }) => use.kind === 'allowed' && use.runs !== 'none');
    expect(known.map(({ name }) => name).filter((name) => !tested.has(name))).toEqual([]);
  });

  it.each(LISTS)('%j: edits, renames and deletions go over, and a rescan finds nothing', async (words, look) => {
    const { root, there, work } = await inStep(words);
    expect(look(there)).toEqual(look(root));

    writeFileSync(join(root, 'f'), 'two, longer');
    const { atime, mtime } = statSync(join(root, 'same'));
    writeFileSync(join(root, 'same'), 'bbbb');
    utimesSync(join(root, 'same'), atime, new Date(mtime.getTime() + 1));
    renameSync(join(root, 'a/big'), join(root, 'd/bigger'));
    rmSync(join(root, 'd/x'));
    rmSync(join(root, 'sub'), { recursive: true });
    rmSync(join(root, 'link'));
    symlinkSync('d', join(root, 'link'));
    chmodSync(join(root, 'd/y'), 0o640);
    await bring(work);
    expect(look(there)).toEqual(look(root));
    expect([...work.ledger.pending]).toEqual([]);

    expect(await rescan(work)).toEqual({ found: false, repaired: [] });
  });
});
