import type { Report } from '../core/event.js';
import type { Decision, Filter } from '../core/filter.js';
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

/** The index of the last run; what is excluded by now is left alone there. */
export async function remembered(memory: Memory, disk: Disk, filter: Filter, report: Report): Promise<LastRun> {
  const { index, problem, mayHaveLostDeletions } = memory.load();
  if (problem !== undefined) {
    const text = `what was remembered of the last run can't be used, or not all of it: ${problem}. A full sync makes it new; what was deleted here meanwhile may stay there`;
    report({ kind: 'note', level: 'normal', text });
  }
  if (mayHaveLostDeletions)
    for (const name of [...awayIn(index, disk), ...awayIn(index.aside, disk)]) index.delete(name);
  const { excluded, wanted } = await byRules(index, filter);
  for (const name of excluded) index.setAside(name);
  for (const name of wanted) index.takeUp(name);
  return { index, isWhole: problem === undefined };
}

/** What is in the index and not here, or here as something of another kind. */
function awayIn(index: Pick<NameIndex, 'entries'>, disk: Disk): Name[] {
  const dirs: Ways = new Map();
  const away: Name[] = [];
  for (const [name, was] of index.entries()) {
    const now = disk.see(name, dirs);
    const isHere = now === 'unreadable' || (typeof now === 'object' && (now.type === 'dir') === (was.type === 'dir'));
    if (!isHere) away.push(name);
  }
  return away;
}

/** Of what is ours: what is excluded by now, and what was left alone and is no longer excluded. Of what nobody knows neither. */
export async function byRules(
  index: NameIndex,
  filter: Filter,
): Promise<{ readonly excluded: readonly Name[]; readonly wanted: readonly Name[] }> {
  const { excluded } = await sorted(index, filter);
  const { wanted } = index.aside.size === 0 ? NOTHING : await sorted(index.aside, filter);
  return { excluded, wanted };
}

const NOTHING = { excluded: [], wanted: [] } as const;

async function sorted(
  index: Pick<NameIndex, 'directories' | 'children'>,
  filter: Filter,
): Promise<{ readonly excluded: Name[]; readonly wanted: Name[] }> {
  const wanted: Name[] = [];
  const excluded: Name[] = [];
  for (const dir of index.directories()) {
    if (filter.hasOwnRules) await filter.learnDeep(dir, true);
    const above = dir === ROOT ? SYNCED : filter.decideDeep(dir, true);
    const children = index.children(dir);
    const asking = filter.learn(
      dir,
      [...children].map(([base, { type }]) => [base, type === 'dir'] as const),
    );
    if (asking !== undefined) await asking;
    for (const [base, { type }] of children) {
      const name = childOf(dir, base);
      const decision = above.synced ? filter.decide(name, type === 'dir') : above;
      if (decision.synced) wanted.push(name);
      else if (decision.isUnsure !== true) excluded.push(name);
    }
  }
  return { excluded, wanted };
}

const SYNCED: Decision = { synced: true };
