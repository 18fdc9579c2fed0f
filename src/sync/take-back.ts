import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import type { Name } from '../core/name.js';
import { decideAll } from '../scan/decide.js';
import { eachInSlices } from '../slice.js';
import { clear } from './clear.js';
import type { Ledger } from './ledger.js';
import type { Runs } from './runner.js';

/**
 * In a full pass rsync reads the disk by itself. What only our own filter excludes and came after the walk, it takes along:
 * that is deleted there again, where it was new. Gives those names, and the failure if a run broke.
 */
export async function takeBack(
  ledger: Ledger,
  runner: Runs,
  filter: Filter,
  items: readonly Item[],
): Promise<{ readonly names: ReadonlySet<Name>; readonly failure: Failure | undefined }> {
  const names = new Set<Name>();
  if (!filter.hasOwnRules) return { names, failure: undefined };
  const mine: Name[] = [];
  const fresh = new Set(items.filter(({ isNew }) => isNew).map(({ name }) => name));
  const brought = items
    .filter(({ action }) => action !== 'delete')
    .map(({ name, action }) => [name, action === 'mkdir' || ledger.index.get(name)?.type === 'dir'] as const);
  for await (const part of decideAll(filter, brought)) {
    for (const [name, , decision] of part) {
      if (decision.synced || (decision.isUnsure === true && !fresh.has(name))) continue;
      names.add(name);
      if (fresh.has(name)) mine.push(name);
    }
  }
  const failure = mine.length > 0 ? await clear(ledger, runner, mine, true) : undefined;
  await eachInSlices(names, (name) => {
    const wasOurs = ledger.index.aside.get(name);
    if (wasOurs === undefined) ledger.gone(name);
    else ledger.setAside(name, wasOurs);
  });
  return { names, failure };
}
