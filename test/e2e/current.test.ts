import { mkdirSync, readFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, Running, run } from '../support/cli.js';
import { fill, names, temporaryDir } from '../support/tree.js';

/** Two releases, and a link to the first: DIR. */
function releases(seven: Readonly<Record<string, string>>, eight: Readonly<Record<string, string>>) {
  const here = place();
  const base = temporaryDir();
  const [current, old, young] = ['current', 'release-7', 'release-8'].map((each) => join(base, each)) as [
    string,
    string,
    string,
  ];
  fill(old, { './': '', ...seven });
  fill(young, { './': '', ...eight });
  symlinkSync('release-7', current);
  return {
    ...here,
    current,
    old,
    young,
    watch: (args: readonly string[] = []) => new Running([...here.args, '--json', current, ...args], { env: here.env }),
    point: (to: string) => {
      symlinkSync(to, join(base, 'next'));
      renameSync(join(base, 'next'), current);
    },
    isThere: (name: string, content: string) => readFileSync(join(here.remote, name), 'utf8') === content,
  };
}

describe('a DIR that is a link', () => {
  it('pointed elsewhere is followed within a second, as a new start, with all contents compared', async () => {
    const { current, old, young, remote, env, watch, point, isThere } = releases(
      { version: '7', same: 'seven', 'only7/x': 'x' },
      { version: '8', same: 'eight', 'new8/y': 'y' },
    );
    for (const dir of [old, young]) utimesSync(join(dir, 'same'), 1, 1); // as an archive has them: of one size and time
    const running = watch();
    await running.inSync();
    expect(isThere('same', 'seven')).toBe(true);
    const from = running.events.length;
    point('release-8');
    expect(await running.event('rootBack')).toMatchObject({ root: young, replaced: true, was: old });
    await running.event('inSync', () => true, from);
    expect(names(remote)).toEqual(['new8', 'new8/y', 'only7', 'only7/x', 'same', 'version']);
    expect([isThere('version', '8'), isThere('same', 'eight')]).toEqual([true, true]);
    // From now on it is that one, and that one only.
    writeFileSync(join(old, 'version'), 'of the old one');
    fill(young, { version: '8.1', z: 'z' });
    await running.until('an edit', () => isThere('version', '8.1') && isThere('z', 'z'));
    expect(await run(['flush', current], { env })).toMatchObject({ code: 0 });
    expect(isThere('version', '8.1')).toBe(true);
    // And back.
    const back = running.events.length;
    point('release-7');
    await running.event('inSync', () => true, back);
    await running.until('the old one', () => isThere('version', 'of the old one') && isThere('same', 'seven'));
    expect(running.events.filter(({ action }) => action === 'delete')).toEqual([]);
    expect(await running.stop()).toBe(130);
  });

  it('pointed at nothing, or at what is empty, deletes nothing and waits', async () => {
    const { old, young, remote, watch, point } = releases({ a: 'a', b: 'b' }, {});
    const running = watch(['--delete', 'mirror']);
    await running.inSync();
    point('nowhere');
    await running.event('rootGone');
    point('release-8');
    writeFileSync(join(old, 'a'), 'changed here meanwhile');
    fill(young, { 'a/': '' }); // one name is something
    await running.event('rootBack', ({ was }) => was === old);
    await running.event('halted');
    expect(names(remote)).toEqual(['a', 'b']);
    expect(await running.ended).toBe(3);
  });

  it('that a mirror follows: a few go there, but not more than half unasked', async () => {
    const { young, remote, watch, point } = releases(
      { a: 'a', b: 'b', c: 'c', only7: '7' },
      { a: 'a', b: 'b', c: 'c', d: 'd' },
    );
    const running = watch(['--delete', 'mirror']);
    await running.inSync();
    const from = running.events.length;
    point('release-8');
    await running.event('inSync', () => true, from);
    expect(names(remote)).toEqual(['a', 'b', 'c', 'd']);
    mkdirSync(`${young}-more`);
    writeFileSync(`${young}-more/a`, 'a');
    point('release-8-more');
    expect(await running.ended).toBe(3);
    expect(running.events.find(({ event }) => event === 'halted')).toMatchObject({
      failure: { kind: 'guard', message: expect.stringMatching(/would delete 3 of 4 paths/) },
    });
    expect(names(remote)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is not followed to settings that nobody has allowed', async () => {
    const { young, watch, point } = releases({ a: 'a' }, { a: 'a', b: 'b' });
    const running = watch();
    await running.inSync();
    fill(young, { 'syncwatch.json': '{"on-sync":"echo hacked"}' });
    point('release-8');
    expect(await running.ended).toBe(3);
    expect(running.stdout + running.stderr).toMatch(/not allowed yet/);
    expect(running.events.filter(({ event }) => event === 'hook')).toEqual([]);
  });
});
