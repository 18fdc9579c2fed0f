import type { Failure } from '../core/failure.js';
import { childOf, ROOT } from '../core/name.js';
import { own, type Printable } from '../core/printable.js';
import type { TreeOnDisk } from '../scan/disk.js';
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
type Guarded = Pick<Work, 'ledger' | 'rsync' | 'deletes'>;

/** Before a full pass: an empty DIR deletes nothing, and a mirror counts and asks before it deletes much. */
export async function guardPass(
  { ledger: { index }, rsync, deletes: carried }: Guarded,
  options: GuardOptions,
  snapshot: Snapshot,
  { items, extraneous }: Forecast,
): Promise<Failure | undefined> {
  const { dir, mirror, allowEmpty, maxDelete, confirm } = options;
  if (snapshot.tree.size === 0 && !allowEmpty && carried !== 'never' && (index.size > 0 || mirror)) {
    return empty(dir, index.size, rsync.target.label);
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

/** Before deletions while running: a root that has just become empty deletes nothing. */
export async function guardEmptied(
  {
    disk,
    filter,
    ledger: { index },
    rsync,
  }: Pick<Work, 'filter' | 'ledger' | 'rsync'> & { readonly disk: Pick<TreeOnDisk, 'names' | 'look'> },
  options: GuardOptions,
): Promise<Failure | undefined> {
  if (options.allowEmpty || index.size === 0) return undefined;
  const slice = new Slice();
  for (const part of disk.names(ROOT)) {
    if (part === undefined || part === 'short') return undefined;
    if (slice.isOver) await slice.next();
    for (const base of part) {
      const name = childOf(ROOT, base);
      const seen = disk.look(name);
      if (typeof seen === 'object' && filter.decide(name, seen.type === 'dir').synced) return undefined;
    }
  }
  return empty(options.dir, index.size, rsync.target.label);
}

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
