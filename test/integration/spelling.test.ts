import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.js';
import type { Spelling } from '../../src/core/spelling.js';
import { Spellings } from '../../src/core/sync/twins.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { bringWaiting, localWork, noteAll, passOptions } from '../support/deliver.js';
import { FoldedPlace } from '../support/folded.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

const CASE = (name: string): string => name.toLowerCase();
const NONE = (name: string): string => name;

/** A tree here, and a place that folds names, with nothing in it. */
function between(files: Readonly<Record<string, string>>, fold: (name: string) => string, spelling: Spelling) {
  const root = temporaryDir();
  fill(root, files);
  const place = new FoldedPlace(root, fold);
  const failed = new Map<string, string>();
  const report = (event: Event): void => {
    if (event.kind === 'pathFailed') failed.set(event.name, event.failure.message);
  };
  const spellings = new Spellings(spelling);
  const work = localWork(root, '/there', filterOf(), {}, { runner: place, spellings, report });
  return {
    ...{ root, place, failed, spellings },
    pass: async () => {
      const end = await fullPass(work, passOptions());
      if (end.kind !== 'done') throw new Error(JSON.stringify(end));
      await bringWaiting(work);
    },
    bring: async () => {
      await noteAll(work);
      await bringWaiting(work);
    },
    rename: (from: string, to: string) => renameSync(join(root, from), join(root, to)),
    write: (name: string, text: string) => writeFileSync(join(root, name), text),
    remove: (name: string) => rmSync(join(root, name), { recursive: true }),
    hurry: () => work.ledger.hurry(),
  };
}

describe.each<Spelling>(['folded', 'unknown'])('a place that makes no difference of case (%s)', (spelling) => {
  it('has what was renamed in case only under its new name', async () => {
    const world = between({ 'User.ts': 'u', 'Src/a': 'a', 'Src/deep/b': 'b', other: 'o' }, CASE, spelling);
    await world.pass();
    world.rename('User.ts', 'user.ts');
    await world.bring();
    expect(world.place.all).toEqual(['Src/', 'Src/a=a', 'Src/deep/', 'Src/deep/b=b', 'other=o', 'user.ts=u']);
    world.rename('Src', 'src');
    await world.bring();
    expect(world.place.all).toEqual(['other=o', 'src/', 'src/a=a', 'src/deep/', 'src/deep/b=b', 'user.ts=u']);
    expect(world.failed.size).toBe(0);
  });

  it('has it too where nobody saw it', async () => {
    const world = between({ 'User.ts': 'u', 'Src/a': 'a', 'Src/B': 'b' }, CASE, spelling);
    await world.pass();
    world.rename('User.ts', 'user.ts');
    world.rename('Src', 'src');
    world.rename('src/B', 'src/b');
    await world.pass();
    expect(world.place.all).toEqual(['src/', 'src/a=a', 'src/b=b', 'user.ts=u']);
    const runs = world.place.runs.length;
    await world.pass();
    expect(world.place.runs.slice(runs).every((run) => run === 'pass ')).toBe(true);
  });

  it('has one of two names that are one, the same one each time, and the other is named', async () => {
    const world = between({ README: 'R', readme: 'r', 'Src/a': 'A', 'src/a': 'a', 'src/b': 'b' }, CASE, spelling);
    await world.pass();
    expect(world.place.all).toEqual(['README=R', 'Src/', 'Src/a=A']);
    expect(world.failed.get('readme')).toBe('there it is the same name as README, which is there');
    expect(world.failed.get('src/b')).toBe('there src is the same name as Src, which is there');
    await world.pass();
    world.write('readme', 'rr');
    await world.bring();
    expect(world.place.all).toEqual(['README=R', 'Src/', 'Src/a=A']);
    // The one that was there makes way.
    world.remove('README');
    world.remove('Src');
    world.hurry();
    await world.bring();
    expect(world.place.all).toEqual(['readme=rr', 'src/', 'src/a=a', 'src/b=b']);
  });

  it('keeps what is there when another spelling of it comes, even an earlier one', async () => {
    const world = between({ b: 'one' }, CASE, spelling);
    await world.pass();
    world.write('B', 'two');
    await world.bring();
    expect(world.place.all).toEqual(['b=one']);
    expect([...world.failed.keys()]).toEqual(['B']);
    world.rename('b', 'c');
    world.hurry();
    await world.bring();
    expect(world.place.all).toEqual(['B=two', 'c=one']);
  });
});

describe('a place that makes no difference between composed and decomposed letters', () => {
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
  const compose = (name: string): string => Buffer.from(name, 'latin1').toString('utf8').normalize('NFC');
  const spelled = (text: string): string => Buffer.from(text).toString('latin1');

  it.each<Spelling>(['exact', 'unknown'])(
    'has what was renamed so under its new name, and never both (%s)',
    async (kind) => {
      const world = between({ [composed]: 'c', [`d/${composed}/x`]: 'x' }, compose, kind);
      await world.pass();
      world.rename(composed, decomposed);
      await world.bring();
      world.rename(`d/${composed}`, `d/${decomposed}`);
      await world.pass();
      expect(world.place.all).toEqual(
        [`${spelled(decomposed)}=c`, 'd/', `d/${spelled(decomposed)}/`, `d/${spelled(decomposed)}/x=x`].sort(),
      );
      world.write(composed, 'other');
      await world.bring();
      expect([...world.failed.keys()]).toEqual([spelled(composed)]);
      expect(world.place.all).toContain(`${spelled(decomposed)}=c`);
    },
  );
});

describe('a place that makes a difference', () => {
  it('has both, also where that was not known, and is asked once', async () => {
    const world = between({ README: 'R', readme: 'r', 'Src/a': 'A', 'src/a': 'a' }, NONE, 'unknown');
    await world.pass();
    expect(world.place.all).toEqual(['README=R', 'Src/', 'Src/a=A', 'readme=r', 'src/', 'src/a=a']);
    expect(world.spellings.kind).toBe('exact');
    const runs = world.place.runs.length;
    await world.pass();
    world.write('Readme', 'x');
    await world.bring();
    expect(world.place.all).toContain('Readme=x');
    expect(
      world.place.runs.slice(runs).filter((run) => /^(names|inside) (?!send)/.test(run) && run !== 'names '),
    ).toEqual([]);
  });

  it('is asked nothing where that is known', async () => {
    const world = between({ README: 'R', readme: 'r' }, NONE, 'exact');
    await world.pass();
    expect(world.place.runs).toEqual(['pass send README, send readme']);
  });
});
