import type { Failure } from '../core/failure.js';
import { ancestorsOf, isTree, type Name, parentOf, ROOT } from '../core/name.js';
import { fitsRule, inRuns } from '../core/rsync/rules.js';
import { type Batch, planBatch } from '../core/sync/batch.js';
import type { BatchOptions } from '../core/sync/effects.js';
import type { Entry, Seen } from '../core/sync/entry.js';
import type { BatchOver } from '../core/sync/inputs.js';
import type { MoveGroup } from '../core/sync/move.js';
import type { RsyncProcess } from '../rsync/run.js';
import type { NamesOnDisk } from '../scan/disk.js';
import { seeAll } from '../scan/look.js';
import { eachInSlices, inSlices } from '../slice.js';
import { clear, isClosed } from './clear.js';
import { type Delivered, deliver, type QuickCheck } from './deliver.js';
import { outsideLinked } from './linked.js';
import { makeMoves, planMoves } from './moves.js';
import { select } from './select.js';
import type { BatchView } from './settle.js';
import { respelled, tellApart } from './spelling.js';
import type { Work } from './work.js';

/**
 * Files from this size on, in bytes, go in a run of their own beside the others, so that a small save never waits for
 * them: at 100 Mbit/s one of 16 MB takes 1.3 s. What is smaller shares a run.
 */
const BULK_BYTES = 16_000_000;

/** The names of a batch by what is done about them. */
interface Sorted {
  readonly bulk: readonly Name[];
  readonly send: readonly Name[];
  /** Something else by now under names that moves begin from, or in what has become of those: not before these. */
  readonly sendLast: readonly Name[];
  readonly compare: readonly Name[];
}

/**
 * Makes these names the same there, as the disk has them now: looks, plans, deletes what is in the way, brings what is new,
 * and deletes last. Never two batches with the same name at once.
 *
 * The rule: a name is done when rsync said so and nothing was done to it from before the run until after it.
 */
export async function runBatch(work: Work, names: readonly Name[], options: BatchOptions): Promise<BatchOver> {
  const { ledger, runner, disk, deletes, rootIsThere, guard, rsync, leftovers } = work;
  if (!rootIsThere()) return { kind: 'rootGone' };
  const mountsAge = disk.mounts.age;
  const selected = await select(work, names, options);
  const { before: looked, above } = selected.view;
  // Each run gives DIR's own mode to the place there.
  const open = work.tooOpen(
    (name) => looked.get(name) ?? above.get(name) ?? (name === ROOT ? disk.see(ROOT) : undefined),
  );
  if (open !== undefined) return { kind: 'refused', failure: open };
  if (selected.going.length > 0) {
    if (rsync.takes.deletions === 'marks' && deletes !== 'never')
      void work.clearAhead.foresee(selected.going, (dir) => disk.see(dir) === 'missing');
    return { kind: 'done', delivered: false, bulk: [], restMs: selected.restMs };
  }
  const apart = await tellApart(work, await outsideLinked(work, selected.view.before));
  if (!apart.ok) return { kind: 'broken', failure: apart.failure };
  const { before } = apart.value;
  const view = { ...selected.view, before };
  const rules = { deletes, carriesMore: rsync.carriesMore, ...rsync.takes };
  const planned = await inSlices(planBatch(before, ledger.index, rules));
  const { plan, again } = respelled(planned, apart.value, ledger.index);
  if (plan.clear.length + plan.remove.length + plan.drop.length > 0) work.lookAtMounts();
  if (disk.mounts.age !== mountsAge) return { kind: 'rootGone' }; // what we saw means nothing: it may be of another one
  const { groups: moves, cameFrom } = await planMoves(before, ledger.index, rsync, deletes, plan.clear); // before the index forgets what is not to be deleted
  await eachInSlices(plan.drop, (name) => {
    const seen = before.get(name);
    const isHere = seen !== 'missing' && seen !== 'blocked';
    if (!isHere && ledger.index.get(name) !== undefined) ledger.gone(name); // what is left alone stays ours
    ledger.settled(name);
  });
  const sorted = await sort(plan, moves, before, options.mayPart);

  const deletions = plan.clear.length + plan.remove.length;
  const refused = deletions > 0 ? await guard(deletions) : undefined;
  if (refused !== undefined) return { kind: 'refused', failure: refused };
  if (!rootIsThere()) return { kind: 'rootGone' }; // it went while we looked: what we saw means nothing

  const unswept = await leftovers.sweep(runner, before.keys());
  if (unswept !== undefined) return { kind: 'broken', failure: unswept };
  // Their directories get a new time there by it, and the right one with the last run.
  const parents = parentsOf(plan.clear, plan.touch, before, disk);
  await ledger.unsure(parents.keys()); // until then they wait, even after a run that breaks
  const cleared = await clear(ledger, runner, plan.clear);
  for (const name of again) ledger.note(name);
  if (cleared !== undefined) return { kind: 'broken', failure: cleared };
  const end = await bring(work, plan, moves, sorted, withMore({ ...view, cameFrom }, parents), [
    ...plan.touch,
    ...parents.keys(),
  ]);
  if (end.kind === 'broken') return end;
  work.seen.forget(before.keys());
  const delivered = end.any || plan.clear.length > 0 || moves.length > 0;
  return { kind: 'done', delivered, bulk: sorted.bulk, restMs: selected.restMs };
}

/**
 * New names first and missing ones last, each kind in one run: what was renamed is never gone under both names. `touch`:
 * directories that only have another time or mode.
 */
async function bring(
  work: Work,
  plan: Batch,
  moves: readonly MoveGroup[],
  { send, sendLast, compare }: Sorted,
  view: BatchView,
  touch: readonly Name[],
): Promise<Delivered> {
  const { disk, rsync, ledger, clearAhead } = work;
  let any = false;
  const one = async (
    names: readonly Name[],
    seen: BatchView,
    check: QuickCheck,
    ready?: RsyncProcess,
  ): Promise<Failure | undefined> => {
    const end = await deliver(work, names, seen, check, ready);
    if (end.kind === 'broken') return end.failure;
    if (end.any) any = true;
    return undefined;
  };
  const isOneRun = moves.length === 0 && (send.length === 0 || plan.remove.length === 0);
  const isLater = moves.length > 0 || compare.length > 0 || !isOneRun;
  const marks = rsync.takes.deletions === 'marks';
  const steps: ReadonlyArray<() => Promise<Failure | undefined>> = [
    async () => {
      if (isLater && marks) await clearAhead.prepare(await byRules(work, plan.remove));
      return isOneRun ? undefined : one(send, view, plan.quickCheck);
    },
    () => makeMoves(work, moves, view),
    () => one(compare, view, 'fooled'),
    async () => {
      const { missing, grounds, seen } = await stillMissing(disk, plan.remove);
      const then = { ...withMore(view, seen), grounds };
      const last = [...(isOneRun ? send : []), ...sendLast, ...touch];
      const apart = await byRules(work, missing);
      if (apart.length === 0) return one([...last, ...missing], then, plan.quickCheck);
      // Their directories get a new time there by it, and the right one after that.
      const parents = parentsOf(apart, last, then.before, disk);
      await ledger.unsure(parents.keys());
      const runs = await inSlices(inRuns(apart));
      for (const [i, names] of runs.entries()) {
        const ready = await clearAhead.take(names);
        if (marks) await clearAhead.prepare(runs[i + 1] ?? []);
        const failure = await one(names, then, 'gone', ready);
        if (failure !== undefined) return failure;
      }
      const rest = new Set(marks ? missing : []);
      for (const name of apart) rest.delete(name);
      return one([...last, ...rest, ...parents.keys()], withMore(then, parents), plan.quickCheck);
    },
  ];
  try {
    for (const step of steps) {
      const failure = await step();
      if (failure !== undefined) return { kind: 'broken', failure };
    }
  } finally {
    void clearAhead.drop(); // its ssh takes its time to go
  }
  return { kind: 'done', any };
}

/** Which of these that are gone here go by rules, not marked as missing. */
async function byRules({ ledger, rsync }: Work, missing: readonly Name[]): Promise<readonly Name[]> {
  const { pending, index } = ledger;
  if (rsync.takes.deletions !== 'marks') return missing;
  const isTreeOfThem = await inSlices(isTree(new Set(missing)));
  return missing.filter(
    (name) => (isTreeOfThem || pending.attempts(name) > 0 || isClosed(index, name)) && fitsRule(name),
  );
}

async function sort(
  plan: Batch,
  groups: readonly MoveGroup[],
  before: ReadonlyMap<Name, Seen>,
  mayPart: boolean,
): Promise<Sorted> {
  const moves = groups.flatMap((group) => group.moves);
  const moved = new Set(moves.map(({ to }) => to));
  const reused = new Set(moves.map(({ from }) => from));
  // Where it is a directory by now, rsync makes that with whatever is in it.
  const isReused = (name: Name): boolean =>
    reused.has(name) || (reused.size > 0 && ancestorsOf(name).some((dir) => reused.has(dir)));
  const isBulk = (name: Name): boolean => {
    const now = before.get(name);
    return mayPart && typeof now === 'object' && now.size >= BULK_BYTES && !moved.has(name);
  };
  const [bulk, compare, send, sendLast]: [Name[], Name[], Name[], Name[]] = [[], [], [], []];
  await eachInSlices(plan.send, (name) => {
    if (isBulk(name)) bulk.push(name);
    else if (!moved.has(name)) (isReused(name) ? sendLast : send).push(name);
  });
  await eachInSlices(plan.compare, (name) => {
    if (isBulk(name)) bulk.push(name);
    else if (!moved.has(name)) compare.push(name);
  });
  return { bulk, send, sendLast, compare };
}

/** Looks again, right before they are deleted there: the runs before took their time. What is back is still pending. */
async function stillMissing(
  disk: NamesOnDisk,
  names: readonly Name[],
): Promise<{
  readonly missing: readonly Name[];
  readonly grounds: ReadonlyMap<Name, Entry | undefined>;
  readonly seen: ReadonlyMap<Name, Seen>;
}> {
  const seen = await seeAll(disk, names);
  const missing: Name[] = [];
  const grounds = new Map<Name, Entry | undefined>();
  const known = new Map<Name, Entry | undefined>(); // one look at each directory: a tree has many names
  await eachInSlices(seen, ([name, now]) => {
    if (now !== 'missing') return;
    missing.push(name);
    grounds.set(name, disk.groundOf(name, known));
  });
  return { missing, grounds, seen };
}

/**
 * The directories that cleared names were in, as they are here: clearing gave them a new time there. Those that are to be sent
 * anyway are left out.
 */
function parentsOf(
  cleared: readonly Name[],
  sent: readonly Name[],
  before: ReadonlyMap<Name, Seen>,
  disk: NamesOnDisk,
): ReadonlyMap<Name, Seen> {
  const found = new Map<Name, Seen>();
  const known = new Set(sent);
  for (const parent of new Set(cleared.map(parentOf))) {
    if (known.has(parent)) continue;
    const seen = before.get(parent) ?? disk.see(parent);
    if (typeof seen === 'object' && seen.type === 'dir') found.set(parent, seen);
  }
  return found;
}

/** The same view with more names in it, or with these as they were seen later. */
const withMore = (view: BatchView, more: ReadonlyMap<Name, Seen>): BatchView =>
  more.size === 0 ? view : { ...view, before: new Map([...view.before, ...more]) };
