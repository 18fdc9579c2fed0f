import { describe, expect, it, vi } from 'vitest';
import type { Failure } from '../../src/core/failure.js';
import {
  after,
  endOf,
  haltedBy,
  type Life,
  type LifeEnd,
  type LifeEvent,
  Lifetime,
  liveOf,
} from '../../src/sync/life.js';

const failure: Failure = { kind: 'guard', message: 'no' };
const ENDS: { readonly [Kind in LifeEnd['kind']]: Extract<LifeEnd, { kind: Kind }> } = {
  signal: { kind: 'signal', signal: 'SIGINT' },
  asked: { kind: 'asked' },
  moved: { kind: 'moved' },
  restarted: { kind: 'restarted' },
  done: { kind: 'done' },
  halted: { kind: 'halted', failure },
};
const { signal: end } = ENDS;
const LIVES: { readonly [Is in Life<string>['is']]: Extract<Life<string>, { is: Is }> } = {
  arriving: { is: 'arriving' },
  leaving: { is: 'leaving', end },
  working: { is: 'working', live: 'live' },
  draining: { is: 'draining', live: 'live', end },
  finishing: { is: 'finishing', live: 'live', end },
  closing: { is: 'closing', live: 'live', end },
  over: { is: 'over', live: 'live', end },
};
const EVENTS: Readonly<Record<LifeEvent<string>['kind'] | LifeEnd['kind'], LifeEvent<string>>> = {
  arrived: { kind: 'arrived', live: 'new' },
  through: { kind: 'through' },
  ends: { kind: 'ends', end },
  signal: { kind: 'ends', end: ENDS.signal },
  asked: { kind: 'ends', end: ENDS.asked },
  moved: { kind: 'ends', end: ENDS.moved },
  restarted: { kind: 'ends', end: ENDS.restarted },
  done: { kind: 'ends', end: ENDS.done },
  halted: { kind: 'ends', end: ENDS.halted },
};

/** What becomes of each; whatever is not in it changes nothing. */
const BECOMES: { readonly [Is in Life<string>['is']]: Partial<Record<keyof typeof EVENTS, Life<string>['is']>> } = {
  arriving: {
    arrived: 'working',
    signal: 'leaving',
    ends: 'leaving',
    asked: 'leaving',
    moved: 'leaving',
    restarted: 'leaving',
    done: 'over',
    halted: 'over',
  },
  leaving: { through: 'over' },
  working: {
    signal: 'draining',
    ends: 'draining',
    asked: 'draining',
    moved: 'closing',
    restarted: 'closing',
    done: 'finishing',
    halted: 'closing',
  },
  draining: { through: 'closing' },
  finishing: {
    through: 'closing',
    ends: 'closing',
    signal: 'closing',
    asked: 'closing',
    moved: 'closing',
    restarted: 'closing',
    done: 'closing',
    halted: 'closing',
  },
  closing: { through: 'over' },
  over: {},
};

describe('the life of a target', () => {
  const all = Object.values(LIVES).flatMap((life) =>
    (Object.keys(EVENTS) as Array<keyof typeof EVENTS>).map((event) => [life.is, event] as const),
  );
  it.each(all)('%s: %s', (is, event) => {
    const life = LIVES[is];
    const next = after<string>(life, EVENTS[event]);
    const becomes = BECOMES[is][event];
    if (becomes === undefined) expect(next).toBe(life);
    else expect(next.is).toBe(becomes);
  });

  it('keeps why it was to end first, whatever comes on the way', () => {
    const lifetime = new Lifetime<string>();
    lifetime.take({ kind: 'arrived', live: 'live' });
    lifetime.take({ kind: 'ends', end: ENDS.asked });
    for (const other of Object.values(ENDS)) lifetime.take({ kind: 'ends', end: other });
    expect(lifetime.now).toEqual({ is: 'draining', live: 'live', end: ENDS.asked });
  });

  it.each(Object.values(ENDS))('$kind: it is over after at most two steps more, whenever that comes', async (why) => {
    for (const isThere of [false, true]) {
      const lifetime = new Lifetime<string>();
      if (isThere) lifetime.take({ kind: 'arrived', live: 'live' });
      lifetime.take({ kind: 'ends', end: why });
      lifetime.take({ kind: 'through' });
      lifetime.take({ kind: 'through' });
      expect(lifetime.now).toEqual({ is: 'over', live: isThere ? 'live' : undefined, end: why });
      await lifetime.over;
    }
  });

  it('tells that it is over only then', async () => {
    const lifetime = new Lifetime<string>();
    const heard = vi.fn();
    void lifetime.over.then(heard);
    lifetime.take({ kind: 'arrived', live: 'live' });
    lifetime.take({ kind: 'ends', end: ENDS.done });
    lifetime.take({ kind: 'through' });
    await null;
    expect(heard).not.toHaveBeenCalled();
    lifetime.take({ kind: 'through' });
    await lifetime.over;
    expect(heard).toHaveBeenCalled();
  });

  it('has what works for it from its arrival on, and to the last', () => {
    const have = Object.values(LIVES).filter((life) => liveOf<string>(life) !== undefined);
    expect(have.map(({ is }) => is)).toEqual(['working', 'draining', 'finishing', 'closing', 'over']);
  });

  it('is to end in all but two of its phases, and says so at once', () => {
    const endless = Object.values(LIVES).filter((life) => endOf(life) === undefined);
    expect(endless.map(({ is }) => is)).toEqual(['arriving', 'working']);
    expect(haltedBy({ ...LIVES.closing, end: ENDS.halted })).toBe(failure);
    expect(haltedBy(LIVES.closing)).toBeUndefined();
    expect(haltedBy(LIVES.working)).toBeUndefined();
  });
});
