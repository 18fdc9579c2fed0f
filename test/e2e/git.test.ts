import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { place, run } from '../support/cli.js';
import { Spies } from '../support/spies.js';
import { fill, names, temporaryDir } from '../support/tree.js';

/** A tree as an archive has it, with repositories of all kinds. */
const TREES: Readonly<Record<string, (spies: Spies, dir: string) => void>> = {
  'an unpacked repository, with others in it': (spies, dir) => {
    spies.plant(join(dir, '.git'), dir);
    spies.plant(join(dir, 'a/clone/.git'), join(dir, 'a/clone'));
    spies.plant(join(dir, 'embedded.git'), join(dir, 'embedded.git'), ['core.bare=false', 'core.worktree=.']);
    spies.plant(join(dir, 'b/x.git'), join(dir, 'b'), ['core.bare=false', 'core.worktree=..']);
    writeFileSync(join(dir, 'b/.git'), 'gitdir: x.git\n');
  },
  'a repository without a work tree': (spies, dir) =>
    spies.plant(dir, dir, ['core.bare=false', `core.worktree=${dir}`]),
  'a .git that leads into the tree': (spies, dir) => {
    spies.plant(join(dir, 'x.git'), dir, ['core.bare=false', `core.worktree=${dir}`]);
    writeFileSync(join(dir, '.git'), 'gitdir: x.git\n');
  },
};

it.each(Object.entries(TREES))('starts nothing that a git config in DIR names: %s', async (_what, plant) => {
  const { env } = place();
  const spies = new Spies();
  const dir = join(temporaryDir(), 'dir');
  mkdirSync(dir);
  plant(spies, dir);
  fill(dir, { 'sub/tracked': '', 'sub/x.log': '' });
  expect(spies.isArmed(dir)).toBe(true);
  const there = join(temporaryDir(), 'there');
  const options = { cwd: dir, env };

  const why = await run(['--why', 'tracked', '--why', 'sub/x.log'], options);
  expect([why.code, spies.sprung()]).toEqual([1, '']);
  expect(why.stdout).toMatch(/x\.log.*\.gitignore/);
  const once = await run(['--to', there, '--once'], options);
  expect([once.code, spies.sprung()]).toEqual([0, '']);
  expect(names(there)).toContain('sub/tracked');
  expect(names(there).filter((name) => name.endsWith('.log'))).toEqual([]);
  const doctor = await run(['doctor', '--to', there], options);
  expect([doctor.code, spies.sprung()]).toEqual([0, '']);
});
