import { msSince, steadyNow, wallNow } from '../clock.js';
import type { Item } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { childOf, type Name, ROOT } from '../core/name.js';
import type { NamesOfRun } from '../core/rsync/complaints.js';
import { type Excluded, excludedName, passRules } from '../core/rsync/rules.js';
import { type Entry, foolsPass, unsure } from '../core/sync/entry.js';
import type { PassOver } from '../core/sync/inputs.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import type { TreeOnDisk } from '../scan/disk.js';
import { touchedSince } from '../scan/touched.js';
import { eachInSlices, Slice } from '../slice.js';
import type { PassOptions } from './full-pass.js';
import type { RunResult } from './read-run.js';
import { takeBack } from './take-back.js';
import type { PassWork } from './work.js';

/** From so many names in the saved index on, a quick pass is worth it: below, all of it takes tenths of a second anyway. */
export const QUICK_FROM = 20_000;

/** What a look at the names alone shows, next to the saved index. */
interface Names {
  /** How many are here. */
  readonly count: number;
  readonly fresh: ReadonlyMap<Name, Entry['type']>;
  readonly gone: readonly Name[];
  readonly excluded: readonly Excluded[];
  /** See Snapshot. */
  readonly unsure: readonly Name[];
}

/**
 * The full pass of a restart on a big tree. The saved index says what was delivered, and rsync itself finds what differs
 * there; so beside it only the names are read here (100,000: 0.2 s instead of 0.5), for what is gone and what is new.
 * Files that changed unseen since the last run are among what rsync sends, or the walk that follows finds them.
 *
 * Undefined where things are not that simple: then it takes a {@link fullPass}.
 */
export async function quickPass(work: PassWork, { mirror }: PassOptions): Promise<PassOver | undefined> {
  const { ledger, runner, leftovers, disk, filter, rules, report, rsync, deletes, spellings } = work;
  // Guards before it are the full pass's.
  if (mirror !== 'off' || ledger.index.size === 0 || spellings.kind !== 'exact') return undefined;
  await rules.atRest();
  if ((await leftovers.sweep(runner)) !== undefined) return undefined; // the full pass will meet it too
  const beganMs = steadyNow();
  const fromMs = wallNow();
  report({ kind: 'passStarted', target: rsync.target.label, names: ledger.index.size });
  const own: NamesOfRun = {
    has: (name) => ledger.index.get(name) !== undefined || typeof disk.see(name) !== 'string',
    *below(dir) {
      for (const [name] of ledger.index.below(dir)) yield name;
    },
  };
  // The names are written down as rsync turns to them: they are not known before. Only what rsync brings within the milliseconds
  // before a `kill -9`, and what is deleted here before the next start, would stay there.
  const fooled = new Set<Name>();
  const onItem = (item: Item, was: Entry | undefined): void => {
    // It set the mode, say, and went by size and time.
    const now = item.action === 'attributes' ? disk.see(item.name) : undefined;
    if (typeof now === 'object' && foolsPass(was, now, rsync.takes.window, () => true)) fooled.add(item.name);
  };
  const run = async (excluded: readonly Excluded[]): Promise<RunResult | undefined> => {
    const told = passRules(filter.rsyncRules, excluded);
    const begun = await ledger.begin({ kind: 'pass', rules: told, wouldDelete: 'nothing', dryRun: false });
    return begun.ok ? runner.run(begun.value, own, { onItem, totalNames: ledger.index.size }) : undefined;
  };
  const names = await readNames(ledger.index, disk, filter);
  if (names === undefined) return undefined;
  const dirs = [...names.fresh].flatMap(([name, type]) => (type === 'dir' ? [name] : []));
  await eachInSlices(ledger.index.below(ROOT), ([name, { type }]) => {
    if (type === 'dir') dirs.push(name);
  });
  if ((await work.linksThere(dirs)).size > 0) return undefined; // the full pass leaves them out
  const result = await run(filter.hasOwnRules ? names.excluded : []);
  if (result === undefined) return undefined; // the full pass will tell why
  const { outcome, items } = result;
  if (outcome.kind === 'broken') {
    await eachInSlices(names.fresh, ([name, type]) => {
      if (type !== 'file') ledger.markInFlight(name, type);
    });
    return { kind: 'broken', failure: outcome.failure };
  }
  if (outcome.doubt !== undefined) return undefined; // the full pass finds out
  if (names.gone.length > names.count / 2) return undefined;
  const taken = await takeBack(ledger, runner, filter, items);
  if (taken.failure !== undefined) return undefined;
  const sent = items.map(({ name }) => name).filter((name) => !taken.names.has(name));
  // What it saw is what is here, if nothing was done to the name since, nor to a directory above it.
  const slice = new Slice();
  const isTouched = touchedSince(disk, fromMs);
  for (const name of new Set([ROOT, ...sent, ...names.fresh.keys()])) {
    const failure = outcome.failed.get(name);
    const now = disk.see(name);
    if (failure !== undefined) ledger.failed(name, failure);
    else if (typeof now === 'string') ledger.note(name);
    else if (!fooled.has(name) && !isTouched(ROOT) && !isTouched(name)) ledger.delivered(name, now);
    else {
      ledger.delivered(name, unsure(now));
      ledger.note(name);
    }
    if (slice.isOver) await slice.next();
  }
  await eachInSlices(deletes !== 'never' ? names.gone : [], (name) => ledger.note(name));
  for (const name of names.unsure) if (ledger.isUnknown(name)) ledger.note(name);
  ledger.setStrays(outcome.strays);
  await ledger.brought(
    items.filter(({ name }) => !outcome.failed.has(name)),
    msSince(beganMs),
  );
  return { kind: 'done', found: true };
}

/** Reads all names through the filter. Undefined where they are not enough. */
async function readNames(index: ReadonlyIndex, disk: TreeOnDisk, filter: Filter): Promise<Names | undefined> {
  const fresh = new Map<Name, Entry['type']>();
  const gone: Name[] = [];
  const excluded: Excluded[] = [];
  const unsure: Name[] = [];
  let count = 0;
  const slice = new Slice();
  const queue: Name[] = [ROOT];
  for (let dir = queue.pop(); dir !== undefined; dir = queue.pop()) {
    const here = new Set<string>();
    const known = index.children(dir);
    for (const part of disk.types(dir)) {
      if (part === undefined || part === 'short') return undefined;
      const asking = filter.learn(
        dir,
        part.map(([base, type]) => [base, type === 'dir'] as const),
      );
      if (asking !== undefined) await asking;
      for (const [base, type] of part) {
        if (type === undefined) return undefined;
        const name = childOf(dir, base);
        if (disk.own.has(name)) {
          excluded.push(excludedName(name, type === 'dir', false));
          continue;
        }
        const decision = filter.decide(name, type === 'dir');
        if (!decision.synced) excluded.push(excludedName(name, type === 'dir', decision.isRsyncs));
        if (!decision.synced && decision.isUnsure === true) unsure.push(name);
        if (!decision.synced || type === 'other') continue;
        here.add(base);
        const was = known.get(base);
        if (was !== undefined && was.type !== type) return undefined;
        if (was === undefined) fresh.set(name, type);
        if (type === 'dir') queue.push(name);
        count++;
      }
      if (slice.isOver) await slice.next();
    }
    for (const base of known.keys()) {
      if (slice.isOver) await slice.next();
      if (here.has(base)) continue;
      const name = childOf(dir, base);
      gone.push(name);
      for (const [below] of index.below(name)) gone.push(below);
    }
  }
  return { count, fresh, gone, excluded, unsure };
}
