/** Two clocks: the time of day, and one that stands still while the machine sleeps (Linux, macOS). In milliseconds. */
export interface Clocks {
  readonly wallMs: number;
  readonly steadyMs: number;
  /** For how long this process was at work so far: who comes late because of that did not sleep. */
  readonly workedMs?: number;
}

/** A step of either clock by so much more than was expected is a sleep; less may be a busy machine. In milliseconds. */
const SLEPT_MS = 5_000;

/**
 * How long the machine, or only this process, has slept between two looks that should be `everyMs` apart; 0 if it has not.
 * A time of day that was set by hand looks the same, and costs no more than a needless check.
 */
export function sleptMs(before: Clocks, after: Clocks, everyMs: number): number {
  const worked = (after.workedMs ?? 0) - (before.workedMs ?? 0);
  const steady = after.steadyMs - before.steadyMs - everyMs - worked;
  const asleep = after.wallMs - before.wallMs - (after.steadyMs - before.steadyMs);
  const most = Math.max(steady, asleep);
  return most >= SLEPT_MS ? most : 0;
}
