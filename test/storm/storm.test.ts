import { describe, expect, it } from 'vitest';
import { amount } from '../support/amount.js';
import { storm } from '../support/storm.js';

/** Always the same ones, so that a failing one can be run again by its number; `npm run soak` goes on for longer. */
const SEEDS = amount(1, 20);
const MS = amount(3_000, 10_000);

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a storm of changes', () => {
  it.each(upTo(SEEDS))('seed %i: once it is over both sides are equal', async (seed) => {
    const { running } = await storm(seed, MS, false);
    const kinds = running.events.map(({ event }) => event);
    expect(kinds.filter((kind) => ['halted', 'rootGone'].includes(kind))).toEqual([]);
  });
});
