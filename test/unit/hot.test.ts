import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Name } from '../../src/core/name.js';
import type { Disk } from '../../src/scan/disk.js';
import { Disk as RealDisk } from '../../src/scan/disk.js';
import { Bridge } from '../../src/watch/bridge.js';
import { watchDirectory } from '../../src/watch/directory-watch.js';
import { HotDirectories } from '../../src/watch/hot.js';
import { n } from '../support/fake-work.js';

vi.mock('../../src/watch/directory-watch.js', () => ({ watchDirectory: vi.fn() }));

/** The watches that go on, in the order they began, and what ends each by itself. */
let watches: Array<{ readonly dir: Name; readonly onEnd: () => void }>;
/** Directories that can't be watched. */
let refused: Set<string>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  watches = [];
  refused = new Set();
  vi.mocked(watchDirectory).mockImplementation((_disk: Disk, dir, _onHint, onEnd) => {
    if (refused.has(dir)) return undefined;
    const one = { dir, onEnd };
    watches.push(one);
    const close = (): void => {
      watches = watches.filter((each) => each !== one);
    };
    return { close };
  });
});
afterEach(() => void vi.useRealTimers());

const dirs = (): string[] => watches.map(({ dir }) => dir);
const disk = new RealDisk('/r');

describe('the directories where something happened last', () => {
  it('are watched, each once, and anew after a minute', () => {
    const hot = new HotDirectories(disk, () => {});
    hot.heat(['a/x', 'a/y', 'b/x'].map(n));
    expect(dirs()).toEqual(['a', 'b']);
    const [first] = watches;
    vi.advanceTimersByTime(59_999);
    hot.heat([n('a/x')]);
    expect(watches[0]).toBe(first);
    vi.advanceTimersByTime(1);
    hot.heat([n('a/x')]);
    expect(dirs()).toEqual(['b', 'a']);
  });

  it('are sixteen: those that were hinted at longest ago go', () => {
    const hot = new HotDirectories(disk, () => {});
    for (let i = 0; i < 16; i++) hot.heat([n(`d${i}/x`)]);
    hot.heat([n('d0/x')]);
    hot.heat([n('new/x')]);
    expect(dirs()).toHaveLength(16);
    expect([dirs().includes('d0'), dirs().includes('d1'), dirs().includes('new')]).toEqual([true, false, true]);
    hot.stop();
    expect(dirs()).toEqual([]);
  });

  it('are none in a storm, nor where one can’t be watched; one that ended by itself is begun again', () => {
    const hot = new HotDirectories(disk, () => {});
    refused.add('no');
    hot.heat(Array.from({ length: 101 }, (_, i) => n(`a/${i}`)));
    hot.heat([n('no/x')]);
    expect(dirs()).toEqual([]);
    hot.heat([n('a/x')]);
    watches.splice(0)[0]?.onEnd();
    hot.heat([n('a/x')]);
    expect(dirs()).toEqual(['a']);
  });
});

describe('directories that the watcher may not have', () => {
  it('are watched until another one is in their place, they are needed no more, or it ends by itself', () => {
    const bridge = new Bridge(disk, () => {});
    const ended: string[] = [];
    const cover = (name: string, ino: number, born = 10): boolean =>
      bridge.cover(n(name), { ino, born }, () => ended.push(name));
    expect([cover('a', 1), cover('a', 1), cover('b', 2)]).toEqual([true, true, true]);
    expect(dirs()).toEqual(['a', 'b']);
    const [first] = watches;
    cover('a', 1, 20); // another one that was given the same number
    expect([dirs(), watches.some((each) => each === first), bridge.size]).toEqual([['b', 'a'], false, 2]);
    bridge.keepOnly((name, { ino, born }) => name === 'a' && ino === 1 && born === 20);
    expect([dirs(), bridge.size]).toEqual([['a'], 1]);
    watches[0]?.onEnd();
    expect([ended, bridge.size]).toEqual([['a'], 0]);
    refused.add('c');
    expect([cover('c', 4), bridge.size]).toEqual([false, 0]);
  });
});
