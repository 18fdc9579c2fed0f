import { activeMs, steadyNow, wallNow } from '../clock.js';
import type { Report } from '../core/event.js';
import { type Clocks, sleptMs } from '../core/sync/wake.js';

/** How often the clocks are compared, in milliseconds: no event tells that the machine was asleep. */
export const CLOCK_CHECK_MS = 1_000;

/**
 * To be called every {@link CLOCK_CHECK_MS}: looks whether the machine was asleep, and calls `onWake` then. `cpuMs`: see
 * {@link Clocks}.
 */
export function watchClock(cpuMs: () => number, report: Report, onWake: () => void): () => void {
  const look = (): Clocks => ({
    wallMs: wallNow(),
    steadyMs: steadyNow(),
    activeMs: activeMs(),
    cpuMs: cpuMs(),
  });
  let before = look();
  return () => {
    const now = look();
    const ms = sleptMs(before, now, CLOCK_CHECK_MS);
    before = now;
    if (ms === 0) return;
    report({ kind: 'woke', ms });
    onWake();
  };
}
