import { describe, expect, it } from 'vitest';
import { amount } from '../support/amount.js';
import { storm } from '../support/storm.js';

/** As in storm.test.ts. */
const SEEDS = amount(1, 5);
const MS = amount(3_000, 10_000);

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a storm of changes with faults in it', () => {
  it.each(upTo(SEEDS))('seed %i: once it is over both sides are equal', async (seed) => {
    const { faults } = await storm(seed, MS, true);
    expect(faults.length).toBeGreaterThan(0);
  });
});
