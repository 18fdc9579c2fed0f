import { msBetween, type SteadyMs, type WallMs } from '../clock.js';

/** Both clocks at once. */
export interface Clocks {
  readonly wallMs: WallMs;
  readonly steadyMs: SteadyMs;
  /** For how long the event loop has been away from its wait so far. It goes on while a process is stopped at work. */
  readonly activeMs?: number;
  /** The processor time that this process and its threads have used so far. */
  readonly cpuMs?: number;
}

/** A step of either clock by so much more than was expected is a sleep; less may be a busy machine. In milliseconds. */
const SLEPT_MS = 5_000;

/** Who comes late because of its own work did not sleep: the loop was active, and the processor says so too. */
function workedMs(before: Clocks, after: Clocks): number {
  const active = (after.activeMs ?? 0) - (before.activeMs ?? 0);
  const cpu = (after.cpuMs ?? 0) - (before.cpuMs ?? 0);
  return Math.min(active, cpu);
}

/**
 * How long the machine, or only this process, has slept between two looks that should be `everyMs` apart; 0 if it has not.
 * A time of day that was set by hand looks the same, and costs no more than a needless check.
 */
export function sleptMs(before: Clocks, after: Clocks, everyMs: number): number {
  const steady = msBetween(before.steadyMs, after.steadyMs) - everyMs - workedMs(before, after);
  const asleep = msBetween(before.wallMs, after.wallMs) - msBetween(before.steadyMs, after.steadyMs);
  const most = Math.max(steady, asleep);
  return most >= SLEPT_MS ? most : 0;
}
