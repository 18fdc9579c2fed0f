import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { steadyNow } from '../../src/clock.js';
import { EPOCH } from '../../src/core/clock.js';
import type { Report } from '../../src/core/event.js';
import type { Filter } from '../../src/core/filter/filter.js';
import { type Name, nameFromBytes } from '../../src/core/name.js';
import type { RsyncSettings } from '../../src/core/rsync/args.js';
import { type Entry, isSettled } from '../../src/core/sync/entry.js';
import { Spellings } from '../../src/core/sync/twins.js';
import type { RulesInForce } from '../../src/rules/in-force.js';
import { Disk } from '../../src/scan/disk.js';
import { differences, isNews, look } from '../../src/scan/look.js';
import { SeenWaiting } from '../../src/scan/seen-waiting.js';
import { walkAll } from '../../src/scan/shared-walk.js';
import { type Listing, walk } from '../../src/scan/walk.js';
import { runBatch } from '../../src/sync/batch.js';
import type { Journal } from '../../src/sync/begun.js';
import { ClearAhead } from '../../src/sync/clear-ahead.js';
import { fullPass, type PassOptions } from '../../src/sync/full-pass.js';
import { Ledger } from '../../src/sync/ledger.js';
import { Leftovers } from '../../src/sync/leftovers.js';
import type { MirrorMode } from '../../src/sync/mirror.js';
import { Mistakes } from '../../src/sync/mistakes.js';
import { Runner } from '../../src/sync/runner.js';
import type { PassWork, Work } from '../../src/sync/work.js';
import { plainSettings } from './settings.js';

/** What brings names from a local directory to a local one, with the real rsync, without a watcher and a schedule. */
export function localWork(
  root: string,
  there: string,
  filter: Filter,
  more: Partial<RsyncSettings> = {},
  { startClear, ...options }: Partial<PassWork> & { readonly startClear?: Runner['startClear'] } = {},
): PassWork {
  const { report = () => {}, rules = RULES, disk = new Disk(root), ledger = newLedger(there, report, rules) } = options;
  const target = { kind: 'local', path: there, label: there, place: there } as const;
  const rsync = plainSettings({ target, root, ...more });
  const leftovers = new Leftovers(ledger);
  const runs = { rsync, aim: undefined, deletes: 'seen', report, wayThere: async () => {} } as const;
  const runner = new Runner(runs, new AbortController().signal, (result, beganMs) => leftovers.note(result, beganMs));
  return {
    rsync,
    ledger,
    runner,
    clearAhead: new ClearAhead(ledger, startClear ?? ((run) => runner.startClear(run))),
    leftovers,
    mistakes: new Mistakes(ledger, options.runner ?? runner, { filter, rules, report }),
    disk,
    seen: new SeenWaiting({ disk, ledger }),
    filter,
    deletes: 'seen',
    rest: { writtenMs: 0, cameMs: 0 },
    report,
    rootIsThere: () => true,
    lookAtMounts: () => {},
    tooOpen: () => undefined,
    guard: async () => undefined,
    onRemoved: () => {},
    onBrought: () => {},
    rules,
    spellings: new Spellings('exact'),
    linksThere: async () => new Set(),
    linked: new Set(),
    ...options,
  };
}

/** Notes what a listing shows to differ. */
function compare({ ledger, rsync }: Work, listing: Listing): void {
  const settled = (was: Entry | undefined, now: Entry): boolean => isSettled(was, now, rsync.carriesMore);
  for (const difference of differences(listing, ledger.index, settled))
    if (difference !== undefined) ledger.note(...difference);
}

/** Looks at the whole disk once, and notes what differs. */
export async function noteAll(work: PassWork): Promise<void> {
  for await (const listing of walkAll(work.disk, work.filter)) compare(work, listing);
}

/** Brings what waits, until nothing is left but what failed. */
export async function bringWaiting(work: Work): Promise<void> {
  for (;;) {
    const names = work.ledger.pending.ready(steadyNow(), Number.POSITIVE_INFINITY);
    if (names.length === 0) return;
    const end = await runBatch(work, names, { mayRest: false, mayPart: false });
    if (end.kind !== 'done') throw new Error(`the batch ended with ${JSON.stringify(end)}`);
  }
}

/** Where nothing is written down. */
export const NO_JOURNAL: Journal = {
  keep: () => {},
  writeAhead: async () => undefined,
  ready: async () => undefined,
  markInFlight: () => {},
  markGone: () => {},
  tidy: async () => {},
  save: async () => {},
  keepInPlace: async () => {},
  close: () => {},
  savedMs: EPOCH,
  begunMs: EPOCH,
};

/** A ledger that begins with nothing. */
export const newLedger = (target: string, report: Report = () => {}, rules: RulesInForce = RULES): Ledger =>
  new Ledger({ journal: NO_JOURNAL, target, report, rulesMayComeBack: () => rules.mayComeBack() });

/** Rules that are at rest and known. */
export const RULES: RulesInForce = {
  refresh: async () => {},
  refreshAtPace: async () => {},
  atRest: async () => 0,
  rests: () => new Map(),
  trouble: () => undefined,
  mayComeBack: () => false,
  isBack: () => false,
};

/** How a full pass goes; `more` in the place of what does nothing. */
export const passOptions = (more: Partial<PassOptions> = {}): PassOptions => ({
  mirror: 'off',
  isRescan: false,
  onListing: () => {},
  onBegun: () => {},
  guard: async () => undefined,
  isStopped: () => false,
  ...more,
});

/** Brings a tree to an empty (or, for a mirror, any) place by one full pass. */
export async function deliverAll(
  root: string,
  there: string,
  filter: Filter,
  mirror: MirrorMode = 'off',
): Promise<void> {
  const work = localWork(root, there, filter);
  const end = await fullPass(work, passOptions({ mirror }));
  await bringWaiting(work);
  if (end.kind !== 'done') throw new Error(`the pass ended with ${JSON.stringify(end)}`);
}

/** Brings a tree to an empty place as if the watcher had told of each of these paths, one after the other. */
export async function deliverHints(
  root: string,
  there: string,
  filter: Filter,
  hints: readonly string[],
): Promise<void> {
  const work = localWork(root, there, filter);
  const { disk, ledger } = work;
  const hasNews = (name: Name, now: Entry): boolean => isNews(ledger.index.get(name), now);
  for (const hint of hints) {
    const wanted = new Set<Name>();
    const options = { isNews: hasNews, mayList: () => false, want: (dir: Name) => void wanted.add(dir) };
    for await (const listing of look(disk, filter, [nameFromBytes(Buffer.from(hint))], options)) compare(work, listing);
    for await (const listing of walk(disk, filter, { from: wanted, descend: hasNews })) compare(work, listing);
  }
  await bringWaiting(work);
}

/** Makes these paths in a new directory: each a file, unless another path goes through it or it ends in a slash. */
export function plant(dir: string, paths: readonly string[]): void {
  mkdirSync(dir);
  for (const path of [...paths].sort((a, b) => b.split('/').length - a.split('/').length)) {
    try {
      mkdirSync(join(dir, path.endsWith('/') ? path : dirname(path)), { recursive: true });
      if (!path.endsWith('/')) writeFileSync(join(dir, path), path, { flag: 'wx' });
    } catch {
      // a directory or a file is there already: fine
    }
  }
}

/** Everything below a directory, a slash after directories, sorted. */
export function everything(dir: string): string[] {
  if (!existsSync(dir)) return []; // nothing was delivered
  const listed = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%y%P\\0'], { cwd: dir, encoding: 'utf8' });
  return listed
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => `${line.slice(1)}${line.startsWith('d') ? '/' : ''}`)
    .sort();
}
