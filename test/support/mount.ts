import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Whether file systems can be mounted here. */
export const canMount = (): boolean => process.platform === 'linux' && userInfo().uid === 0;

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
