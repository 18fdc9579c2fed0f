import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { childOf, type Name, ROOT, textOf } from '../core/name.js';
import { own, type Printable } from '../core/printable.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import type { TreeOnDisk } from '../scan/disk.js';
import type { Mounts } from '../scan/mounts.js';
import type { Snapshot } from '../scan/snapshot.js';
import { Slice } from '../slice.js';
import type { Forecast } from './mirror.js';
import type { Work } from './work.js';

/** From this share of the remote on, `--delete mirror` asks first, unless the user has said how much may go (`--max-delete`). */
const ASK_FROM = 0.5;

export interface GuardOptions {
  readonly dir: string;
  readonly mirror: boolean;
  readonly allowEmpty: boolean;
  readonly maxDelete: number | undefined;
  /** Asks a yes-or-no question on the terminal; undefined where there is none. */
  readonly confirm: ((question: Printable) => Promise<boolean>) | undefined;
}

/** What is guarded. */
type Guarded = Pick<Work, 'ledger' | 'rsync' | 'deletes'> & { readonly disk: Pick<TreeOnDisk, 'mounts'> };

/** Before a full pass: an empty DIR deletes nothing, and a mirror counts and asks before it deletes much. */
export async function guardPass(
  { ledger: { index }, rsync, deletes: carried, disk: { mounts } }: Guarded,
  options: GuardOptions,
  snapshot: Snapshot,
  { items, extraneous }: Forecast,
): Promise<Failure | undefined> {
  const { dir, mirror, allowEmpty, maxDelete, confirm } = options;
  const { tree } = snapshot;
  if (!allowEmpty && carried !== 'never') {
    if (tree.size === 0 && (index.size > 0 ? !areAllHeld(index, mounts) : mirror && mounts.away.length === 0))
      return empty(dir, index.size, rsync.target.label);
    const point = mounts.there.find((each) => tree.children(each).size === 0 && index.children(each).size > 0);
    if (point !== undefined) return emptyMount(dir, point, index, rsync.target.label);
  }
  if (!mirror) return undefined;

  const deletes = extraneous.length;
  const created = items.filter(({ isNew }) => isNew).length;
  const there = snapshot.tree.size - created + deletes;
  const tooMany = maxDelete !== undefined && deletes > maxDelete;
  const isMuch = maxDelete === undefined ? deletes > there * ASK_FROM : tooMany;
  if (!isMuch) return undefined;
  const what = `--delete mirror would delete ${deletes} of ${there} paths on ${rsync.target.label}`;
  if (confirm !== undefined) {
    if (await confirm(own`${what}. Go on?`)) return undefined;
    return { kind: 'guard', message: `${what}; nothing was changed`, hint: 'See them with --dry-run.' };
  }
  return {
    kind: 'guard',
    message: tooMany
      ? `${what}, more than --max-delete ${maxDelete}; nothing was changed`
      : `${what}; nothing was changed`,
    hint: `See them with --dry-run. If it is right, run it on a terminal and confirm, or ${tooMany ? 'raise' : 'give'} --max-delete.`,
  };
}

/** Whether all of this is in file systems that are away, or leads there. */
function areAllHeld(index: ReadonlyIndex, mounts: Mounts): boolean {
  for (const [name] of index.below(ROOT)) if (!mounts.isHeld(name)) return false;
  return true;
}

/** Before deletions while running: a root, or a mount point below it, that has just become empty deletes nothing. */
export async function guardEmptied(
  {
    disk,
    filter,
    ledger: { index },
    rsync,
  }: Pick<Work, 'filter' | 'ledger' | 'rsync'> & { readonly disk: Pick<TreeOnDisk, 'names' | 'look' | 'mounts'> },
  options: GuardOptions,
): Promise<Failure | undefined> {
  if (options.allowEmpty || index.size === 0) return undefined;
  const { label } = rsync.target;
  if (await isEmptied(ROOT, disk, filter)) return empty(options.dir, index.size, label);
  for (const point of disk.mounts.there)
    if (index.children(point).size > 0 && (await isEmptied(point, disk, filter)))
      return emptyMount(options.dir, point, index, label);
  return undefined;
}

/** Whether nothing that is synced is in this directory. */
async function isEmptied(dir: Name, disk: Pick<TreeOnDisk, 'names' | 'look'>, filter: Filter): Promise<boolean> {
  const slice = new Slice();
  for (const part of disk.names(dir)) {
    if (part === undefined || part === 'short') return false;
    if (slice.isOver) await slice.next();
    for (const base of part) {
      const name = childOf(dir, base);
      const seen = disk.look(name);
      const isThere = seen === 'away' || typeof seen === 'object';
      if (isThere && filter.decide(name, seen === 'away' || seen.type === 'dir').synced) return false;
    }
  }
  return true;
}

const emptyMount = (dir: string, point: Name, index: ReadonlyIndex, target: string): Failure =>
  empty(`${dir}/${textOf(point)}, a mount point,`, index.allBelow(point).length, target);

const empty = (dir: string, count: number, target: string): Failure => ({
  kind: 'guard',
  message: `${dir} is empty now; ${count === 0 ? 'everything' : `${count} paths`} on ${target} would be deleted. Nothing was deleted`,
  hint: 'If that is what you want, run it again with --allow-empty.',
});

/** Before deletions while running: `--max-delete`. */
export function guardMany(deletions: number, target: string, { maxDelete }: GuardOptions): Failure | undefined {
  if (maxDelete === undefined || deletions <= maxDelete) return undefined;
  return {
    kind: 'guard',
    message: `${deletions} paths would be deleted on ${target}, more than --max-delete ${maxDelete}; nothing was deleted`,
    hint: 'Raise --max-delete if that is right, or use --delete never.',
  };
}
