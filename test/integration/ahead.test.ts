import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { RsyncSettings } from '../../src/core/rsync/args.js';
import type { ReadonlyIndex } from '../../src/core/sync/name-index.js';
import { later } from '../../src/later.js';
import { lastPlace, noteLastPlace } from '../../src/state/last-place.js';
import { Ahead } from '../../src/sync/ahead.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { quickPass } from '../../src/sync/quick-pass.js';
import { makePass } from '../../src/sync/turn.js';
import type { PassWork } from '../../src/sync/work.js';
import { bringWaiting, localWork, passOptions, RULES } from '../support/deliver.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir, tree } from '../support/tree.js';

const uid = process.getuid?.() ?? 0;

/** A tree that is in sync, and what looks at it ahead. */
async function begin(more: Partial<PassWork> = {}, filter = filterOf()) {
  const base = temporaryDir();
  const [root, there] = [join(base, 'here'), join(base, 'there')];
  mkdirSync(root);
  fill(root, { 'd/e/f': 'f', 'd/g': 'g', gone: 'gone', keep: 'keep' });
  const work = localWork(root, there, filter, {}, more);
  expect(await fullPass(work, passOptions())).toMatchObject({ kind: 'done' });
  const look = vi.spyOn(work.runner, 'look');
  const lookAhead = (
    settings: Promise<RsyncSettings | undefined> = Promise.resolve(work.rsync),
    rules = RULES,
    index: Promise<ReadonlyIndex> = Promise.resolve(work.ledger.index),
  ): Ahead => new Ahead(index, work.disk, work.filter, rules, settings);
  /** The rsync that the pass was given, if it was given one. */
  const given = () => look.mock.calls.map(([, , options]) => options?.ready);
  return { root, there, work, lookAhead, given };
}

describe('what is looked at before the target is reached', () => {
  it('is what the quick pass goes by: it starts no rsync of its own', async () => {
    const { root, there, work, lookAhead, given } = await begin();
    writeFileSync(join(there, 'd/g'), 'somebody else');
    chmodSync(join(there, 'keep'), 0o600);
    fill(root, { 'd/e/new': 'new' });
    rmSync(join(root, 'gone'));
    const ahead = lookAhead();
    expect(await quickPass({ ...work, ahead }, passOptions())).toMatchObject({ kind: 'done' });
    expect(given()).toEqual([expect.objectContaining({ args: expect.arrayContaining(['--dry-run']) })]);
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root));
    expect(await ahead.drop()).toBe(true);
  });

  it('is asked anew where other rules are in force by then, or something was mounted', async () => {
    const { work, lookAhead, given } = await begin();
    const ahead = lookAhead();
    const rules = { ...RULES, atRest: async () => 1 };
    expect(await quickPass({ ...work, rules, ahead }, passOptions())).toMatchObject({ kind: 'done' });
    const other = lookAhead();
    vi.spyOn(work.disk.mounts, 'age', 'get').mockReturnValue(work.disk.mounts.age + 1);
    expect(await quickPass({ ...work, ahead: other }, passOptions())).toMatchObject({ kind: 'done' });
    expect(given()).toEqual([undefined, undefined]);
  });

  it('asks rsync before anything is sorted or read here, and finds what has come and gone here all the same', async () => {
    const { root, there, work, lookAhead, given } = await begin();
    const sorted = later<ReadonlyIndex>();
    const ahead = lookAhead(undefined, RULES, sorted.promise);
    const looked = await ahead.take(0);
    const asked = await looked?.asked;
    await asked?.ended; // all that it says was said before the names are read
    fill(root, { late: 'late' });
    rmSync(join(root, 'gone'));
    sorted.resolve(work.ledger.index);
    const taken = { take: async () => looked, drop: async () => true };
    expect(await quickPass({ ...work, ahead: taken }, passOptions())).toMatchObject({ kind: 'done' });
    expect(given()).toEqual([asked]);
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root));
  });

  it('asks it only once the names are read where only they tell what we leave out', async () => {
    const regex = filterOf({ regexes: [{ text: '\\.tmp$', source: { kind: 'option', option: '--exclude-regex' } }] });
    const { root, there, work, lookAhead } = await begin({}, regex);
    fill(root, { 'd/x.tmp': 'left out', 'd/new': 'new' });
    const sorted = later<ReadonlyIndex>();
    const ahead = lookAhead(undefined, RULES, sorted.promise);
    const looked = await ahead.take(0);
    let isAsked = false;
    void looked?.asked.then(() => {
      isAsked = true;
    });
    await new Promise(setImmediate); // all that waits for nothing has been done
    expect(isAsked).toBe(false);
    sorted.resolve(work.ledger.index);
    expect((await looked?.names)?.excluded).toHaveLength(1);
    const taken = { take: async () => looked, drop: async () => true };
    expect(await quickPass({ ...work, ahead: taken }, passOptions())).toMatchObject({ kind: 'done' });
    expect([...work.ledger.pending].map(([name]) => name)).not.toContain('d/x.tmp');
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root, (name) => name.endsWith('.tmp')));
  });

  it('counts once, and not after it was dropped', async () => {
    const { lookAhead } = await begin();
    const ahead = lookAhead();
    expect(await ahead.take(0)).toBeDefined();
    expect(await ahead.take(0)).toBeUndefined();
    const dropped = lookAhead(new Promise(() => {})); // nobody logs in
    expect(await dropped.drop()).toBe(false);
    expect(await dropped.take(0)).toBeUndefined();
  });

  it('is dropped where no quick pass will do', async () => {
    const { work, lookAhead, given } = await begin();
    const ahead = lookAhead();
    const drop = vi.spyOn(ahead, 'drop');
    expect(await makePass({ ...work, ahead }, 'full', passOptions())).toMatchObject({ kind: 'done' });
    expect(drop).toHaveBeenCalledOnce();
    expect(await ahead.take(0)).toBeUndefined();
    expect(given()).toEqual([]);
  });

  it('gives way to an rsync that is started then where its own came to nothing', async () => {
    const { root, there, work, lookAhead, given } = await begin();
    writeFileSync(join(there, 'd/g'), 'somebody else');
    const ahead = lookAhead();
    const looked = await ahead.take(0);
    (await looked?.asked)?.end(); // its connection went
    const taken = { take: async () => looked, drop: async () => true };
    expect(await quickPass({ ...work, ahead: taken }, passOptions())).toMatchObject({ kind: 'done' });
    expect(given()).toHaveLength(1);
    await bringWaiting(work);
    expect(tree(there)).toEqual(tree(root));
  });
});

describe('the last place', () => {
  it('is read as it was noted; what was noted before there was more to it is, too, and nothing else', () => {
    const path = join(temporaryDir(), 'x.place');
    const takes = { window: -1, deletions: 'marks' } as const;
    noteLastPlace(path, { place: 'p', takes });
    expect(lastPlace(path, uid)).toEqual({ place: 'p', takes });
    noteLastPlace(path, { place: 'p' });
    expect(lastPlace(path, uid)).toEqual({ place: 'p' });
    for (const text of ['', '{"v":2,"place":"p"}', '{"v":1,"place":"p","takes":{"window":7,"deletions":"marks"}}']) {
      writeFileSync(path, text);
      expect(lastPlace(path, uid)).toBeUndefined();
    }
  });
});
