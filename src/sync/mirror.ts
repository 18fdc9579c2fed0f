import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { ancestorsOf, type Name } from '../core/name.js';
import type { NamesOfRun } from '../core/rsync/complaints.js';
import { passRules } from '../core/rsync/rules.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { decideAll } from '../scan/decide.js';
import type { TreeOnDisk } from '../scan/disk.js';
import type { Snapshot } from '../scan/snapshot.js';
import { eachInSlices } from '../slice.js';
import { remove } from './clear.js';
import type { Ledger } from './ledger.js';
import type { Runs } from './runner.js';

/** What a mirror is about: `--delete mirror`, and with `--delete-excluded` what is excluded too. */
export type MirrorMode = 'off' | 'notExcluded' | 'all';

/** What a full pass would do. */
export interface Forecast {
  readonly items: readonly Item[];
  /** What is only there and would be deleted, what it holds included. */
  readonly extraneous: readonly Name[];
  /** Whether that is all: nothing failed. */
  readonly isAll: boolean;
  /** Whether the root itself has another time or mode there. */
  readonly isRootOther: boolean;
}

/**
 * Asks rsync what it would do. Of what is only there nothing that our own filter excludes counts: rsync knows neither git's
 * ignores nor the regular expressions, nor the patterns where there are too many.
 */
export async function forecast(
  runner: Runs,
  { excluded }: Pick<Snapshot, 'excluded'>,
  filter: Filter,
  mode: MirrorMode,
): Promise<Forecast | Failure> {
  const wouldDelete = mode === 'off' ? 'nothing' : mode;
  const rules = passRules(filter.rsyncRules, excluded);
  const run = { kind: 'pass', rules, wouldDelete, dryRun: true } as const;
  let isRootOther = false;
  const onRoot = (): void => {
    isRootOther = true;
  };
  const { outcome, items, deletedDirs } = await runner.look(run, ANYTHING, { onRoot });
  if (outcome.kind === 'broken') return outcome.failure;
  const extraneous: Name[] = [];
  const deleted = items
    .filter(({ action }) => action === 'delete')
    .map(({ name }) => [name, deletedDirs.has(name)] as const);
  for await (const part of decideAll(filter, deleted)) {
    for (const [name, , decision] of part)
      if (decision.synced || (mode === 'all' && decision.rule.source.kind !== 'trash')) extraneous.push(name);
  }
  return {
    items: items.filter(({ action }) => action !== 'delete'),
    extraneous,
    isAll: outcome.failed.size === 0 && outcome.doubt === undefined,
    isRootOther,
  };
}

/** What is there is not known beforehand. */
const ANYTHING: NamesOfRun = { has: () => true, below: () => [] };

/** Whether what is only there may be of a file system that was mounted here and is not any more, or is left alone anyway. */
export const isLeftThere = (name: Name, disk: Pick<TreeOnDisk, 'mounts' | 'isHeld'>): boolean =>
  disk.isHeld(name) || disk.mounts.isBare(name);

/** Those that are in the way of what is here: they have to go before it is sent. */
export async function inTheWayOf(tree: ReadonlyIndex, extraneous: readonly Name[]): Promise<Name[]> {
  const found: Name[] = [];
  await eachInSlices(extraneous, (name) => {
    const isInTheWay = [...ancestorsOf(name), name].some((each) => {
      const here = tree.get(each);
      return here !== undefined && here.type !== 'dir';
    });
    if (isInTheWay) found.push(name);
  });
  return found;
}

/** What came of deleting: what went, and why the others did not. */
export interface Removed {
  readonly items: readonly Item[];
  readonly failed: ReadonlyMap<Name, Failure>;
}

/** Deletes exactly these names there. A directory that holds what is excluded stays. Gives the failure if a run broke. */
export async function removeThere(ledger: Ledger, runner: Runs, names: readonly Name[]): Promise<Removed | Failure> {
  const gone: Item[] = [];
  const end = await remove(ledger, runner, names, (items) => {
    for (const item of items) gone.push(item);
  });
  return 'left' in end ? { items: gone, failed: end.failed } : end;
}
