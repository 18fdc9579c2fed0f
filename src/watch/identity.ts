import { lstatSync } from 'node:fs';

/**
 * What is at a path, told from what may be there later; `''` where nothing can be seen. Device and inode alone do not do: the
 * next stick in the same slot is the same device, the next tmpfs gets the number of the last one, each root has the inode of
 * all roots, and the inode of a directory that was removed is given away again. So the time at which it was made counts too,
 * where the file system keeps one.
 */
export function identityAt(path: string | Buffer): string {
  try {
    const { dev, ino, birthtimeNs } = lstatSync(path, { bigint: true });
    return `${dev}:${ino}:${TELLS_BIRTHS ? birthtimeNs : ''}`;
  } catch {
    return '';
  }
}

/** Where statx(2) can't be had, libuv takes the time of the last change for it: procfs, which keeps none, then has one. */
const TELLS_BIRTHS = (lstatSync('/proc/self', { bigint: true, throwIfNoEntry: false })?.birthtimeNs ?? 0n) === 0n;
