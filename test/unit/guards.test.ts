import { describe, expect, it } from 'vitest';
import { EPOCH } from '../../src/core/clock.js';
import type { RawRule } from '../../src/core/filter/rule.js';
import { nameFromText, ROOT } from '../../src/core/name.js';
import type { Printable } from '../../src/core/printable.js';
import { begun } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Mounts } from '../../src/scan/mounts.js';
import { type GuardOptions, guardEmptied, guardMany, guardPass } from '../../src/sync/guards.js';
import { newLedger } from '../support/deliver.js';
import { type FakeWork, fakeWork } from '../support/fake-work.js';
import { filterOf, plainSettings } from '../support/settings.js';

const indexOf = (count: number): NameIndex => {
  const index = new NameIndex();
  for (let n = 0; n < count; n++) index.set(nameFromText(`f${n}`), { ...begun('file'), mtimeNs: 1 });
  return index;
};

interface Case extends Partial<GuardOptions> {
  readonly here: number;
  readonly known?: number;
  readonly extraneous?: number;
  readonly created?: number;
  readonly deletes?: 'seen' | 'mirror' | 'never';
  /** Mount points that are away. */
  readonly away?: readonly string[];
}

/** What the guard says of a full pass. */
async function guarded({
  here,
  known = 0,
  extraneous = 0,
  created = 0,
  deletes = 'mirror',
  away = [],
  ...options
}: Case) {
  const ledger = newLedger('t');
  await ledger.assume(indexOf(known).entries());
  const name = nameFromText('x');
  const mounts = new Mounts();
  mounts.set({ on: [], bare: [], away: away.map(nameFromText) });
  return guardPass(
    {
      ledger,
      rsync: plainSettings({ root: '/r', target: { kind: 'local', path: '/t', label: 't', place: '/t' } }),
      deletes,
      disk: { mounts },
    },
    {
      dir: '/d',
      mirror: deletes === 'mirror',
      allowEmpty: false,
      maxDelete: undefined,
      confirm: undefined,
      ...options,
    },
    { tree: indexOf(here), excluded: [], unsure: [], unread: [], fromMs: EPOCH, toMs: EPOCH },
    {
      items: Array.from({ length: created }, () => ({ action: 'send', name, bytes: 0, isNew: true })),
      extraneous: Array.from({ length: extraneous }, () => name),
      isAll: true,
      isRootOther: false,
    },
  );
}

describe('before a full pass, an empty DIR', () => {
  it('deletes nothing that was delivered, nor anything of a mirror', async () => {
    expect(await guarded({ here: 0, known: 3, deletes: 'seen' })).toMatchObject({
      kind: 'guard',
      message: expect.stringMatching(/^\/d is empty now; 3 paths on .* would be deleted\. Nothing was deleted$/),
      hint: expect.stringContaining('--allow-empty'),
    });
    expect(await guarded({ here: 0, extraneous: 3 })).toMatchObject({ message: expect.stringContaining('everything') });
    expect(await guarded({ here: 0, known: 3, away: ['f0', 'f1'] })).toMatchObject({ kind: 'guard' });
  });

  it.each([
    ['it is allowed', { here: 0, known: 3, deletes: 'seen', allowEmpty: true }],
    ['nothing is deleted', { here: 0, known: 3, deletes: 'never' }],
    ['nothing was delivered', { here: 0, deletes: 'seen' }],
    ['it is not empty', { here: 1, known: 3, deletes: 'seen' }],
    ['all of it is in file systems that are away', { here: 0, known: 2, deletes: 'seen', away: ['f0', 'f1'] }],
    ['a mirror has a file system that is away', { here: 0, away: ['f0'] }],
  ] as const)('is fine where %s', async (_, given) => {
    expect(await guarded(given)).toBeUndefined();
  });
});

describe('before a full pass, a mirror', () => {
  // There are then 10 names there: 5 that are here too, and what is extraneous.
  it('may delete up to half of what is there', async () => {
    expect(await guarded({ here: 5, extraneous: 5 })).toBeUndefined();
    expect(await guarded({ here: 5, extraneous: 6 })).toMatchObject({
      kind: 'guard',
      message: expect.stringContaining('would delete 6 of 11 paths'),
      hint: expect.stringContaining('--dry-run'),
    });
    // What is new here is not there: 5 of 5 would go.
    expect(await guarded({ here: 5, created: 5, extraneous: 5 })).toMatchObject({
      message: expect.stringContaining('would delete 5 of 5 paths'),
    });
  });

  it('may delete --max-delete', async () => {
    expect(await guarded({ here: 50, extraneous: 3, maxDelete: 3 })).toBeUndefined();
    expect(await guarded({ here: 50, extraneous: 4, maxDelete: 3 })).toMatchObject({
      message: expect.stringContaining('more than --max-delete 3'),
      hint: expect.stringContaining('raise --max-delete'),
    });
  });

  it('may delete more than half of what is there where --max-delete says so, without a question', async () => {
    const confirm = async () => {
      throw new Error('asked');
    };
    expect(await guarded({ here: 1, extraneous: 9, maxDelete: 9 })).toBeUndefined();
    expect(await guarded({ here: 1, extraneous: 9, maxDelete: 9, confirm })).toBeUndefined();
    expect(await guarded({ here: 1, extraneous: 9, maxDelete: 8 })).toMatchObject({
      message: expect.stringContaining('9 of 10 paths on t, more than --max-delete 8'),
    });
    expect(await guarded({ here: 1, extraneous: 9 })).toMatchObject({
      hint: expect.stringContaining('give --max-delete'),
    });
  });

  it('asks where there is a terminal, and heeds the answer', async () => {
    const asked: Printable[] = [];
    const confirm = (answer: boolean) => async (question: Printable) => {
      asked.push(question);
      return answer;
    };
    expect(await guarded({ here: 5, extraneous: 6, confirm: confirm(true) })).toBeUndefined();
    expect(await guarded({ here: 5, extraneous: 6, confirm: confirm(false) })).toMatchObject({ kind: 'guard' });
    expect(await guarded({ here: 5, extraneous: 1, confirm: confirm(false) })).toBeUndefined(); // not asked
    expect(asked).toHaveLength(2);
  });
});

describe('deletions while running', () => {
  it('are counted against --max-delete', () => {
    const options = { dir: '/d', mirror: false, allowEmpty: false, confirm: undefined };
    expect(guardMany(9, 't', { ...options, maxDelete: undefined })).toBeUndefined();
    expect(guardMany(3, 't', { ...options, maxDelete: 3 })).toBeUndefined();
    expect(guardMany(4, 't', { ...options, maxDelete: 3 })).toMatchObject({
      kind: 'guard',
      message: '4 paths would be deleted on t, more than --max-delete 3; nothing was deleted',
    });
  });
});

describe('before deletions while running, a root that has become empty', () => {
  function emptied(options: Partial<GuardOptions> = {}, change: (world: FakeWork) => void = () => {}) {
    const exclude: RawRule = { action: 'exclude', pattern: '*.tmp', source: { kind: 'default' } };
    const world = fakeWork({ filter: filterOf({ user: [exclude] }) });
    world.work.ledger.delivered(nameFromText('a'), { ...begun('file'), mtimeNs: 1 });
    change(world);
    const given = { dir: '/d', mirror: false, allowEmpty: false, maxDelete: undefined, confirm: undefined, ...options };
    return guardEmptied({ ...world.work, disk: world.disk }, given);
  }

  it('deletes nothing, whatever excluded is still in it', async () => {
    const refusal = { kind: 'guard', message: '/d is empty now; 1 paths on /t would be deleted. Nothing was deleted' };
    expect(await emptied()).toMatchObject(refusal);
    expect(await emptied({}, ({ disk }) => void disk.write('x.tmp'))).toMatchObject(refusal);
    expect(await emptied({}, ({ disk }) => void disk.block('fifo'))).toMatchObject(refusal);
  });

  it.each<[string, Partial<GuardOptions>, (world: FakeWork) => void]>([
    ['it is allowed', { allowEmpty: true }, () => {}],
    ['something is in it', {}, ({ disk }) => void disk.write('b')],
    ['a directory is in it', {}, ({ disk }) => void disk.mkdir('d')],
    ['nothing was delivered', {}, ({ work }) => work.ledger.gone(nameFromText('a'))],
    ['it can not be read just now', {}, ({ disk }) => void (disk.shortage = 'too many open files')],
    ['nobody may look into it', {}, ({ disk }) => void disk.closed.add(ROOT)],
  ])('is fine where %s', async (_, options, change) => {
    expect(await emptied(options, change)).toBeUndefined();
  });
});
