import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { plusMs, wallMs } from '../../src/core/clock.js';
import type { Failure } from '../../src/core/failure.js';
import { begun } from '../../src/core/sync/entry.js';
import { type FlushEnd, Flushes } from '../../src/sync/flush.js';
import { type FakeWork, fakeWork, n } from '../support/fake-work.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

const SINCE = wallMs(1_000);
const NO: Failure = { kind: 'path', message: 'no' };

/** Somebody waits for what waits in `world` now. */
function waiting(world: FakeWork, { triesAgain = true, isPaused = false, gone = new AbortController() } = {}) {
  const { ledger } = world.work;
  const flushes = new Flushes(world.work, {
    note: (name, seen) => ledger.note(name, seen),
    hurry: () => {},
    isPaused: () => isPaused,
  });
  let end: FlushEnd | undefined;
  const ended = flushes.flush(SINCE, gone.signal, triesAgain);
  void ended.then((how) => {
    end = how;
  });
  /** A turn ends; gives how the wait has, if it has. */
  const turn = async (): Promise<FlushEnd | undefined> => {
    flushes.endTurn();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    return end;
  };
  return { flushes, turn };
}

/** A name that waits. */
function withOne(): FakeWork {
  const world = fakeWork();
  world.work.ledger.note(world.disk.write('a'));
  return world;
}

/** It is there as it is here, and waits no longer. */
function deliver({ work, disk }: FakeWork, name = n('a')): void {
  work.ledger.delivered(name, disk.get(name) ?? begun('file'));
  work.ledger.settled(name);
}

describe('a wait for a name', () => {
  it('ends with a run that looked at it later, even if it has changed again; not with one that looked before', async () => {
    const { flushes, turn } = waiting(withOne());
    flushes.brought(n('a'), SINCE);
    expect(await turn()).toBeUndefined();
    flushes.brought(n('a'), plusMs(SINCE, 1));
    expect(await turn()).toEqual({ kind: 'flushed' });
  });

  it('ends when it waits no longer and is there as it is here; else it waits anew', async () => {
    const world = withOne();
    const { turn } = waiting(world);
    deliver(world);
    world.disk.write('a', 20);
    expect(await turn()).toBeUndefined();
    expect(world.work.ledger.pending.has(n('a'))).toBe(true);
    deliver(world);
    expect(await turn()).toEqual({ kind: 'flushed' });
  });

  it('ends when it is gone on both sides', async () => {
    const world = withOne();
    const { turn } = waiting(world);
    deliver(world);
    world.disk.remove('a');
    expect(await turn()).toBeUndefined();
    world.work.ledger.gone(n('a'));
    world.work.ledger.settled(n('a'));
    expect(await turn()).toEqual({ kind: 'flushed' });
  });

  it('does not wait for what is noted after it began', async () => {
    const world = withOne();
    const { turn } = waiting(world);
    world.work.ledger.note(world.disk.write('later'));
    deliver(world);
    expect(await turn()).toEqual({ kind: 'flushed' });
  });
});

describe('what fails', () => {
  it('has failed, or at its second try where it should pass', async () => {
    for (const [failure, tries] of [
      [NO, 1],
      [{ ...NO, isPassing: true }, 2],
    ] as const) {
      const world = withOne();
      const { turn } = waiting(world);
      for (let i = 1; i <= tries; i++) {
        expect(await turn()).toBeUndefined();
        world.work.ledger.failed(n('a'), failure);
      }
      expect(await turn()).toEqual({ kind: 'failed', names: [['a', failure]] });
    }
  });

  it('and had failed before is tried once more where that is wanted', async () => {
    for (const triesAgain of [true, false]) {
      const world = withOne();
      world.work.ledger.failed(n('a'), NO);
      const { turn } = waiting(world, { triesAgain });
      if (triesAgain) {
        expect(await turn()).toBeUndefined();
        world.work.ledger.failed(n('a'), NO);
      }
      expect(await turn()).toMatchObject({ kind: 'failed' });
    }
  });
});

it('nobody waits for what is paused, nor who is gone', async () => {
  const paused = waiting(withOne(), { isPaused: true });
  expect(await paused.turn()).toEqual({ kind: 'paused' });
  const gone = new AbortController();
  const left = waiting(withOne(), { gone });
  expect(await left.turn()).toBeUndefined();
  gone.abort();
  expect(await left.turn()).toEqual({ kind: 'gone' });
});

it('it is looked by itself, too, where no turn ends', async () => {
  const world = withOne();
  const { flushes, turn } = waiting(world);
  expect(await turn()).toBeUndefined();
  flushes.brought(n('a'), plusMs(SINCE, 1));
  const before = vi.getTimerCount();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([before > 0, await turn()]).toEqual([true, { kind: 'flushed' }]);
});
