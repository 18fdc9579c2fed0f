import { msSince, steadyNow } from '../clock.js';
import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { directoriesAbove, type Name, ROOT } from '../core/name.js';
import { LASTS_BYTES } from '../core/rsync/args.js';
import { ofNames } from '../core/rsync/complaints.js';
import type { Batch } from '../core/sync/batch.js';
import type { Entry, Seen } from '../core/sync/entry.js';
import { rewritesOf } from '../core/sync/rewrites.js';
import type { RsyncProcess, WritingRun } from '../rsync/run.js';
import type { StandbyKind } from '../rsync/standby.js';
import { eachInSlices, inSlices } from '../slice.js';
import { clearRun } from './clear.js';
import { namesRun } from './runner.js';
import { type BatchView, settle, withFrom } from './settle.js';
import type { Work } from './work.js';

/**
 * What rsync's quick check would make of the names of a run; `fooled`: it must not be asked; `gone`: there is nothing to check,
 * for they all go, by rules.
 */
export type QuickCheck = Batch['quickCheck'] | 'fooled' | 'gone';

const SUITABLE: Readonly<Record<QuickCheck, readonly StandbyKind[]>> = {
  gone: [],
  right: ['plain'],
  fooled: ['sure'],
  idle: ['plain', 'sure'],
};

/**
 * With so many names a standby with `--checksum` is slower than an rsync that has to log in: it reads all files before it sends the
 * first one.
 */
const MOST_READ_AHEAD = 4_000;

/** Only the one with `--checksum` says how far it is. */
const suits = (kind: StandbyKind, quickCheck: QuickCheck, many: number, lasts: boolean): boolean =>
  kind === 'sure' ? quickCheck === 'fooled' || many <= MOST_READ_AHEAD : !lasts;

/** How a run for some names of a batch ended: whether rsync had anything to do, or why it broke. */
export type Delivered =
  | { readonly kind: 'done'; readonly any: boolean }
  | { readonly kind: 'broken'; readonly failure: Failure };

/** One run for some names of a batch, and what came of it. `ready`: one that was started for it. */
export async function deliver(
  work: Work,
  names: readonly Name[],
  view: BatchView,
  quickCheck: QuickCheck,
  ready?: RsyncProcess,
): Promise<Delivered> {
  if (names.length === 0) return { kind: 'done', any: false };
  const { ledger, runner } = work;
  const beganMs = steadyNow();
  const mayGo = mayGoWithItsDisk(work, names, view);
  const { totalBytes, largestBytes } = sizesOf(names, view.before);
  const lasts = largestBytes >= LASTS_BYTES;
  const more = { ...(lasts ? { saysHowFar: true } : {}), ...(mayGo ? { deleteMissing: false } : {}) };
  const run: WritingRun =
    quickCheck === 'gone'
      ? clearRun(ledger.index, names)
      : { ...namesRun(work, quickCheck === 'fooled'), ...more, names };
  const above = await inSlices(directoriesAbove(names));
  const brings = await whatComes(names, above, view.before);
  const rewrites = mayGo || run.kind !== 'names' ? undefined : rewritesOf(names, view.before, ledger.index);
  const begun = await ledger.begin(run, () => brings);
  if (!begun.ok) {
    ready?.end();
    return { kind: 'broken', failure: begun.failure };
  }
  const own = ofNames(names);
  const result = await runner.run(begun.value, own, {
    suitable: mayGo ? [] : SUITABLE[quickCheck].filter((kind) => suits(kind, quickCheck, names.length, lasts)),
    rewrites,
    ready,
    totalBytes,
    ...(lasts ? {} : { largestBytes }),
    onItem: (item, was) => {
      if (isRemovedThere(work, item, was, view.before)) work.onRemoved(item.name);
    },
  });
  const { outcome, items } = result;
  if (outcome.kind === 'broken') return { kind: 'broken', failure: outcome.failure };
  await settle(work, names, view, { ...result, byRules: quickCheck === 'gone' }, outcome.failed);
  ledger.sent(alone(names, above, view.before), beganMs);
  for (const [name, failure] of outcome.failed) if (!own.has(name)) ledger.failed(name, failure);
  await ledger.brought(items.filter(({ name }) => !outcome.failed.has(name)).map(withFrom(view)), msSince(beganMs));
  return { kind: 'done', any: items.length > 0 };
}

/**
 * Those that a run has brought for their own sake: not the directories of others, which only have a new time, nor what is gone here,
 * which may have to wait there for what was in it.
 */
const alone = (names: readonly Name[], above: ReadonlySet<Name>, before: ReadonlyMap<Name, Seen>): readonly Name[] =>
  names.filter((name) => {
    const seen = before.get(name);
    const isAbove = name === ROOT || above.has(name);
    return typeof seen === 'object' && !(seen.type === 'dir' && isAbove && names.length > 1);
  });

/**
 * Whether all of these are here, and some in a file system that may be unmounted before rsync looks: it must not take them for
 * missing then. A standby would.
 */
const mayGoWithItsDisk = (
  { disk: { mounts } }: Pick<Work, 'disk'>,
  names: readonly Name[],
  { before }: BatchView,
): boolean =>
  mounts.there.length > 0 &&
  names.some((name) => mounts.isOn(name)) &&
  names.every((name) => typeof before.get(name) === 'object');

/**
 * What a run of these names may bring: what is here of them, and the directories above them. rsync makes those too, or gives
 * them the times and modes of now, whether they are listed or not.
 */
async function whatComes(
  names: readonly Name[],
  above: ReadonlySet<Name>,
  before: ReadonlyMap<Name, Seen>,
): Promise<ReadonlyMap<Name, Entry['type']>> {
  const comes = new Map<Name, Entry['type']>();
  for (const dir of above) comes.set(dir, 'dir');
  await eachInSlices(names, (name) => {
    const now = before.get(name);
    if (typeof now === 'object') comes.set(name, now.type);
  });
  return comes;
}

/** rsync makes something anew there that should have been there: somebody else has removed it, and who knows what else. */
function isRemovedThere(
  { disk }: Pick<Work, 'disk'>,
  { name, isNew }: Item,
  was: Entry | undefined,
  before: ReadonlyMap<Name, Seen>,
): boolean {
  if (!isNew || was === undefined || was.mtimeNs < 0) return false;
  // What has become something else is new there too.
  const isStill = (seen: Seen | undefined): boolean => typeof seen === 'object' && seen.type === was.type;
  return isStill(before.get(name) ?? was) && isStill(disk.see(name));
}

function sizesOf(
  names: readonly Name[],
  seen: ReadonlyMap<Name, Seen>,
): { readonly totalBytes: number; readonly largestBytes: number } {
  let totalBytes = 0;
  let largestBytes = 0;
  for (const name of names) {
    const now = seen.get(name);
    if (typeof now !== 'object') continue;
    totalBytes += now.size;
    largestBytes = Math.max(largestBytes, now.size);
  }
  return { totalBytes, largestBytes };
}
