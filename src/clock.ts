import { msBetween, type SteadyMs, steadyMs, type WallMs, wallMs } from './core/clock.js';

/** The time of day. */
export const wallNow = (): WallMs => wallMs(Date.now());

/** The clock that only goes on. */
export const steadyNow = (): SteadyMs => steadyMs(performance.now());

/** How many milliseconds have gone by since. */
export const msSince = (moment: SteadyMs): number => msBetween(moment, steadyNow());

/** For how long node's event loop was active so far, in milliseconds: away from its wait, or stopped meanwhile. */
export const activeMs = (): number => performance.eventLoopUtilization().active;

/**
 * Does something every so often until the function that this gives is called, at the same moments as all else that is done so: whole
 * multiples by the steady clock. Each moment at which a process that waits is woken costs more (100 µs) than the little that is to be done.
 */
export function regularly(everyMs: number, job: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = everyMs - (performance.now() % everyMs);
    // One that has fired a little early is not to come twice.
    timer = setTimeout(
      () => {
        wait();
        job();
      },
      Math.ceil(leftMs < everyMs / 10 ? leftMs + everyMs : leftMs),
    );
  };
  wait();
  return () => clearTimeout(timer);
}
