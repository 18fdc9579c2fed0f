/** How failed things are tried again: a first delay that doubles with each try up to a ceiling, in milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** One path that could not be synced. Slow at the end: a permission there is rarely mended within a second. */
export const PATH_BACKOFF: Backoff = { firstMs: 1_000, maxMs: 60_000 };

/** A run that broke, or a connection that was lost. */
export const RUN_BACKOFF: Backoff = { firstMs: 1_000, maxMs: 30_000 };

/** A login that was refused: each try may count against the user there. */
export const LOGIN_BACKOFF: Backoff = { firstMs: 5_000, maxMs: 300_000 };

/** An rsync that was started ahead and ended by itself. Nothing waits for it. */
export const STANDBY_BACKOFF: Backoff = { firstMs: 1_000, maxMs: 300_000 };

/** How soon to look again for a root that was not there, in milliseconds. */
export const ROOT_AWAY_MS = 1_000;

/** The least time between two tries to log in that a change or a wake-up may bring about, in milliseconds. */
export const NUDGE_MS = 2_000;

/**
 * How long to wait before try number `attempt` (1 for the first repetition), in milliseconds. `random` in [0, 1) spreads
 * it over the upper half, so that many do not come back at once.
 */
export function delayMs(backoff: Backoff, attempt: number, random: number): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.max(0, attempt - 1));
  return Math.round(full / 2 + (full / 2) * random);
}
