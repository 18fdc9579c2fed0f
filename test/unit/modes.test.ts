import { execFileSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readExtras } from '../../src/core/rsync/extras.js';
import { modeThereBy } from '../../src/core/rsync/modes.js';
import { fill, temporaryDir } from '../support/tree.js';

const told = (flags: readonly string[], words: readonly string[]) => {
  const read = readExtras(words);
  if (!read.ok) throw new Error(read.why);
  return { flags, extras: read.extras };
};

it.each<[readonly string[], readonly string[]]>([
  [[], []],
  [['--chmod=D755,F644'], []],
  [['--chmod=go-w'], []],
  [['--chmod=Fgo-w'], []],
  [['--chmod=Do-w,g-w'], []],
  [['--chmod=g-w'], ['--chmod', 'Dg+w']],
  [['--chmod=a=rX'], ['--perms']],
  [['--chmod=ug=rwx,o=r'], []],
  [[], ['-p', '--no-p', '-p']],
  [[], ['--chmod=750']],
])('what mode something gets there with %j and %j is what rsync gives it', (flags, words) => {
  const dir = temporaryDir();
  fill(dir, { 'from/d/': '', 'from/f': '' });
  const at = (...parts: string[]) => join(dir, ...parts);
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  for (const name of ['d', 'f']) chmodSync(at('from', name), 0o777);
  execFileSync('rsync', ['-rp', ...flags, ...words, `${dir}/from/`, `${dir}/to/`]);
  const modeThere = modeThereBy(told(flags, words));
  expect(modeThere({ type: 'dir', mode: 0o777 })).toBe(modeOf(at('to', 'd')));
  expect(modeThere({ type: 'file', mode: 0o777 })).toBe(modeOf(at('to', 'f')));
});

it('without --perms nothing is given a mode; where the umask counts, no more is taken away than is sure', () => {
  expect(modeThereBy(told(['--chmod=go-w'], ['--no-perms']))({ type: 'dir', mode: 0o777 })).toBe(undefined);
  expect(modeThereBy(told(['--chmod=-w'], []))({ type: 'dir', mode: 0o777 })).toBe(0o577);
});

it.each([
  ['g=u', 0o755, 0o775],
  ['Dg=u', 0o755, 0o775],
  ['g=o', 0o775, 0o755],
  ['o+g', 0o770, 0o777],
  ['g-u', 0o770, 0o700],
])('what is copied from others counts, where rsync does that (3.5): %s', (value, was, is) => {
  expect(modeThereBy(told([], [`--chmod=${value}`]))({ type: 'dir', mode: was })).toBe(is);
});
