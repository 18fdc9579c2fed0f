import { msBetween, type SteadyMs, steadyMs, type WallMs, wallMs } from './core/clock.js';

/** The time of day. */
export const wallNow = (): WallMs => wallMs(Date.now());

/** The clock that only goes on. */
export const steadyNow = (): SteadyMs => steadyMs(performance.now());

/** How many milliseconds have gone by since. */
export const msSince = (moment: SteadyMs): number => msBetween(moment, steadyNow());

/** For how long node's event loop was active so far, in milliseconds: away from its wait, or stopped meanwhile. */
export const activeMs = (): number => performance.eventLoopUtilization().active;
