import { msBetween, type WallMs } from '../clock.js';
import { ancestorsOf, isTree, type Name, ROOT } from '../name.js';
import type { Steps } from '../steps.js';
import { type Entry, isSameInode, type Seen, writtenMs } from './entry.js';
import { findMoves } from './move.js';
import type { ReadonlyIndex } from './name-index.js';
import { EMPTIED_MS, LONGEST_MS, LONGEST_REST_MS, STORM_NAMES, STORM_QUIET_MS } from './policy.js';

/**
 * Whether it is a known file that was written to, or replaced by one just written (an atomic save); else it came or went. What
 * took its place long after it was written was moved here: the other half of the move may not have been heard of yet.
 */
const isRewritten = (was: Entry | undefined, now: Seen, ageMs: number, waitedMs: number): boolean =>
  was?.type === 'file' &&
  typeof now !== 'string' &&
  now.type === 'file' &&
  (isSameInode(was, now) || ageMs - waitedMs <= LONGEST_REST_MS);

/** How long a name rests after the last change before it is sent, in milliseconds. */
export interface Rest {
  /** A known file, after the last write to it. */
  readonly writtenMs: number;
  /**
   * A name that came or went, or that is a directory, since it was noted: a new one may be a temporary file, a missing one
   * may be on its way back, and what is in a new directory goes along with it.
   */
  readonly cameMs: number;
}

/**
 * How much longer a name should rest, in milliseconds; 0 or less: its turn is now. The disk knows better than the watcher
 * when it was written last: that tells of the writes after the first one 50 ms later (docs/design.md#watching).
 * `waitedMs`: since it was noted.
 */
export function restMs(was: Entry | undefined, now: Seen, nowMs: WallMs, waitedMs: number, rest: Rest): number {
  if (typeof now === 'string' || now.type !== 'file') return rest.cameMs - waitedMs;
  const age = msBetween(writtenMs(now), nowMs);
  const isEmptied = now.size === 0 && was?.type === 'file' && was.size > 0;
  const wanted = isEmptied && rest.writtenMs > 0 ? Math.max(rest.writtenMs, EMPTIED_MS) : rest.writtenMs;
  // Dated in the future, it says nothing.
  const written = age < 0 ? 0 : Math.min(wanted - age, Math.max(LONGEST_REST_MS, wanted) - waitedMs);
  return isRewritten(was, now, age, waitedMs) ? written : Math.max(written, rest.cameMs - waitedMs);
}

/** What of a batch is not at rest yet. */
export interface Unrested {
  /** And for how much longer, in milliseconds. */
  readonly waits: ReadonlyMap<Name, number>;
  /** A tree that is gone as far as it is heard of, where all of the batch waits for what is left of that. */
  readonly going: readonly Name[];
}

/**
 * What of a batch is not at rest yet, and for how much longer, in milliseconds. Names that came or went rest together, until
 * no further one was noted for a while: a rename is two of them, and what is in a new directory goes along with it. A
 * directory goes along with what is in it: rsync sends it anyway.
 *
 * `waitedMs`: since a name was noted.
 */
export function* unrested(
  batch: ReadonlyMap<Name, Seen>,
  index: ReadonlyIndex,
  waitedMs: (name: Name) => number,
  nowMs: WallMs,
  rest: Rest,
): Steps<Unrested> {
  const waits = new Map<Name, number>();
  const moving = new Set((yield* findMoves(batch, index)).flatMap(({ from, to }) => [from, to]));
  const came: Name[] = [];
  const gone = new Set<Name>();
  let longestMs = 0;
  let cameMs = 0;
  let lastAgoMs = Number.POSITIVE_INFINITY; // since the last write
  let goneAgoMs = Number.POSITIVE_INFINITY; // since the last one that is gone was noted
  for (const [name, now] of batch) {
    yield;
    const ageMs = typeof now === 'string' ? 0 : msBetween(writtenMs(now), nowMs);
    if (typeof now !== 'string') lastAgoMs = Math.min(lastAgoMs, Math.max(0, ageMs));
    const was = moving.has(name) ? undefined : index.get(name);
    if (now === 'missing' && was !== undefined) {
      gone.add(name);
      goneAgoMs = Math.min(goneAgoMs, waitedMs(name));
    }
    const ms = restMs(was, now, nowMs, waitedMs(name), rest);
    longestMs = Math.max(longestMs, waitedMs(name));
    if (isRewritten(was, now, ageMs, waitedMs(name))) {
      if (ms > 0) waits.set(name, ms);
    } else {
      came.push(name);
      cameMs = Math.max(cameMs, ms);
    }
  }
  const mayWait = longestMs < Math.max(LONGEST_MS, rest.cameMs);
  // Of a tree that is being deleted a run now would only take a part, and what is left takes another one that no standby can take.
  const isGoing = rest.cameMs > 0 && mayWait && (yield* isTree(gone));
  const quietMs = isGoing ? Math.min(lastAgoMs, goneAgoMs) : lastAgoMs;
  // How much longer a storm should be waited out; 0 or less: it is over.
  const stormMs = (isGoing || batch.size >= STORM_NAMES) && mayWait ? STORM_QUIET_MS - quietMs : 0;
  const all = stormMs > 0 ? batch.keys() : cameMs > 0 && mayWait ? came : [];
  for (const name of all) {
    yield;
    waits.set(name, stormMs > 0 ? stormMs : cameMs);
  }
  const going = isGoing && stormMs > 0 ? [...gone] : [];
  if (waits.size === 0 || waits.size === batch.size) return { waits, going };
  for (const name of batch.keys()) {
    yield;
    if (!waits.has(name)) for (const dir of [ROOT, ...ancestorsOf(name)]) waits.delete(dir);
  }
  return { waits, going };
}
