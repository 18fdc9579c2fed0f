import { msSince, steadyNow } from '../clock.js';
import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { ancestorsOf, type Name } from '../core/name.js';
import { ofNames } from '../core/rsync/complaints.js';
import { fitsRule, inRuns } from '../core/rsync/rules.js';
import { isBelowNoDirectory } from '../core/sync/batch.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { eachInSlices, inSlices } from '../slice.js';
import type { Ledger } from './ledger.js';
import type { Runs } from './runner.js';
import { NOT_EMPTY } from './settle.js';

/** What could not be deleted: it failed, or it is a directory that holds something else. */
export interface Left {
  readonly left: ReadonlySet<Name>;
  readonly failed: ReadonlyMap<Name, Failure>;
}

/** Whether a name is in a directory of ours that its owner may not write to. */
export const isClosed = (index: ReadonlyIndex, name: Name): boolean =>
  ancestorsOf(name).some((dir) => {
    const entry = index.get(dir);
    // Of what was only begun no mode is known.
    return entry?.type === 'dir' && entry.mode !== 0 && (entry.mode & 0o200) === 0;
  });

/** Which of these were brought as directories, as far as that is sure now. */
function dirsOf(index: ReadonlyIndex, names: readonly Name[]): (name: Name) => boolean {
  const dirs = new Set<Name>();
  for (const name of names) {
    const entry = index.get(name);
    if (entry?.type === 'dir' && entry.mtimeNs >= 0) dirs.add(name);
  }
  return (name) => dirs.has(name);
}

/** A run by rules for these names. */
export const clearRun = (index: ReadonlyIndex, names: readonly Name[]) =>
  ({ kind: 'clear', byRules: true, names, isDir: dirsOf(index, names) }) as const;

/**
 * Deletes exactly these names there. By rules, where they fit; else an emptied directory goes in a later run than what it held, so it goes on
 * while something goes. `onRound` gets what each run deleted. `brought`: what that says was brought as a directory goes only where it is one.
 * Gives what is left, or the failure if a run broke.
 */
export async function remove(
  ledger: Ledger,
  runner: Runs,
  names: readonly Name[],
  onRound: (items: readonly Item[], ms: number) => Promise<void> | void,
  { isSilent = false, brought }: { readonly isSilent?: boolean; readonly brought?: ReadonlyIndex } = {},
): Promise<Left | Failure> {
  const left = new Set(names);
  let byRules = names.every(fitsRule);
  while (left.size > 0) {
    const before = left.size;
    const failed = new Map<Name, Failure>();
    for (const part of byRules ? await inSlices(inRuns(left)) : [[...left]]) {
      const beganMs = steadyNow();
      const isDir = brought && dirsOf(brought, part);
      const begun = await ledger.begin({ kind: 'clear', byRules, names: part, ...(isDir && { isDir }) });
      if (!begun.ok) return begun.failure;
      const { outcome, kept, items } = await runner.run(begun.value, ofNames(part), { isSilent });
      if (outcome.kind === 'broken') return outcome.failure;
      for (const [name, failure] of outcome.failed) failed.set(name, failure);
      await eachInSlices(part, (name) => {
        if (kept.has(name) || outcome.failed.has(name)) return;
        left.delete(name);
        ledger.gone(name);
      });
      await onRound(items, msSince(beganMs));
    }
    if (byRules) return { left, failed };
    if (left.size < before) continue;
    if (failed.size === 0) return { left, failed };
    // Perhaps a directory of others may not be written to.
    byRules = true;
  }
  return { left, failed: new Map() };
}

/**
 * {@link remove} for what is ours: what is left backs off, or is not ours, and of what is surely gone there with its directory nothing is
 * deleted. Gives the failure if a run broke.
 */
export async function clear(
  ledger: Ledger,
  runner: Runs,
  names: readonly Name[],
  isSilent = false,
): Promise<Failure | undefined> {
  const onRound = async (items: readonly Item[], ms: number): Promise<void> => {
    if (!isSilent) await ledger.brought(items, ms);
  };
  const there: Name[] = [];
  await eachInSlices(names, (name) => {
    if (isBelowNoDirectory(ledger.index, name)) ledger.gone(name);
    else there.push(name);
  });
  const end = await remove(ledger, runner, there, onRound, { isSilent, brought: ledger.index });
  if (!('left' in end)) return end;
  await eachInSlices(end.left, (name) => {
    const failure = end.failed.get(name);
    if (failure !== undefined) ledger.failed(name, failure);
    // What is ours in it has its own turn, and this has to go after that.
    else if (ledger.index.children(name).size > 0) ledger.putOff(name, NOT_EMPTY);
    // What is ours in it and left alone keeps it ours.
    else if (ledger.index.aside.children(name).size > 0) ledger.setAside(name);
    else ledger.gone(name); // it holds what is not ours
  });
  return undefined;
}
