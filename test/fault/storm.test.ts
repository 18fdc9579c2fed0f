import { describe, expect, it } from 'vitest';
import { storm } from '../support/storm.js';

/** In CI many; elsewhere enough to show that it works. `npm run soak` goes on for longer. */
const SEEDS = process.env['CI'] === undefined ? 2 : 20;
const FAULTY_SEEDS = process.env['CI'] === undefined ? 1 : 5;
const MS = 10_000;

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a storm of changes', () => {
  it.each(upTo(SEEDS))('seed %i: once it is over both sides are equal', async (seed) => {
    const { running } = await storm(seed, MS, false);
    const kinds = running.events.map(({ event }) => event);
    expect(kinds.filter((kind) => ['halted', 'rootGone'].includes(kind))).toEqual([]);
  });
});

describe('a storm of changes with faults in it', () => {
  it.each(upTo(FAULTY_SEEDS))('seed %i: once it is over both sides are equal', async (seed) => {
    const { faults } = await storm(seed, MS, true);
    expect(faults.length).toBeGreaterThan(0);
  });
});
