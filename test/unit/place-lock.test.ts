import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EPOCH } from '../../src/core/clock.js';
import type { Event } from '../../src/core/event.js';
import type { Failure } from '../../src/core/failure.js';
import { BEAT_MS } from '../../src/core/place/lock.js';
import type { Identity, Look, Place } from '../../src/core/place/place.js';
import { whyElsewhere } from '../../src/link/arrive.js';
import { lockKey, PlaceLock } from '../../src/link/place-lock.js';
import type { Child, Ended } from '../../src/spawn.js';
import { n } from '../support/fake-work.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

const target = { kind: 'local', path: '/t', label: 't', place: '/t' } as const;
const placeAt = (path: string): Look => ({
  kind: 'place',
  place: { path: n(path), exists: true, chain: [] as readonly Identity[] } as Place,
});

/** A session there: what was said to it, and what it says. */
function session() {
  let written = '';
  let end: (ended: Ended) => void = () => {};
  const ended = new Promise<Ended>((resolve) => {
    end = resolve;
  });
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.on('data', (chunk: Buffer) => {
    written += String(chunk);
  });
  const exit = (): void => end({ kind: 'exited', code: 0 });
  stdin.on('finish', exit);
  const child: Child = { pid: 1, stdin, stdout, stderr, ended, kill: exit, killAll: exit };
  const read = (key: string): string => new RegExp(` ?\\b${key}=(\\S*?);? `).exec(written)?.[1] ?? '';
  const say = async (words: string): Promise<void> => {
    await vi.waitFor(() => expect(written).toContain('exit\n}'));
    stdout.write(`Welcome\n${/^m=(\w+);/m.exec(written)?.[1]} ${words}\n`);
  };
  return { child, say, exit, takesOver: () => read('t') === '1', written: () => written };
}

function lock(takesOver = false) {
  const told: Event[] = [];
  const taken: Failure[] = [];
  const sessions: Array<ReturnType<typeof session>> = [];
  const placeLock = new PlaceLock({
    target,
    report: (event) => told.push(event),
    id: 'me',
    holder: { user: 'u', host: 'h', dir: '/d', sinceMs: EPOCH },
    takesOver,
  });
  void placeLock.taken.then((failure) => taken.push(failure));
  const connection = {
    session: () => {
      const one = session();
      sessions.push(one);
      return one.child;
    },
  };
  const hold = (look: Look = placeAt('/t'), isCramped = false) => {
    const held = placeLock.hold(connection, { look, isCramped });
    return { held, last: () => sessions.at(-1) ?? session() };
  };
  return { placeLock, hold, sessions, told, taken };
}

const by = (user: string): string =>
  [user, 'laptop', '/home/ada', '0'].map((text) => Buffer.from(text).toString('hex')).join('.');

/** Holds it as somebody says that it may. */
async function held(one: ReturnType<typeof lock>, words = 'held') {
  const count = one.sessions.length;
  const { held, last } = one.hold();
  await vi.waitFor(() => expect(one.sessions.length).toBeGreaterThan(count));
  const theirs = last();
  await theirs.say(words);
  return { failure: await held, theirs };
}

describe('the lock of a place', () => {
  it('is that of the same directory before and after it is made, and another one where the one above is another', () => {
    const [self, above, other] = ['1', '2', '3'].map(
      (inode): Identity => ({ device: 'd', inode, changedNs: undefined }),
    );
    const key = (exists: boolean, ...chain: ReadonlyArray<Identity | undefined>): string =>
      lockKey({ path: n('/srv/app'), exists, chain: chain.filter((each) => each !== undefined) });
    expect(key(true, self, above)).toBe(key(false, above));
    expect(key(true, self, above)).not.toBe(key(true, self, other));
  });

  it('is refreshed as long as it is held, and goes with its stdin', async () => {
    const one = lock();
    const { failure, theirs } = await held(one);
    expect([failure, theirs.takesOver()]).toEqual([undefined, false]);
    const before = theirs.written().length;
    vi.advanceTimersByTime(2 * BEAT_MS);
    expect(theirs.written().slice(before)).toBe('\n\n');
    await one.placeLock.release();
    vi.advanceTimersByTime(2 * BEAT_MS);
    expect([theirs.written().slice(before), theirs.child.stdin.writableEnded]).toEqual(['\n\n', true]);
  });

  it('is taken over the first time only: whoever took it over since then has it', async () => {
    const one = lock(true);
    const first = await held(one);
    const again = await held(one);
    expect([first.theirs, again.theirs].map((theirs) => theirs.takesOver())).toEqual([true, false]);
  });

  it('is somebody else’s, who is named', async () => {
    const one = lock();
    const { failure, theirs } = await held(one, `others ${by('ada')} 10.0.0.5`);
    expect(failure).toMatchObject({
      kind: 'remote',
      message: expect.stringMatching(/^t is being synced by ada@laptop/),
    });
    expect([theirs.child.stdin.writableEnded, one.taken]).toEqual([true, []]);
  });

  it('that somebody takes over later is told once; of an earlier session nothing counts', async () => {
    const one = lock();
    const first = await held(one);
    const second = await held(one);
    await first.theirs.say(`taken ${by('bob')} -`);
    await second.theirs.say(`taken ${by('ada')} -`);
    await vi.waitFor(() =>
      expect(one.taken).toMatchObject([{ message: expect.stringContaining('was taken over by ada') }]),
    );
  });

  it.each<[string, (theirs: ReturnType<typeof session>) => unknown]>([
    ['there is nowhere to keep it', (theirs) => theirs.say('nowhere')],
    ['there is no shell', (theirs) => theirs.exit()],
    ['nothing is said', () => vi.advanceTimersByTime(20_000)],
  ])('is done without where %s', async (_, happens) => {
    const one = lock();
    const { held, last } = one.hold();
    await vi.waitFor(() => expect(one.sessions).toHaveLength(1));
    await happens(last());
    expect(await held).toBeUndefined();
    expect(one.told).toMatchObject([{ kind: 'note', level: 'verbose' }]);
  });

  it('is done without where nobody knows which place it is, or there is room for one session only', async () => {
    const one = lock();
    expect(await one.hold({ kind: 'deadLink' }).held).toBeUndefined();
    expect(await one.hold(placeAt('/t'), true).held).toBeUndefined();
    expect(one.sessions).toEqual([]);
    expect(one.told).toMatchObject([{ level: 'verbose' }, { level: 'verbose' }]);
  });
});

describe('a later connection', () => {
  const looking = (look: Look) => ({ look: async () => ({ look }) }) as unknown as Parameters<typeof whyElsewhere>[2];

  it('has to lead to the place that was looked at; where that was not seen, anywhere', async () => {
    const why = (before: Look, now: Look) => whyElsewhere(target, before, looking(now));
    expect(await why(placeAt('/t'), placeAt('/t'))).toBeUndefined();
    expect(await why(placeAt('/t'), placeAt('/u'))).toMatchObject({ kind: 'remote' });
    expect(await why(placeAt('/t'), { kind: 'unknown', why: 'x' })).toMatchObject({ kind: 'connection' });
    expect(await why({ kind: 'unknown', why: 'x' }, placeAt('/u'))).toBeUndefined();
    expect(await whyElsewhere(target, placeAt('/t'), undefined)).toMatchObject({ kind: 'connection' });
  });
});
