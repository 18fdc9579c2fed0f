import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter.js';
import { childOf, type Name, ROOT } from '../core/name.js';
import type { NameIndex } from '../core/name-index.js';
import type { Disk, Ways } from '../scan/disk.js';
import type { Memory } from './memory.js';

/** What is left of the last run. */
export interface LastRun {
  readonly index: NameIndex;
  /** Nothing of it is in doubt. */
  readonly isWhole: boolean;
}

/** The index of the last run, without what is excluded by now: that is left alone there. */
export async function remembered(memory: Memory, disk: Disk, filter: Filter, report: Report): Promise<LastRun> {
  const { index, problem, mayHaveLostDeletions } = memory.load();
  if (problem !== undefined) {
    const text = `what was remembered of the last run can't be used, or not all of it: ${problem}. A full sync makes it new; what was deleted here meanwhile may stay there`;
    report({ kind: 'note', level: 'normal', text });
  }
  if (mayHaveLostDeletions) for (const name of awayIn(index, disk)) index.delete(name);
  for (const name of await excludedIn(index, filter)) index.delete(name);
  return { index, isWhole: problem === undefined };
}

/** What is in the index and not here, or here as something of another kind. */
function awayIn(index: NameIndex, disk: Disk): Name[] {
  const dirs: Ways = new Map();
  const away: Name[] = [];
  for (const [name, was] of index.entries()) {
    const now = disk.see(name, dirs);
    const isHere = now === 'unreadable' || (typeof now === 'object' && (now.type === 'dir') === (was.type === 'dir'));
    if (!isHere) away.push(name);
  }
  return away;
}

/** What is in the index and excluded by now. */
export async function excludedIn(index: NameIndex, filter: Filter): Promise<Name[]> {
  const excluded: Name[] = [];
  for (const dir of index.directories()) {
    if (filter.hasOwnRules) await filter.learnDeep(dir, true);
    const isSynced = dir === ROOT || filter.decideDeep(dir, true).synced;
    const children = index.children(dir);
    const asking = filter.learn(
      dir,
      [...children].map(([base, { type }]) => [base, type === 'dir'] as const),
    );
    if (asking !== undefined) await asking;
    for (const [base, { type }] of children) {
      const name = childOf(dir, base);
      if (!isSynced || !filter.decide(name, type === 'dir').synced) excluded.push(name);
    }
  }
  return excluded;
}
