import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Failure } from '../../src/core/failure.js';
import { nameFromText } from '../../src/core/name.js';
import type { Inode } from '../../src/core/sync/entry.js';
import type { Ended, NodeChild } from '../../src/spawn.js';
import type { FromWatcher, ToWatcher } from '../../src/watch/protocol.js';
import { type SupervisorOptions, WatchSupervisor } from '../../src/watch/supervisor.js';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.999_999); // the longest delays
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

/** A watcher of which the test says what it tells and when it ends. It answers every ping, unless it is frozen. */
interface Fake {
  readonly asked: ToWatcher[];
  readonly atMs: number;
  tell(message: FromWatcher): Promise<unknown>;
  end(): Promise<unknown>;
  readonly isAlive: () => boolean;
  isFrozen: boolean;
}

function supervised(more: Partial<SupervisorOptions> = {}) {
  const children: Fake[] = [];
  const happened: string[] = [];
  const troubles: Array<{ failure: Failure; retryMs: number }> = [];
  const startWatcher = (onMessage: (message: unknown) => void): NodeChild => {
    let alive = true;
    let resolve: (ended: Ended) => void = () => {};
    const ended = new Promise<Ended>((done) => {
      resolve = done;
    });
    const end = (how: Ended): void => {
      alive = false;
      resolve(how);
    };
    const child: Fake = {
      asked: [],
      atMs: performance.now(),
      tell: (message) => {
        onMessage(message);
        return settled();
      },
      end: () => {
        end({ kind: 'exited', code: 1 });
        return settled();
      },
      isAlive: () => alive,
      isFrozen: false,
    };
    children.push(child);
    return {
      ended,
      send: (message) => {
        child.asked.push(message as ToWatcher);
        if ('deep' in message && !child.isFrozen) onMessage({ kind: 'pong' });
      },
      kill: () => end({ kind: 'signalled', signal: 'SIGKILL' }),
    };
  };
  const supervisor = new WatchSupervisor({
    startWatcher,
    root: import.meta.dirname,
    beatDir: () => '/beat',
    ignore: () => [],
    lookAgain: async () => void happened.push('look'),
    bridge: { size: 0, cover: () => false, keepOnly: () => {} },
    onHints: (names) => void happened.push(`hints ${names.join()}`),
    onDoubt: (why) => void happened.push(`doubt: ${why}`),
    onTrouble: (failure, retryMs) => void troubles.push({ failure, retryMs }),
    onShort: () => void happened.push('short'),
    onBlind: (isBlind) => void happened.push(isBlind ? 'blind' : 'sees'),
    ...more,
  });
  const last = (): Fake => {
    const child = children.at(-1);
    if (child === undefined) throw new Error('none was started');
    return child;
  };
  return { supervisor, children, last, happened, troubles };
}

/** One that watches. */
async function watching(more: Partial<SupervisorOptions> = {}) {
  const all = supervised(more);
  const starting = all.supervisor.start();
  await all.last().tell({ kind: 'ready' });
  expect((await starting).ok).toBe(true);
  return all;
}

const dir = nameFromText('d');
const inode = (ino: number, born = 10): Inode => ({ ino, born });

describe('the start', () => {
  it('is when the watcher is ready; what it hears is handed on', async () => {
    const { last, happened } = await watching();
    expect(last().asked[0]).toEqual({ kind: 'watch', root: import.meta.dirname, beatDir: '/beat', ignore: [] });
    await last().tell({ kind: 'hints', names: ['a', 'b'] });
    expect(happened).toEqual(['hints a,b']);
  });

  it('fails with the reason, or after a minute', async () => {
    const broken = supervised();
    const first = broken.supervisor.start();
    await broken.last().tell({ kind: 'failed', message: 'Too many open files' });
    expect(await first).toMatchObject({ ok: false, failure: { message: /inotify instances/ } });
    const stuck = supervised();
    const second = stuck.supervisor.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await second).toMatchObject({ ok: false, failure: { message: /did not begin in time/ } });
    expect([broken, stuck].map(({ last }) => last().isAlive())).toEqual([false, false]);
  });

  it('is tried again where a directory has gone meanwhile, 20 times at most', async () => {
    const { supervisor, children, last } = supervised();
    const starting = supervisor.start();
    for (let i = 1; i <= 20; i++) {
      expect(children).toHaveLength(i);
      await last().tell({ kind: 'failed', message: 'No such file or directory' });
      await vi.advanceTimersByTimeAsync(50 * i);
    }
    expect((await starting).ok).toBe(false);
    expect(children).toHaveLength(20);
  });

  it('goes on without a watcher where a path is too long and stays so: everything was looked at for it', async () => {
    const { supervisor, children, last, happened, troubles } = supervised();
    const starting = supervisor.start();
    for (let i = 1; i <= 3; i++) await last().tell({ kind: 'failed', message: 'File name too long' });
    expect((await starting).ok).toBe(true);
    expect(children).toHaveLength(3);
    expect(happened).toEqual(['look', 'look', 'blind']);
    expect(troubles).toMatchObject([{ failure: { message: /too long to be watched/ } }]);
  });
});

describe('a new directory', () => {
  it('leads to a new subscription once it is quiet; the old one hears on until that is ready', async () => {
    const { supervisor, children, last, happened } = await watching();
    supervisor.sawDirectory(dir, inode(1));
    await vi.advanceTimersByTimeAsync(299);
    expect(children).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(children).toHaveLength(2);
    const [old] = children;
    await old?.tell({ kind: 'hints', names: ['x'] });
    expect(old?.isAlive()).toBe(true);
    await last().tell({ kind: 'ready' });
    expect(old?.isAlive()).toBe(false);
    expect(happened).toEqual(['hints x', 'sees', 'doubt: new directories']);
    supervisor.sawDirectory(dir, inode(1)); // covered by now
    await vi.advanceTimersByTimeAsync(60_000);
    expect(children).toHaveLength(2);
    supervisor.sawDirectory(dir, inode(2)); // another one of that name
    await vi.advanceTimersByTimeAsync(300);
    expect(children).toHaveLength(3);
    await last().tell({ kind: 'ready' });
    await vi.advanceTimersByTimeAsync(60_000);
    supervisor.sawDirectory(dir, inode(2, 20)); // one more, that was given the same number
    await vi.advanceTimersByTimeAsync(300);
    expect(children).toHaveLength(4);
  });

  it('after the other puts that off, for 2 s at most', async () => {
    const { supervisor, children } = await watching();
    for (let i = 0; i < 20; i++) {
      expect(children).toHaveLength(1);
      supervisor.sawDirectory(nameFromText(`d${i}`), inode(i));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(children).toHaveLength(2);
  });

  it('costs a tenth of the time at most: after a renewal of 1 s there is none for 10 s', async () => {
    const { supervisor, children, last } = await watching();
    supervisor.sawDirectory(dir, inode(1));
    await vi.advanceTimersByTimeAsync(1_300);
    await last().tell({ kind: 'ready' });
    supervisor.sawDirectory(nameFromText('e'), inode(2));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(children).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(children).toHaveLength(3);
  });
});

describe('a watcher', () => {
  it('that ends is replaced at once, then more and more slowly; after a minute of watching that is forgotten', async () => {
    const { children, last, happened } = await watching();
    await last().end();
    expect(happened).toEqual(['blind']);
    expect(children).toHaveLength(2);
    await last().tell({ kind: 'ready' });
    expect(happened).toEqual(['blind', 'sees', 'doubt: the watcher process ended']);
    for (const [i, ms] of [2_000, 8_000, 30_000, 30_000].entries()) {
      await last().end();
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(children).toHaveLength(i + 2);
      await vi.advanceTimersByTimeAsync(1);
      expect(children).toHaveLength(i + 3);
      await last().tell({ kind: 'ready' });
    }
    await vi.advanceTimersByTimeAsync(60_001);
    const before = children.length;
    await last().end();
    expect(children).toHaveLength(before + 1);
  });

  it('that gives no sign of life is replaced; now and then its watching thread has to answer', async () => {
    const { children, last } = await watching();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(children).toHaveLength(1);
    const pings = last().asked.filter((asked) => asked.kind === 'ping');
    expect(pings.map((ping) => ping.kind === 'ping' && ping.deep).indexOf(true)).toBe(11);
    last().isFrozen = true;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(children).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(children.map(({ isAlive }) => isAlive())).toEqual([false, true]);
  });

  it('that lost track is replaced; what one says that goes is not heeded', async () => {
    const { children, last, happened } = await watching();
    const [old] = children;
    await old?.tell({ kind: 'doubt', message: 'overflow' });
    expect(children).toHaveLength(2);
    await old?.tell({ kind: 'doubt', message: 'overflow' });
    expect(children).toHaveLength(2);
    await last().tell({ kind: 'ready' });
    expect(happened).toEqual(['sees', 'doubt: the watcher said: overflow']);
  });

  it('for which watches are short: the old one goes first, others make room, and it is said once', async () => {
    const { supervisor, children, last, happened, troubles } = await watching();
    supervisor.renew('the root is back');
    await last().tell({ kind: 'failed', message: 'No space left on device' });
    expect(children.map(({ isAlive }) => isAlive())).toEqual([false, false, true]);
    expect(happened).toEqual(['blind', 'short']);
    expect(troubles).toEqual([]);
    await last().tell({ kind: 'failed', message: 'No space left on device' });
    expect(troubles).toMatchObject([{ failure: { kind: 'watchLimit' }, retryMs: 500 }]);
    for (const ms of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const before = children.length;
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(children).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(children).toHaveLength(before + 1);
      await last().tell({ kind: 'failed', message: 'No space left on device' });
    }
    expect(troubles).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(30_000);
    await last().tell({ kind: 'ready' });
    expect(happened.slice(-2)).toEqual(['sees', 'doubt: the root is back']);
  });

  it('that hears much of what is excluded is replaced by one that leaves it out, where there is something to leave out', async () => {
    let ignored: readonly string[] = [];
    const { supervisor, children, last } = await watching({ ignore: () => ignored });
    supervisor.countExcludedHints(500);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(children).toHaveLength(1);
    ignored = ['/root/node_modules'];
    supervisor.countExcludedHints(199);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(children).toHaveLength(1);
    supervisor.countExcludedHints(1);
    await vi.advanceTimersByTimeAsync(300);
    expect(last().asked[0]).toMatchObject({ ignore: ['/root/node_modules'] });
  });
});

it('the end is at once, whatever is under way, and nothing is told after it', async () => {
  const { supervisor, children, last, happened } = await watching();
  supervisor.renew('the root is back');
  const next = last();
  await supervisor.stop();
  expect(children.map(({ isAlive }) => isAlive())).toEqual([false, false]);
  await next.tell({ kind: 'ready' });
  await next.tell({ kind: 'hints', names: ['x'] });
  supervisor.sawDirectory(dir, inode(1));
  await vi.advanceTimersByTimeAsync(600_000);
  expect(children).toHaveLength(2);
  expect(happened).toEqual([]);
});
