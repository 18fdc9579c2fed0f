import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, Running } from '../support/cli.js';
import { faultyPlace, MASTER, processOf, timed, took, WATCHER } from '../support/faulty.js';
import { fill, names, temporaryDir } from '../support/tree.js';

/** The files that remember one DIR and target between runs. */
function stateFiles({ env }: Place, ending: string): string[] {
  const folder = join(env['XDG_STATE_HOME'] ?? '', 'syncwatch');
  return readdirSync(folder)
    .filter((base) => base.endsWith(ending))
    .map((base) => join(folder, base));
}

const notes = (running: Running): string[] =>
  running.events.filter(({ event, level }) => event === 'note' && level === 'normal').map(({ text }) => String(text));

/** A local target, and an rsync that kills whoever has it delete by rules, and then goes on. */
function killing() {
  const [local, remote, bin, state] = [temporaryDir(), temporaryDir(), temporaryDir(), temporaryDir()];
  const rsync = execFileSync('sh', ['-c', 'command -v rsync'], { encoding: 'utf8' }).trim();
  // One that was started ahead begins when it is told to.
  const waits = `case " $* " in *" --files-from=- "*) cat >${bin}/told; test -s ${bin}/told || exit 0; exec <${bin}/told ;; esac`;
  const kills = `case " $* " in *" --dry-run "*) ;; *" --filter="*) ${waits}; kill -9 $PPID ;; esac`;
  writeFileSync(join(bin, 'rsync'), `#!/bin/sh\n${kills}\n${rsync} "$@"\ncode=$?\n: >${bin}/ended\nexit $code\n`, {
    mode: 0o755,
  });
  const start = (): Running =>
    new Running(['--to', `${remote}/`, '--json', local], {
      env: { PATH: `${bin}:${process.env['PATH']}`, XDG_STATE_HOME: state },
    });
  const cut = async (running: Running): Promise<void> => {
    rmSync(join(bin, 'ended'), { force: true });
    expect(await running.ended).toBe('SIGKILL');
    await expect.poll(() => existsSync(join(bin, 'ended')), { timeout: 30_000 }).toBe(true);
  };
  return { local, remote, start, cut };
}

describe('after a kill -9', () => {
  it('at the moment in which rsync starts to delete a tree nothing goes but that', async () => {
    const { local, remote, start, cut } = killing();
    fill(local, { 'd/e/f': 'f', 'd/g': 'g', 'stays/h': 'h' });
    const running = start();
    await running.inSync();
    fill(remote, { 'theirs/x': 'x', 'd/e/theirs': 'x', y: 'y' });
    rmSync(join(local, 'd'), { recursive: true });
    await cut(running);
    expect(names(remote)).toEqual(['d', 'd/e', 'd/e/theirs', 'stays', 'stays/h', 'theirs', 'theirs/x', 'y']);
  });

  it('nothing of it stays: no ssh, no watcher, no rsync', async () => {
    const { local, startWired } = await faultyPlace();
    fill(local, { a: 'a' });
    const running = startWired();
    await running.inSync();
    const pids = [
      await processOf(running, MASTER),
      await processOf(running, WATCHER),
      await processOf(running, /rsync/),
    ];
    await running.stop('SIGKILL');
    const isThere = (pid: number): boolean => {
      try {
        return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
      } catch {
        return false;
      }
    };
    for (const deadline = Date.now() + 10_000; pids.some(isThere) && Date.now() < deadline; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(pids.filter(isThere)).toEqual([]);
  });

  it('what was delivered since the index was saved, and is deleted here before the next start, goes there too', async () => {
    const { local, startWired, same, remote } = await faultyPlace();
    fill(local, { a: 'a', 'old/x': 'x', 'old/y': 'y' });
    const first = startWired();
    await first.inSync();
    let from = first.events.length;
    rmSync(join(local, 'old/x'));
    await same(first);
    await first.event('inSync', () => true, from);
    from = first.events.length;
    fill(local, { 'new/d/e': 'e', 'new/f': 'f' });
    writeFileSync(join(local, 'a'), 'changed');
    await same(first);
    await first.event('inSync', () => true, from);
    fill(remote, { 'old/x': 'made there, after it was deleted here' });
    await first.stop('SIGKILL');
    rmSync(join(local, 'new'), { recursive: true });
    rmSync(join(local, 'old'), { recursive: true });
    const second = startWired();
    const equalMs = await timed(same(second, (name) => name === 'old'));
    took('kill -9, and deleted before the next start', undefined, equalMs);
    // What is not ours stays, and the directory with it.
    expect(names(remote)).toEqual(['a', 'old', 'old/x']);
  });

  it('in the first full sync: what it had brought and is deleted here goes there too', async () => {
    const { local, startWired, same, remote } = await faultyPlace();
    for (let i = 0; i < 40; i++) fill(local, { [`d${i}/f`]: 'x'.repeat(100_000) });
    const first = startWired(['--bwlimit', '1m']);
    await first.until('some of it there', () => names(remote).filter((name) => name.endsWith('/f')).length > 5);
    await first.stop('SIGKILL');
    for (let i = 0; i < 40; i += 2) rmSync(join(local, `d${i}`), { recursive: true });
    await same(startWired());
  });

  it.each([
    ['a damaged index', '.index', (text: string) => text.replace(/"a"/, '"b"')],
    ['a damaged log', '.log', (text: string) => `${text}1 f"half\n2 f"whole"\n`],
  ])('%s is said, and replaced by a full sync', async (_what, ending, damage) => {
    const place = await faultyPlace();
    const { local, startWired, same } = place;
    fill(local, { a: 'a', b: 'b' });
    const first = startWired();
    await first.inSync();
    await first.stop();
    for (const file of stateFiles(place, ending)) writeFileSync(file, damage(readFileSync(file, 'utf8')));
    writeFileSync(join(local, 'a'), 'changed meanwhile');
    const second = startWired();
    await same(second);
    await second.event('inSync');
    expect(notes(second).filter((text) => /what was remembered .* can't be used/.test(text)).length).toBe(1);
    await second.stop();
    rmSync(join(local, 'b'));
    const third = startWired();
    await same(third); // the deletion too: what was remembered is whole again
    expect(notes(third).filter((text) => /can't be used/.test(text))).toEqual([]);
  });

  it('a log that ends in the middle of a line is fine: that was not begun', async () => {
    const place = await faultyPlace();
    const { local, startWired, same } = place;
    fill(local, { a: 'a' });
    const first = startWired();
    await first.inSync();
    fill(local, { b: 'b' });
    await same(first);
    await first.stop('SIGKILL');
    for (const file of stateFiles(place, '.log')) appendFileSync(file, '2 f"half');
    rmSync(join(local, 'b'));
    const second = startWired();
    await same(second);
    expect(notes(second)).toEqual([]);
  });

  it('what was remembered of another directory under that name is not used, and nothing is deleted by it', async () => {
    const { local, startWired, remote } = await faultyPlace();
    fill(local, { a: 'a', b: 'b' });
    const first = startWired();
    await first.inSync();
    await first.stop();
    renameSync(local, `${local}.old`);
    fill(local, { a: 'another' });
    const second = startWired();
    await second.inSync();
    expect(names(remote)).toEqual(['a', 'b']);
    expect(notes(second).join()).toMatch(/belongs to another directory/);
  });
});
