import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter.js';
import type { Name } from '../core/name.js';
import type { Transfer } from './transfer.js';

/**
 * In a full pass rsync reads the disk by itself. What only our own filter excludes and came after the walk, it takes along:
 * that is deleted there again, where it was new. Gives those names, and the failure if a run broke.
 */
export async function takeBack(
  transfer: Transfer,
  filter: Filter,
  items: readonly Item[],
): Promise<{ readonly names: ReadonlySet<Name>; readonly failure: Failure | undefined }> {
  const names = new Set<Name>();
  if (!filter.hasOwnRules) return { names, failure: undefined };
  const mine: Name[] = [];
  for (const { name, action, isNew } of items) {
    if (action === 'delete') continue;
    const isDir = action === 'mkdir' || transfer.index.get(name)?.type === 'dir';
    await filter.learnDeep(name, isDir);
    const decision = filter.decideDeep(name, isDir);
    if (decision.synced || (decision.isUnsure === true && !isNew)) continue;
    names.add(name);
    if (isNew) mine.push(name);
  }
  const failure = mine.length > 0 ? await transfer.clear(mine, true) : undefined;
  for (const name of names) {
    const wasOurs = transfer.index.aside.get(name);
    if (wasOurs === undefined) transfer.gone(name);
    else transfer.index.setAside(name, wasOurs);
  }
  return { names, failure };
}
