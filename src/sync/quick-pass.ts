import type { Item } from '../core/event.js';
import { type Name, ROOT } from '../core/name.js';
import type { NamesOfRun } from '../core/rsync/complaints.js';
import { looksSame } from '../core/sync/entry.js';
import type { PassOver } from '../core/sync/inputs.js';
import type { LookingRun, RsyncProcess } from '../rsync/run.js';
import { eachInSlices } from '../slice.js';
import { NOTHING, quickRun } from './ahead.js';
import type { PassOptions } from './full-pass.js';
import { type NamesHere, readNames } from './names-here.js';
import type { RunResult } from './read-run.js';
import type { PassWork } from './work.js';

/** From so many names in the saved index on, a quick pass is worth it: below, all of it takes tenths of a second anyway. */
export const QUICK_FROM = 1_000;

/** Where more names differ, a full pass is the better way to bring them. */
const MOST_DIFFERENT = 10_000;

/**
 * The full pass of a restart on a big tree. The saved index says what was delivered, and rsync itself tells what differs there,
 * changing nothing; beside it only the names are read here, for what is gone and what is new. All that differs waits then, and goes
 * as any change does. Files that changed unseen since the last run are among what rsync tells, or the walk that follows finds them.
 *
 * Undefined where things are not that simple: then it takes a {@link fullPass}.
 */
export async function quickPass(work: PassWork, { mirror }: PassOptions): Promise<PassOver | undefined> {
  const { ledger, runner, leftovers, disk, filter, rules, report, rsync, spellings } = work;
  // Guards before it are the full pass's.
  if (mirror !== 'off' || ledger.index.size === 0 || spellings.kind !== 'exact') return undefined;
  const rulesAge = await rules.atRest();
  if ((await leftovers.sweep(runner)) !== undefined) return undefined; // the full pass will meet it too
  report({ kind: 'passStarted', target: rsync.target.label, names: ledger.index.size });
  const ahead = await work.ahead?.take(rulesAge);
  const reading = ahead?.names ?? readNames(ledger.index, disk, filter);
  const asking = async (): Promise<Asked | undefined> => {
    const told = filter.hasOwnRules ? await reading : NOTHING;
    return told && ask(work, quickRun(filter, told), await ahead?.asked);
  };
  const [names, asked] = await Promise.all([reading, asking()]);
  if (names === undefined || asked === undefined || (await rules.atRest()) !== rulesAge) return undefined;
  const { outcome, items, isRootOther } = asked;
  if (outcome.kind === 'broken') return { kind: 'broken', failure: outcome.failure };
  if (outcome.doubt !== undefined || !(await isSimple(work, names, items))) return undefined;
  const differing = [...(isRootOther ? [ROOT] : []), ...items.map(({ name }) => name), ...outcome.failed.keys()];
  await eachInSlices(new Set(differing), (name) => noteDiffering(work, name));
  await eachInSlices(names.fresh, (name) => ledger.note(name));
  await eachInSlices(names.gone, (name) => ledger.note(name));
  for (const name of names.unsure) if (ledger.isUnknown(name)) ledger.note(name);
  ledger.setStrays(outcome.strays);
  return { kind: 'done', found: true };
}

interface Asked extends RunResult {
  /** Whether the root itself has another time or mode there. */
  readonly isRootOther: boolean;
}

/** What differs there, as rsync sees it; `ready`: one that has begun with it. */
async function ask(
  { ledger, disk, runner }: PassWork,
  run: LookingRun,
  ready: RsyncProcess | undefined,
): Promise<Asked> {
  const own: NamesOfRun = {
    has: (name) => ledger.index.get(name) !== undefined || typeof disk.see(name) !== 'string',
    *below(dir) {
      for (const [name] of ledger.index.below(dir)) yield name;
    },
  };
  let isRootOther = false;
  const onRoot = (): void => {
    isRootOther = true;
  };
  return { ...(await runner.look(run, own, { totalNames: ledger.index.size, onRoot, ready })), isRootOther };
}

/** Whether what differs is for batches: little, of the kind that it was, and not in the place of a link that somebody put there. */
async function isSimple({ ledger, linksThere }: PassWork, names: NamesHere, items: readonly Item[]): Promise<boolean> {
  const { count, fresh, gone } = names;
  if (gone.length > count / 2 || items.length + fresh.length > MOST_DIFFERENT) return false;
  const isOther = ({ action, name }: Item): boolean => {
    const was = ledger.index.get(name);
    return was !== undefined && action !== 'attributes' && (was.type === 'dir') !== (action === 'mkdir');
  };
  if (items.some(isOther)) return false;
  const made = items.filter(({ action }) => action === 'mkdir').map(({ name }) => name);
  return made.length === 0 || (await linksThere(made)).size === 0;
}

/** Where nothing was done to it here, it is something else there than was delivered. */
function noteDiffering({ ledger, disk, rsync }: PassWork, name: Name): void {
  const was = ledger.index.get(name);
  const now = disk.see(name);
  if (was !== undefined && typeof now === 'object' && looksSame(was, now, rsync.carriesMore)) ledger.doubt(name);
  ledger.note(name);
}
