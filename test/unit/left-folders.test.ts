import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pid } from 'node:process';
import { expect, it, onTestFinished, vi } from 'vitest';
import { makeTemporary, removeLeft } from '../../src/user-folders.js';
import { fill, temporaryDir } from '../support/tree.js';

const OLD_S = Date.now() / 1_000 - 660;

/** The pid of a process that has ended. */
const gone = (): number => spawnSync('true').pid;

it('of what a syncwatch that was killed has left, only what is surely ours and of nobody who runs is removed', async () => {
  const place = temporaryDir();
  const dead = gone();
  const make = (name: string, { mode = 0o700, isOld = true } = {}): void => {
    mkdirSync(join(place, name));
    writeFileSync(join(place, name, 'rules'), '');
    mkdirSync(join(place, name, 'empty'));
    chmodSync(join(place, name), mode);
    if (isOld) utimesSync(join(place, name), OLD_S, OLD_S);
  };
  make(`syncwatch-empty-${dead}-aB3dEf`);
  make(`syncwatch-empty-${dead}-gH1jKl`);
  const kept = [
    `syncwatch-empty-${pid}-aB3dEf`,
    `syncwatch-empty-1-aB3dEf`,
    'syncwatch-empty-aB3dEf',
    `syncwatch-empty-${dead}-of-mine`,
    `syncwatch-hook-${dead}-aB3dEf`,
    `mine-${dead}-aB3dEf`,
  ];
  for (const name of kept) make(name);
  make(`syncwatch-empty-${dead}-young1`, { isOld: false });
  make(`syncwatch-empty-${dead}-open12`, { mode: 0o755 });
  fill(place, { 'elsewhere/precious': '' });
  symlinkSync('elsewhere', join(place, `syncwatch-empty-${dead}-linked`));
  writeFileSync(join(place, `syncwatch-empty-${dead}-afile1`), '');
  utimesSync(join(place, `syncwatch-empty-${dead}-afile1`), OLD_S, OLD_S);
  await removeLeft([join(place, 'no such'), place]);
  const others = ['young1', 'open12', 'linked', 'afile1'].map((each) => `syncwatch-empty-${dead}-${each}`);
  expect(readdirSync(place).sort()).toEqual([...kept, ...others, 'elsewhere'].sort());
  expect(readdirSync(join(place, 'elsewhere'))).toEqual(['precious']);
});

it('a folder that is made for a moment is one that is found, once we are gone', async () => {
  const place = temporaryDir();
  vi.stubEnv('TMPDIR', place);
  onTestFinished(() => void vi.unstubAllEnvs());
  const made = makeTemporary('syncwatch-empty-');
  if (!made.ok) throw new Error(made.failure.message);
  expect(basename(made.value)).toMatch(new RegExp(`^syncwatch-empty-${pid}-\\w{6}$`));
  const left = join(place, basename(made.value).replace(`-${pid}-`, `-${gone()}-`));
  mkdirSync(left, { mode: 0o700 });
  for (const each of [made.value, left]) utimesSync(each, OLD_S, OLD_S);
  await removeLeft([place]);
  expect(readdirSync(place)).toEqual([basename(made.value)]);
});
