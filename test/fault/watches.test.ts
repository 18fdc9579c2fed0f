import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Running } from '../support/cli.js';
import { type FaultyPlace, faultyPlace, processesOf, processOf, timed, took, WATCHER } from '../support/faulty.js';
import { canLimit, limitQueue, withLimit } from '../support/limits.js';
import { fill, temporaryDir } from '../support/tree.js';
import { directories, unwatched } from '../support/watches.js';

const onLinux = process.platform === 'linux';
const PATIENCE_MS = 180_000;

/** Once it is quiet: every directory has a watch, a probe in each of them is delivered, both trees are equal. */
async function isComplete({ local, same }: FaultyPlace, running: Running, what: string): Promise<void> {
  const begun = performance.now();
  await same(running, undefined, PATIENCE_MS);
  const equalMs = performance.now() - begun;
  await running.until(
    'a watch on every directory',
    () => (onLinux ? unwatched(running, local).length === 0 : true),
    PATIENCE_MS,
  );
  took(what, undefined, equalMs);
  for (const dir of directories(local)) writeFileSync(join(dir, 'probe'), dir);
  await same(running, undefined, PATIENCE_MS);
}

const git = (cwd: string, ...args: string[]): void =>
  void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd, stdio: 'ignore' });

/** A tree of so many directories with so many files each. */
function many(root: string, dirs: number, files: number, content = ''): void {
  for (let d = 0; d < dirs; d++) {
    const dir = join(root, `g${d % 20}`, `d${d}`);
    mkdirSync(dir, { recursive: true });
    for (let f = 0; f < files; f++) writeFileSync(join(dir, `f${f}`), `${content}${d} ${f}`);
  }
}

/** A repository with two commits that have little in common: about 1,000 files in 250 directories each. */
function repository(): string {
  const repo = temporaryDir();
  git(repo, 'init', '-q', '-b', 'one');
  many(join(repo, 'src'), 250, 4, 'one');
  git(repo, 'add', '-A');
  git(repo, 'commit', '-qm', 'one');
  git(repo, 'checkout', '-qb', 'two');
  for (let d = 0; d < 250; d += 2) rmSync(join(repo, 'src', `g${d % 20}`, `d${d}`), { recursive: true });
  many(join(repo, 'lib'), 150, 4, 'two');
  many(join(repo, 'src'), 20, 4, 'two');
  git(repo, 'add', '-A');
  git(repo, 'commit', '-qm', 'two');
  return repo;
}

interface Storm {
  readonly what: string;
  readonly before?: (local: string) => void;
  readonly storm: (place: FaultyPlace) => unknown;
}

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
    what: 'git checkout of distant commits, twenty times',
    before: (local) => git(local, 'clone', '-q', repository(), 'clone'),
    storm: ({ local }) => {
      for (let i = 0; i < 20; i++) git(join(local, 'clone'), 'checkout', '-q', i % 2 === 0 ? 'one' : 'two');
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
    storm: ({ local }) => {
      const from = temporaryDir();
      many(join(from, 'in'), 300, 5);
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
    before: (local) => many(join(local, 'it'), 100, 5),
    storm: ({ local }) => {
      for (let i = 0; i < 5; i++) {
        rmSync(join(local, 'it'), { recursive: true });
        many(join(local, 'it'), 100, 5, String(i));
      }
    },
  },
];

describe('watches are complete and nothing is missed after', () => {
  it.each(STORMS)('$what', async ({ what, before, storm }) => {
    const place = await faultyPlace();
    fill(place.local, { keep: '' });
    before?.(place.local);
    const running = place.startWired(['--no-default-excludes']);
    await running.inSync();
    await storm(place);
    await isComplete(place, running, what);
    expect(running.events.filter(({ event }) => ['halted', 'removedThere'].includes(event))).toEqual([]);
  });

  it('100,000 new files, and the rm -rf of 5,000 directories with 20 files each', async () => {
    const place = await faultyPlace();
    const { local, same } = place;
    fill(local, { keep: '' });
    const running = place.startWired();
    await running.inSync();
    many(join(local, 'it'), 5_000, 20);
    took('100,000 new files', undefined, await timed(same(running, undefined, PATIENCE_MS)));
    rmSync(join(local, 'it'), { recursive: true });
    await isComplete(place, running, 'rm -rf of 100,000 files');
  });
});

describe('the watcher process', () => {
  it('killed, stopped and sent signals: nothing is missed', async () => {
    const place = await faultyPlace();
    const { local, same, startWired } = place;
    fill(local, { a: 'a', 'd/e/f': 'f' });
    const running = startWired();
    await running.inSync();
    for (const signal of [
      'SIGHUP',
      'SIGINT',
      'SIGUSR2',
      'SIGTERM',
      'SIGCONT',
      'SIGWINCH',
      'SIGKILL',
      'SIGSTOP',
    ] as const) {
      const pid = await processOf(running, WATCHER);
      process.kill(pid, signal);
      writeFileSync(join(local, 'd/e/f'), signal); // in place: no directory shows it
      fill(local, { [`new-${signal}/n`]: 'n' });
      took(`watcher: ${signal}`, undefined, await timed(same(running)));
      // A stopped one is replaced too, not only walked around.
      if (signal === 'SIGSTOP')
        await running.until('another one', () => processesOf(running, WATCHER).some((one) => one !== pid));
    }
    await isComplete(place, running, 'watcher: after all signals');
  });

  it('overrun by events: nothing is missed', async ({ skip }) => {
    if (!onLinux || (process.env['CI'] === undefined && process.getuid?.() !== 0)) skip('this needs root');
    limitQueue(20);
    const place = await faultyPlace();
    const { local, startWired } = place;
    many(join(local, 'old'), 50, 20);
    const running = startWired();
    await running.inSync();
    many(join(local, 'new'), 100, 20);
    for (let d = 0; d < 50; d++) writeFileSync(join(local, 'old', `g${d % 20}`, `d${d}`, 'f3'), 'changed in place');
    rmSync(join(local, 'old', 'g1'), { recursive: true });
    await isComplete(place, running, 'overflow of the event queue');
  });

  it('with watches enough for one subscription but not for two, it renews all the same, and says nothing', async ({
    skip,
  }) => {
    if (!onLinux || (process.env['CI'] === undefined && !canLimit())) skip('no user namespaces here');
    const place = await faultyPlace();
    const { local, wired } = place;
    for (let d = 0; d < 20; d++) fill(local, { [`d${d}/f`]: '' });
    const running = place.start([...wired], { wrapper: withLimit('max_inotify_watches', 60) });
    await running.inSync();
    const old = await processOf(running, WATCHER);
    for (let d = 0; d < 20; d++) fill(local, { [`new${d}/f`]: '' });
    await running.until('another watcher alone', () => {
      const now = processesOf(running, WATCHER);
      return now.length === 1 && !now.includes(old);
    });
    await isComplete(place, running, 'watches for one subscription only');
    expect(running.events.filter(({ event }) => event === 'trouble')).toEqual([]);
  });

  it('out of watches later on: said once, walks find what changes, and it heals when the limit is raised', async ({
    skip,
  }) => {
    if (!onLinux || (process.env['CI'] === undefined && !canLimit())) skip('no user namespaces here');
    const place = await faultyPlace();
    const { local, same, wired } = place;
    for (let d = 0; d < 20; d++) fill(local, { [`d${d}/f`]: '' });
    const raise = join(temporaryDir(), 'raise');
    const wrapper = withLimit('max_inotify_watches', 60, { whenThere: raise, value: 1_000 });
    const running = place.start([...wired], { wrapper });
    await running.inSync();
    for (let d = 0; d < 100; d++) fill(local, { [`new${d}/f`]: '' });
    const noticedMs = await timed(
      running.event('trouble', ({ failure }) => /limit of inotify watches/.test(JSON.stringify(failure))),
    );
    await same(running);
    writeFileSync(join(local, 'new77/f'), 'in place, and nobody watches');
    const equalMs = await timed(same(running));
    took('watch limit reached while running', noticedMs, equalMs);
    writeFileSync(raise, '');
    await running.until('all watched', () => unwatched(running, local).length === 0);
    await isComplete(place, running, 'watch limit raised');
    expect(running.events.filter(({ event }) => event === 'trouble').length).toBe(1);
  });
});
