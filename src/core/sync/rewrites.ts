import { ancestorsOf, type Name } from '../name.js';
import type { Entry, Seen } from './entry.js';
import type { ReadonlyIndex } from './name-index.js';

/**
 * At most so many bytes, and names, go as a rewrite: what TCP sends of its own accord in two flights after a pause (10 and 20 segments,
 * RFC 6928), in which time the ordinary way, with a delta, is there too. More may cost more in bytes than a round trip is worth.
 */
export const REWRITE_BYTES = 40_000;
export const REWRITE_NAMES = 100;

/**
 * The files among these names, where all can go as a rewrite: known ones, and directories above them that only have another time.
 * What is new, gone or something else, or below what nobody knows, goes the ordinary way.
 */
export function rewritesOf(
  names: readonly Name[],
  seen: ReadonlyMap<Name, Seen>,
  index: ReadonlyIndex,
): readonly Name[] | undefined {
  if (names.length > REWRITE_NAMES) return undefined;
  const isDir = (name: Name): boolean => {
    const now = seen.get(name);
    return typeof now === 'object' && now.type === 'dir' && index.get(name)?.type === 'dir';
  };
  const isFile = (name: Name): boolean => isRewritten(index.get(name), seen.get(name));
  const files = names.filter(isFile);
  const above = new Set(files.flatMap(ancestorsOf));
  const isFit =
    files.length > 0 &&
    names.every((name) => isFile(name) || (above.has(name) && isDir(name))) &&
    [...above].every((dir) => index.get(dir)?.type === 'dir');
  const bytes = files.reduce((sum, name) => sum + sizeOf(seen.get(name)), 0);
  return isFit && bytes <= REWRITE_BYTES ? files : undefined;
}

/** Not where it may be the same content as before, of which the ordinary way would send nothing; so of what is unsure the second has to differ. */
const isRewritten = (was: Entry | undefined, now: Seen | undefined): boolean =>
  was?.type === 'file' &&
  typeof now === 'object' &&
  now.type === 'file' &&
  (was.size !== now.size || was.mtimeS !== now.mtimeS || (was.mtimeNs >= 0 && was.mtimeNs !== now.mtimeNs));

const sizeOf = (seen: Seen | undefined): number => (typeof seen === 'object' ? seen.size : 0);
