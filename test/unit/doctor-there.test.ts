import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Failure, failed, success } from '../../src/core/failure.js';
import type { There } from '../../src/core/rsync/there.js';
import type { Target } from '../../src/core/target.js';
import type { Finding } from '../../src/doctor/finding.js';
import { lookAtPlace } from '../../src/doctor/room.js';
import { HANGS_MS, lookAtShell, sessions } from '../../src/doctor/shell.js';
import { lookAtRemote, rsyncThere, type ThereOptions } from '../../src/doctor/there.js';
import type { Said } from '../../src/spawn.js';
import { PROGRAMS, there as program } from '../support/programs.js';

// Of the timers that promise something there are no fake ones.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
}));

const said = (stdout = '', code = 0): Said => ({ ended: { kind: 'exited', code }, isLate: false, stdout, stderr: '' });
/** The other side, where each command takes so long and says this. */
const takes = (ms: number, stdout = '') => ({
  run: () => new Promise<Said>((resolve) => setTimeout(() => resolve(said(stdout)), ms)),
});
const states = (findings: readonly Finding[]): string[] => findings.map(({ check, state }) => `${check}: ${state}`);

describe('the shell there', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function found(connection: Parameters<typeof lookAtShell>[0]): Promise<Finding | undefined> {
    const looked = lookAtShell(connection);
    await vi.advanceTimersByTimeAsync(3 * HANGS_MS);
    return (await looked)[0];
  }

  it.each([
    [0, 'ok'],
    [499, 'ok'],
    [500, 'warning'],
    [HANGS_MS - 1, 'warning'],
    [HANGS_MS + 1, 'error'],
  ] as const)('that takes %i ms: %s', async (ms, state) => {
    expect(await found(takes(ms))).toMatchObject({ check: 'shell there', state });
  });

  it('is judged by what is usual, not by the one time that it took long', async () => {
    let calls = 0;
    const run = (): Promise<Said> => takes(calls++ === 0 ? 5_000 : 5).run();
    expect(await found({ run })).toMatchObject({ state: 'ok' });
  });

  it('that prints breaks rsync, and what it prints is shown as text', async () => {
    const finding = await found(takes(1, `hello\x1b${'x'.repeat(100)}`));
    expect(finding).toMatchObject({ state: 'error', message: expect.stringContaining('"hello\\u001bx') });
    expect(finding?.message.length).toBeLessThan(130);
  });
});

describe('sessions', () => {
  it.each([
    [6, 'ok', /6 and more/],
    [5, 'warning', /only 5 at once/],
    [0, 'warning', /only 0 at once/],
  ] as const)('of which %i are let in: %s', async (allowed, state, message) => {
    let calls = 0;
    const run = async (): Promise<Said> => said('', calls++ < allowed ? 0 : 255);
    expect(await sessions({ run })).toMatchObject({ state, message: expect.stringMatching(message) });
  });
});

describe('the rsync there', () => {
  const there: There = {
    ...{ version: [3, 2, 7], chatter: [], isCramped: false, exists: true, look: { kind: 'unknown', why: 'x' } },
    takes: { window: -1, deletions: 'marks' },
  };
  it.each<[string, Partial<There>, Finding['state'], string]>([
    ['takes all', {}, 'ok', '3.2.7'],
    ['does not say its version', { version: undefined }, 'ok', 'of an unknown version'],
    [
      'deletes by rules',
      { takes: { window: -1, deletions: 'rules' } },
      'ok',
      '3.2.7: it takes no marks for what is missing (it is deleted by rules)',
    ],
    [
      'compares whole seconds',
      { takes: { window: 0, deletions: 'marks' } },
      'ok',
      '3.2.7: it takes no --modify-window=-1 (contents are compared instead)',
    ],
    ['deletes nothing', { takes: { window: 0, deletions: 'none' } }, 'warning', '3.2.7: it takes no deletions'],
  ])('%s', (_, more, state, message) => {
    expect(rsyncThere({ ...there, ...more })).toMatchObject({ state, message });
  });
});

describe('the place there', () => {
  const GB = 1_000_000;
  const df = (kib: number): string => `/dev/sda1 9 9 ${kib} 1% /`;
  const target: Target = { kind: 'local', path: 'www', label: 'www', place: 'www' };

  /** What is found where the script says this; `bytes`: to be sent. */
  async function found(lines: Readonly<Record<string, string | number>>, bytes = 0): Promise<Finding[]> {
    const text = Object.entries({ now: Math.round(Date.now() / 1_000), ...lines })
      .map(([key, value]) => `${key}=${value}\n`)
      .join('');
    return lookAtPlace({ run: async () => said(text) }, target, undefined, { bytes });
  }

  it.each<[string, Readonly<Record<string, string | number>>, number, readonly string[]]>([
    ['all is well', { exists: 1, writable: 1, room: df(GB) }, 0, ['place: ok', 'room: ok', 'clock: ok']],
    ['nobody may write', { exists: 1, room: df(GB) }, 0, ['place: error', 'room: ok', 'clock: ok']],
    [
      'there is little room',
      { exists: 1, writable: 1, room: df(50_000) },
      0,
      ['place: ok', 'room: warning', 'clock: ok'],
    ],
    ['what is to come does not fit', { writable: 1, room: df(GB) }, 2e9, ['place: ok', 'room: error', 'clock: ok']],
    ['what is to come just fits', { writable: 1, room: df(GB) }, 1e9, ['place: ok', 'room: warning', 'clock: ok']],
    ['it is there already', { exists: 1, writable: 1, room: df(GB) }, 2e9, ['place: ok', 'room: ok', 'clock: ok']],
    [
      'few inodes are free',
      { exists: 1, writable: 1, room: df(GB), inodes: df(999) },
      0,
      ['place: ok', 'room: warning', 'clock: ok'],
    ],
    [
      'the file system counts no inodes',
      { exists: 1, writable: 1, room: df(GB), inodes: df(0) },
      0,
      ['place: ok', 'room: ok', 'clock: ok'],
    ],
    ['df says nothing', { exists: 1, writable: 1 }, 0, ['place: ok', 'clock: ok']],
    [
      'its clock is ahead',
      { exists: 1, writable: 1, room: df(GB), now: Math.round(Date.now() / 1_000) + 3_600 },
      0,
      ['place: ok', 'room: ok', 'clock: warning'],
    ],
    ['it has no date', { exists: 1, writable: 1, room: df(GB), now: '' }, 0, ['place: ok', 'room: ok', 'clock: ok']],
    [
      'its date knows no %s',
      { exists: 1, writable: 1, room: df(GB), now: '%s' },
      0,
      ['place: ok', 'room: ok', 'clock: ok'],
    ],
  ])('where %s', async (_, lines, bytes, expected) => {
    expect(states(await found(lines, bytes))).toEqual(expected);
  });

  it('says whether it is there, or will be made', async () => {
    expect(await found({ exists: 1, writable: 1 })).toContainEqual(
      expect.objectContaining({ message: 'www is there' }),
    );
    expect(await found({ writable: 1 })).toContainEqual(expect.objectContaining({ message: 'www will be made' }));
  });

  it('says which way the clock is off', async () => {
    const now = Math.round(Date.now() / 1_000) - 7_200;
    expect(await found({ exists: 1, writable: 1, now })).toContainEqual(
      expect.objectContaining({ check: 'clock', message: expect.stringMatching(/ behind there$/) }),
    );
  });

  it('of another user is not looked at', async () => {
    const run = (): Promise<Said> => Promise.reject(new Error('nothing is run'));
    const found = await lookAtPlace({ run }, { ...target, path: '~me/www' }, undefined, { bytes: 0 });
    expect(states(found)).toEqual(['place: ok']);
  });
});

describe('a target that was reached', () => {
  const failure: Failure = { kind: 'start', message: 'there is no rsync', hint: 'Install it.' };
  const options: ThereOptions = {
    programs: PROGRAMS,
    uid: 0,
    here: { program: program(PROGRAMS.rsync), version: [3, 2, 7] },
    ssh: { port: undefined, identities: [], configFile: undefined, options: [], ownMaster: false },
    root: '/',
    dir: '/',
    extras: [],
    isMirror: false,
    modeThere: () => undefined,
    trash: undefined,
    controlPath: '/none',
    tree: { directories: 0, files: 0, bytes: 0 },
  };
  const reached = {
    target: { kind: 'local', path: 'www', label: 'www', place: 'www' },
    aim: { login: 'h', host: 'h', port: undefined, byHand: 'ssh h' },
    loginMs: 10,
  } as const;

  /** What is found where its probe ends so, and each command says this; closed is how often it was given back. */
  async function found(stdout: string, loginMs = 10): Promise<{ readonly checks: string[]; readonly closed: number }> {
    let closed = 0;
    const connection = {
      run: async () => said(stdout),
      probe: async () => failed(failure),
      close: async () => void closed++,
    };
    const findings = await lookAtRemote(connection, { ...reached, loginMs }, options);
    return { checks: states(findings), closed };
  }

  it('is looked at in whole, though there is no rsync, and given back', async () => {
    expect(await found('')).toEqual({
      checks: [
        'login: ok',
        'shell there: ok',
        'rsync there or its path: error',
        'place: error',
        'clock: ok',
        'sessions: ok',
      ],
      closed: 1,
    });
  });

  it('is not told to be made where rsync could not be tried', async () => {
    const checks = async (looked: string): Promise<string[]> => {
      const run = async (command: readonly string[]): Promise<Said> =>
        said(/exists=/.test(command.join(' ')) ? looked : '');
      return states(
        await lookAtRemote({ run, probe: async () => failed(failure), close: async () => {} }, reached, options),
      );
    };
    expect(await checks('writable=1\n')).not.toContain('place: ok');
    expect(await checks('exists=1\nwritable=1\n')).toContain('place: ok');
  });

  it('is not looked at further where its shell prints, for all would be wrong', async () => {
    expect(await found('hi')).toEqual({ checks: ['login: ok', 'shell there: error'], closed: 1 });
  });

  it('has a slow login told', async () => {
    expect((await found('hi', 3_000)).checks[0]).toBe('login: warning');
  });

  it('that is refused as a place is told so', async () => {
    const there: There = {
      ...{ version: [3, 2, 7], chatter: [], isCramped: false, exists: true, takes: { window: -1, deletions: 'marks' } },
      look: { kind: 'unknown', why: 'of rrsync' },
    };
    const connection = { run: async () => said(''), probe: async () => success(there), close: async () => {} };
    const mirror = await lookAtRemote(connection, reached, { ...options, isMirror: true });
    expect(mirror).toContainEqual(
      expect.objectContaining({ check: 'place', state: 'warning', message: expect.stringContaining('of rrsync') }),
    );
    const plain = await lookAtRemote(connection, reached, options);
    expect(plain.some(({ state }) => state === 'warning')).toBe(false);
  });
});
