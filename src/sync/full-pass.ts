import { msSince, steadyNow } from '../clock.js';
import type { Item } from '../core/event.js';
import { dispositionOf, type Failure } from '../core/failure.js';
import { type Name, parentOf, ROOT } from '../core/name.js';
import type { NamesOfRun } from '../core/rsync/complaints.js';
import { isInDoubt, type Outcome } from '../core/rsync/exit.js';
import { type Entry, foolsPass, isUntouched, stayedPut } from '../core/sync/entry.js';
import type { PassOver } from '../core/sync/inputs.js';
import type { NameIndex } from '../core/sync/name-index.js';
import { type Snapshot, takeSnapshot } from '../scan/snapshot.js';
import { touchedSince } from '../scan/touched.js';
import type { Listing } from '../scan/walk.js';
import { eachInSlices } from '../slice.js';
import { adopt, noteLeft } from './adopt.js';
import { clear } from './clear.js';
import type { Ledger } from './ledger.js';
import { withoutLinked } from './linked.js';
import {
  type Forecast,
  forecast,
  inTheWayOf,
  isLeftThere,
  type MirrorMode,
  type Removed,
  removeThere,
} from './mirror.js';
import { unexpected } from './rescan.js';
import { UNREADABLE } from './settle.js';
import { withoutRivals, withoutTwins } from './spelling.js';
import { type ASKED_FROM, differing, differs, transfer } from './transfer.js';
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
  /** It has begun; gives what of it is to be sent. */
  readonly onBegun: (differing: () => Iterable<readonly [Name, Entry]>) => void;
  /** Nothing of it is worth going on with. */
  readonly isStopped: () => boolean;
  /** See {@link ASKED_FROM}. */
  readonly askedFrom?: number;
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
 * One full pass: walk, rsync of all names in it, and the index becomes what the walk saw; then another walk. Names that
 * are in the index from before and gone from the disk stay in it, and are noted after that: they are deleted there.
 *
 * rsync decides by its own view of the disk what to send, so a pass also repairs what we know nothing of.
 */
export async function fullPass(work: PassWork, options: PassOptions): Promise<PassOver> {
  const { ledger, runner, report } = work;
  const { label: target } = work.rsync.target;
  const beganMs = steadyNow();
  const plan = await planned(work, options);
  if ('kind' in plan) return plan;
  const { tree } = plan.snapshot;
  if (!options.isRescan) report({ kind: 'passStarted', target, names: tree.size });
  options.onBegun(() => differing(tree, work));
  const strange = options.isRescan ? await unexpected(work, plan.snapshot) : undefined;
  const early = await makeWay(work, plan);
  if (!('items' in early)) return broken(early);
  const brought = await bring(work, options, plan);
  if ('kind' in brought) return brought;
  const { after } = brought;
  // rsync does not try where a directory is listed.
  const closed = await closedIn(work, tree, after);
  const outcome = { ...brought.outcome, failed: new Map([...closed, ...brought.outcome.failed]) };
  const late = await removeThere(ledger, runner, await strays(work, plan, after));
  if (!('items' in late)) return broken(late);
  const items = [...early.items, ...brought.items, ...late.items];
  // A directory's time is another one there as soon as anybody puts something into it.
  const isNews = ({ action, name }: Item): boolean => action !== 'attributes' || tree.get(name)?.type !== 'dir';
  // Before anything is noted of it.
  const unkept = strange === undefined ? NONE : await notKept(work, after, items.filter(isNews));
  const isAmiss = (item: Item): boolean => isNews(item) && !isUnkept(item, unkept);
  const repaired = strange === undefined ? [] : strange.repaired(items.filter(isAmiss), after.tree);
  await adopt(work, plan.snapshot, after, { ...outcome, fooled: brought.fooled });
  for (const [name, failure] of outcome.failed) if (tree.get(name) !== undefined) ledger.failed(name, failure);
  ledger.setStrays(
    new Map([
      ...outcome.strays,
      ...[...outcome.failed].filter(([name]) => tree.get(name) === undefined),
      ...early.failed,
      ...late.failed,
    ]),
  );
  await noteLeft(work, after);
  // What a mirror deleted last gave its directory another time there: the next run sets that right.
  const emptied = new Set(late.items.map(({ name }) => parentOf(name)));
  await ledger.unsure([...emptied].filter((dir) => after.tree.get(dir) !== undefined));
  for (const name of after.unsure) if (ledger.isUnknown(name)) ledger.note(name);
  // A batch has rsync say why it can't be read.
  for (const name of after.unread)
    if (ledger.isUnknown(name) && !closed.has(parentOf(name)) && (await isWanted(work, name))) ledger.note(name);
  await ledger.brought(
    items.filter(({ name }) => !outcome.failed.has(name) && !isInDoubt(outcome.doubt, name)),
    msSince(beganMs),
  );
  if (repaired.length > 0) report({ kind: 'repaired', target, items: repaired });
  return { kind: 'done', found: items.some(isAmiss) || strange?.gone.length !== 0 };
}

/** Whether it is synced, whatever it is. */
async function isWanted({ filter }: PassWork, name: Name): Promise<boolean> {
  for (const isDir of [false, true]) {
    await filter.learnDeep(name, isDir);
    if (!filter.decideDeep(name, isDir).synced) return false;
  }
  return true;
}

/** Directories into which nobody may look: who knows what is in them. */
async function closedIn({ disk }: PassWork, tree: NameIndex, after: Snapshot): Promise<Map<Name, Failure>> {
  const read = new Set(after.tree.directories());
  const closed = new Map<Name, Failure>();
  await eachInSlices(tree.below(ROOT), ([name, { type }]) => {
    const mayBe = type === 'dir' && !read.has(name) && after.tree.get(name)?.type === 'dir';
    if (mayBe && !disk.canList(name)) closed.set(name, UNREADABLE);
  });
  return closed;
}

const NONE: ReadonlySet<Name> = new Set();

const isUnkept = ({ action, name }: Item, unkept: ReadonlySet<Name>): boolean =>
  action === 'attributes' && unkept.has(name);

/** Of what was only given its mode or time there, what is otherwise again at once: FAT and SMB keep no modes. */
async function notKept(work: PassWork, after: Snapshot, items: readonly Item[]): Promise<ReadonlySet<Name>> {
  if (!items.some(({ action }) => action === 'attributes')) return NONE;
  const again = await forecast(work.runner, after, work.filter, 'off');
  if (!('items' in again)) return NONE;
  return new Set(again.items.filter(({ action }) => action === 'attributes').map(({ name }) => name));
}

/** What a pass is to do, once nothing is against it. */
interface Plan {
  readonly snapshot: Snapshot;
  readonly expected: Forecast;
  /** What of that has to go before anything is sent. */
  readonly inTheWay: readonly Name[];
  /** Whether something was mounted or unmounted since the walk. */
  readonly areMountsOthers: () => boolean;
}

/** Looks at what is here and, for a mirror, there. Nothing is changed there yet. */
async function planned(work: PassWork, options: PassOptions): Promise<Plan | PassOver> {
  const { runner, rootIsThere, disk, filter } = work;
  const walked = await withoutRivals(work, await snapshotAtRest(work, options));
  if (options.isStopped()) return { kind: 'stopped' };
  if (walked.short !== undefined) return broken(unreadNow(walked.short));
  const snapshot = await withoutLinked(work, walked);
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
  const extraneous = await withoutTwins(work, snapshot.tree, found.extraneous);
  const expected = { ...found, extraneous: extraneous.filter((name) => !isLeftThere(name, disk)) };
  const refused = await options.guard(snapshot, expected);
  if (refused !== undefined) {
    return dispositionOf(refused) === 'halt' ? { kind: 'halted', failure: refused } : broken(refused);
  }
  const inTheWay = await inTheWayOf(snapshot.tree, expected.extraneous);
  return { snapshot, expected, inTheWay, areMountsOthers };
}

/** Deletes what would be in the way there. Gives what a mirror deleted of it. */
async function makeWay(work: PassWork, { snapshot: { tree }, inTheWay }: Plan): Promise<Removed | Failure> {
  const { ledger, runner, leftovers, mistakes, deletes } = work;
  const mistaken = await mistakes.takeBack();
  if (mistaken !== undefined) return mistaken;
  const unswept = await leftovers.sweep(runner);
  if (unswept !== undefined) return unswept;
  const blocked = deletes !== 'never' ? await clear(ledger, runner, await replacedDirs(ledger, tree)) : undefined;
  return blocked ?? removeThere(ledger, runner, inTheWay);
}

/** What rsync has brought. */
interface Brought {
  readonly outcome: Extract<Outcome, { readonly kind: 'finished' }>;
  readonly items: readonly Item[];
  /** What its quick check may have taken for unchanged and is not. */
  readonly fooled: ReadonlySet<Name>;
  /** What was here when it had ended. */
  readonly after: Snapshot;
}

/** rsync brings all that differs there; then everything is looked at again. */
async function bring(work: PassWork, options: PassOptions, plan: Plan): Promise<Brought | PassOver> {
  const { ledger, rootIsThere, disk, filter } = work;
  const { isStopped, onListing, askedFrom } = options;
  const { snapshot, areMountsOthers } = plan;
  const { tree } = snapshot;
  const names: NamesOfRun = {
    has: (name) => tree.get(name) !== undefined || ledger.index.get(name) !== undefined,
    *below(dir) {
      for (const [name] of tree.below(dir)) yield name;
    },
  };
  const fooled = new Set<Name>();
  const isTouched = touchedSince(disk, ledger.begunMs);
  let totalBytes = 0;
  await eachInSlices(tree.entries(), ([name, now]) => {
    if (differs(name, now, work)) totalBytes += now.size;
    if (foolsPass(ledger.index.get(name), now, work.rsync.takes.window, () => isTouched(name))) fooled.add(name);
  });
  const ended = await transfer(work, snapshot, { names, totalBytes, askedFrom });
  if ('message' in ended) return broken(ended);
  const { outcome, items } = ended;
  const after = await takeSnapshot(disk, filter, onListing, isStopped);
  if (outcome.kind === 'broken') {
    const isWhole = !isStopped() && rootIsThere();
    // A file never comes before its line, but directories and links do: what was a file in the walk may have been one when rsync looked.
    await eachInSlices(tree.entries(), ([name, was]) => {
      const now = after.tree.get(name);
      const isStill = now === undefined ? !isWhole : isUntouched(was, now);
      if (was.type === 'file' && !isStill) ledger.markInFlight(name, now?.type ?? 'file');
    });
    if (isStopped()) await nameUnsent(work, tree);
    // Something else may have been in the place of what is known meanwhile, and be there now.
    else if (isWhole)
      await eachInSlices(ledger.index.below(ROOT), ([name, was]) => {
        if (!isStillThere(was, after.tree.get(name))) ledger.doubt(name);
      });
    return broken(outcome.failure);
  }
  if (isStopped()) return { kind: 'stopped' };
  if (!rootIsThere() || areMountsOthers()) return ROOT_GONE; // what was read may be of another one
  if (after.short !== undefined) return broken(unreadNow(after.short));
  for (const { name, action } of items) if (action === 'send') fooled.delete(name);
  return { outcome, items, fooled, after };
}

/** What is in there would be taken for gone. */
const unreadNow = (why: string): Failure => ({
  kind: 'run',
  message: `not all that is here can be read just now: ${why}`,
  hint: 'It is tried again until it can.',
});

/** Whether a known name surely was of this type all the time. */
const isStillThere = (was: Entry, now: Entry | undefined): boolean =>
  was.type === now?.type && (was.type !== 'dir' || stayedPut(was, now));

/** What is only there and was not in the way, for that is gone by now, and has not come here since. */
async function strays({ disk, filter }: PassWork, { expected, inTheWay }: Plan, after: Snapshot): Promise<Name[]> {
  // Neither in the walk nor excluded: it has come since.
  const hasCome = (name: Name): boolean => {
    const seen = disk.see(name);
    return (
      seen === 'unreadable' ||
      seen === 'away' ||
      (typeof seen === 'object' && filter.decideDeep(name, seen.type === 'dir').synced)
    );
  };
  const gone = new Set(inTheWay);
  const stray: Name[] = [];
  await eachInSlices(expected.extraneous, (name) => {
    if (after.tree.get(name) === undefined && !gone.has(name) && !hasCome(name)) stray.push(name);
  });
  return stray;
}

/** Where there is no mirror, nothing is asked ahead. */
const NOTHING: Forecast = { items: [], extraneous: [], isAll: true, isRootOther: false };

const broken = (failure: Failure): PassOver => ({ kind: 'broken', failure });

/** The root guard tells of it. */
const ROOT_GONE: PassOver = { kind: 'rootGone' };

/** It is over, and no other pass finds what this one did not prove to be there: it waits, to be named. */
async function nameUnsent(work: PassWork, tree: NameIndex): Promise<void> {
  const { ledger } = work;
  await eachInSlices(differing(tree, work), ([name, { type }]) => {
    const isMade = type === 'dir' && ledger.index.get(name) !== undefined;
    if (!isMade) ledger.note(name);
  });
}

/** A directory of ours that became something else since the last run: our names in it go first, or rsync can't. */
async function replacedDirs({ index }: Ledger, tree: NameIndex): Promise<Name[]> {
  const names: Name[] = [];
  await eachInSlices(tree.below(ROOT), ([name, now]) => {
    if (now.type !== 'dir' && index.get(name)?.type === 'dir') {
      names.push(name);
      for (const [below] of index.below(name)) names.push(below);
    }
  });
  return names;
}
