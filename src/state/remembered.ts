import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { childOf, type Name } from '../core/name.js';
import type { Kinds, NameIndex, ReadonlyIndex } from '../core/sync/name-index.js';
import type { Disk, Ways } from '../scan/disk.js';
import { eachInSlices, Slice } from '../slice.js';
import type { Memory } from './memory.js';

/** What is left of the last run. */
export interface LastRun {
  readonly index: NameIndex;
  /** Nothing of it is in doubt. */
  readonly isWhole: boolean;
}

/** The index of the last run; what is excluded by now is left alone there. `onLoaded`: it was read, and is not sorted yet. */
export async function remembered(
  memory: Memory,
  disk: Disk,
  filter: Filter,
  report: Report,
  onLoaded: (index: Pick<NameIndex, 'size'>, isWhole: boolean) => void = () => {},
): Promise<LastRun> {
  const { index, problem, mayHaveLostDeletions } = await memory.load();
  if (problem !== undefined) {
    const text = `what was remembered of the last run can't be used, or not all of it: ${problem}. A full sync makes it new; what was deleted here meanwhile may stay there`;
    report({ kind: 'note', level: 'normal', text });
  }
  const isWhole = problem === undefined;
  onLoaded(index, isWhole);
  if (mayHaveLostDeletions) {
    const away = [...(await awayIn(index, disk)), ...(await awayIn(index.aside, disk))];
    await eachInSlices(away, (name) => index.delete(name));
  }
  const { excluded, wanted } = await byRules(index, filter);
  await eachInSlices(excluded, (name) => index.setAside(name));
  await eachInSlices(wanted, (name) => index.takeUp(name));
  return { index, isWhole };
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
  index: Pick<NameIndex, 'directories' | 'kinds'>,
  filter: Filter,
): Promise<{ readonly excluded: Name[]; readonly wanted: Name[] }> {
  const wanted: Name[] = [];
  const excluded: Name[] = [];
  const slice = new Slice();
  for (const dir of index.directories()) {
    if (filter.hasOwnRules) await filter.learnDeep(dir, true);
    const above = filter.decideDeep(dir, true);
    for (const part of partsOf(index.kinds(dir))) {
      const asking = above.synced ? filter.learn(dir, part) : undefined;
      if (asking !== undefined) await asking;
      for (const [base, isDir] of part) {
        const name = childOf(dir, base);
        const decision = above.synced ? filter.decide(name, isDir) : above;
        if (decision.synced) wanted.push(name);
        else if (decision.isUnsure !== true) excluded.push(name);
      }
      if (slice.isOver) await slice.next();
    }
  }
  return { excluded, wanted };
}

/** So many names of a directory are asked about at once: what was learnt long ago may be forgotten by now. */
const PART = 256;

function* partsOf(kinds: Kinds): Generator<ReadonlyArray<readonly [string, boolean]>> {
  let part: Array<readonly [string, boolean]> = [];
  for (const kind of kinds) {
    if (part.push(kind) < PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
