import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, place, type Running } from '../support/cli.js';
import { fill, names } from '../support/tree.js';

const folderOf = ({ env }: Place): string => join(env['XDG_STATE_HOME'] ?? '', 'syncwatch');

/** The one file there with this ending. */
const fileOf = (where: Place, ending: string): string =>
  join(folderOf(where), readdirSync(folderOf(where)).find((base) => base.endsWith(ending)) ?? 'none');

/** Damages the log: one character of its line about this name. */
function flip(where: Place, name: string, by: string): void {
  const text = readFileSync(fileOf(where, '.log'), 'utf8');
  expect(text).toContain(`"${name}"`);
  writeFileSync(fileOf(where, '.log'), text.replace(`"${name}"`, `"${by}"`));
}

const damage = (running: Running) =>
  running.events.filter(({ event, text }) => event === 'note' && /what was remembered/.test(String(text)));

/** Brings these, after a first full sync, and is killed. */
async function killedAfter(where: Place, steps: ReadonlyArray<() => void>): Promise<void> {
  const running = where.start();
  await running.inSync();
  for (const step of steps) {
    const from = running.events.length;
    step();
    await where.same(running);
    await running.event('inSync', () => true, from);
  }
  await running.stop('SIGKILL');
}

describe('a log with one flipped character', () => {
  it('never deletes what was not ours; what it says before that still counts', async () => {
    const there = place();
    const { local, remote, start } = there;
    fill(local, { keep: '' });
    await killedAfter(there, [
      () => fill(local, { a: '' }),
      () => fill(local, { b: '' }),
      () => fill(local, { c: '' }),
    ]);
    flip(there, 'b', 'x');
    there.fillRemote({ x: 'somebody else made it' });
    for (const name of ['a', 'b', 'c']) rmSync(join(local, name));
    const again = start();
    await again.inSync();
    expect(names(remote)).toEqual(['b', 'c', 'keep', 'x']); // a is ours for certain; nobody knows of the others
    expect(damage(again)).toMatchObject([
      { text: expect.stringMatching(/its log is damaged in line \d+ of \d+\. .*may stay there/) },
    ]);
  });

  it('never deletes what somebody else made in the place of what we had deleted', async () => {
    const there = place();
    const { local, remote, start } = there;
    fill(local, { keep: '', gone: '', other: '' });
    await killedAfter(there, [() => rmSync(join(local, 'gone'))]);
    flip(there, 'gone', 'gonf');
    there.fillRemote({ gone: 'somebody else made it' });
    writeFileSync(join(local, 'keep'), 'changed meanwhile');
    const again = start();
    await again.inSync();
    expect(names(remote)).toEqual(['gone', 'keep', 'other']);
    expect(readFileSync(join(remote, 'gone'), 'utf8')).toBe('somebody else made it');
    expect(readFileSync(join(remote, 'keep'), 'utf8')).toBe('changed meanwhile');
    expect(damage(again).length).toBe(1);
    // From here on all is known again.
    rmSync(join(local, 'other'));
    await there.same(again, (name) => name === 'gone');
  });
});

describe('the state folder, while it runs', () => {
  it.each<readonly [string, (where: Place) => void]>([
    ['removed', (where) => rmSync(folderOf(where), { recursive: true })],
    ['removed, with what is above it', (where) => rmSync(dirname(folderOf(where)), { recursive: true })],
    ['without its index', (where) => rmSync(fileOf(where, '.index'))],
    ['without its log', (where) => rmSync(fileOf(where, '.log'))],
  ])('%s: is made again before the next run, and a kill loses nothing', async (_what, remove) => {
    const there = place();
    const { local, remote, start } = there;
    fill(local, { a: '', b: '' });
    await killedAfter(there, [
      () => {
        remove(there);
        fill(local, { c: '' });
      },
    ]);
    for (const name of ['b', 'c']) rmSync(join(local, name));
    const again = start();
    await there.same(again);
    expect(names(remote)).toEqual(['a']);
    expect(damage(again)).toEqual([]);
  });

  it('that can not be written to: nothing is begun that could not be noted; said once, and it goes on', async () => {
    const there = place();
    const { local, remote, start, same } = there;
    fill(local, { a: '' });
    const running = start();
    await running.inSync();
    const from = running.events.length;
    const folder = folderOf(there);
    renameSync(folder, `${folder}.away`);
    writeFileSync(folder, 'in the way');
    fill(local, { b: '' });
    const trouble = await running.event('trouble', () => true, from);
    expect(trouble).toMatchObject({ failure: { message: expect.stringMatching(/can't be noted in .*\.log first/) } });
    expect(existsSync(join(remote, 'b'))).toBe(false);
    rmSync(folder);
    mkdirSync(folder, { mode: 0o700, recursive: true }); // it may just have tried again
    await same(running);
    expect(running.events.slice(from).filter(({ event }) => event === 'trouble').length).toBe(1);
    expect(await running.stop()).toBe(130);
  });
});
