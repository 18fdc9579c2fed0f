import { mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place } from '../support/cli.js';
import { fill, names } from '../support/tree.js';

/** The remote directory of this place, made there with a directory beside it, and links in it. */
function withLinks() {
  const all = place();
  const { remote, fillRemote, local } = all;
  fillRemote({ 'p/': '', 'behind/theirs': 'theirs', 'behind/x/': '', 'empty/': '' });
  symlinkSync('behind', join(remote, 'd'));
  symlinkSync('../behind', join(remote, 'p/été *'));
  symlinkSync('nowhere', join(remote, 'dead'));
  symlinkSync('empty', join(remote, 'vacant'));
  fill(local, { 'd/a': 'a', 'd/x/b': 'b', 'p/été */f': 'f', 'dead/g': 'g', 'vacant/h': 'h', 'other/i': 'i' });
  return all;
}

const BEHIND = ['behind', 'behind/theirs', 'behind/x'];

describe('a link there in the place of a directory here', () => {
  it('stays where something is behind it, by a mirror too, and is named; all others make way', async () => {
    const { remote, run } = withLinks();
    const first = await run(['--once']);
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('d FAILED: there it is a link to a directory that is not empty');
    expect(first.stderr).toContain('p/été * FAILED: there it is a link');
    expect(first.stderr).toContain('d/x/b: a directory above it is a link there');
    for (const more of [[], ['--delete', 'mirror', '--max-delete', '100', '-x', '/behind']])
      expect((await run(['--once', ...more])).code).toBe(1);
    expect(readlinkSync(join(remote, 'd'))).toBe('behind');
    expect(readlinkSync(join(remote, 'p/été *'))).toBe('../behind');
    expect(names(remote).filter((name) => !/^(d|p)\b/.test(name))).toEqual(
      [...BEHIND, 'dead', 'dead/g', 'other', 'other/i', 'vacant', 'vacant/h'].sort(),
    );
  });

  it('makes way while it runs, once somebody has removed it; until then nothing goes through it, nor is deleted there', async () => {
    const { remote, local, start, run, same } = withLinks();
    const running = start(['-x', '/behind', '-x', '/empty']);
    await running.event('pathFailed', ({ path }) => path === 'd/x/b');
    writeFileSync(join(local, 'd/theirs'), 'ours');
    await running.event('pathFailed', ({ path }) => path === 'd/theirs');
    rmSync(join(local, 'd/theirs'));
    writeFileSync(join(local, 'other/i'), 'saved');
    await running.until('a save elsewhere', () => names(remote).includes('other/i'));
    expect(names(join(remote, 'behind'))).toEqual(['theirs', 'x']);
    for (const link of ['d', 'p/été *']) rmSync(join(remote, link));
    writeFileSync(join(local, 'd/a'), 'changed');
    await same(running, (name) => /^(behind|empty)$/.test(name));
    expect((await run(['--once', '-x', '/behind'])).code).toBe(3); // this one has the place
    expect(await running.stop()).toBe(130);
  });

  it('is seen where it took the place of one that was sent, at the next start', async () => {
    const { remote, local, run } = place();
    fill(local, { 'd/a': 'a', 'd/b': 'b', c: '' });
    expect((await run(['--once'])).code).toBe(0);
    rmSync(join(remote, 'd'), { recursive: true });
    mkdirSync(join(remote, 'elsewhere'));
    writeFileSync(join(remote, 'elsewhere/a'), 'theirs');
    symlinkSync('elsewhere', join(remote, 'd'));
    rmSync(join(local, 'd/a'));
    const { code, stderr } = await run(['--once']);
    expect(code).toBe(1);
    expect(stderr).toContain('d FAILED: there it is a link');
    expect(names(remote)).toEqual(['c', 'd', 'elsewhere', 'elsewhere/a']);
  });
});

it('a link that we have put there is no such link: a directory takes its place, while it runs, after a kill and after an end', async () => {
  const { local, start, same } = place();
  fill(local, { 'd/a': 'a' });
  const links = ['running', 'killed', 'ended'];
  for (const name of links) symlinkSync('d', join(local, name));
  const turn = (name: string): void => {
    rmSync(join(local, name));
    fill(local, { [`${name}/new`]: name });
  };
  const running = start();
  await same(running);
  turn('running');
  await same(running);
  running.child.kill('SIGKILL');
  await running.ended;
  turn('killed');
  const again = start();
  await same(again);
  await again.stop();
  turn('ended');
  await same(start());
});
