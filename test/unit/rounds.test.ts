import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Rounds } from '../../src/scan/rounds.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Rounds that take so long, at least 100 ms apart and in a twentieth of the time; and when each began. */
function rounds(tookMs: () => number) {
  const beganMs: number[] = [];
  const startMs = performance.now();
  const some = new Rounds(100, 0.05, async () => {
    beganMs.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, tookMs()));
  });
  some.start();
  some.start(); // once is enough
  return { some, beganMs };
}

it('rounds are so far apart, and further where they take long', async () => {
  let tookMs = 1;
  const { some, beganMs } = rounds(() => tookMs);
  await vi.advanceTimersByTimeAsync(250);
  expect(beganMs).toEqual([100, 201]);
  tookMs = 50;
  await vi.advanceTimersByTimeAsync(1_300);
  expect(beganMs).toEqual([100, 201, 302, 302 + 50 + 1_000]);
  some.stop();
});

it('none begins after it was stopped, in the middle of one either, until it is started again', async () => {
  const { some, beganMs } = rounds(() => 50);
  await vi.advanceTimersByTimeAsync(120);
  some.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(beganMs).toEqual([100]);
  some.start();
  await vi.advanceTimersByTimeAsync(100);
  expect(beganMs).toHaveLength(2);
  some.stop();
});
