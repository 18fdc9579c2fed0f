import { describe, expect, it } from 'vitest';
import { steadyNow } from '../../src/clock.js';
import { type Name, ROOT } from '../../src/core/name.js';
import { begun, isSettled } from '../../src/core/sync/entry.js';
import { differences } from '../../src/scan/look.js';
import { SeenWaiting } from '../../src/scan/seen-waiting.js';
import { walk } from '../../src/scan/walk.js';
import { runBatch } from '../../src/sync/batch.js';
import { select } from '../../src/sync/select.js';
import { type FakeWork, fakeWork, n } from '../support/fake-work.js';

/** So many new files are a storm. */
const STORM = 60;

interface Storm extends FakeWork {
  readonly seen: SeenWaiting;
  readonly files: readonly Name[];
  /** Looks at everything, and notes what differs. */
  find(): Promise<void>;
  /** How often a name was looked at since the last time. */
  looksAt(name: Name): number;
}

async function storm(count = STORM, size = 10, tickMs = 0): Promise<Storm> {
  const world = fakeWork();
  const { disk } = world;
  const { ledger } = world.work;
  disk.tickMs = tickMs;
  const seen = new SeenWaiting({ disk, ledger });
  const find = async (): Promise<void> => {
    for await (const listing of walk(disk, world.work.filter, {
      from: [ROOT],
      descend: () => true,
      waiting: (name) => seen.ofNew(name),
    }))
      for (const difference of differences(listing, ledger.index, (was, now) => isSettled(was, now, false))) {
        if (difference === undefined) continue;
        const [name, now] = difference;
        ledger.note(name, now);
        if (typeof now === 'object' && name !== listing.dir) seen.note(listing, name, now);
      }
  };
  const files = Array.from({ length: count }, (_, i) => disk.write(`d${i % 3}/f${i}`, size));
  await find();
  disk.looks.length = 0;
  const looksAt = (name: Name): number => disk.looks.splice(0).filter((each) => each === name).length;
  return { ...world, work: { ...world.work, seen }, seen, files, find, looksAt };
}

const all = ({ work }: FakeWork): Name[] => work.ledger.pending.ready(steadyNow(), Number.POSITIVE_INFINITY);
const selected = async (world: Storm) =>
  (await select(world.work, all(world), { mayRest: false, mayPart: false })).view.before;
const send = (world: Storm) => runBatch(world.work, all(world), { mayRest: false, mayPart: false });

const f4 = n('d1/f4');

describe('a storm of new files', () => {
  it('is looked at once when it is found, and once after its run', async () => {
    const world = await storm();
    await send(world);
    const { looks } = world.disk;
    const byRsync = 1;
    for (const name of world.files) expect(looks.filter((each) => each === name)).toHaveLength(byRsync + 1);
    expect(all(world)).toEqual([]);
    expect([...world.rsync.there.keys()]).toEqual(expect.arrayContaining([...world.files]));
  });

  it('is not looked at because it is heard of once more, or found again', async () => {
    const world = await storm();
    await world.find();
    for (const name of world.files) expect(world.disk.looks).not.toContain(name);
    expect(world.seen.ofNew(f4)).toEqual(world.disk.get(f4));
  });

  it('is looked at where anything came or went in its directory since: what is gone is not listed as if it were here', async () => {
    const world = await storm();
    world.rsync.plant(f4, { ...begun('file'), size: 3 }); // somebody else's, there
    world.disk.remove('d1/f4');
    expect((await selected(world)).get(f4)).toBe('missing');
    await send(world);
    expect(world.rsync.there.get(f4)?.isOurs).toBe(false);
  });

  it('is looked at where a directory above was replaced', async () => {
    const world = await storm();
    world.disk.rename('d1', 'other');
    world.disk.write('d1/f4', 20);
    const before = await selected(world);
    expect(before.get(f4)).toEqual(world.disk.get(f4));
    expect(before.get(n('d1/f7'))).toBe('missing');
  });

  it('what is written to after that look waits on, and is sent again', async () => {
    const world = await storm();
    world.disk.write('d1/f4', 10, true); // not even another time
    await send(world);
    expect(all(world)).toEqual([f4]);
    world.disk.looks.length = 0;
    await send(world);
    expect(world.looksAt(f4)).toBe(3); // before, after, and by rsync
    expect(all(world)).toEqual([]);
    expect(world.rsync.there.get(f4)?.content).toBe(world.disk.contentOf(f4));
  });

  it('what is written to while it is sent is looked at before the next run', async () => {
    const world = await storm();
    const { course } = world.rsync;
    course.fate = (name) => {
      if (name === f4 && world.rsync.runs.length === 1) for (const file of world.files) world.disk.write(file, 11);
      return 'done';
    };
    await send(world);
    expect(all(world)).toHaveLength(STORM);
    const before = await selected(world);
    for (const file of world.files) expect(before.get(file)).toEqual(world.disk.get(file));
  });

  it('what has failed, or is there, is looked at whenever it is heard of', async () => {
    const world = await storm();
    world.rsync.course.fate = (name) => (name === f4 ? 'failed' : 'done');
    await send(world);
    for (const name of world.files) world.work.ledger.note(name);
    await world.find();
    expect(world.seen.ofNew(f4)).toBeUndefined();
    expect(world.seen.ofNew(n('d1/f7'))).toBeUndefined();
  });

  it.each([
    ['a few files, which rest by what they are', 30, 10, 0],
    ['empty ones, which are about to be written', STORM, 0, 0],
    ['large ones, which may still be being written', STORM, 65_536, 0],
    ['where two changes may have the same time', STORM, 10, 10],
  ])('is none: %s', async (_, count, size, tickMs) => {
    const world = await storm(count, size, tickMs);
    await selected(world);
    expect(world.looksAt(f4)).toBe(1);
    expect(world.seen.ofNew(f4)).toBeUndefined();
  });

  it('that changes nothing there is looked at: what is there already goes without a run', async () => {
    const world = await storm();
    for (const name of world.files) world.work.ledger.delivered(name, world.disk.get(name) ?? begun('file'));
    await selected(world);
    expect(world.looksAt(f4)).toBe(1);
  });
});
