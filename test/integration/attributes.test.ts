import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, linkSync, lstatSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nameFromText } from '../../src/core/name.js';
import { clear } from '../../src/sync/clear.js';
import { attributesOf, canChown, setAcl, setAttribute } from '../support/attributes.js';
import { bringWaiting } from '../support/deliver.js';
import { bring, inStep, rescan } from '../support/in-step.js';
import { canMount } from '../support/mount.js';
import { tree } from '../support/tree.js';

/** Owner and group of everything in the tree, itself too. */
const owners = (root: string): string[] =>
  tree(root).map((line) => {
    const [name = ''] = JSON.parse(line) as string[];
    const { uid, gid } = lstatSync(join(root, name));
    return `${name} ${uid}:${gid}`;
  });

const QUIET = { found: false, repaired: [] };

describe.runIf(canChown)('owner and group', () => {
  it('changed alone go over with -og, of files, directories, links and DIR; a rescan finds nothing', async () => {
    const { root, there, work, runs } = await inStep(['-og', '--numeric-ids']);
    chownSync(join(root, 'f'), 1234, 1234);
    chownSync(join(root, 'd'), 1234, -1 >>> 0);
    lchownSync(join(root, 'link'), 1234, 4321);
    chownSync(root, 4321, 4321);
    await bring(work);
    expect(owners(there)).toEqual(owners(root));
    expect(tree(there)).toEqual(tree(root));
    expect([...work.ledger.pending]).toEqual([]);
    expect(await rescan(work)).toEqual(QUIET);
    const before = runs.length;
    await bring(work);
    expect(runs.length).toBe(before);
  });

  it('a deletion leaves the owner of the target as it is', async () => {
    const { root, there, work } = await inStep(['-ogX']);
    chownSync(root, 1234, 1234);
    setAttribute(root, 'a', '1');
    await bring(work);
    await clear(work.ledger, work.runner, [nameFromText('f')]);
    expect(owners(there)[0]).toBe('. 1234:1234');
    expect(attributesOf(there)).toEqual(attributesOf(root));
  });

  it('where they do not go along lead to one look at the content, for it may have changed; nothing is sent', async () => {
    const { root, there, work, runs, sent } = await inStep([]);
    const before = runs.length;
    const were = owners(there);
    sent.length = 0;
    chownSync(join(root, 'f'), 1234, 1234);
    await bring(work);
    await bring(work);
    expect(runs.slice(before)).toEqual([expect.stringContaining('--checksum')]);
    expect(sent).toEqual([]);
    expect(owners(there)).toEqual(were);
    expect(await rescan(work)).toEqual(QUIET);
  });

  it('that the other side may not set (not root there) are tried once, and a rescan finds nothing', async () => {
    const { root, there, work, runs } = await inStep(['-og', '-M--no-super']);
    const before = owners(there);
    chownSync(join(root, 'f'), 1234, 4321);
    const begun = runs.length;
    await bring(work);
    expect(owners(there)).toEqual(before);
    expect([...work.ledger.pending]).toEqual([]);
    expect(runs.length).toBe(begun + 1);
    await bring(work);
    expect(runs.length).toBe(begun + 1);
    expect(await rescan(work)).toEqual(QUIET);
  });

  it('go along with a file that was renamed at the same time', async () => {
    const { root, there, work } = await inStep(['-og', '--numeric-ids']);
    renameSync(join(root, 'a/big'), join(root, 'd/bigger'));
    chownSync(join(root, 'd/bigger'), 1234, 1234);
    await bring(work);
    expect(owners(there)).toEqual(owners(root));
    expect(tree(there)).toEqual(tree(root));
    expect(await rescan(work)).toEqual(QUIET);
  });
});

describe.runIf(process.platform === 'linux')('attributes and ACLs', () => {
  it('changed alone go over with -X and -A, and are not sent again; a rescan finds nothing', async () => {
    const { root, there, work, runs, sent } = await inStep(['-X', '-A']);
    setAttribute(join(root, 'a/big'), 'colour', 'red');
    setAttribute(join(root, 'd'), 'colour', 'blue');
    setAcl(join(root, 'f'), 1234);
    sent.length = 0;
    await bring(work);
    for (const name of ['a/big', 'd', 'f']) {
      expect(attributesOf(join(root, name))).not.toEqual([]);
      expect(attributesOf(join(there, name))).toEqual(attributesOf(join(root, name)));
    }
    expect(sent).toEqual([]);
    setAttribute(join(root, 'a/big'), 'colour', 'green'); // of the same length
    await bring(work);
    expect(attributesOf(join(there, 'a/big'))).toEqual(['xattr.user.colour=green']);
    expect(tree(there)).toEqual(tree(root));
    expect(await rescan(work)).toEqual(QUIET);
    const before = runs.length;
    await bring(work);
    expect(runs.length).toBe(before);
  });

  it('a full pass finds what nobody told of, and says that it was missed only if it was', async () => {
    const { root, there, work } = await inStep(['-X']);
    setAttribute(join(root, 'f'), 'a', '1');
    expect(await rescan(work)).toMatchObject({ repaired: [] }); // just now: its event may be on its way
    expect(attributesOf(join(there, 'f'))).toEqual(['xattr.user.a=1']);
    await bringWaiting(work); // its content may have changed too
    setAttribute(join(there, 'f'), 'a', '2'); // somebody there
    expect(await rescan(work)).toMatchObject({ found: true, repaired: [{ kind: 'repaired' }] });
    expect(attributesOf(join(there, 'f'))).toEqual(['xattr.user.a=1']);
  });

  it('a hard link, and a mode that is changed and changed back, are looked at by rsync, and nothing is sent', async () => {
    const { root, there, work, sent } = await inStep(['-X']);
    linkSync(join(root, 'a/big'), join(root, 'a/again'));
    const { mode } = lstatSync(join(root, 'f'));
    chmodSync(join(root, 'f'), 0o600);
    chmodSync(join(root, 'f'), mode);
    sent.length = 0;
    await bring(work);
    expect(sent.filter((name) => name !== 'a/again')).toEqual([]);
    expect(tree(there)).toEqual(tree(root));
    expect([...work.ledger.pending]).toEqual([]);
  });

  it.runIf(canMount())(
    'what the file system there can not take fails by itself, said once; the rest goes on',
    async () => {
      const { root, there, work, failed } = await inStep(['-X'], (at) => {
        mkdirSync(at);
        execFileSync('mount', ['-t', 'ramfs', 'syncwatch-test', at]); // it has none
        onTestFinished(() => void spawnSync('umount', ['--lazy', at]));
      });
      setAttribute(join(root, 'f'), 'a', '1');
      writeFileSync(join(root, 'd/x'), 'changed');
      await bring(work);
      expect(tree(there)).toEqual(tree(root));
      expect(failed).toEqual(['f: the file system there takes no such ACL or extended attribute']);
      expect([...work.ledger.pending].map(([name]) => name)).toEqual(['f']);
    },
  );
});
