import type { Failure } from '../core/failure.js';
import { type Name, parentOf, ROOT } from '../core/name.js';
import type { NamesOfRun } from '../core/rsync/complaints.js';
import { ALL_DONE } from '../core/rsync/exit.js';
import { passRules } from '../core/rsync/rules.js';
import { type Entry, looksSame } from '../core/sync/entry.js';
import type { NameIndex } from '../core/sync/name-index.js';
import type { Snapshot } from '../scan/snapshot.js';
import { forecast } from './mirror.js';
import type { RunResult } from './read-run.js';
import type { PassWork } from './work.js';

/**
 * With so many names, where something is there already, rsync is asked first what differs: a list of names it reads byte by byte
 * (50 µs a name), but a tree by itself (4 µs).
 */
export const ASKED_FROM = 10_000;

export interface TransferOptions {
  /** What rsync may complain of. */
  readonly names: NamesOfRun;
  readonly totalBytes: number;
  /** {@link ASKED_FROM} where not given. */
  readonly askedFrom?: number | undefined;
}

/** Brings what a walk has seen, and nothing else. Gives the failure if it was not begun. */
export async function transfer(
  work: PassWork,
  snapshot: Snapshot,
  { names, totalBytes, askedFrom = ASKED_FROM }: TransferOptions,
): Promise<Pick<RunResult, 'outcome' | 'items'> | Failure> {
  const { ledger, runner, filter } = work;
  const { tree, excluded } = snapshot;
  const isAsked = ledger.index.size > 0 && tree.size >= askedFrom;
  const wanted = isAsked ? await whatDiffers(work, snapshot) : allOf(tree);
  if (wanted !== 'nothing' && 'message' in wanted) return wanted;
  if (wanted === 'nothing') return { outcome: ALL_DONE, items: [] };
  const run = {
    kind: 'pass',
    rules: passRules(filter.rsyncRules, excluded),
    names: wanted.names,
    dryRun: false,
  } as const;
  const begun = await ledger.begin(run, () => mayBring(tree, wanted.names, work));
  if (!begun.ok) return begun.failure;
  return runner.run(begun.value, names, { totalBytes, totalNames: wanted.count });
}

/** What rsync is told to bring. */
interface Wanted {
  readonly names: Iterable<Name>;
  readonly count: number;
}

const allOf = (tree: NameIndex): Wanted => ({ names: { [Symbol.iterator]: () => namesIn(tree) }, count: tree.size });

/** What differs there, as rsync sees it; all there is where it can't say. */
async function whatDiffers({ runner, filter }: PassWork, snapshot: Snapshot): Promise<Wanted | 'nothing' | Failure> {
  const { tree } = snapshot;
  const told = await forecast(runner, snapshot, filter, 'off');
  if (!('items' in told)) return told;
  if (!told.isAll) return allOf(tree);
  const names = told.items.map(({ name }) => name).filter((name) => tree.get(name) !== undefined);
  if (told.isRootOther) names.push(ROOT); // it comes along with any
  return names.length === 0 ? 'nothing' : { names, count: names.length };
}

function* namesIn(tree: NameIndex): Generator<Name> {
  for (const [name] of tree.entries()) yield name;
}

/** What is here otherwise than it was delivered, the root left out. */
export function* differing(tree: NameIndex, work: PassWork): Generator<readonly [Name, Entry]> {
  for (const [name, now] of tree.below(ROOT)) if (differs(name, now, work)) yield [name, now];
}

/** Whether this is here otherwise than it was delivered. */
export function differs(
  name: Name,
  now: Entry | undefined,
  { ledger: { index }, rsync: { carriesMore } }: PassWork,
): boolean {
  const was = index.get(name);
  return was === undefined || now === undefined || !looksSame(was, now, carriesMore);
}

/**
 * What is to come, and all directories that are listed, or above what is: one that is a link by the time that rsync looks becomes one
 * there, and the next start has to know that it may be.
 */
function* mayBring(tree: NameIndex, names: Iterable<Name>, work: PassWork): Generator<readonly [Name, Entry['type']]> {
  for (const [name, { type }] of differing(tree, work)) yield [name, type];
  const seen = new Set<Name>([ROOT]);
  for (const name of work.ledger.index.size > 0 ? names : [])
    for (let dir = isDir(tree, name) ? name : parentOf(name); !seen.has(dir); dir = parentOf(dir)) {
      seen.add(dir);
      if (isDir(tree, dir) && !differs(dir, tree.get(dir), work)) yield [dir, 'dir'];
    }
}

const isDir = (tree: NameIndex, name: Name): boolean => tree.get(name)?.type === 'dir';
