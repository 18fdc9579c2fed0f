import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Item } from '../../src/core/event.js';
import { type Name, nameFromText } from '../../src/core/name.js';
import { ofNames } from '../../src/core/rsync/complaints.js';
import type { OutputLine } from '../../src/core/rsync/output.js';
import type { Entry } from '../../src/core/sync/entry.js';
import { type RewriteWay, startRewrite } from '../../src/rsync/rewrite.js';
import type { RsyncProcess } from '../../src/rsync/run.js';
import { Disk } from '../../src/scan/disk.js';
import { type Child, spawn } from '../../src/spawn.js';
import { isProven } from '../../src/sync/rewrite.js';
import { Runner } from '../../src/sync/runner.js';
import { newLedger } from '../support/deliver.js';
import { there as found, PROGRAMS } from '../support/programs.js';
import { plainSettings } from '../support/settings.js';
import { fill, temporaryDir, tree } from '../support/tree.js';

const FAR_MS = 20;

/** A shell here as one there, that far away. `tamper`: with what goes there. */
function farShell(rttMs: number, tamper: (all: Transform) => Transform) {
  return (words: readonly string[]): Child => {
    const child = spawn({ file: '/bin/sh', env: { PATH: process.env['PATH'] ?? '' } }, ['-c', words.join(' ')], {
      ownSession: true,
    });
    const late = new Transform({
      transform: (chunk, _, done) => void sleep(rttMs).then(() => done(null, chunk)),
    });
    const stdin = new PassThrough();
    tamper(stdin).pipe(child.stdin);
    return { ...child, stdin, stdout: child.stdout.pipe(late) };
  };
}

const remoteAt = (path: string) =>
  ({ kind: 'remote', host: 'there', user: undefined, path, label: 'l', place: 'p' }) as const;

const wayBy = (session: RewriteWay['session']): RewriteWay => ({ session, mkfifo: found(PROGRAMS.find('mkfifo')) });

/** Lets so many bytes through. */
function upTo(most: number): Transform {
  let left = most;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      done(null, part);
    },
  });
}

interface Try {
  readonly tamper?: (all: Transform) => Transform;
  readonly rttMs?: number;
  /** Listed too. */
  readonly dirs?: readonly string[];
  /** After it has become ready, before its names come. */
  readonly meanwhile?: (dirs: { here: string; there: string; standby: RsyncProcess }) => void;
}

/** Two trees that are the same, of which the one here is then changed. */
async function attempt(files: Record<string, string>, changed: Record<string, string>, more: Try = {}) {
  const base = temporaryDir();
  const [here, there] = [join(base, 'here'), join(base, 'there')];
  fill(here, { './': '', ...files });
  fill(there, { './': '', ...files });
  const session = farShell(more.rttMs ?? FAR_MS, more.tamper ?? ((all) => all));
  const distance = { rttMs: undefined };
  const standby = startRewrite(plainSettings({ target: remoteAt(there), root: here }), wayBy(session), distance);
  if (standby === undefined) throw new Error('there is a connection');
  onTestFinished(() => standby.end());
  while (standby.isReady?.() === false && standby.isAlive()) await sleep(5);
  if (!standby.isAlive()) return { here, there, standby, distance, isProven: false, exit: undefined };
  fill(here, changed);
  more.meanwhile?.({ here, there, standby });
  const names = Object.keys(changed).map(nameFromText);
  const lines: OutputLine[] = [];
  const listed = [...names, ...(more.dirs ?? [])];
  const input = [Buffer.from(listed.map((name) => `./${name}\0`).join(''), 'latin1')];
  const exit = await standby.finish(input, (line) => lines.push(line), { abort: new AbortController().signal });
  await standby.ended;
  return { here, there, standby, distance, exit, isProven: isProven(exit, lines, names as Name[]) };
}

/** Nothing but files, no temporary ones. */
const namesIn = (dir: string): string[] => readdirSync(dir).sort();
const textIn = (dir: string, name: string): string => readFileSync(join(dir, name), 'utf8');

describe('a rewrite', () => {
  it('brings files of any name with their times and modes, and those of the directories above', async () => {
    const files = {
      'd/e/f': 'old',
      '-dash': 'a',
      '#hash': 'a',
      'new\nline': 'a',
      'ü☃': 'a',
      empty: 'a',
      'q\'uo"te': 'a',
    };
    const changed = {
      ...files,
      'd/e/f': 'new',
      '-dash': 'b',
      '#hash': 'b',
      'new\nline': 'b',
      'ü☃': 'b',
      empty: '',
      'q\'uo"te': 'b',
    };
    const { here, there, isProven, exit } = await attempt(files, changed, {
      meanwhile: ({ here }) => chmodSync(join(here, '#hash'), 0o640),
      dirs: ['d/e', 'd'],
    });
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(isProven).toBe(true);
    expect(tree(there)).toEqual(tree(here));
  });

  it('is brought over what others have made of it there: another content, a link, an empty directory', async () => {
    const files = { a: 'old', b: 'old', c: 'old', victim: 'v' };
    const changed = { a: 'new', b: 'new', c: 'new' };
    const { here, there, isProven } = await attempt(files, changed, {
      meanwhile: ({ there }) => {
        writeFileSync(join(there, 'a'), 'new!'.slice(0, 3).toUpperCase());
        rmSync(join(there, 'b'));
        symlinkSync('victim', join(there, 'b'));
        rmSync(join(there, 'c'));
        mkdirSync(join(there, 'c'));
      },
    });
    expect(isProven).toBe(true);
    expect(textIn(there, 'victim')).toBe('v');
    expect(tree(there).filter((line) => !line.includes('victim') && !line.startsWith('["."'))).toEqual(
      tree(here).filter((line) => !line.includes('victim') && !line.startsWith('["."')),
    );
  });

  it('is not proven where the file is not there any more, or its directory, and makes none', async () => {
    const gone = await attempt(
      { a: 'old', b: 'old' },
      { a: 'new', b: 'new' },
      {
        meanwhile: ({ there }) => rmSync(join(there, 'b')),
      },
    );
    expect(gone.isProven).toBe(false);
    expect(namesIn(gone.there)).toEqual(['a']);
    const dirGone = await attempt(
      { 'd/a': 'old' },
      { 'd/a': 'new' },
      {
        meanwhile: ({ there }) => rmSync(join(there, 'd'), { recursive: true }),
      },
    );
    expect(dirGone.isProven).toBe(false);
    expect(namesIn(dirGone.there)).toEqual([]);
  });

  it('is not proven where it went from here, or a directory is in the way there', async () => {
    const gone = await attempt(
      { a: 'old', b: 'old' },
      { a: 'new', b: 'new' },
      {
        meanwhile: ({ here }) => rmSync(join(here, 'b')),
      },
    );
    expect(gone.isProven).toBe(false);
    expect(textIn(gone.there, 'b')).toBe('old');
    const blocked = await attempt(
      { a: 'old' },
      { a: 'new' },
      {
        meanwhile: ({ there }) => {
          rmSync(join(there, 'a'));
          fill(there, { 'a/foreign': 'f' });
        },
      },
    );
    expect(blocked.isProven).toBe(false);
    expect(textIn(blocked.there, 'a/foreign')).toBe('f');
  });

  it('is not proven where what arrives is not what was sent, of which rsync says so and ends with 0', async () => {
    const tamper = (all: Transform): Transform =>
      all.pipe(
        new Transform({
          transform: (chunk: Buffer, _, done) =>
            done(null, Buffer.from(chunk.toString('latin1').replace('precious', 'pernicious'.slice(0, 8)), 'latin1')),
        }),
      );
    const { there, isProven, exit } = await attempt({ a: 'old' }, { a: 'precious' }, { tamper });
    expect(exit?.code).toBe(0);
    expect(isProven).toBe(false);
    expect(namesIn(there)).toEqual(['a']);
    expect(textIn(there, 'a')).toBe('old');
  });

  it('that is cut off ends by itself, and leaves what was there', async () => {
    const cut = (most: number) => {
      const tamper = (all: Transform): Transform => all.pipe(upTo('\n\n\n\n\ngo\n'.length + most));
      return attempt({ a: 'old' }, { a: 'x'.repeat(1_000) }, { tamper });
    };
    for (const { there, isProven, exit } of await Promise.all([0, 60, 500].map(cut))) {
      expect(exit?.code).not.toBe(0);
      expect(isProven).toBe(false);
      expect(namesIn(there)).toEqual(['a']);
      expect(textIn(there, 'a')).toBe('old');
    }
  });

  it('is unfit where the other side is near, or no shell of the kind answers', async () => {
    const near = await attempt({}, {}, { rttMs: 0 });
    expect(near.standby.isUnfit?.()).toBe(true);
    expect(near.distance.rttMs).toBeLessThan(8);
    const session = (): Child =>
      spawn({ file: '/bin/sh', env: {} }, ['-c', 'echo only rsync here; cat >/dev/null'], { ownSession: true });
    const settings = plainSettings({ target: remoteAt('/x'), root: '/' });
    const standby = startRewrite(settings, wayBy(session), { rttMs: undefined });
    await standby?.ended;
    expect(standby?.isUnfit?.()).toBe(true);
    expect(
      startRewrite(
        settings,
        wayBy(() => undefined),
        { rttMs: 50 },
      ),
    ).toBeUndefined();
  });
});

/** Brings `a`, known and changed here, by a rewrite and then, if need be, through something that is called as ssh is. */
async function runBoth(ssh: string, more: Try = {}) {
  const base = temporaryDir();
  const [here, there] = [join(base, 'here'), join(base, 'there')];
  for (const dir of [here, there]) fill(dir, { a: 'old', b: 'old' });
  const remoteShell = join(base, 'ssh');
  writeFileSync(remoteShell, `#!/bin/sh\nshift\n${ssh}\n`, { mode: 0o755 });
  const rsync = plainSettings({ target: remoteAt(there), root: here, remoteShell });
  const disk = new Disk(here);
  const ledger = newLedger('l');
  const a = nameFromText('a');
  const seen = disk.see(a);
  if (typeof seen !== 'object') throw new Error('a is there');
  await ledger.assume([[a, seen]]);
  const ended: string[] = [];
  const runner = new Runner(
    { rsync, aim: undefined, deletes: 'seen', report: () => {}, wayThere: async () => {} },
    new AbortController().signal,
    ({ outcome, items }) => void ended.push(`${outcome.kind} ${items.map(({ name }) => name).join()}`),
  );
  const standby = startRewrite(rsync, wayBy(farShell(FAR_MS, more.tamper ?? ((all) => all))), { rttMs: undefined });
  if (standby === undefined) throw new Error('there is a connection');
  onTestFinished(() => standby.end());
  while (standby.isReady?.() === false && standby.isAlive()) await sleep(5);
  vi.spyOn(runner.standbys, 'take').mockImplementation((kinds) => (kinds.includes('rewrite') ? standby : undefined));
  writeFileSync(join(here, 'a'), 'new');
  more.meanwhile?.({ here, there, standby });
  const told: unknown[] = [];
  const begun = await ledger.begin({ kind: 'names', names: [a], comparesContent: false, deleteMissing: true }, () => [
    [a, 'file'],
  ]);
  if (!begun.ok) throw new Error(begun.failure.message);
  const onItem = ({ isNew }: Item, was: Entry | undefined): void =>
    void told.push([isNew, was?.mtimeNs === seen.mtimeNs]);
  const result = await runner.run(begun.value, ofNames([a]), { suitable: ['plain'], rewrites: [a], onItem });
  return { there, told, ended, outcome: result.outcome.kind, isUnsure: ledger.index.get(a)?.mtimeNs === -1 };
}

const SSH = 'exec sh -c "$*"';

describe('a run that is a rewrite first', () => {
  it('is over with it where that is proven', async () => {
    const run = await runBoth('exit 255');
    expect(run).toMatchObject({ outcome: 'finished', told: [[false, true]], ended: ['finished a'] });
    expect(textIn(run.there, 'a')).toBe('new');
  });

  it('goes the ordinary way where that is not so, which tells what was there and is not any more', async () => {
    const run = await runBoth(SSH, { meanwhile: ({ there }) => rmSync(join(there, 'a')) });
    expect(run).toMatchObject({ outcome: 'finished', told: [[true, true]], ended: ['finished a'] });
    expect(textIn(run.there, 'a')).toBe('new');
  });

  it('leaves it open what is there where the ordinary way breaks too', async () => {
    const run = await runBoth('exit 255', { meanwhile: ({ there }) => rmSync(join(there, 'a')) });
    expect(run).toMatchObject({ outcome: 'broken', isUnsure: true });
  });

  it('that was cut off may have left something there, which is looked for', async () => {
    const tamper = (all: Transform): Transform => all.pipe(upTo('\n\n\n\n\ngo\n'.length + 90));
    const run = await runBoth(SSH, { tamper });
    expect(run).toMatchObject({ outcome: 'finished', ended: ['broken a', 'finished a'] });
    expect(textIn(run.there, 'a')).toBe('new');
    expect(namesIn(run.there)).toEqual(['a', 'b']);
  });
});
