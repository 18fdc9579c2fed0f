import type { Decision, Filter } from '../core/filter/filter.js';
import { baseOf, type Name, parentOf, ROOT } from '../core/name.js';
import { Slice } from '../slice.js';

/** So many names of a directory are asked about at once. */
const PART = 256;

/** A name, whether it is a directory, and what decided about it. */
export type Decided = readonly [name: Name, isDir: boolean, decision: Decision];

/**
 * Decides about names that come from anywhere, and whether each is a directory, as {@link Filter.decideDeep} does, some at a time, in slices. What that takes
 * is learnt right before each of them, for what was learnt long ago may be forgotten by now.
 */
export async function* decideAll(
  filter: Filter,
  names: Iterable<readonly [Name, boolean]>,
): AsyncGenerator<readonly Decided[]> {
  const slice = new Slice();
  const groups = new Map<Name, Array<readonly [Name, boolean]>>();
  for (const [name, isDir] of names) {
    const dir = parentOf(name);
    const group = groups.get(dir);
    if (group === undefined) groups.set(dir, [[name, isDir]]);
    else group.push([name, isDir]);
    if (slice.isOver) await slice.next();
  }
  for (const [dir, entries] of groups) {
    if (filter.hasOwnRules) await filter.learnDeep(dir, true);
    for (let from = 0; from < entries.length; from += PART) {
      const part = entries.slice(from, from + PART);
      const asking = filter.learn(
        dir,
        part.flatMap(([name, isDir]) => (name === ROOT ? [] : [[baseOf(name), isDir] as const])),
      );
      if (asking !== undefined) await asking;
      const above = filter.decideDeep(dir, true);
      yield part.map(([name, isDir]) => [name, isDir, above.synced ? filter.decide(name, isDir) : above]);
      if (slice.isOver) await slice.next();
    }
  }
}
