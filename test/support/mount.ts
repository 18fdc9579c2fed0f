import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Whether file systems can be mounted here. */
export const canMount = (): boolean => process.platform === 'linux' && userInfo().uid === 0;

/** Whether file systems of other kinds can be made and mounted here. */
export const canMountImages = (): boolean =>
  canMount() && existsSync('/dev/loop-control') && existsSync('/sbin/mkfs.ext4');

/** Mounts an ext4 whose inodes have no room for more than whole seconds at `dir`, until the test has finished. */
export function mountCoarse(dir: string): void {
  const keep = mkdtempSync(join(tmpdir(), 'syncwatch-mount-'));
  const image = join(keep, 'image');
  writeFileSync(image, '');
  truncateSync(image, 16_000_000);
  execFileSync('/sbin/mkfs.ext4', ['-q', '-I', '128', image], { stdio: 'pipe' });
  execFileSync('mount', ['-o', 'loop', image, dir]);
  onTestFinished(() => {
    spawnSync('umount', ['--lazy', dir]);
    rmSync(keep, { recursive: true, force: true });
  });
}

/** Whether a file system that makes no difference of case can be made and mounted here. */
export const canMountFolded = (): boolean =>
  canMountImages() && existsSync('/sbin/mkfs.exfat') && existsSync('/sbin/mount.exfat-fuse');

/** Mounts one at `dir`, until the test has finished. */
export function mountFolded(dir: string): void {
  const keep = mkdtempSync(join(tmpdir(), 'syncwatch-mount-'));
  const image = join(keep, 'image');
  writeFileSync(image, '');
  truncateSync(image, 16_000_000);
  execFileSync('/sbin/mkfs.exfat', [image], { stdio: 'pipe' });
  const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
  execFileSync('/sbin/mount.exfat-fuse', [device, dir], { stdio: 'pipe' });
  onTestFinished(() => {
    spawnSync('umount', [dir]);
    spawnSync('losetup', ['--detach', device]);
    rmSync(keep, { recursive: true, force: true });
  });
}

/** A small file system of its own at a directory, until the test has finished. */
export interface Small {
  /** Takes it away, as when a disk is unplugged; what is in it is kept. */
  away(): void;
  /** Puts it back, with what was in it. */
  back(): void;
}

/** Mounts an empty file system of so many megabytes at `dir`. */
export function mountSmall(dir: string, megabytes: number): Small {
  const keep = mkdtempSync(join(tmpdir(), 'syncwatch-mount-'));
  const kept = join(keep, 'it');
  mkdirSync(kept);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'syncwatch-test', kept]);
  execFileSync('mount', ['--bind', kept, dir]);
  onTestFinished(() => {
    for (const at of [dir, kept]) spawnSync('umount', ['--lazy', at]);
    rmSync(keep, { recursive: true, force: true });
  });
  return {
    away: () => void execFileSync('umount', ['--lazy', dir]),
    back: () => void execFileSync('mount', ['--bind', kept, dir]),
  };
}
