import type { Failure } from '../core/failure.js';
import { ancestorsOf, type Name, parentOf } from '../core/name.js';
import {
  type Entry,
  hasRacyAttributes,
  isRacy,
  isUntouched,
  type Seen,
  stayedPut,
  unsure,
  unsureAttributes,
  wasLeftAlone,
} from '../core/sync/entry.js';
import type { NameIndex } from '../core/sync/name-index.js';
import type { Pending } from '../core/sync/pending.js';
import type { Disk } from '../scan/disk.js';
import { seeAll } from '../scan/look.js';
import { Slice } from '../slice.js';
import type { RunResult } from './runner.js';
import type { BatchView, Transfer } from './transfer.js';

/** Of a directory that is gone here: not yet gone there. What is in it may only have to be looked at once more. */
export const NOT_EMPTY: Failure = {
  kind: 'path',
  message: 'something in it could not be deleted there',
  isPassing: true,
};

/** Of a directory here that nobody may look into: it is there, but who knows what is in it. rsync does not try where it is listed. */
const UNREADABLE: Failure = {
  kind: 'path',
  message: 'permission denied here',
  hint: 'Make it readable, or leave it out with --exclude.',
};

/**
 * After a run that finished: what is done leaves the pending set and enters the index, or leaves that too. The rule: a name
 * is done when rsync said so and nothing was done to it from before the run until now.
 */
export async function settle(
  transfer: Transfer,
  pending: Pending,
  names: readonly Name[],
  { before, grounds, above, fromMs, toMs }: BatchView,
  { items, kept }: Pick<RunResult, 'items' | 'kept'>,
  failures: ReadonlyMap<Name, Failure>,
): Promise<void> {
  const { disk, report, rsync, onBrought } = transfer.options;
  const after = await seeAll(disk, names);
  const moved = await movedOf(disk, above);
  const wasAway = (name: Name): boolean => moved.size > 0 && ancestorsOf(name).some((dir) => moved.has(dir));
  const deleted = new Set(items.filter(({ action }) => action === 'delete').map(({ name }) => name));
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
      if (failure.isPassing === true && !wasLeftAlone(was, now)) pending.again(name, performance.now());
      else transfer.failed(name, failure, was);
    } else if (typeof was === 'string' || typeof now === 'string') {
      if (was !== now || was === 'unreadable') continue; // came or went meanwhile: its turn comes again
      if (kept.has(name)) {
        if (stays(name, emptied, transfer.index, pending)) continue;
        report({ kind: 'kept', target: rsync.target.label, name });
      } else {
        // Missing before and after, and rsync did not say that it deleted it: then it was not there anyway, unless it was
        // back here for just that moment. That leaves a new time on the directory that held it.
        if (!deleted.has(name) && (wasAway(name) || !isSameGround(grounds.get(name), disk.groundOf(name)))) continue;
        emptied.add(parentOf(name));
      }
      // What is ours in it and left alone keeps it ours.
      if (kept.has(name) && transfer.index.aside.children(name).size > 0) transfer.index.setAside(name);
      else transfer.gone(name);
      pending.settle(name);
    } else if (isUntouched(was, now) && !wasAway(name)) {
      const sure = sureOf(was, { fromMs, toMs }, disk.tickMs, rsync.carriesMore);
      transfer.index.set(name, sure);
      if (sure === was) pending.settle(name);
    } else {
      pending.again(name, performance.now());
    }
  }
}

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

/** What is sure about a name that was delivered as it was seen between these moments, in milliseconds since 1970. */
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
async function movedOf(disk: Disk, above: ReadonlyMap<Name, Seen>): Promise<Set<Name>> {
  const after = await seeAll(disk, [...above.keys()]);
  const moved = new Set<Name>();
  for (const [dir, before] of above) {
    if (typeof before === 'object' && !stayedPut(before, after.get(dir))) moved.add(dir);
  }
  return moved;
}

/**
 * Whether a directory that is gone here, and was not empty there, still has to go: rsync tries a directory before what it
 * holds, so each run empties one level. If nothing of ours is left in it, it holds what is not ours.
 */
function stays(name: Name, emptied: Set<Name>, index: NameIndex, pending: Pending): boolean {
  if (emptied.has(name)) {
    emptied.add(parentOf(name));
    return true;
  }
  if (index.children(name).size === 0) return false;
  pending.fail(name, NOT_EMPTY, performance.now(), Math.random());
  return true;
}

const isSameGround = (before: Entry | undefined, after: Entry | undefined): boolean =>
  before !== undefined && after !== undefined && before.ino === after.ino && isUntouched(before, after);
