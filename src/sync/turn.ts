import { steadyNow } from '../clock.js';
import { ancestorsOf, type Name, ROOT } from '../core/name.js';
import type { BatchLimits } from '../core/sync/effects.js';
import type { BatchOver, PassKind, PassOver } from '../core/sync/inputs.js';
import { RELIST_CHILDREN, RELIST_DIRS } from '../core/sync/policy.js';
import { eachInSlices } from '../slice.js';
import { byRules } from '../state/remembered.js';
import { runBatch } from './batch.js';
import { fullPass, type PassOptions } from './full-pass.js';
import type { Ledger } from './ledger.js';
import { quickPass } from './quick-pass.js';
import type { PassWork, Work } from './work.js';

/** A batch of what is ready. Large files that get a run of their own are taken for it. */
export async function sendBatch(
  work: Work,
  { ofNames, ...limits }: BatchLimits,
  relist: (dirs: readonly Name[]) => Promise<void>,
): Promise<BatchOver> {
  const { ledger } = work;
  const dirs = changedDirs(ledger);
  if (dirs.length > 0 && dirs.length <= RELIST_DIRS) await relist(dirs);
  const end = await runBatch(work, ledger.pending.ready(steadyNow(), ofNames, limits.mayRest), limits);
  if (end.kind === 'done') for (const name of end.bulk) ledger.take(name);
  return end;
}

/**
 * An atomic save, for example, shows its temporary file first, and the watcher tells of the rest only 50 ms later; but
 * a changed directory that waits for its turn already shows it all.
 */
function changedDirs({ index, pending }: Ledger): Name[] {
  const dirs: Name[] = [];
  for (const name of pending.ready(steadyNow(), RELIST_DIRS * 10)) {
    const children = index.get(name)?.type === 'dir' ? index.children(name).size : Number.POSITIVE_INFINITY;
    if (children <= RELIST_CHILDREN) dirs.push(name);
  }
  return dirs;
}

/** A large file. Its run has set the times of the directories above it, as they were when it began: other runs went on meanwhile. */
export async function sendLarge(work: Work, name: Name): Promise<BatchOver> {
  const { ledger } = work;
  const end = await runBatch(work, [name], { mayRest: false, mayPart: false });
  await ledger.unsure([ROOT, ...ancestorsOf(name)]);
  ledger.giveBack(name);
  return end;
}

/** A full pass, or a quick one where that will do. */
export async function makePass(work: PassWork, kind: PassKind, options: PassOptions): Promise<PassOver> {
  const quick = kind === 'quick' ? await quickPass(work, options) : undefined;
  if (quick !== undefined) return quick;
  void work.ahead?.drop(); // what was asked for a quick one
  return fullPass(work, options);
}

/** What is excluded by now is left alone there, and what was so is no longer; what nobody knew may be known. */
export async function followRules({ ledger, filter, mistakes }: Work, note: (name: Name) => void): Promise<void> {
  ledger.hurry();
  const { excluded, wanted } = await byRules(ledger.index, filter);
  await mistakes.leaveAlone(excluded);
  await eachInSlices(wanted, (name) => {
    ledger.takeUp(name);
    note(name);
  });
}
