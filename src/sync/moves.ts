import { msSince, steadyNow } from '../clock.js';
import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { ancestorsOf, childOf, directoriesAbove, type Name, nameFromText, ROOT, relativeTo } from '../core/name.js';
import { canBeArgs, type RsyncSettings } from '../core/rsync/args.js';
import { ofNames } from '../core/rsync/complaints.js';
import type { DeleteMode } from '../core/sync/batch.js';
import type { Entry, Seen } from '../core/sync/entry.js';
import { findMoves, groupMoves, type MoveGroup } from '../core/sync/move.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { eachInSlices, inSlices } from '../slice.js';
import { clear } from './clear.js';
import { type BatchView, settle, withFrom } from './settle.js';
import type { Work } from './work.js';

/** Where files wait there, for as long as it takes, whose new names are taken by one another. Below the target. */
const STASH = nameFromText('.syncwatch-moved');

/** `groups`: what is made there; `cameFrom`: of each file that was found to have been moved, sent again or not, its old name. */
interface Moves {
  readonly groups: MoveGroup[];
  readonly cameFrom: ReadonlyMap<Name, Name>;
}

/** The moves of a batch that are made there instead of sending the data again. `cleared`: gone there by then. */
export async function planMoves(
  before: ReadonlyMap<Name, Seen>,
  index: ReadonlyIndex,
  rsync: RsyncSettings,
  deletes: DeleteMode,
  cleared: readonly Name[],
): Promise<Moves> {
  const gone = new Set(cleared);
  const found = await inSlices(findMoves(before, index));
  const moves = gone.size === 0 ? found : found.filter(({ from }) => !gone.has(from));
  const cameFrom = new Map(found.map(({ from, to }) => [to, from]));
  const groups = (await inSlices(groupMoves(moves))).filter(({ from, to }) => canBeArgs(rsync, from, to));
  // A taken name is made free by deleting it, into the stash: not where deletions are not wanted or go elsewhere.
  const mayStash = deletes !== 'never' && rsync.takes.deletions !== 'none' && rsync.trash === undefined;
  const possible = mayStash ? groups : groups.filter(({ moves }) => !moves.some(({ isTaken }) => isTaken));
  return { groups: possible, cameFrom };
}

/**
 * Makes moves there, one rsync run for each pair of directories: what has the same name, size and time in the old one is
 * linked into the new one (`--link-dest`), and a file that has another name by now is the basis of a delta (`--fuzzy`).
 * rsync compares and, where something is not as expected, sends; the old names go afterwards, in the batch's last run.
 * Gives the failure if a run broke.
 *
 * Names that are taken (two directories swapped, a file renamed over another) would not be linked: they and what is to
 * move go to the stash first, which is a rename there (`--backup-dir`), and are linked from there.
 */
export async function makeMoves(
  work: Work,
  groups: readonly MoveGroup[],
  view: BatchView,
): Promise<Failure | undefined> {
  const { deletes } = work;
  const moves = groups.flatMap((group) => group.moves);
  const isStashed = moves.some(({ isTaken }) => isTaken);
  const stashed = isStashed
    ? [...new Set(moves.flatMap(({ from, to, isTaken }) => (isTaken ? [from, to] : [from])))]
    : [];
  if (isStashed) {
    const failure = await stash(work, stashed);
    if (failure !== undefined) return failure;
  }
  for (const group of groups) {
    const failure = await makeGroup(
      work,
      { ...group, from: isStashed ? stashOf(group.from) : group.from },
      view,
      deletes === 'never',
    );
    if (failure !== undefined) return failure;
  }
  return isStashed ? await unstash(work, stashed) : undefined;
}

async function makeGroup(
  work: Work,
  { from, to, isRenamed, comparesContent, moves }: MoveGroup,
  view: BatchView,
  copy: boolean,
): Promise<Failure | undefined> {
  const { ledger, runner, report, rsync } = work;
  const target = rsync.target.label;
  const beganMs = steadyNow();
  const names = moves.map((move) => move.to);
  const tails = names.map((name) => relativeTo(to, name));
  const has = new Set(names);
  const run = { kind: 'moves', from, to, fuzzy: isRenamed, copy, comparesContent, names: tails } as const;
  const brings = new Map<Name, Entry['type']>();
  for (const dir of await inSlices(directoriesAbove(names))) brings.set(dir, 'dir');
  for (const name of names) brings.set(name, 'file');
  const begun = await ledger.begin(run, () => brings);
  if (!begun.ok) return begun.failure;
  const result = await runner.run(begun.value, ofNames([...has, ...tails]), {
    totalBytes: moves.reduce((bytes, { size }) => bytes + size, 0),
  });
  const { outcome, items, kept } = result;
  const broken = outcome.kind === 'broken' ? outcome.failure : outcome.doubt?.failure;
  if (broken !== undefined || outcome.kind === 'broken') {
    if (broken?.kind === 'connection' || broken?.kind === 'login') return broken;
    // Whatever it was (a directory there that somebody removed, say): next time they are no moves, but sent.
    report({ kind: 'note', level: 'debug', text: `moving in ${target} broke, sending instead: ${broken?.message}` });
    await ledger.unsure(moves.map((move) => move.from));
    return undefined;
  }
  const failed = new Map([...outcome.failed].map(([name, why]) => [has.has(name) ? name : childOf(to, name), why]));
  // rsync says nothing of what it linked.
  const told = new Set(items.map(({ name }) => name));
  const linked = names
    .filter((name) => !told.has(name) && !failed.has(name))
    .map((name): Item => ({ action: 'move', name, bytes: 0, isNew: true }));
  await eachInSlices(linked, (item) => report({ kind: 'started', target, ...item }));
  await settle(work, names, view, { items, kept }, failed);
  const brought = [...items.filter(({ name }) => !failed.has(name)), ...linked];
  await ledger.brought(brought.map(withFrom(view)), msSince(beganMs));
  return undefined;
}

/** The place of a name in the stash. */
const stashOf = (name: Name): Name => (name === ROOT ? STASH : childOf(STASH, name));

async function stash({ ledger, runner }: Work, names: readonly Name[]): Promise<Failure | undefined> {
  // Their directories there get a new time: whatever happens, a later run sets it right.
  await ledger.unsure(new Set([ROOT, ...names.flatMap(ancestorsOf)]));
  // Known to the index before it is made: whatever happens, it is ours to delete.
  const files = names.map(stashOf);
  const dirs = new Set(files.flatMap(ancestorsOf));
  const brings = [...[...dirs].map((dir) => [dir, 'dir'] as const), ...files.map((file) => [file, 'file'] as const)];
  const begun = await ledger.begin({ kind: 'clear', names, stashDir: STASH }, () => brings);
  if (!begun.ok) return begun.failure;
  const { outcome, kept } = await runner.run(begun.value, ofNames(names), { isSilent: true });
  if (outcome.kind === 'broken') return outcome.failure;
  await eachInSlices(names, (name) => {
    if (!outcome.failed.has(name) && !kept.has(name)) ledger.gone(name);
  });
  return undefined;
}

async function unstash({ ledger, runner }: Work, names: readonly Name[]): Promise<Failure | undefined> {
  const files = names.map(stashOf);
  const failure = await clear(ledger, runner, [...new Set([...files.flatMap(ancestorsOf), ...files])], true);
  if (failure !== undefined) return failure;
  // Their directories there have a new time: the next run sets it right.
  await ledger.unsure(new Set([ROOT, ...names.flatMap(ancestorsOf)]));
  return undefined;
}
