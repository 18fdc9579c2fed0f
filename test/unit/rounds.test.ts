import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { atMost, type Pace, Rounds } from '../../src/scan/rounds.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Rounds that take so long, at least 100 ms apart and in a twentieth of the time; and when each began. */
function rounds(tookMs: () => number, pace: Pace = atMost(100, 0.05)) {
  const beganMs: number[] = [];
  const startMs = performance.now();
  const some = new Rounds(pace, async () => {
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

it('one whose pace is a faster one by now comes as soon as by that, and as a first one would; never later', async () => {
  let waitMs = 10_000;
  const { some, beganMs } = rounds(
    () => 10,
    (tookMs) => (tookMs === 0 ? 100 : waitMs),
  );
  await vi.advanceTimersByTimeAsync(100 + 10);
  some.hurry(); // it is the same
  waitMs = 1_000;
  await vi.advanceTimersByTimeAsync(400);
  some.hurry();
  await vi.advanceTimersByTimeAsync(590);
  waitMs = 20_000;
  some.hurry();
  await vi.advanceTimersByTimeAsync(20);
  expect(beganMs).toEqual([100, 1_110]);
  await vi.advanceTimersByTimeAsync(8_000);
  waitMs = 1_000; // that is over
  some.hurry();
  const hurriedMs = 100 + 10 + 400 + 590 + 20 + 8_000;
  for (let i = 0; i < 11; i++) {
    await vi.advanceTimersByTimeAsync(10);
    some.hurry(); // however often
  }
  expect(beganMs).toEqual([100, 1_110, hurriedMs + 100]);
  some.stop();
  some.hurry();
  expect(vi.getTimerCount()).toBe(0);
});
