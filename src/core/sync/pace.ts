import { LONG_AGO, msBetween, plusMs, type SteadyMs } from '../clock.js';
import type { Name } from '../name.js';
import {
  PACE_FIRST_MS,
  PACE_FREE,
  PACE_LONGEST_MS,
  PACE_MOST_MS,
  PACE_SHARE,
  PACE_SLOW_MS,
  PACE_STEADY_MS,
} from './policy.js';

/** How it has gone with a name that was sent not long ago. */
interface Course {
  readonly endedMs: SteadyMs;
  /** How often it was sent in a row. */
  readonly times: number;
  /** How long it waits now, in milliseconds. */
  readonly intervalMs: number;
}

/**
 * What is written all the time (a log, a database) is sent at a pace: at once the first few times, then after a while that
 * doubles each time, and never more than a share of the time. Left alone for twice as long, it is like any other again.
 */
export class Pace {
  /** The one that was sent last comes last. */
  readonly #courses = new Map<Name, Course>();

  /** A run has had this name; `tookMs`: what of the run was for it. */
  sent(name: Name, beganMs: SteadyMs, endedMs: SteadyMs, tookMs: number): void {
    const was = this.#courses.get(name);
    const times = was !== undefined && msBetween(was.endedMs, beganMs) <= lastsMs(was) ? was.times + 1 : 1;
    this.#courses.delete(name);
    this.#courses.set(name, { endedMs, times, intervalMs: intervalMs(times, tookMs) });
    for (const [each, course] of this.#courses) {
      if (msBetween(course.endedMs, endedMs) <= lastsMs(course)) break;
      this.#courses.delete(each);
    }
  }

  /** When it may be sent again. */
  untilMs(name: Name): SteadyMs {
    const course = this.#courses.size === 0 ? undefined : this.#courses.get(name);
    return course === undefined || course.intervalMs === 0 ? LONG_AGO : plusMs(course.endedMs, course.intervalMs);
  }

  /** This once it does not wait. */
  free(name: Name): void {
    const course = this.#courses.get(name);
    if (course !== undefined && course.intervalMs > 0) this.#courses.set(name, { ...course, intervalMs: 0 });
  }
}

/** For how long after it was sent a change belongs to the same row. */
const lastsMs = ({ intervalMs }: Course): number => 2 * intervalMs + PACE_STEADY_MS;

function intervalMs(times: number, tookMs: number): number {
  const byTimes = times <= PACE_FREE ? 0 : Math.min(PACE_MOST_MS, PACE_FIRST_MS * 2 ** (times - PACE_FREE - 1));
  const isFree = times < 2 || (times <= PACE_FREE && tookMs < PACE_SLOW_MS);
  const byShare = isFree ? 0 : Math.min(PACE_LONGEST_MS, tookMs / PACE_SHARE - tookMs);
  return Math.max(byTimes, byShare < PACE_FIRST_MS ? 0 : byShare);
}
