import { closeSync, openSync, readSync } from 'node:fs';
import { bytePathOf, type Name, ROOT } from '../core/name.js';
import { isIn, type MountInfo, readMountInfo } from '../core/place/mounts.js';
import { isSilent } from '../core/place/silent.js';
import { evenIfFull } from '../descriptors.js';

/** The table as it was read last: it is read every second, and is hardly ever another one. */
let known: { readonly text: Buffer; readonly table: readonly MountInfo[] } | undefined;

/** What it is read to; larger where it does not fit. */
let room = Buffer.alloc(16_384);

/** What is mounted on this machine. Linux (proc(5)); elsewhere nothing is known of it. */
function mountTable(): readonly MountInfo[] {
  try {
    const text = evenIfFull(readTable);
    if (known?.text.equals(text) !== true)
      known = { text: Buffer.from(text), table: readMountInfo(text.toString('latin1')) };
    return known.table;
  } catch {
    return [];
  }
}

/** Until the next time it is read. */
function readTable(): Buffer {
  const fd = openSync('/proc/self/mountinfo', 'r');
  try {
    let length = 0;
    for (;;) {
      if (length === room.length) room = Buffer.concat([room], 2 * length);
      const more = readSync(fd, room, length, room.length - length, null);
      if (more === 0) return room.subarray(0, length);
      length += more;
    }
  } finally {
    closeSync(fd);
  }
}

/** A part of a directory that is on a file system of this kind, from this name on down. */
export interface SilentPart {
  readonly name: Name;
  readonly type: string;
}

/** Which parts of a directory (absolute, symlinks resolved) may change unheard, see {@link isSilent}; all of it, or what is mounted in it. */
export function silentParts(root: string, table: readonly MountInfo[] = mountTable()): SilentPart[] {
  const path = bytePathOf(root) as Name;
  // Of mounts over one another the last one is seen.
  const seen = new Map(table.map(({ at, type }) => [at, type]));
  let own: Name | undefined;
  for (const at of seen.keys()) if (isIn(path, at) && at.length >= (own ?? '').length) own = at;
  const type = own === undefined ? undefined : seen.get(own);
  if (type !== undefined && isSilent(type)) return [{ name: ROOT, type }];
  return [...seen].flatMap(([at, type]) =>
    at !== path && isIn(at, path) && isSilent(type) ? [{ name: nameBelow(path, at), type }] : [],
  );
}

const nameBelow = (path: Name, at: Name): Name => at.slice(path === '/' ? 1 : path.length + 1) as Name;

/** Where something is mounted below a directory (absolute, symlinks resolved), as names in it. */
export function mountPointsBelow(root: string): Name[] {
  const path = bytePathOf(root) as Name;
  const points = mountTable().flatMap(({ at }) => (at !== path && isIn(at, path) ? [nameBelow(path, at)] : []));
  return [...new Set(points)];
}
