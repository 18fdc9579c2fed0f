import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { wallMs } from '../../src/core/clock.js';
import { holderInWords, type LockWord, lockScript, readLockWord } from '../../src/core/place/lock.js';
import { giveAway } from '../support/other-user.js';
import { temporaryDir } from '../support/tree.js';

const SHELLS: ReadonlyArray<readonly string[]> = [['dash'], ['bash', '--posix'], ['zsh', '--emulate', 'sh']];

/** A machine there: a home, and the folder where all users look. */
function bench([shell = 'sh', ...args]: readonly string[]) {
  const home = temporaryDir();
  const shared = join(temporaryDir(), 'shared');
  let nonces = 0;
  const hold = (id: string, { takesOver = false, at = home, from = '10.0.0.5 1 10.0.0.6 22' } = {}) => {
    const words: LockWord[] = [];
    const env = { HOME: at, PATH: process.env['PATH'], SSH_CONNECTION: from };
    const child: ChildProcess = spawn(shell, [...args, '-s'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    let rest = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) words.push(...[readLockWord(line, 'mark')].filter((word) => word !== undefined));
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    onTestFinished(() => void child.kill('SIGKILL'));
    const holder = { user: `user-${id}`, host: "the 'host'", dir: '/a b\n/ü', sinceMs: wallMs(1_700_000_000_000) };
    child.stdin?.on('error', () => {});
    child.stdin?.write(lockScript({ key: 'key', id, nonce: `n${++nonces}`, holder, takesOver, mark: 'mark', shared }));
    return {
      words,
      beat: () => void child.stdin?.write('\n'),
      says: (kind: LockWord['kind']) =>
        vi.waitFor(() => expect(words.map((word) => word.kind)).toContain(kind), { timeout: 30_000 }),
      end: async () => {
        child.stdin?.end();
        await ended;
      },
    };
  };
  const kept = join(home, '.local/state/syncwatch/locks');
  const files = (): string[] => [kept, shared].flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  return { home, shared, kept, hold, files };
}

describe.each(SHELLS)('the lock of a place, in %s', (...shell) => {
  it('keeps others away, says who has it, and is gone when it is let go', async () => {
    const { hold, files, shared } = bench(shell);
    const one = hold('1');
    await one.says('held');
    expect(files()).toHaveLength(2);
    const two = hold('2');
    await two.says('others');
    const [word] = two.words;
    expect(word).toEqual({
      kind: 'others',
      holder: { user: 'user-1', host: "the 'host'", dir: '/a b\n/ü', sinceMs: 1_700_000_000_000, from: '10.0.0.5' },
    });
    if (word?.kind === 'others')
      expect(holderInWords(word.holder)).toMatch(
        /^user-1@the 'host' \(\/a b\n\/ü, from 10\.0\.0\.5\), since 2023-11-1\d \d\d:\d\d$/,
      );
    one.beat();
    await one.end();
    expect(files()).toEqual([]);
    expect(existsSync(shared)).toBe(false);
    await hold('2').says('held');
  });

  it('is the same one’s again at once, and the earlier hold of it lets nothing go; taken over, the first hears of it', async () => {
    const { hold, files } = bench(shell);
    const one = hold('1');
    await one.says('held');
    const again = hold('1');
    await again.says('held');
    await one.end();
    expect(files()).toHaveLength(2);
    const two = hold('2', { takesOver: true });
    await two.says('held');
    again.beat();
    await again.says('taken');
    expect(again.words.at(-1)).toMatchObject({ holder: { user: 'user-2' } });
    await again.end();
    two.beat();
    await hold('3').says('others');
    expect(two.words.map(({ kind }) => kind)).toEqual(['held']);
  });

  it('that was taken over and let go at once is free, and the first one still hears of it', async () => {
    const { hold, files } = bench(shell);
    const one = hold('1');
    await one.says('held');
    const two = hold('2', { takesOver: true });
    await two.says('held');
    await two.end();
    const three = hold('3', { at: temporaryDir() });
    await three.says('held');
    await three.end();
    one.beat();
    await one.says('taken');
    expect(one.words.at(-1)).toMatchObject({ holder: { user: 'user-2' } });
    await one.end();
    await vi.waitFor(() => expect(files()).toEqual([]), { timeout: 60_000 });
  });

  it('was anybody’s while it was not refreshed: whoever has it by then, as whatever user, is not joined', async () => {
    const { hold, kept, shared } = bench(shell);
    const one = hold('1');
    await one.says('held');
    const old = new Date(Date.now() - 180_000);
    const [file = ''] = readdirSync(shared);
    for (const folder of [kept, shared]) utimesSync(join(folder, file), old, old);
    writeFileSync(join(shared, 'key.5'), 'syncwatch1 2 n - - -\n');
    one.beat();
    await one.says('taken');
  });

  it('is a dead one’s after three minutes without a sign of life, and is made again where it was removed', async () => {
    const { hold, kept, shared } = bench(shell);
    const one = hold('1');
    await one.says('held');
    for (const folder of [kept, shared])
      for (const file of readdirSync(folder)) renameSync(join(folder, file), `${folder}-away`);
    one.beat();
    await vi.waitFor(() => expect([...readdirSync(kept), ...readdirSync(shared)]).toHaveLength(2));
    const old = new Date(Date.now() - 180_000);
    for (const folder of [kept, shared])
      for (const file of readdirSync(folder)) utimesSync(join(folder, file), old, old);
    const two = hold('2');
    await two.says('held');
    one.beat();
    await one.says('taken'); // asleep until now
  });

  it('is seen by other users of that machine, who can take it over too', async () => {
    const { hold, shared } = bench(shell);
    const one = hold('1');
    await one.says('held');
    const [file = ''] = readdirSync(shared);
    const theirs = join(shared, 'key.65534');
    renameSync(join(shared, file), theirs); // as another user's would be called
    giveAway(theirs);
    const other = temporaryDir();
    await hold('2', { at: other }).says('others');
    const over = hold('2', { at: other, takesOver: true });
    await over.says('held');
    one.beat();
    await one.says('taken');
  });

  it('takes nothing for a lock that is none, and never waits for it nor writes through it', async () => {
    const { hold, shared } = bench(shell);
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    const victim = join(temporaryDir(), 'victim');
    writeFileSync(victim, 'mine');
    const uid = String(process.getuid?.() ?? 0);
    symlinkSync(victim, join(shared, `key.${uid}`));
    execFileSync('mkfifo', [join(shared, 'key.1234')]);
    mkdirSync(join(shared, 'key.99'));
    writeFileSync(join(shared, 'key.5'), 'something else\n');
    writeFileSync(join(shared, 'key.6.n'), 'syncwatch1 x y z - -\n');
    await hold('1').says('held');
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(readFileSync(join(shared, `key.${uid}`), 'latin1')).toMatch(/^syncwatch1 1 /);
    writeFileSync(join(shared, 'key.5'), 'syncwatch1 x y nonsense.00 ; -\n');
    const two = hold('2', { at: temporaryDir() });
    await two.says('others');
    expect(two.words[0]).toMatchObject({ kind: 'others' });
  });

  it('where it can’t be kept anywhere says so', async () => {
    const { home, hold, shared } = bench(shell);
    writeFileSync(join(home, '.local'), '');
    writeFileSync(shared, '');
    await hold('1').says('nowhere');
  });
});
