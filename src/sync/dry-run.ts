import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { ROOT } from '../core/name.js';
import { takeSnapshot } from '../scan/snapshot.js';
import { eachInSlices } from '../slice.js';
import type { PassOptions } from './full-pass.js';
import { forecast, isLeftThere } from './mirror.js';
import type { PassWork } from './work.js';

/** What a full pass would do, told as events. */
export async function dryRun(
  { ledger, runner, disk, filter, report, rsync, deletes }: PassWork,
  { onListing, mirror }: Pick<PassOptions, 'onListing' | 'mirror'>,
): Promise<Failure | undefined> {
  const { label: target } = rsync.target;
  const snapshot = await takeSnapshot(disk, filter, onListing);
  const expected = await forecast(runner, snapshot, filter, mirror);
  if (!('items' in expected)) return expected;
  const { items, extraneous } = expected;
  const would = (item: Item): void => report({ kind: 'wouldDo', target, ...item });
  await eachInSlices(items, would);
  const goes = new Set(extraneous.filter((name) => !isLeftThere(name, disk)));
  await eachInSlices(deletes !== 'never' ? ledger.index.below(ROOT) : [], ([name]) => {
    if (snapshot.tree.get(name) === undefined && !disk.isHeld(name)) goes.add(name);
  });
  await eachInSlices(goes, (name) => would({ action: 'delete', name, bytes: 0, isNew: false }));
  const sends = items.filter((item) => item.action === 'send');
  const bytes = sends.reduce((sum, item) => sum + item.bytes, 0);
  report({ kind: 'wouldDone', target, sends: sends.length, bytes, deletes: goes.size });
  return undefined;
}
