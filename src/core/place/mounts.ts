import { Buffer } from 'node:buffer';
import { isBelow, type Name, nameFromBytes } from '../name.js';

/** A line of the mount table: what is below `root` in a file system is seen at `at`. Paths are absolute, as bytes. */
export interface Mount {
  /** Major and minor number of the file system. */
  readonly device: string;
  readonly root: Name;
  readonly at: Name;
}

/** Where a directory is in its file system, whatever it is called where that is mounted. */
export interface Region {
  readonly device: string;
  readonly path: Name;
}

/** Reads fields 3 to 5 of Linux's /proc/self/mountinfo (proc(5)). */
export function readMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, device, root = '', at = ''] = /^(\d+:\d+) (\/\S*) (\/\S*)$/.exec(line) ?? [];
    return device === undefined ? [] : [{ device, root: unescaped(root), at: unescaped(at) }];
  });
}

/** A line of the mount table with its kind of file system. */
export interface MountInfo extends Mount {
  /** As mount(8) calls it: `ext4`, `nfs4`, `fuse.sshfs`. */
  readonly type: string;
}

/** Reads Linux's /proc/self/mountinfo (proc(5)). */
export function readMountInfo(text: string): MountInfo[] {
  return text.split('\n').flatMap((line) => {
    const [, device, root = '', at = '', type = ''] =
      /^\d+ \d+ (\d+:\d+) (\/\S*) (\/\S*) .*? - (\S+) /.exec(line) ?? [];
    return device === undefined ? [] : [{ device, root: unescaped(root), at: unescaped(at), type: unescaped(type) }];
  });
}

const unescaped = (text: string): Name =>
  nameFromBytes(
    Buffer.from(
      text.replace(/\\([0-3][0-7]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
      'latin1',
    ),
  );

/** Whether an absolute path is `dir` or lies below it. */
export const isIn = (path: Name, dir: Name): boolean => path === dir || dir === '/' || isBelow(path, dir);

/** Where a path (absolute, without symlinks) is in its file system. Of mounts over one another the last one counts. */
export function regionOf(path: Name, mounts: readonly Mount[]): Region | undefined {
  if (!path.startsWith('/')) return undefined;
  let over: Mount | undefined;
  for (const mount of mounts) if (isIn(path, mount.at) && mount.at.length >= (over?.at.length ?? 0)) over = mount;
  if (over === undefined) return undefined;
  const rest = path.slice(over.at === '/' ? 0 : over.at.length);
  const joined = `${over.root === '/' ? '' : over.root}${rest === '/' ? '' : rest}`;
  return { device: over.device, path: nameFromBytes(Buffer.from(joined === '' ? '/' : joined, 'latin1')) };
}

/**
 * Whether `inner` is seen in `outer` (which it may be itself), there or by what is mounted below that. Both on one machine;
 * each with the mount table that its path is from.
 */
export function isSeenIn(inner: Mounted, outer: Mounted): boolean {
  const it = regionOf(inner.path, inner.mounts);
  if (it === undefined) return false;
  const own = regionOf(outer.path, outer.mounts);
  const below = outer.mounts
    .filter(({ at }) => at !== outer.path && isIn(at, outer.path))
    .map(({ device, root }) => ({ device, path: root }));
  return [...(own === undefined ? [] : [own]), ...below].some(
    ({ device, path }) => device === it.device && isIn(it.path, path),
  );
}

/** A path with the mounts that concern it. */
export interface Mounted {
  readonly path: Name;
  readonly mounts: readonly Mount[];
}
