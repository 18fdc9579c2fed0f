import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { regularly } from '../../src/clock.js';
import {
  earliest,
  latest,
  msBetween,
  plusMs,
  type SteadyMs,
  steadyMs,
  type WallMs,
  wallMs,
} from '../../src/core/clock.js';

const wall = wallMs(1_700_000_000_000);
const steady = steadyMs(5_000);

describe('moments', () => {
  it('have an order, and a distance', () => {
    const later = plusMs(steady, 20);
    expect([msBetween(steady, later), later > steady, latest(steady, later), earliest(steady, later)]).toEqual([
      20,
      true,
      later,
      steady,
    ]);
  });

  it('of different clocks do not mix: `npm run types` fails where the compiler takes one of these', () => {
    // @ts-expect-error -- two clocks
    msBetween(wall, steady);
    // @ts-expect-error -- two clocks
    latest(steady, wall);
    // @ts-expect-error -- two clocks
    expect(wall < steady).toBe(false);
    // @ts-expect-error -- two clocks
    const ms = (a: WallMs, b: SteadyMs): number => a - b;
    // @ts-expect-error -- no moment, but how long something takes
    const until: SteadyMs = 20;
    expect([ms(wall, steady), until]).toEqual([1_699_999_995_000, 20]);
  });
});

describe('what is done regularly', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is done at the same moments, whenever it was begun, so that there are no more of them', () => {
    const moments: number[] = [];
    const note = (): void => void moments.push(performance.now());
    vi.advanceTimersByTime(100);
    const ends = [regularly(1_000, note)];
    vi.advanceTimersByTime(430);
    ends.push(regularly(1_000, note), regularly(2_000, note));
    vi.advanceTimersByTime(3_600);
    expect([...new Set(moments)]).toEqual([1_000, 2_000, 3_000, 4_000]);
    expect(moments).toHaveLength(4 + 4 + 2);
    for (const end of ends) end();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not done twice where a timer fires a little early, and goes on where it comes late or the job ends it', () => {
    let skewMs = 0;
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + skewMs);
    let count = 0;
    const end = regularly(1_000, () => {
      if (++count === 5) end();
    });
    skewMs = -3; // 997 where 1,000 is meant
    vi.advanceTimersByTime(1_000);
    expect(count).toBe(1);
    vi.advanceTimersByTime(900);
    expect(count).toBe(1);
    vi.advanceTimersByTime(200);
    expect(count).toBe(2);
    skewMs = 700;
    vi.advanceTimersByTime(3_000);
    expect(count).toBe(5);
    vi.advanceTimersByTime(5_000);
    expect([count, vi.getTimerCount()]).toEqual([5, 0]);
  });
});
