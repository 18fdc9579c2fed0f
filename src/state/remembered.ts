import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter.js';
import { childOf, type Name, ROOT } from '../core/name.js';
import type { NameIndex } from '../core/name-index.js';
import type { Memory } from './memory.js';

/** The index of the last run, without what is excluded by now: that is left alone there. */
export async function remembered(memory: Memory, filter: Filter, report: Report): Promise<NameIndex> {
  const { index, problem } = memory.load();
  if (problem !== undefined) {
    const text = `what was remembered of the last run can't be used, or not all of it: ${problem}. A full sync makes it new; what was deleted here meanwhile may stay there`;
    report({ kind: 'note', level: 'normal', text });
  }
  for (const name of await excludedIn(index, filter)) index.delete(name);
  return index;
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
