/**
 * Every constant of how and when things are sent, in one place: the schedule, what rests and how it is batched read them
 * here. Times are in milliseconds.
 */

/**
 * A turn is taken when nothing was noted for so long, or at the latest after so long: this joins what one listing brings. How
 * long each name rests is decided by the disk (see restMs).
 */
export const JOIN_MS = 1;
export const LATEST_MS = 200;

/**
 * An empty file that was not empty is most often one that an editor has just truncated and is about to write: it rests this
 * long.
 */
export const EMPTIED_MS = 100;

/** A file that never rests is sent all the same after this long. */
export const LONGEST_REST_MS = 200;

/**
 * So many names at once, with something still being written, are a storm: a run now would only bring a part of it, and the
 * rest would wait behind that run. So it is waited out.
 */
export const STORM_NAMES = 50;

/**
 * How long nothing must have been written for a storm to be over: @parcel/watcher tells of its end 50 ms later
 * (docs/design.md#watching).
 */
export const STORM_QUIET_MS = 75;

/** How long anything waits for others to come: as long as @parcel/watcher holds a storm's events back. */
export const LONGEST_MS = 500;

/**
 * What is changed again within so long after it was sent is written all the time; so many times in a row it is sent at once all the
 * same (somebody who saves, an editor that does it by itself), and from then on after this long, which doubles up to the most.
 */
export const PACE_STEADY_MS = 1_000;
export const PACE_FREE = 5;
export const PACE_FIRST_MS = 500;
export const PACE_MOST_MS = 10_000;

/** Sending it takes at most this share of the time, if that is not longer apart than this: a database of gigabytes. */
export const PACE_SHARE = 0.2;
/** From the second time on, where it takes so long; what is sent faster than this is free the first few times. */
export const PACE_SLOW_MS = 2_000;
export const PACE_LONGEST_MS = 300_000;

/** With `--one-by-one`, from how many names that wait the one is taken. */
export const ONE_OF = 50;

/** A turn lists so many changed directories again, with so many names in each; for more it would take too long. */
export const RELIST_DIRS = 20;
export const RELIST_CHILDREN = 1_000;

/**
 * While the connection is gone at most so many names wait: the full pass that follows it finds the others again. About
 * 300 bytes each.
 */
export const MOST_WAITING = 50_000;

/** From so many on they leave it to that pass, which brings all at once; fewer go ahead of it. */
export const LEFT_TO_PASS = 2_000;

/** How long nothing must have been heard of before it is told how much waits for the connection. */
export const TELL_WAITING_MS = 500;

/** How long after a full pass because of something that was removed there the next such one may be. */
export const CHECK_PAUSE_MS = 10_000;

/**
 * How long after a lost connection came back to look again. What the kernel still had to send for the old one may arrive there
 * late (it goes on for up to 100 s for a process that is gone: tcp(7), tcp_orphan_retries), so that an rsync there ends its
 * work and puts an older version over a newer one.
 */
export const LATE_CHECKS_MS: readonly number[] = [20_000, 120_000];

/** When it has been asked to end: for how long rsync may say nothing then, and how often that is looked at. */
export const SILENCE_MS = 10_000;
export const SILENCE_LOOK_MS = 250;

/** And how long it may take without any rsync, with the last look at the disk for example: one that hangs is left alone. */
export const LAST_LOOK_MS = 300_000;

/** And for how long there may be no name less that waits, while they are still being sent: what goes on changing is not waited for. */
export const NO_FEWER_MS = 3_000;

/** And so many batches in a row without that. */
export const MOST_ROUNDS = 20;

/** After so long the first full sync is slow: it is told which directories make it so. */
export const SLOW_START_MS = 60_000;
