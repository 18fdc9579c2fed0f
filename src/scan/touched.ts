import { ancestorsOf, type Name } from '../core/name.js';
import type { TreeOnDisk } from './disk.js';

/** What was changed so long before a moment, in milliseconds, surely was so then: clocks of file servers differ. */
const SLACK_MS = 1_000;

/**
 * Tells of names whether anything was done to them since that moment, in milliseconds since 1970, or to a directory above them but
 * the root: one that was renamed leaves no mark on what is in it. What can't be seen may have been.
 */
export function touchedSince(disk: TreeOnDisk, ms: number): (name: Name) => boolean {
  const known = new Map<Name, boolean>();
  const isTouched = (name: Name): boolean => {
    let answer = known.get(name);
    if (answer === undefined)
      known.set(name, (answer = (disk.changedMs(name) ?? Number.POSITIVE_INFINITY) >= ms - SLACK_MS));
    return answer;
  };
  return (name) => [...ancestorsOf(name), name].some(isTouched);
}
