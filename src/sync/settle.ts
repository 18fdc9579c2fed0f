import type { WallMs } from '../core/clock.js';
import type { BroughtItem, Item, Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { ancestorsOf, type Name, parentOf } from '../core/name.js';
import type { RsyncSettings } from '../core/rsync/args.js';
import {
  type Entry,
  hasRacyAttributes,
  isRacy,
  isSameDirectory,
  isUntouched,
  type Seen,
  stayedPut,
  unsure,
  unsureAttributes,
  wasLeftAlone,
} from '../core/sync/entry.js';
import type { NamesOnDisk } from '../scan/disk.js';
import { seeAll } from '../scan/look.js';
import { Slice } from '../slice.js';
import type { Ledger } from './ledger.js';
import type { RunResult } from './read-run.js';

/** Of a directory that is gone here: not yet gone there. What is in it may only have to be looked at once more. */
export const NOT_EMPTY: Failure = {
  kind: 'path',
  message: 'something in it could not be deleted there',
  isPassing: true,
};

/** Of a directory here that nobody may look into: it is there, but who knows what is in it. rsync does not try where it is listed. */
export const UNREADABLE: Failure = {
  kind: 'path',
  message: 'permission denied here',
  hint: 'Make it readable, or leave it out with --exclude.',
};

/** What the names of a batch were when it began. */
export interface BatchView {
  readonly before: ReadonlyMap<Name, Seen>;
  /** The directories above them. */
  readonly above: ReadonlyMap<Name, Seen>;
  /** For what is missing: the nearest directory above it that is there. */
  readonly grounds: ReadonlyMap<Name, Entry | undefined>;
  /** Of what was found to be a file that had another name before: that name. */
  readonly cameFrom?: ReadonlyMap<Name, Name>;
  /** When they were looked at. */
  readonly fromMs: WallMs;
  readonly toMs: WallMs;
}

/** An item with the name that it had before, if it had one. */
export const withFrom =
  ({ cameFrom }: BatchView) =>
  (item: Item): BroughtItem => {
    const from = item.action === 'delete' ? undefined : cameFrom?.get(item.name);
    return from === undefined ? item : { ...item, from };
  };

/** What it takes to say what has become of them. */
export interface SettleOptions {
  readonly ledger: Ledger;
  readonly disk: Pick<NamesOnDisk, 'see' | 'canList' | 'groundOf' | 'tickMs'>;
  readonly rsync: RsyncSettings;
  readonly report: Report;
  /** A run has brought this name as it was at `lookedMs` or later. */
  readonly onBrought: (name: Name, lookedMs: WallMs) => void;
}

/**
 * After a run that finished: what is done leaves the pending set and enters the index, or leaves that too. The rule: a name
 * is done when rsync said so and nothing was done to it from before the run until now.
 */
export async function settle(
  { ledger, disk, report, rsync, onBrought }: SettleOptions,
  names: readonly Name[],
  { before, grounds, above, fromMs, toMs }: BatchView,
  { items, kept, byRules = false }: Pick<RunResult, 'items' | 'kept'> & { readonly byRules?: boolean },
  failures: ReadonlyMap<Name, Failure>,
): Promise<void> {
  const after = await seeAll(disk, names);
  const { moved, changed } = await movedOf(disk, above);
  const wasAway = (name: Name): boolean => isBelowOne(name, moved);
  const deleted = new Set(items.filter(({ action }) => action === 'delete').map(({ name }) => name));
  const brought = new Set(items.filter(({ action }) => action !== 'delete').map(({ name }) => name));
  /**
   * rsync says nothing of what is there already as it is here, nor of what was not here for just the moment in which it looked: that of
   * a directory that was away and back, and then had something come or go in it, can't be told.
   */
  const isTold = (name: Name): boolean => brought.has(name) || !(deleted.has(name) || isBelowOne(name, changed));
  const emptied = new Set<Name>(); // something of ours below them went, or is about to
  const slice = new Slice();
  for (const name of longestFirst(names)) {
    if (slice.isOver) await slice.next();
    const was = before.get(name);
    const now = after.get(name);
    const isClosed = typeof now === 'object' && now.type === 'dir' && !disk.canList(name);
    const failure = failures.get(name) ?? (isClosed ? UNREADABLE : undefined);
    if (was === undefined || now === undefined) continue;
    // Whatever rsync saw of it was here after that moment.
    if (failure === undefined && !kept.has(name) && !wasAway(name)) onBrought(name, fromMs);
    if (failure !== undefined) {
      // Not its fault if it was being changed: its turn comes again, and at once.
      if (failure.isPassing === true && !wasLeftAlone(was, now)) ledger.again(name);
      else ledger.failed(name, failure, was);
    } else if (typeof was === 'string' || typeof now === 'string') {
      if (was !== now || was === 'unreadable' || was === 'away') continue; // came or went meanwhile: its turn comes again
      if (kept.has(name)) {
        if (stays(name, byRules ? NONE : emptied, ledger)) continue;
        report({ kind: 'kept', target: rsync.target.label, name });
      } else {
        // Missing before and after, and rsync did not say that it deleted it: then it was not there anyway, unless it was
        // back here for just that moment. That leaves a new time on the directory that held it.
        if (!deleted.has(name) && (wasAway(name) || !isSameGround(grounds.get(name), disk.groundOf(name)))) continue;
        emptied.add(parentOf(name));
      }
      // What is ours in it and left alone keeps it ours.
      if (kept.has(name) && ledger.index.aside.children(name).size > 0) ledger.setAside(name);
      else ledger.gone(name);
      ledger.settled(name);
    } else if (isUntouched(was, now) && !wasAway(name) && isTold(name)) {
      const sure = sureOf(was, { fromMs, toMs }, disk.tickMs, rsync.carriesMore);
      ledger.delivered(name, sure);
      if (sure === was) ledger.settled(name);
    } else {
      ledger.again(name);
    }
  }
  for (const dir of emptied) if (ledger.pending.failure(dir) === NOT_EMPTY) ledger.soon(dir);
}

/** By rules a directory goes after all that it held. */
const NONE: Set<Name> = new Set();

/** What is below a directory before the directory. */
function* longestFirst(names: readonly Name[]): Generator<Name> {
  const byLength = new Map<number, Name[]>();
  for (const name of names) {
    const same = byLength.get(name.length);
    if (same === undefined) byLength.set(name.length, [name]);
    else same.push(name);
  }
  for (const length of [...byLength.keys()].sort((a, b) => b - a)) yield* byLength.get(length) ?? [];
}

/** What is sure about a name that was delivered as it was seen between these moments. */
export function sureOf(
  seen: Entry,
  { fromMs, toMs }: Pick<BatchView, 'fromMs' | 'toMs'>,
  tickMs: number,
  carriesMore: boolean,
): Entry {
  if (isRacy(seen, fromMs, toMs, tickMs)) return unsure(seen);
  const isAskedFor = carriesMore || seen.type === 'file'; // its change time
  return isAskedFor && hasRacyAttributes(seen, fromMs, toMs, tickMs) ? unsureAttributes(seen) : seen;
}

/** Which of these directories may have been away in between: then rsync may have read something else below them. */
async function movedOf(
  disk: Pick<NamesOnDisk, 'see'>,
  above: ReadonlyMap<Name, Seen>,
): Promise<Readonly<Record<'moved' | 'changed', ReadonlySet<Name>>>> {
  const later = await seeAll(disk, [...above.keys()]);
  const moved = new Set<Name>();
  const changed = new Set<Name>();
  for (const [dir, before] of above) {
    const after = later.get(dir);
    if (typeof before !== 'object') continue;
    if (!stayedPut(before, after)) moved.add(dir);
    if (typeof after !== 'object' || before.ctime !== after.ctime) changed.add(dir);
  }
  return { moved, changed };
}

const isBelowOne = (name: Name, dirs: ReadonlySet<Name>): boolean =>
  dirs.size > 0 && ancestorsOf(name).some((dir) => dirs.has(dir));

/**
 * Whether a directory that is gone here, and was not empty there, still has to go: rsync tries a directory before what it
 * holds, so each run empties one level (those that are in `emptied`). If nothing of ours is left in it, it holds what is not ours.
 */
function stays(name: Name, emptied: Set<Name>, ledger: Ledger): boolean {
  if (emptied.has(name)) {
    emptied.add(parentOf(name));
    return true;
  }
  if (ledger.index.children(name).size === 0) return false;
  ledger.putOff(name, NOT_EMPTY);
  return true;
}

const isSameGround = (before: Entry | undefined, after: Entry | undefined): boolean =>
  before !== undefined && after !== undefined && isSameDirectory(before, after);
