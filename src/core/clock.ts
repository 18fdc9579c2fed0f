/** Moments of one of two clocks, of which the compiler lets nobody compare or subtract two of different ones. */
interface Moment<Clock extends 'wall' | 'steady'> {
  readonly [CLOCK]: Clock;
}

declare const CLOCK: unique symbol;

/** By the time of day, as file stamps have it: at run time a number, of milliseconds since 1970. It may be set, and jump. */
export type WallMs = Moment<'wall'>;

/**
 * By the clock that only goes on, and stands still while the machine sleeps (Linux, macOS): performance.now(), at run time a
 * number of milliseconds.
 */
export type SteadyMs = Moment<'steady'>;

/** A moment by the time of day, from what the system gives: milliseconds since 1970. */
export const wallMs = (since1970: number): WallMs => since1970 as unknown as WallMs;

/** Before any file. */
export const EPOCH = wallMs(0);

/** A moment by the clock that only goes on, from what the system gives. */
export const steadyMs = (ms: number): SteadyMs => ms as unknown as SteadyMs;

/** Before anything that has happened. */
export const LONG_AGO = steadyMs(Number.NEGATIVE_INFINITY);

/** How many milliseconds it is from one moment to the other. */
export const msBetween = <C extends 'wall' | 'steady'>(from: Moment<C>, to: Moment<NoInfer<C>>): number =>
  (to as unknown as number) - (from as unknown as number);

/** The later one. */
export const latest = <C extends 'wall' | 'steady'>(a: Moment<C>, b: Moment<NoInfer<C>>): Moment<C> => (a < b ? b : a);

/** The earlier one. */
export const earliest = <C extends 'wall' | 'steady'>(a: Moment<C>, b: Moment<NoInfer<C>>): Moment<C> =>
  b < a ? b : a;

/** So many milliseconds after a moment. */
export const plusMs = <C extends 'wall' | 'steady'>(moment: Moment<C>, ms: number): Moment<C> =>
  ((moment as unknown as number) + ms) as unknown as Moment<C>;
