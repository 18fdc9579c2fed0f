import { mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import { readMountInfo } from '../../src/core/place/mounts.js';
import { silentParts } from '../../src/scan/mount-table.js';
import { Mounts } from '../../src/scan/mounts.js';
import type { KnownMounts } from '../../src/state/mounts-file.js';
import { MountGuard } from '../../src/watch/mount-guard.js';
import { fill, temporaryDir } from '../support/tree.js';

const [m, n] = ['m', 'm/n'].map(nameFromText) as [Name, Name];

/** A root with directories that stand for file systems: mounting is renaming one into its place. */
function world(mountedAtStart: readonly Name[] = [m]) {
  const root = temporaryDir();
  const elsewhere = temporaryDir();
  fill(root, { 'm/x': 'x', a: 'a' });
  const table = new Set<Name>(mountedAtStart);
  const told: string[] = [];
  const mounts = new Mounts();
  let release = (): void => {};
  const guard = new MountGuard({
    root,
    mounts,
    rootIsThere: () => true,
    forget: (name) => {
      told.push(`forget ${name}`);
      return new Promise((resolve) => {
        release = resolve;
      });
    },
    onGone: (name, isBare) => void told.push(`${name} gone${isBare ? ', in use' : ''}`),
    onBack: (name, isReplaced) => void told.push(`${name} back${isReplaced ? ', another' : ''}`),
    onChange: () => void told.push('look'),
    table: () => [...table],
  });
  return {
    root,
    table,
    told,
    mounts,
    guard,
    forgotten: () => release(),
    unmount: (point: Name, under: Readonly<Record<string, string>> = {}) => {
      renameSync(join(root, point), join(elsewhere, String(told.length)));
      fill(join(root, point), { './': '', ...under });
      table.delete(point);
      return String(told.length);
    },
    mount: (point: Name, kept: string) => {
      rmSync(join(root, point), { recursive: true });
      renameSync(join(elsewhere, kept), join(root, point));
      table.add(point);
    },
  };
}

describe('the guard of mount points', () => {
  it('holds all of one that goes, until it is back', () => {
    const { guard, mounts, told, unmount, mount } = world();
    guard.look();
    expect([mounts.isAway(m), mounts.isOn(nameFromText('m/x')), mounts.age, told]).toEqual([false, true, 1, []]);
    const kept = unmount(m);
    guard.look();
    guard.look();
    expect([mounts.isAway(m), mounts.isAway(nameFromText('m/x')), mounts.isAway(nameFromText('mm'))]).toEqual([
      true,
      true,
      false,
    ]);
    expect(told).toEqual(['m gone']);
    mount(m, kept);
    guard.look();
    expect([mounts.isAway(m), told]).toEqual([false, ['m gone', 'm back', 'look']]);
  });

  it('keeps what leads to one that went with its directories', () => {
    const { guard, mounts, unmount, root } = world([nameFromText('m/deep/n')]);
    fill(root, { 'm/deep/n/x': '' });
    guard.reset();
    unmount(nameFromText('m/deep/n'));
    rmdirSync(join(root, 'm/deep/n'));
    guard.look();
    expect(['m', 'm/deep', 'm/deep/n', 'm/other'].map((name) => mounts.isHeld(nameFromText(name)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('has another one in its place forgotten first, and that is away until it is', async () => {
    const { guard, mounts, told, unmount, forgotten, table } = world();
    unmount(m, { other: '' });
    table.add(m);
    guard.look();
    guard.look();
    expect([mounts.isAway(m), told]).toEqual([true, ['m back, another', 'forget m']]);
    forgotten();
    await vi.waitFor(() => expect(told.at(-1)).toBe('look'));
    expect([mounts.isAway(m), guard.known.get(m)?.isBare]).toEqual([false, false]);
  });

  it('takes the directory itself, where it holds something, for what it is, and still knows what was there', async () => {
    const { guard, mounts, told, unmount, mount, forgotten } = world();
    const kept = unmount(m, { '.keep': '' });
    guard.look();
    forgotten();
    await vi.waitFor(() => expect(told).toEqual(['m gone, in use', 'forget m', 'look']));
    expect([mounts.isAway(m), mounts.isBare(nameFromText('m/x')), mounts.isOn(m)]).toEqual([false, true, false]);
    mount(m, kept);
    guard.look();
    expect(told.slice(3)).toEqual(['m back', 'forget m']);
    forgotten();
    await vi.waitFor(() => expect(told.at(-1)).toBe('look'));
    expect([mounts.isBare(m), mounts.isOn(m)]).toEqual([false, true]);
  });

  it('has what is mounted over files forgotten, and lets go what was mounted in one that was replaced', async () => {
    const { guard, told, unmount, forgotten, table, root } = world();
    mkdirSync(join(root, n));
    table.add(n);
    guard.look();
    expect(told).toEqual(['m/n back, another', 'forget m/n']);
    forgotten();
    await vi.waitFor(() => expect(told.at(-1)).toBe('look'));
    unmount(m, { other: '' });
    table.delete(n);
    guard.look();
    forgotten();
    await vi.waitFor(() => expect([...guard.known.keys()]).toEqual([m]));
  });

  it.each<
    readonly [string, KnownMounts, (w: ReturnType<typeof world>) => void, readonly string[], readonly string[], boolean]
  >([
    ['mounted then and now', new Map(), () => {}, [], [], false],
    ['gone', new Map(), ({ unmount }) => void unmount(m), [], ['m gone'], true],
    ['in use without it', new Map(), ({ unmount }) => void unmount(m, { other: '' }), ['m'], ['m gone, in use'], false],
    [
      'another',
      new Map(),
      ({ unmount, table }) => {
        unmount(m, { other: '' });
        table.add(m);
      },
      ['m'],
      [],
      false,
    ],
    [
      'another, which is empty',
      new Map(),
      ({ unmount, table }) => {
        unmount(m);
        table.add(m);
      },
      [],
      ['m gone'],
      true,
    ],
  ])('compares with the last run: %s', (_, _none, happens, others, says, isAway) => {
    const w = world();
    const before = new Map(w.guard.known);
    happens(w);
    w.guard.reset();
    for (let twice = 0; twice < 2; twice++) expect(w.guard.recall(before)).toEqual(others);
    expect([w.told, w.mounts.isAway(m)]).toEqual([says, isAway]);
  });

  it('knows after a run without it that another one was seen', () => {
    const { guard } = world();
    expect(guard.recall(new Map())).toEqual([m]);
  });
});

describe('file systems that do not tell of all that changes', () => {
  const table = (...mounts: ReadonlyArray<readonly [at: string, type: string]>) =>
    mounts.map(([at, type]) => ({ device: '0:1', root: nameFromText('/'), at: nameFromText(at), type }));

  it.each([
    'nfs',
    'nfs4',
    'cifs',
    'smb3',
    '9p',
    'drvfs',
    'virtiofs',
    'vboxsf',
    'fuse.sshfs',
    'fuse',
    'fuse.rclone',
    'overlay',
    'ceph',
    'prl_fs',
  ])('%s is one, for DIR in it and for DIR with it in it', (type) => {
    expect(silentParts('/home/me/dir', table(['/', 'ext4'], ['/home', type]))).toEqual([{ name: ROOT, type }]);
    expect(
      silentParts('/home/me/dir', table(['/', 'ext4'], ['/home/me/dir/a/b', type], ['/home/me/dirs', type])),
    ).toEqual([{ name: 'a/b', type }]);
  });

  it.each(['ext4', 'xfs', 'btrfs', 'tmpfs', 'zfs', 'f2fs', 'vfat', 'exfat', 'ntfs3', 'fuseblk', 'apfs', 'bcachefs'])(
    '%s is none',
    (type) => {
      expect(silentParts('/d', table(['/', type], ['/d/in', type]))).toEqual([]);
    },
  );

  it('count as what is seen: the nearest mount above DIR, and the last one of several at one place', () => {
    expect(silentParts('/n/local/d', table(['/', 'ext4'], ['/n', 'nfs4'], ['/n/local', 'ext4']))).toEqual([]);
    expect(silentParts('/n/d', table(['/', 'ext4'], ['/n', 'nfs4'], ['/n', 'ext4']))).toEqual([]);
    expect(silentParts('/d', table(['/', 'ext4'], ['/d/x', 'autofs'], ['/d/x', 'nfs4']))).toEqual([
      { name: 'x', type: 'nfs4' },
    ]);
    expect(silentParts('/d', [])).toEqual([]);
  });
});

it('the table of mounts is read with spaces, line breaks and optional fields in it', () => {
  const text = [
    '26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '98 26 0:45 / /home/me/a\\040b\\012c rw - fuse.sshfs me@host:/x - rw',
    '99 26 0:46 /sub /mnt/nfs rw shared:2 master:1 - nfs4 srv:/x rw',
    'nonsense',
  ].join('\n');
  expect(readMountInfo(text)).toEqual([
    { device: '254:0', root: '/', at: '/', type: 'ext4' },
    { device: '0:45', root: '/', at: '/home/me/a b\nc', type: 'fuse.sshfs' },
    { device: '0:46', root: '/sub', at: '/mnt/nfs', type: 'nfs4' },
  ]);
});
