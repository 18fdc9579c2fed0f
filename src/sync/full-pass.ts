import { msSince, steadyNow } from '../clock.js';
import { plusMs } from '../core/clock.js';
import type { Item } from '../core/event.js';
import { dispositionOf, type Failure } from '../core/failure.js';
import { ancestorsOf, type Name, parentOf, ROOT } from '../core/name.js';
import type { NamesOfRun } from '../core/rsync/complaints.js';
import { isInDoubt, type Outcome } from '../core/rsync/exit.js';
import { passRules } from '../core/rsync/rules.js';
import { type Entry, foolsPass, isSettled, isUntouched, looksSame, stayedPut, unsure } from '../core/sync/entry.js';
import type { PassOver } from '../core/sync/inputs.js';
import type { NameIndex } from '../core/sync/name-index.js';
import { type Snapshot, takeSnapshot } from '../scan/snapshot.js';
import { touchedSince } from '../scan/touched.js';
import type { Listing } from '../scan/walk.js';
import { eachInSlices } from '../slice.js';
import { clear } from './clear.js';
import type { Ledger } from './ledger.js';
import { type Forecast, forecast, inTheWayOf, type MirrorMode, removeThere } from './mirror.js';
import { sureOf } from './settle.js';
import { withoutRivals, withoutTwins } from './spelling.js';
import { takeBack } from './take-back.js';
import type { PassWork } from './work.js';

/** What stays the same from pass to pass. */
export interface PassParts {
  readonly mirror: MirrorMode;
  /** Looks at what was found here and, for a mirror, there, before anything is changed there; may refuse. */
  readonly guard: (snapshot: Snapshot, forecast: Forecast) => Promise<Failure | undefined>;
}

export interface PassOptions extends PassParts {
  /** Gets every listing of the walks before and after the pass. */
  readonly onListing: (listing: Listing) => void;
  /** Nothing should be to do: what there is after all is told as repaired. */
  readonly isRescan: boolean;
  /** Nothing of it is worth going on with. */
  readonly isStopped: () => boolean;
}

/** So often a walk is made anew because the rules have changed meanwhile. */
const MOST_WALKS = 5;

/** Walks the whole tree by rules that were at rest before and are the same after. */
async function snapshotAtRest(
  { disk, filter, rules }: PassWork,
  { onListing, isStopped }: PassOptions,
): Promise<Snapshot> {
  let age = await rules.atRest();
  for (let walks = 1; ; walks++) {
    const snapshot = await takeSnapshot(disk, filter, onListing, isStopped);
    const now = await rules.atRest();
    if (now === age || walks === MOST_WALKS) return snapshot;
    age = now;
  }
}

/**
 * One full pass: walk, rsync of the whole tree, and the index becomes what the walk saw; then another walk. Names that
 * are in the index from before and gone from the disk stay in it, and are noted after that: they are deleted there.
 *
 * rsync decides by its own view of the disk what to send, so a pass also repairs what we know nothing of.
 */
export async function fullPass(work: PassWork, options: PassOptions): Promise<PassOver> {
  const { ledger, runner, leftovers, mistakes, rootIsThere, disk, filter, report, deletes } = work;
  const { label: target } = work.rsync.target;
  const { isStopped, onListing } = options;
  const beganMs = steadyNow();
  const { snapshot, isRival } = await withoutRivals(work, await snapshotAtRest(work, options));
  if (isStopped()) return { kind: 'stopped' };
  const { tree } = snapshot;
  // What nobody knows whether it is excluded is not deleted as if it were.
  const mirror = options.mirror === 'all' && snapshot.unsure.length > 0 ? 'notExcluded' : options.mirror;
  if (!rootIsThere()) return ROOT_GONE;
  const mountsAge = disk.mounts.age;
  const areMountsOthers = (): boolean => {
    work.lookAtMounts();
    return disk.mounts.age !== mountsAge;
  };
  const found = mirror === 'off' ? NOTHING : await forecast(runner, snapshot, filter, mirror);
  if (!('items' in found)) return broken(found);
  if (areMountsOthers()) return ROOT_GONE;
  const extraneous = await withoutTwins(work, tree, found.extraneous);
  const expected = { ...found, extraneous: extraneous.filter((name) => !isLeftThere(name, disk)) };
  const refused = await options.guard(snapshot, expected);
  if (refused !== undefined) {
    return dispositionOf(refused) === 'halt' ? { kind: 'halted', failure: refused } : broken(refused);
  }
  if (!options.isRescan) report({ kind: 'passStarted', target, names: tree.size });
  const strange = options.isRescan ? await unexpected(work, snapshot) : undefined;
  const mistaken = await mistakes.takeBack();
  if (mistaken !== undefined) return broken(mistaken);
  const unswept = await leftovers.sweep(runner);
  if (unswept !== undefined) return broken(unswept);
  const blocked = deletes !== 'never' ? await clear(ledger, runner, await inTheWay(ledger, tree)) : undefined;
  if (blocked !== undefined) return broken(blocked);
  const early = await removeThere(ledger, runner, await inTheWayOf(tree, expected.extraneous));
  if (!('items' in early)) return broken(early);

  const names: NamesOfRun = {
    has: (name) => tree.get(name) !== undefined || ledger.index.get(name) !== undefined,
    *below(dir) {
      for (const [name] of tree.below(dir)) yield name;
    },
  };
  const rules = passRules(filter.rsyncRules, snapshot.excluded);
  const run = { kind: 'pass', rules, wouldDelete: 'nothing', dryRun: false } as const;
  const fooled = new Set<Name>();
  const isTouched = touchedSince(disk, ledger.begunMs);
  await eachInSlices(tree.entries(), ([name, now]) => {
    if (foolsPass(ledger.index.get(name), now, work.rsync.takes.window, () => isTouched(name))) fooled.add(name);
  });
  const begun = await ledger.begin(run, () => differing(tree, work));
  if (!begun.ok) return broken(begun.failure);
  const { outcome, items: brought } = await runner.run(begun.value, names);
  const after = await takeSnapshot(disk, filter, onListing, isStopped);
  if (outcome.kind === 'broken') {
    // rsync takes along what came here after the walk. A file never comes before its line, but directories and links do: rsync
    // there holds its lines back, so that even before the first one there may be thousands.
    await eachInSlices(after.tree.entries(), ([name, { type }]) => {
      if (type !== 'file' && !isRival(name)) ledger.markInFlight(name, type);
    });
    return broken(outcome.failure);
  }
  if (isStopped()) return { kind: 'stopped' };
  if (!rootIsThere() || areMountsOthers()) return ROOT_GONE; // what was read may be of another one
  const taken = await takeBack(
    ledger,
    runner,
    filter,
    brought.filter(({ name }) => tree.get(name) === undefined),
  );
  if (taken.failure !== undefined) return broken(taken.failure);
  // Neither in the walk nor excluded: it has come since.
  const hasCome = (name: Name): boolean => {
    const seen = disk.see(name);
    return (
      seen === 'unreadable' ||
      seen === 'away' ||
      (typeof seen === 'object' && filter.decideDeep(name, seen.type === 'dir').synced)
    );
  };
  const stray: Name[] = [];
  await eachInSlices(expected.extraneous, (name) => {
    if (after.tree.get(name) === undefined && !hasCome(name)) stray.push(name);
  });
  const late = await removeThere(ledger, runner, stray);
  if (!('items' in late)) return broken(late);
  const items = [...early.items, ...brought.filter(({ name }) => !taken.names.has(name)), ...late.items];
  for (const { name, action } of brought) if (action === 'send') fooled.delete(name);
  // A directory's time is another one there as soon as anybody puts something into it.
  const isNews = ({ action, name }: Item): boolean => action !== 'attributes' || tree.get(name)?.type !== 'dir';
  // Before anything is noted of it.
  const repaired = strange === undefined ? [] : strange.repaired(items.filter(isNews), after.tree);
  await adopt(work, snapshot, after, { ...outcome, fooled });
  for (const [name, failure] of outcome.failed) if (tree.get(name) !== undefined) ledger.failed(name, failure);
  ledger.setStrays(
    new Map([
      ...outcome.strays,
      ...[...outcome.failed].filter(([name]) => tree.get(name) === undefined),
      ...early.failed,
      ...late.failed,
    ]),
  );
  await noteLeft(work, after, isRival);
  for (const name of after.unsure) if (ledger.isUnknown(name)) ledger.note(name);
  await ledger.brought(
    items.filter(({ name }) => !outcome.failed.has(name) && !isInDoubt(outcome.doubt, name)),
    msSince(beganMs),
  );
  if (repaired.length > 0) report({ kind: 'repaired', target, items: repaired });
  return { kind: 'done', found: items.some(isNews) || strange?.gone.length !== 0 };
}

/** Whether what is only there may be of a file system that was mounted here and is not any more, or is left alone anyway. */
const isLeftThere = (name: Name, disk: Pick<PassWork['disk'], 'mounts' | 'isHeld'>): boolean =>
  disk.isHeld(name) || disk.mounts.isBare(name);

/** Where there is no mirror, nothing is asked ahead. */
const NOTHING: Forecast = { items: [], extraneous: [] };

const broken = (failure: Failure): PassOver => ({ kind: 'broken', failure });

/** The root guard tells of it. */
const ROOT_GONE: PassOver = { kind: 'rootGone' };

/**
 * The index becomes what the walk before the pass saw. Surely so only where the walk after it sees that nothing was done
 * to the name, nor to a directory above it (rsync may have looked while it was something else, or away), and where rsync
 * left no doubt about what failed. `fooled`: what its quick check may have taken for unchanged and is not.
 */
async function adopt(
  { ledger, rsync, disk }: PassWork,
  { tree, ...look }: Snapshot,
  after: Snapshot,
  {
    failed,
    doubt,
    fooled,
  }: Pick<Extract<Outcome, { kind: 'finished' }>, 'failed' | 'doubt'> & {
    readonly fooled: ReadonlySet<Name>;
  },
): Promise<void> {
  const moved = new Set<Name>();
  await eachInSlices(tree.entries(), ([name, entry]) => {
    const now = after.tree.get(name);
    const isAway = name !== ROOT && moved.has(parentOf(name));
    if (entry.type === 'dir' && (isAway || (name !== ROOT && !stayedPut(entry, now)))) moved.add(name);
    if (failed.has(name)) return;
    const was = ledger.index.get(name);
    const inDoubt = isInDoubt(doubt, name) && !isSettled(was, entry, rsync.carriesMore);
    const isSure = now !== undefined && !inDoubt && !fooled.has(name) && isUntouched(entry, now) && !isAway;
    ledger.delivered(name, isSure ? sureOf(entry, look, disk.tickMs, rsync.carriesMore) : unsure(entry));
  });
}

/** Notes what differs from the index after a pass: what has changed since, and what is gone. */
async function noteLeft(
  { ledger, rsync }: PassWork,
  { tree }: Snapshot,
  isRival: (name: Name) => boolean,
): Promise<void> {
  await eachInSlices(tree.entries(), ([name, now]) => {
    if (isSettled(ledger.index.get(name), now, rsync.carriesMore)) return;
    if (!isRival(name)) ledger.markInFlight(name, now.type); // rsync may have taken it along
    ledger.note(name, now);
  });
  await eachInSlices(ledger.index.below(ROOT), ([name]) => {
    if (tree.get(name) === undefined) ledger.note(name);
  });
}

/** What was changed here so long before a rescan, in milliseconds, should have been noticed. */
const NOTICED_MS = 10_000;

/** What a rescan should have nothing to do with. */
interface Unexpected {
  /** What is gone here and nobody noticed. */
  readonly gone: readonly Name[];
  /** Of what rsync turned to, what was amiss; `after`: what is here once it has read all of it. */
  readonly repaired: (items: readonly Item[], after: NameIndex) => readonly Item[];
}

/**
 * A rescan should have nothing to do with what did not wait and either is as it was delivered, or was changed here so long ago
 * that it should have been noticed. Who works meanwhile (a checkout, an unpacked archive) is no reason to report anything: only
 * what was left alone, with all directories above it, from before the walk until rsync had read it counts.
 */
async function unexpected(
  { ledger, rsync, disk, deletes }: PassWork,
  { tree, fromMs }: Pick<Snapshot, 'tree' | 'fromMs'>,
): Promise<Unexpected> {
  const waited = new Set([...ledger.pending].map(([name]) => name));
  const noticedMs = plusMs(fromMs, -NOTICED_MS);
  const isOld = (name: Name): boolean => {
    const changedMs = disk.changedMs(name);
    return changedMs !== undefined && changedMs < noticedMs;
  };
  const before = new Map<Name, Entry | undefined>();
  await eachInSlices(tree.entries(), ([name]) => before.set(name, ledger.index.get(name)));
  const gone: Name[] = [];
  await eachInSlices(deletes !== 'never' ? ledger.index.below(ROOT) : [], ([name]) => {
    const dir = parentOf(name);
    const isGone = tree.get(name) === undefined && tree.get(dir) !== undefined && !disk.isHeld(name);
    if (isGone && !waited.has(name) && isOld(dir)) gone.push(name);
  });
  const wasMissed = (name: Name, after: NameIndex): boolean => {
    const [was, seen, now] = [before.get(name), tree.get(name), after.get(name)];
    if (waited.has(name) || ledger.pending.has(name)) return false;
    if (seen === undefined || now === undefined || !isUntouched(seen, now)) return false;
    const above = ancestorsOf(name);
    const isStill = (dir: Name): boolean => {
      const [then, later] = [tree.get(dir), after.get(dir)];
      return then !== undefined && stayedPut(then, later);
    };
    if (!above.every(isStill)) return false;
    if (was !== undefined && looksSame(was, seen, rsync.carriesMore)) return true;
    // What was moved here with its directory is as old as it was there.
    return isOld(name) && above.every(isOld);
  };
  const repaired = (items: readonly Item[], after: NameIndex): readonly Item[] => [
    ...items.filter(({ name }) => wasMissed(name, after)),
    ...gone
      .filter((name) => after.get(name) === undefined && !ledger.pending.has(name) && isOld(parentOf(name)))
      .map((name): Item => ({ action: 'delete', name, bytes: 0, isNew: false })),
  ];
  return { gone, repaired };
}

/** What is here otherwise than it was delivered, the root left out. */
function* differing(
  tree: NameIndex,
  { ledger: { index }, rsync: { carriesMore } }: PassWork,
): Generator<readonly [Name, Entry['type']]> {
  for (const [name, now] of tree.below(ROOT)) {
    const was = index.get(name);
    if (was === undefined || !looksSame(was, now, carriesMore)) yield [name, now.type];
  }
}

/** A directory of ours that became something else since the last run: our names in it go first, or rsync can't. */
async function inTheWay({ index }: Ledger, tree: NameIndex): Promise<Name[]> {
  const names: Name[] = [];
  await eachInSlices(tree.below(ROOT), ([name, now]) => {
    if (now.type !== 'dir' && index.get(name)?.type === 'dir') {
      names.push(name);
      for (const [below] of index.below(name)) names.push(below);
    }
  });
  return names;
}

/** What a full pass would do, told as events. */
export async function dryRun(
  { ledger, runner, disk, filter, report, rsync, deletes }: PassWork,
  { onListing, mirror }: PassOptions,
): Promise<Failure | undefined> {
  const { label: target } = rsync.target;
  const snapshot = await takeSnapshot(disk, filter, onListing);
  const expected = await forecast(runner, snapshot, filter, mirror);
  if (!('items' in expected)) return expected;
  const { items, extraneous } = expected;
  const would = (item: Item): void => report({ kind: 'wouldDo', target, ...item });
  await eachInSlices(items, would);
  const goes = new Set(extraneous.filter((name) => !isLeftThere(name, disk)));
  await eachInSlices(deletes !== 'never' ? ledger.index.below(ROOT) : [], ([name]) => {
    if (snapshot.tree.get(name) === undefined && !disk.isHeld(name)) goes.add(name);
  });
  await eachInSlices(goes, (name) => would({ action: 'delete', name, bytes: 0, isNew: false }));
  const sends = items.filter((item) => item.action === 'send');
  const bytes = sends.reduce((sum, item) => sum + item.bytes, 0);
  report({ kind: 'wouldDone', target, sends: sends.length, bytes, deletes: goes.size });
  return undefined;
}
