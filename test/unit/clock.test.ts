import { describe, expect, it } from 'vitest';
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
