import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RsyncProcess } from '../../src/rsync/run.js';
import { type RunsUnderWay, type StandbyKind, Standbys } from '../../src/rsync/standby.js';
import type { Ended } from '../../src/spawn.js';

/** A process whose end the test decides. */
interface Fake extends RsyncProcess {
  readonly kind: StandbyKind;
  ready: boolean;
  unfit: boolean;
  readonly wasEnded: () => boolean;
  exit(): Promise<void>;
}

function fake(kind: StandbyKind): Fake {
  let alive = true;
  let asked = false;
  let resolve: (ended: Ended) => void = () => {};
  const ended = new Promise<Ended>((done) => {
    resolve = done;
  });
  const exit = async (): Promise<void> => {
    alive = false;
    resolve({ kind: 'exited', code: 0 });
    await ended;
  };
  const one: Fake = {
    kind,
    ready: true,
    unfit: false,
    isReady: () => one.ready,
    isUnfit: () => one.unfit,
    args: [],
    ended,
    isAlive: () => alive,
    finish: () => Promise.reject(new Error('not used here')),
    end: () => {
      asked = true;
      void exit();
    },
    wasEnded: () => asked,
    exit,
  };
  return one;
}

/** A pool of fakes, opened, and all that were started in it. */
function pool(
  kinds: readonly StandbyKind[] = ['plain', 'sure'],
  isFar = false,
  underWay: RunsUnderWay = new Map(),
): { standbys: Standbys; started: Fake[] } {
  const started: Fake[] = [];
  const start = (kind: StandbyKind): Fake => {
    const one = fake(kind);
    started.push(one);
    return one;
  };
  const standbys = new Standbys({ kinds, start, isFar: () => isFar, underWay });
  standbys.open();
  return { standbys, started };
}

const kinds = (started: readonly Fake[]): StandbyKind[] => started.map(({ kind }) => kind);

describe('the standbys', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(1); // the longest waits
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('are replaced when runs to other targets are over, or take long', async () => {
    for (const isFar of [false, true]) {
      const underWay: RunsUnderWay = new Map();
      const [one, other] = [pool(['plain'], isFar, underWay), pool(['plain'], isFar, underWay)];
      one.standbys.take(['plain']);
      other.standbys.take(['plain']);
      await one.started[0]?.exit();
      await vi.advanceTimersByTimeAsync(200);
      expect([one.started.length, other.started.length]).toEqual([1, 1 + Number(isFar)]);
      await other.started[0]?.exit();
      await vi.advanceTimersByTimeAsync(40);
      expect([one.started.length, other.started.length]).toEqual([2, 2]);
      expect(underWay.size).toBe(0);
      one.standbys.take(['plain']);
      other.standbys.take(['plain']); // never ends
      await one.started[1]?.exit();
      await vi.advanceTimersByTimeAsync(380);
      expect(one.started.length).toBe(2);
      await vi.advanceTimersByTimeAsync(100);
      expect(one.started.length).toBe(3);
      await Promise.all([one.standbys.close(), other.standbys.close()]);
    }
  });

  it('are one of each kind, handed out once, and replaced when the run has ended', async () => {
    const { standbys, started } = pool();
    expect(kinds(started)).toEqual(['plain', 'sure']);
    const taken = standbys.take(['plain']);
    expect(taken).toBe(started[0]);
    expect(standbys.take(['plain'])).toBeUndefined();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(2); // its run goes on
    await started[0]?.exit();
    await vi.advanceTimersByTimeAsync(100);
    expect(kinds(started)).toEqual(['plain', 'sure', 'plain']);
    expect(standbys.take(['plain', 'sure'])).toBe(started[1]); // the older one
    expect(standbys.take(['plain', 'sure'])).toBe(started[2]);
    expect(standbys.count).toBe(0);
  });

  it('are replaced when they get old, and not before', async () => {
    const { started } = pool();
    await vi.advanceTimersByTimeAsync(29 * 60_000);
    expect(started).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2 * 60_000);
    expect(started.map((one) => one.wasEnded())).toEqual([true, true, false, false]);
  });

  it('that were handed out get no older: their run is not ended', async () => {
    const { standbys, started } = pool(['plain']);
    await vi.advanceTimersByTimeAsync(29 * 60_000);
    const taken = standbys.take(['plain']);
    expect(taken).toBe(started[0]);
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    expect(taken?.isAlive()).toBe(true);
    expect(started.map((one) => one.wasEnded())).toEqual([false]);
  });

  it('that die by themselves are replaced, later each time, until one has served', async () => {
    const { standbys, started } = pool();
    const diesAgain = async (waitMs: number): Promise<void> => {
      const count = started.length;
      await started.at(-1)?.exit();
      await vi.advanceTimersByTimeAsync(waitMs - 10);
      expect(started).toHaveLength(count);
      await vi.advanceTimersByTimeAsync(20);
      expect(started).toHaveLength(count + 1);
    };
    await diesAgain(1_000);
    await diesAgain(2_000);
    await diesAgain(4_000);
    standbys.served();
    await diesAgain(1_000);
  });

  it('that are dead already are not handed out, but replaced', async () => {
    const { standbys, started } = pool();
    void started[0]?.exit();
    expect(standbys.take(['plain', 'sure'])).toBe(started[1]);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(kinds(started)).toEqual(['plain', 'sure', 'plain']);
  });

  it('are replaced as soon as they are taken where the other side is far away', async () => {
    const { standbys, started } = pool(['plain', 'sure'], true);
    standbys.take(['plain']);
    await vi.advanceTimersByTimeAsync(20);
    expect(kinds(started)).toEqual(['plain', 'sure', 'plain']);
    await started[0]?.exit();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(3);
  });

  it('are replaced a little later after a single save where another one is left', async () => {
    const { standbys, started } = pool();
    standbys.take(['plain', 'sure']);
    await started[0]?.exit();
    await vi.advanceTimersByTimeAsync(240);
    expect(started).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(20);
    expect(kinds(started)).toEqual(['plain', 'sure', 'plain']);
  });

  it('are replaced at once when the last one that would do is taken, and while one save follows the other', async () => {
    const { standbys, started } = pool();
    standbys.take(['plain', 'sure']);
    await started[0]?.exit();
    await vi.advanceTimersByTimeAsync(100);
    standbys.take(['plain', 'sure']); // whose run goes on
    await vi.advanceTimersByTimeAsync(30);
    expect(kinds(started)).toEqual(['plain', 'sure', 'plain']);
    await started[1]?.exit();
    await vi.advanceTimersByTimeAsync(30);
    expect(kinds(started)).toEqual(['plain', 'sure', 'plain', 'sure']);
    standbys.take(['plain', 'sure']);
    await started[2]?.exit();
    await vi.advanceTimersByTimeAsync(30);
    expect(started).toHaveLength(5);
  });

  it('are replaced at once where none would do for the next, or one went during the run', async () => {
    const alone = pool();
    alone.standbys.take(['plain']);
    await alone.started[0]?.exit();
    await vi.advanceTimersByTimeAsync(30);
    expect(alone.started).toHaveLength(3);
    await alone.standbys.close();

    const both = pool();
    both.standbys.take(['plain', 'sure']);
    both.standbys.take(['plain', 'sure']);
    await Promise.all(both.started.map((one) => one.exit()));
    await vi.advanceTimersByTimeAsync(30);
    expect(both.started).toHaveLength(4);
    await both.standbys.close();

    const none = pool();
    none.standbys.take(['plain', 'sure']);
    await none.started[0]?.exit();
    expect(none.standbys.take(['plain'])).toBeUndefined();
    await vi.advanceTimersByTimeAsync(30);
    expect(none.started).toHaveLength(3);
  });

  it('are replaced when what somebody waited for is there, unless something is about to run', async () => {
    for (const runs of [false, true]) {
      const { standbys, started } = pool();
      standbys.take(['plain', 'sure']);
      if (runs) standbys.giveWay();
      await started[0]?.exit();
      standbys.goOn();
      await vi.advanceTimersByTimeAsync(5);
      expect(started).toHaveLength(runs ? 2 : 3);
      await vi.advanceTimersByTimeAsync(250);
      expect(started).toHaveLength(3);
      await standbys.close();
    }
  });

  it('give way to whoever is about to run something, for a second at the most', async () => {
    const { standbys, started } = pool();
    standbys.take(['plain', 'sure']);
    await started[0]?.exit();
    await vi.advanceTimersByTimeAsync(100);
    standbys.giveWay();
    await vi.advanceTimersByTimeAsync(290);
    expect(started).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(20);
    expect(started).toHaveLength(3);
    standbys.giveWay(); // nothing is left to hold back
    await vi.advanceTimersByTimeAsync(10);
    expect(started).toHaveLength(3);
    standbys.take(['plain', 'sure']);
    await started[1]?.exit();
    for (let ms = 0; ms < 990; ms += 110) {
      expect(started).toHaveLength(3);
      await vi.advanceTimersByTimeAsync(110);
      standbys.giveWay();
    }
    await vi.advanceTimersByTimeAsync(20);
    expect(started).toHaveLength(4);
  });

  it('that have time come no sooner than all where they make room', async () => {
    const { standbys, started } = pool();
    standbys.take(['plain', 'sure']);
    await started[0]?.exit();
    await vi.advanceTimersByTimeAsync(10);
    void standbys.retreat();
    standbys.giveWay();
    expect(standbys.take(['plain', 'sure'])).toBeUndefined();
    await vi.advanceTimersByTimeAsync(900);
    expect(started).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(standbys.count).toBe(2);
  });

  it('that have time are none once closed, and there again once opened', async () => {
    const { standbys, started } = pool();
    standbys.take(['plain', 'sure']);
    await started[0]?.exit();
    await vi.advanceTimersByTimeAsync(10);
    await standbys.close();
    standbys.giveWay();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(2);
    standbys.open();
    expect(standbys.count).toBe(2);
  });

  it('that are not ready yet are left alone', () => {
    const { standbys, started } = pool(['rewrite']);
    const [one] = started;
    if (one === undefined) throw new Error('none was started');
    one.ready = false;
    expect(standbys.take(['rewrite'])).toBeUndefined();
    one.ready = true;
    expect(standbys.take(['rewrite'])).toBe(one);
  });

  it('of a kind that is of no use are tried again much later', async () => {
    const { started } = pool(['rewrite']);
    const [one] = started;
    if (one === undefined) throw new Error('none was started');
    one.unfit = true;
    await one.exit();
    await vi.advanceTimersByTimeAsync(29 * 60_000);
    expect(started).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2 * 60_000);
    expect(started).toHaveLength(2);
  });

  it('of a kind that was dropped are none until they are opened again', async () => {
    const { standbys, started } = pool(['plain', 'rewrite']);
    standbys.drop('rewrite');
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(kinds(started).filter((kind) => kind === 'rewrite')).toHaveLength(1);
    await standbys.close();
    standbys.open();
    expect(kinds(started).filter((kind) => kind === 'rewrite')).toHaveLength(2);
  });

  it('make room for a while', async () => {
    const { standbys, started } = pool();
    void standbys.retreat();
    expect(started.map((one) => one.wasEnded())).toEqual([true, true]);
    expect(standbys.count).toBe(0);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(standbys.count).toBe(2);
  });

  it('are gone when closed, also those that were just about to start', async () => {
    const { standbys, started } = pool();
    standbys.take(['plain']);
    await started[0]?.exit();
    await standbys.close();
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(started).toHaveLength(2);
    expect(started[1]?.wasEnded()).toBe(true);
    standbys.open();
    expect(standbys.count).toBe(2);
  });
});
