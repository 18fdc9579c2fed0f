import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Report } from '../../src/core/event.js';
import type { Filter } from '../../src/core/filter/filter.js';
import { type Name, nameFromBytes } from '../../src/core/name.js';
import type { RsyncSettings } from '../../src/core/rsync/args.js';
import type { Entry } from '../../src/core/sync/entry.js';
import type { RulesInForce } from '../../src/rules/in-force.js';
import { Disk } from '../../src/scan/disk.js';
import { isNews, look } from '../../src/scan/look.js';
import { walk } from '../../src/scan/walk.js';
import { fullPass, type PassOptions } from '../../src/sync/full-pass.js';
import { type Journal, Ledger } from '../../src/sync/ledger.js';
import { Line, type LineOptions } from '../../src/sync/line.js';
import type { MirrorMode } from '../../src/sync/mirror.js';
import { plainSettings } from './settings.js';

/** A line from a local directory to a local one, with the real rsync and without a watcher. */
export function localLine(
  root: string,
  there: string,
  filter: Filter,
  more: Partial<RsyncSettings> = {},
  options: Partial<LineOptions> = {},
): Line {
  const { report = () => {}, rules = RULES } = options;
  return new Line({
    rsync: plainSettings({
      target: { kind: 'local', path: there, label: there, place: there },
      root,
      ...more,
    }),
    aim: undefined,
    wayThere: async () => {},
    disk: new Disk(root),
    filter,
    deletes: 'seen',
    rest: { writtenMs: 0, cameMs: 0 },
    oneByOne: false,
    relist: async () => {},
    report,
    rootIsThere: () => true,
    guard: async () => undefined,
    onHalt: (failure) => {
      throw new Error(failure.message);
    },
    onRemoved: () => {},
    rules,
    ledger: newLedger(there, report, rules),
    ...options,
  });
}

/** Where nothing is written down. */
const NO_JOURNAL: Journal = {
  keep: () => {},
  willBring: async () => undefined,
  mayCome: () => {},
  isGone: () => {},
  tidy: async () => {},
  save: async () => {},
  keepInPlace: async () => {},
  close: () => {},
  savedMs: 0,
};

/** A ledger that begins with nothing. */
export const newLedger = (target: string, report: Report = () => {}, rules: RulesInForce = RULES): Ledger =>
  new Ledger({ journal: NO_JOURNAL, target, report, rulesMayComeBack: () => rules.mayComeBack() });

/** Rules that are at rest and known. */
const RULES: LineOptions['rules'] = {
  refresh: async () => {},
  atRest: async () => 0,
  rests: () => new Map(),
  trouble: () => undefined,
  mayComeBack: () => false,
  isBack: () => false,
};

/** The options of a full pass of such a line; `more` in the place of what does nothing. */
export const passOptions = (root: string, filter: Filter, more: Partial<PassOptions> = {}): PassOptions => ({
  disk: new Disk(root),
  filter,
  mirror: 'off',
  rulesAtRest: async () => 0,
  isRescan: false,
  report: () => {},
  onListing: () => {},
  guard: async () => undefined,
  ...more,
});

/** Brings a tree to an empty (or, for a mirror, any) place by one full pass. */
export async function deliverAll(
  root: string,
  there: string,
  filter: Filter,
  mirror: MirrorMode = 'off',
): Promise<void> {
  const line = localLine(root, there, filter);
  line.resume();
  const end = await fullPass(line, passOptions(root, filter, { mirror }));
  await line.drain();
  await line.stop();
  if (end.kind !== 'done') throw new Error(`the pass ended with ${JSON.stringify(end)}`);
}

/** Brings a tree to an empty place as if the watcher had told of each of these paths, one after the other. */
export async function deliverHints(
  root: string,
  there: string,
  filter: Filter,
  hints: readonly string[],
): Promise<void> {
  const line = localLine(root, there, filter);
  const disk = new Disk(root);
  const hasNews = (name: Name, now: Entry): boolean => isNews(line.index.get(name), now);
  line.resume();
  for (const hint of hints) {
    const wanted = new Set<Name>();
    const options = { isNews: hasNews, mayList: () => false, want: (dir: Name) => void wanted.add(dir) };
    for await (const listing of look(disk, filter, [nameFromBytes(Buffer.from(hint))], options))
      await line.compare(listing);
    for await (const listing of walk(disk, filter, { from: wanted, descend: hasNews })) await line.compare(listing);
  }
  await line.drain();
  await line.stop();
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
