import { msBetween, type SteadyMs, steadyMs, type WallMs, wallMs } from './core/clock.js';

export const wallNow = (): WallMs => wallMs(Date.now());

export const steadyNow = (): SteadyMs => steadyMs(performance.now());

/** How many milliseconds have gone by since. */
export const msSince = (moment: SteadyMs): number => msBetween(moment, steadyNow());
