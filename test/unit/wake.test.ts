import { afterEach, describe, expect, it, vi } from 'vitest';
import { steadyMs, wallMs } from '../../src/core/clock.js';
import { sleptMs } from '../../src/core/sync/wake.js';
import { watchClock } from '../../src/watch/clock-watch.js';

const at = (wall: number, steady: number, activeMs = 0, cpuMs = activeMs) => ({
  wallMs: wallMs(wall),
  steadyMs: steadyMs(steady),
  activeMs,
  cpuMs,
});

describe('whether the machine was asleep', () => {
  it.each([
    ['two looks as they should be', at(0, 0), at(1_000, 1_000), 0],
    ['a busy machine', at(0, 0), at(4_000, 4_000), 0],
    ['lid closed for an hour: the steady clock stood still', at(0, 0), at(3_601_000, 1_000), 3_600_000],
    ['the process was stopped: both clocks went on', at(0, 0), at(8_000, 8_000), 7_000],
    ['it came late because it had so much to do itself', at(0, 0), at(60_000, 60_000, 59_000), 0],
    ['it was at work, and then stopped', at(0, 0, 100), at(10_000, 10_000, 1_100), 8_000],
    [
      'it was stopped at work: the loop counts that time, the processor does not',
      at(0, 0),
      at(8_000, 8_000, 7_500, 400),
      6_600,
    ],
    ['its threads were at work, and it was stopped', at(0, 0), at(8_000, 8_000, 10, 9_000), 6_990],
    ['the time of day set back', at(0, 0), at(-3_600_000, 1_000), 0],
  ])('%s', (_what, before, after, ms) => {
    expect(sleptMs(before, after, 1_000)).toBe(ms);
  });
});

describe('whoever compares the clocks', () => {
  afterEach(() => void vi.useRealTimers());

  it('tells of each sleep once', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const told: number[] = [];
    let wakes = 0;
    const look = watchClock(
      () => 0,
      (event) => void (event.kind === 'woke' && told.push(event.ms)),
      () => wakes++,
    );
    look();
    vi.setSystemTime(Date.now() + 3_600_000);
    look();
    look();
    expect([told.length, wakes]).toEqual([1, 1]);
    expect(told[0]).toBeGreaterThan(3_500_000);
  });
});
