/**
 * A computation that may take long, in small steps: at each `yield` whoever runs it may do something else first. So core/
 * stays pure and nobody holds the event loop: see inSlices.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Runs it through without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
