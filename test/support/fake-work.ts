import { steadyNow } from '../../src/clock.js';
import { isBelow, type Name, nameFromText } from '../../src/core/name.js';
import type { Seen } from '../../src/core/sync/entry.js';
import { runBatch } from '../../src/sync/batch.js';
import type { PassWork } from '../../src/sync/work.js';
import { localWork } from './deliver.js';
import { FakeDisk } from './fake-disk.js';
import { type Course, FakeRsync } from './fake-rsync.js';
import { filterOf } from './settings.js';

/** A directory in memory, a place there as a map, and what brings names from one to the other. */
export interface FakeWork {
  readonly disk: FakeDisk;
  readonly rsync: FakeRsync;
  readonly work: PassWork;
}

export function fakeWork(options: Partial<PassWork> = {}, course: Partial<Course> = {}): FakeWork {
  const disk = new FakeDisk();
  const rsync = new FakeRsync(disk, course);
  const plain = localWork(
    '/r',
    '/t',
    filterOf(),
    {},
    { disk, runner: rsync, startClear: (run) => rsync.startClear(run), ...options },
  );
  return { disk, rsync, work: plain };
}

/** Everything that differs waits and is brought, until nothing does. */
export async function bringAll({ disk, work }: FakeWork, mostRounds = 20): Promise<void> {
  const { ledger } = work;
  for (let round = 0; ; round++) {
    for (const [name] of [...disk.entries(), ...ledger.index.entries()]) ledger.note(name);
    ledger.hurry();
    const names = ledger.pending.ready(steadyNow(), Number.POSITIVE_INFINITY);
    const end = await runBatch(work, names, { mayRest: false, mayPart: false });
    if (end.kind !== 'done') throw new Error(`the batch ended with ${JSON.stringify(end)}`);
    if (!end.delivered && ledger.pending.size === 0) return;
    if (round === mostRounds) throw new Error(`it goes on for ever: ${[...ledger.pending].join(' ')}`);
  }
}

/** What is there by our doing and holds nothing that is not. */
export function ours({ there }: FakeRsync): Name[] {
  const foreign = [...there].filter(([, { isOurs }]) => !isOurs).map(([name]) => name);
  const holds = (dir: Name): boolean => foreign.some((name) => isBelow(name, dir));
  return [...there].filter(([name, { isOurs }]) => isOurs && !holds(name)).map(([name]) => name);
}

/** What differs between here and there, in words; of what is only there, what is {@link ours}. */
export function differences({ disk, rsync }: Pick<FakeWork, 'disk' | 'rsync'>): string[] {
  const found: string[] = [];
  for (const [name, here] of disk.entries()) {
    const thing = rsync.there.get(name);
    if (thing === undefined) found.push(`${name} is missing there`);
    else if (thing.entry.type !== here.type) found.push(`${name} is a ${thing.entry.type} there`);
    else if (here.type === 'file' && thing.content !== disk.contentOf(name)) found.push(`${name} is another one there`);
    else if (thing.entry.mtimeS !== here.mtimeS || thing.isTouched === true)
      found.push(`${name} has another time there`);
    else if (thing.entry.mode !== here.mode) found.push(`${name} has another mode there`);
  }
  for (const name of ours(rsync)) if (!disk.has(name)) found.push(`${name} is still there`);
  return found;
}

export const n = (text: string): Name => nameFromText(text);

/** As a batch that looked at them would have seen these names. */
export const seenOn = (disk: FakeDisk, names: readonly Name[]): Map<Name, Seen> =>
  new Map(names.map((name) => [name, disk.see(name)]));
