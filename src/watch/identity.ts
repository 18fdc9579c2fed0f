import { lstatSync, statfsSync } from 'node:fs';
import { bornNs } from '../scan/births.js';

/**
 * The file systems that keep for good when a directory was made, by their numbers in statfs(2). Others have no such time, or
 * another one at each mount (exFAT, of its root) or when something below is written (overlay).
 */
const KEEPS_BIRTH: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x01021994, // tmpfs
  0x58465342, // XFS
  0x9123683e, // btrfs
]);

/**
 * What is at a path, told from what may be there later; `''` where nothing can be seen. Device and inode alone do not do: the
 * next stick in the same slot is the same device, the next tmpfs gets the number of the last one, each root has the inode of
 * all roots, and the inode of a directory that was removed is given away again. So the time at which it was made counts too,
 * where the file system keeps it.
 */
export function identityAt(path: string | Buffer): string {
  try {
    const stats = lstatSync(path, { bigint: true });
    const born = KEEPS_BIRTH.has(statfsSync(path).type) ? `:${bornNs(stats) ?? ''}` : '';
    return `${stats.isDirectory() ? '' : 'file:'}${stats.dev}:${stats.ino}${born}`;
  } catch {
    return '';
  }
}
