import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { childOf, type Name } from '../core/name.js';
import type { NameIndex, ReadonlyIndex } from '../core/sync/name-index.js';
import { decideAll } from '../scan/decide.js';
import type { Disk, Ways } from '../scan/disk.js';
import { eachInSlices } from '../slice.js';
import type { Memory } from './memory.js';

/** What is left of the last run. */
export interface LastRun {
  readonly index: NameIndex;
  /** Nothing of it is in doubt. */
  readonly isWhole: boolean;
}

/** The index of the last run; what is excluded by now is left alone there. */
export async function remembered(memory: Memory, disk: Disk, filter: Filter, report: Report): Promise<LastRun> {
  const { index, problem, mayHaveLostDeletions } = await memory.load();
  if (problem !== undefined) {
    const text = `what was remembered of the last run can't be used, or not all of it: ${problem}. A full sync makes it new; what was deleted here meanwhile may stay there`;
    report({ kind: 'note', level: 'normal', text });
  }
  if (mayHaveLostDeletions) {
    const away = [...(await awayIn(index, disk)), ...(await awayIn(index.aside, disk))];
    await eachInSlices(away, (name) => index.delete(name));
  }
  const { excluded, wanted } = await byRules(index, filter);
  await eachInSlices(excluded, (name) => index.setAside(name));
  await eachInSlices(wanted, (name) => index.takeUp(name));
  return { index, isWhole: problem === undefined };
}

/** What is in the index and not here, or here as something of another kind. */
async function awayIn(index: Pick<NameIndex, 'entries'>, disk: Disk): Promise<Name[]> {
  const dirs: Ways = new Map();
  const away: Name[] = [];
  await eachInSlices(index.entries(), ([name, was]) => {
    const now = disk.see(name, dirs);
    const isHere =
      now === 'unreadable' ||
      now === 'away' ||
      (typeof now === 'object' && (now.type === 'dir') === (was.type === 'dir'));
    if (!isHere) away.push(name);
  });
  return away;
}

/** Of what is ours: what is excluded by now, and what was left alone and is no longer excluded. Of what nobody knows neither. */
export async function byRules(
  index: ReadonlyIndex,
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
    for await (const part of decideAll(filter, childrenIn(index, dir))) {
      for (const [name, , decision] of part) {
        if (decision.synced) wanted.push(name);
        else if (decision.isUnsure !== true) excluded.push(name);
      }
    }
  }
  return { excluded, wanted };
}

function* childrenIn(index: Pick<NameIndex, 'children'>, dir: Name): Generator<readonly [Name, boolean]> {
  for (const [base, { type }] of index.children(dir)) yield [childOf(dir, base), type === 'dir'];
}
