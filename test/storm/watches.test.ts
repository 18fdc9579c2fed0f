import { execFileSync } from 'node:child_process';
import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { amount, isLong } from '../support/amount.js';
import { isComplete, many } from '../support/complete.js';
import { type FaultyPlace, faultyPlace, timed, took } from '../support/faulty.js';
import { fill, temporaryDir } from '../support/tree.js';

const git = (cwd: string, ...args: string[]): void =>
  void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd, stdio: 'ignore' });

/** All of it, or a tenth. */
const part = (n: number): number => Math.ceil(n / amount(10, 1));

/** A repository with two commits that have little in common: about 1,000 files in 250 directories each, or a tenth. */
function repository(): string {
  const repo = temporaryDir();
  git(repo, 'init', '-q', '-b', 'one');
  many(join(repo, 'src'), part(250), 4, 'one');
  git(repo, 'add', '-A');
  git(repo, 'commit', '-qm', 'one');
  git(repo, 'checkout', '-qb', 'two');
  for (let d = 0; d < part(250); d += 2) rmSync(join(repo, 'src', `g${d % 20}`, `d${d}`), { recursive: true });
  many(join(repo, 'lib'), part(150), 4, 'two');
  many(join(repo, 'src'), part(20), 4, 'two');
  git(repo, 'add', '-A');
  git(repo, 'commit', '-qm', 'two');
  return repo;
}

interface Storm {
  readonly what: string;
  readonly before?: (local: string) => void;
  readonly storm: (place: FaultyPlace) => unknown;
  /** A small one of it shows something in `npm test` too. */
  readonly alsoSmall?: true;
}

/** A machine that does other things at the same time takes many minutes for the many: this is about truth, not time. */
const FILES = amount(2_000, 100_000);
const PATIENCE_MS = 900_000;

/** What is done, and what is there before. */
const STORMS: readonly Storm[] = [
  {
    what: 'mkdir -p a/b/c && write, 1,000 times',
    storm: ({ local }) => {
      for (let i = 0; i < 1_000; i++) fill(local, { [`${i}/b/c/f`]: String(i) });
    },
  },
  {
    what: 'git clone',
    storm: ({ local }) => git(local, 'clone', '-q', repository(), 'clone'),
  },
  {
    what: `git checkout of distant commits, ${part(20) * 2} times`,
    alsoSmall: true,
    before: (local) => git(local, 'clone', '-q', repository(), 'clone'),
    storm: ({ local }) => {
      for (let i = 0; i < part(20) * 2; i++) git(join(local, 'clone'), 'checkout', '-q', i % 2 === 0 ? 'one' : 'two');
    },
  },
  {
    what: 'tar x',
    storm: ({ local }) => {
      const from = temporaryDir();
      many(join(from, 'in'), 300, 10);
      execFileSync('tar', ['cf', join(from, 'it.tar'), 'in'], { cwd: from });
      execFileSync('tar', ['xf', join(from, 'it.tar')], { cwd: local });
    },
  },
  {
    what: 'cp -r of 10,000 files',
    storm: ({ local }) => {
      const from = temporaryDir();
      many(join(from, 'in'), 500, 20);
      execFileSync('cp', ['-r', join(from, 'in'), local]);
    },
  },
  {
    what: 'npm ci of a real package set',
    storm: ({ local }) => {
      const project = resolve(import.meta.dirname, '../..');
      for (const file of ['package.json', 'package-lock.json']) cpSync(join(project, file), join(local, file));
      execFileSync('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], {
        cwd: local,
        stdio: 'ignore',
      });
    },
  },
  {
    what: 'a big directory moved in, within and out',
    alsoSmall: true,
    storm: ({ local }) => {
      const from = temporaryDir();
      many(join(from, 'in'), part(300), 5);
      renameSync(join(from, 'in'), join(local, 'in'));
      renameSync(join(local, 'in'), join(local, 'there'));
      renameSync(join(local, 'there', 'g1'), join(local, 'g1'));
      renameSync(join(local, 'there', 'g2'), join(from, 'out'));
    },
  },
  {
    what: 'directories swapped, again and again',
    before: (local) => {
      many(join(local, 'a'), 60, 3, 'a');
      many(join(local, 'b'), 60, 3, 'b');
    },
    storm: ({ local }) => {
      for (let i = 0; i < 21; i++) {
        renameSync(join(local, 'a'), join(local, 't'));
        renameSync(join(local, 'b'), join(local, 'a'));
        renameSync(join(local, 't'), join(local, 'b'));
        writeFileSync(join(local, 'a', 'g1', 'd1', 'now'), String(i));
      }
    },
  },
  {
    what: 'rm -rf and the same tree once more, five times',
    alsoSmall: true,
    before: (local) => many(join(local, 'it'), part(100), 5),
    storm: ({ local }) => {
      for (let i = 0; i < 5; i++) {
        rmSync(join(local, 'it'), { recursive: true });
        many(join(local, 'it'), part(100), 5, String(i));
      }
    },
  },
];

describe('watches are complete and nothing is missed after', () => {
  it.each(STORMS.filter(({ alsoSmall }) => isLong || alsoSmall))('$what', async ({ what, before, storm }) => {
    const place = await faultyPlace();
    fill(place.local, { keep: '' });
    before?.(place.local);
    const running = place.startWired(['--no-default-excludes']);
    await running.inSync();
    await storm(place);
    await isComplete(place, running, what);
    expect(running.events.filter(({ event }) => ['halted', 'removedThere'].includes(event))).toEqual([]);
  });

  it(`${FILES} new files, and the rm -rf of ${FILES / 20} directories with 20 files each`, async () => {
    const place = await faultyPlace();
    const { local, same } = place;
    fill(local, { keep: '' });
    const running = place.startWired();
    await running.inSync();
    many(join(local, 'it'), FILES / 20, 20);
    took(`${FILES} new files`, undefined, await timed(same(running, undefined, PATIENCE_MS)));
    rmSync(join(local, 'it'), { recursive: true });
    await isComplete(place, running, `rm -rf of ${FILES} files`, PATIENCE_MS);
  });
});
