import { plusMs, type WallMs } from '../core/clock.js';
import { ancestorsOf, type Name } from '../core/name.js';
import type { TreeOnDisk } from './disk.js';

/** What was changed so long before a moment, in milliseconds, surely was so then: clocks of file servers differ. */
const SLACK_MS = 1_000;

/**
 * Tells of names whether anything was done to them since that moment, or to a directory above them but the root: one that was
 * renamed leaves no mark on what is in it. What can't be seen may have been.
 */
export function touchedSince(disk: Pick<TreeOnDisk, 'changedMs'>, sinceMs: WallMs): (name: Name) => boolean {
  const fromMs = plusMs(sinceMs, -SLACK_MS);
  const known = new Map<Name, boolean>();
  const isTouched = (name: Name): boolean => {
    let answer = known.get(name);
    if (answer === undefined) {
      const changedMs = disk.changedMs(name);
      known.set(name, (answer = changedMs === undefined || changedMs >= fromMs));
    }
    return answer;
  };
  return (name) => [...ancestorsOf(name), name].some(isTouched);
}
