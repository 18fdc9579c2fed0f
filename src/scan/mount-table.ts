import { readFileSync } from 'node:fs';
import { bytePathOf, type Name } from '../core/name.js';
import { isIn, type MountInfo, readMountInfo } from '../core/place/mounts.js';

/** What is mounted on this machine. Linux (proc(5)); elsewhere nothing is known of it. */
function mountTable(): readonly MountInfo[] {
  try {
    return readMountInfo(readFileSync('/proc/self/mountinfo', 'latin1'));
  } catch {
    return [];
  }
}

/** Where something is mounted below a directory (absolute, symlinks resolved), as names in it. */
export function mountPointsBelow(root: string): Name[] {
  const path = bytePathOf(root) as Name;
  const points = mountTable().flatMap(({ at }) =>
    at !== path && isIn(at, path) ? [at.slice(path === '/' ? 1 : path.length + 1) as Name] : [],
  );
  return [...new Set(points)];
}
