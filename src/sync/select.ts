import { steadyNow, wallNow } from '../clock.js';
import { msBetween } from '../core/clock.js';
import { directoriesAbove, type Name, parentOf } from '../core/name.js';
import type { BatchOptions } from '../core/sync/effects.js';
import { isSettled, type Seen } from '../core/sync/entry.js';
import { type Unrested, unrested } from '../core/sync/rest.js';
import type { Ways } from '../scan/disk.js';
import { seeAll } from '../scan/look.js';
import { eachInSlices, inSlices } from '../slice.js';
import { holdByRules } from './hold.js';
import type { BatchView } from './settle.js';
import type { Work } from './work.js';

/** What of a batch goes now, as it was seen, and when to look again at the rest, in milliseconds from now; 0: nothing is left. */
export interface Selected {
  readonly view: BatchView;
  readonly restMs: number;
  /** A tree that is gone here, as far as is heard of, and is waited for: nothing goes before it. */
  readonly going: readonly Name[];
}

/** Looks at the names of a batch, and leaves out what is excluded, what rsync can't be told of, and what is not at rest. */
export async function select(
  work: Pick<Work, 'ledger' | 'disk' | 'seen' | 'filter' | 'rules' | 'rest' | 'rsync'>,
  names: readonly Name[],
  { mayRest, most }: BatchOptions,
): Promise<Selected> {
  const { ledger, disk } = work;
  // Before the names: one that is away while they are looked at was away.
  const above = await seeAll(disk, await inSlices(directoriesAbove(names)));
  const fromMs = wallNow();
  const seen = await seeNames(work, names, above);
  const toMs = wallNow();
  leaveOutLong(work, seen);
  const { go, waitMs } = await holdByRules(work, seen, mayRest);
  const nowMs = steadyNow();
  const waited = (name: Name): number => msBetween(ledger.pending.sinceMs(name) ?? nowMs, nowMs);
  const { waits, going } = mayRest
    ? await inSlices(unrested(go, ledger.index, waited, fromMs, work.rest))
    : ALL_AT_REST;
  let restMs = waitMs; // not Math.min(...): a storm may have more names than a call takes arguments
  await eachInSlices(waits, ([name, ms]) => {
    go.delete(name);
    restMs = restMs === 0 ? ms : Math.min(restMs, ms);
  });
  if (most !== undefined) for (const name of [...go.keys()].slice(most)) go.delete(name);
  return { view: { before: go, above, grounds: new Map(), fromMs, toMs }, restMs, going };
}

/**
 * What these names are, as far as it matters before a run: those of a storm were looked at when they were found to wait, and are
 * still there. What would go without a run is looked at in any case.
 */
async function seeNames(
  { ledger, disk, seen, rsync }: Pick<Work, 'ledger' | 'disk' | 'seen' | 'rsync'>,
  names: readonly Name[],
  above: ReadonlyMap<Name, Seen>,
): Promise<Map<Name, Seen>> {
  const ways: Ways = new Map();
  const all = new Map<Name, Seen>();
  await eachInSlices(names, (name) => {
    const known = (disk.tickMs === 0 ? above.get(name) : undefined) ?? seen.still(name, above.get(parentOf(name)));
    const goes = typeof known === 'object' && !isSettled(ledger.index.get(name), known, rsync.carriesMore);
    all.set(name, goes && !disk.mounts.isAway(name) ? known : disk.see(name, ways));
  });
  return all;
}

/** rsync can't be told of what is too long: it would take a part of it for the name. */
function leaveOutLong({ ledger, disk }: Pick<Work, 'ledger' | 'disk'>, seen: Map<Name, Seen>): void {
  for (const [name, now] of seen) {
    if (now !== 'unreadable' || !disk.isTooLong(name)) continue;
    seen.delete(name);
    ledger.settled(name);
  }
}

const ALL_AT_REST: Unrested = { waits: new Map(), going: [] };
