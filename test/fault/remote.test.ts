import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Running } from '../support/cli.js';
import { faultyPlace, timed, took } from '../support/faulty.js';
import { canMount, mountSmall } from '../support/mount.js';
import { fill, names } from '../support/tree.js';

const told = (running: Running, kind: string, from = 0) =>
  running.events.slice(from).filter(({ event }) => event === kind);

/** Kills what rsync runs there for this place, so that it can't clean up. */
const killRsyncThere = (remote: string): void => {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const pids = all
    .filter((line) => /^\s*\d+ rsync --server/.test(line) && line.endsWith(`${remote}/`))
    .map((line) => Number.parseInt(line, 10));
  // All of them are stopped first: one would clean up when it sees the other gone.
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // it has just ended by itself
      }
    }
  }
};

describe('rsync there killed while it writes', () => {
  const isTemporary = (base: string): boolean => /^\.big\.\w{6}$/.test(base);

  /** With a large file on its way there. */
  async function onItsWay() {
    const place = await faultyPlace();
    const { local, remote, startWired } = place;
    fill(local, { keep: '', 'd/e/other': '' });
    const running = startWired(['--bwlimit', '500']);
    await running.inSync();
    const at = join(remote, 'd/e');
    // One in a hundred suffixes is all of one kind, and is left alone on purpose: not with these tests.
    for (let suffix = '', letter = 'a'; !/[a-z]/.test(suffix) || !/[A-Z0-9]/.test(suffix); letter += 'a') {
      const from = running.events.length;
      // rsync would read on in what is written over it: only when the last one is there.
      if (suffix !== '') await running.event('inSync', () => true, from);
      fill(local, { 'd/e/big': `${letter}${'x'.repeat(10)}`.repeat(200_000) }); // nothing that a delta could use again
      const found = await running.until('another temporary file', () =>
        readdirSync(at).find((base) => isTemporary(base) && !base.endsWith(`.${suffix}`)),
      );
      suffix = found.slice(-6);
    }
    return { ...place, running, at };
  }

  it('its temporary file goes, and nothing that only looks like one', async () => {
    const { local, remote, at, running } = await onItsWay();
    const theirs = [
      '.big.backup',
      '.big.202611',
      '.big.BACKUP',
      '.none.Ab12Cd',
      '.big.tooLong1',
      '.big.old123',
      '.big.Op3nTo',
    ];
    for (const base of theirs) writeFileSync(join(at, base), 'theirs', { mode: 0o600 });
    chmodSync(join(at, '.big.Op3nTo'), 0o644);
    utimesSync(join(at, '.big.old123'), 1_500_000_000, 1_500_000_000);
    killRsyncThere(remote);
    expect(readdirSync(at).filter((base) => isTemporary(base) && !theirs.includes(base)).length).toBe(1);
    const { size } = statSync(join(local, 'd/e/big')); // another one each time
    const equalMs = await timed(running.until('it is whole there', () => statSync(join(at, 'big')).size === size));
    took('rsync there killed while it writes', undefined, equalMs);
    expect(readdirSync(at).sort()).toEqual([...theirs, 'big', 'other'].sort());
    expect(told(running, 'kept')).toEqual([]);
    rmSync(join(local, 'd/e/big'));
    await running.until('it is gone', () => !readdirSync(at).includes('big'));
    expect(readdirSync(at).sort()).toEqual([...theirs, 'other'].sort());
  });

  it('syncwatch killed too, and the directory deleted before the next start: it goes', async () => {
    const { local, remote, running, startWired, same, at } = await onItsWay();
    running.child.kill('SIGKILL');
    killRsyncThere(remote);
    await running.stop('SIGKILL');
    expect(readdirSync(at).filter(isTemporary).length).toBe(1);
    rmSync(join(local, 'd'), { recursive: true });
    await same(startWired());
  });
});

describe('what others do to the remote directory', () => {
  it.each([
    ['the directory itself removed', (remote: string) => rmSync(remote, { recursive: true })],
    [
      'the directory replaced by an empty one',
      (remote: string) => {
        renameSync(remote, `${remote}.old`);
        mkdirSync(remote);
      },
    ],
    ['a directory in it removed', (remote: string) => rmSync(join(remote, 'd'), { recursive: true })],
  ])('%s: noticed at the next save below it, and all of it is there again', async (what, change) => {
    const { local, remote, startWired, same } = await faultyPlace();
    fill(local, { a: 'a', 'd/b': 'b', 'd/e/c': 'c', 'x/y': 'y' });
    const running = startWired();
    await running.inSync();
    change(remote);
    const from = running.events.length;
    writeFileSync(join(local, 'd/b'), 'changed');
    const noticedMs = await timed(running.event('removedThere', () => true, from));
    const equalMs = await timed(same(running));
    took(`remote: ${what}`, noticedMs, equalMs);
    expect(told(running, 'removedThere').length).toBe(1);
  });

  it('a rescan finds the rest, says so once, and is quiet otherwise', async () => {
    const { local, remote, startWired, same } = await faultyPlace();
    fill(local, { a: 'a', 'd/b': 'b', 'd/c': 'c' });
    const running = startWired(['--rescan', '0.02']);
    await running.inSync();
    const from = running.events.length;
    rmSync(join(remote, 'd/b'));
    writeFileSync(join(remote, 'a'), 'changed there');
    await running.event('repaired', () => true, from);
    await same(running);
    await running.event('inSync', () => true, from); // that pass had something to do, and says so at its end
    const repaired = told(running, 'repaired').flatMap(({ items }) => items as Array<{ path: string }>);
    expect(repaired.map(({ path }) => path).sort()).toEqual(['a', 'd/b']);
    // Two more of them, with nothing to find: one save tells that the time has passed.
    const quiet = running.events.length;
    fill(remote, { 'd/theirs': 'only the time of d is another one now' });
    await running.until('the time of d put right', () =>
      told(running, 'delivered', quiet).some(({ items }) => JSON.stringify(items).includes('"d"')),
    );
    expect(told(running, 'repaired').length).toBe(1);
    expect(told(running, 'passStarted').length).toBe(1);
    expect(told(running, 'inSync', quiet)).toEqual([]);
    expect(readFileSync(join(remote, 'd/theirs'), 'utf8')).toMatch(/only/);
  });

  it('the disk there full: said once, nothing half-written is seen, and it goes on by itself when there is room', async ({
    skip,
  }) => {
    if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
    const { local, remote, startWired, same } = await faultyPlace();
    mkdirSync(remote);
    mountSmall(remote, 2);
    fill(local, { a: 'a' });
    const running = startWired();
    await running.inSync();
    fill(remote, { theirs: 'x'.repeat(1_500_000) });
    const from = running.events.length;
    fill(local, { 'd/big': 'b'.repeat(1_000_000), 'd/small': 'small' });
    const noticedMs = await timed(
      running.event('trouble', ({ failure }) => /no room left/.test(JSON.stringify(failure)), from),
    );
    const sizes = (dir: string): number[] =>
      readdirSync(dir)
        .filter((base) => base === 'big')
        .map((base) => statSync(join(dir, base)).size);
    // It tries again and again; none of it shows.
    await running.until(
      'two more tries',
      () => told(running, 'started', from).filter((e) => e.path === 'd/big').length > 2,
    );
    expect(sizes(join(remote, 'd'))).toEqual([]);
    rmSync(join(remote, 'theirs'));
    const equalMs = await timed(same(running));
    took('remote disk full', noticedMs, equalMs);
    expect(told(running, 'trouble', from).length).toBe(1);
    await running.event('inSync', () => true, from);
    // What did not fit there was not sent, however often it was tried.
    await running.stop();
    const { summary } = await running.event('stopped');
    expect(summary).toMatchObject({ unsent: [] });
    expect((summary as { bytes: number }).bytes).toBeLessThan(2_000_000);
  });
});

describe('paths that fail', () => {
  it('hold up no others, are said once, and are tried at once when something about them changes', async ({ skip }) => {
    if (!canMount() && process.env['CI'] === undefined) skip('this needs root');
    const { local, remote, startWired } = await faultyPlace();
    fill(local, { a: 'a', 'd/x': 'x' });
    const running = startWired();
    await running.inSync();
    const from = running.events.length;
    const long = 'n'.repeat(250); // with rsync's temporary suffix and a prefix that is more than 255 bytes
    fill(local, { [`d/${long}`]: 'its temporary name is cut' });
    await running.until('it is there', () => names(remote).includes(`d/${long}`)); // rsync knows how
    mkdirSync(join(remote, 'e'));
    fill(remote, { 'e/theirs': 'theirs' });
    writeFileSync(join(local, 'e'), 'a file, but a directory that is not ours is in its way there');
    await running.event('pathFailed', ({ path }) => path === 'e', from);
    // Others go on at once, and every one of these saves leads to a walk that sees it waiting still.
    for (let n = 0; n < 5; n++) {
      writeFileSync(join(local, 'a'), String(n));
      await running.until(`save ${n}`, () => readFileSync(join(remote, 'a'), 'utf8') === String(n));
    }
    expect(told(running, 'pathFailed', from).length).toBe(1);
    rmSync(join(remote, 'e'), { recursive: true });
    writeFileSync(join(local, 'e'), 'changed, so tried at once');
    await running.until('e', () => names(remote).includes('e') && readFileSync(join(remote, 'e'), 'utf8').length > 0);
    expect(await running.stop()).toBe(130);
    expect(running.events.find((e) => e.event === 'stopped')?.['summary']).toMatchObject({ unsent: [] });
  });
});
