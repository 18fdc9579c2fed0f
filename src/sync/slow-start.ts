import { msSince, steadyNow } from '../clock.js';
import type { SteadyMs } from '../core/clock.js';
import type { Report } from '../core/event.js';
import { largeDirectories } from '../core/filter/large.js';
import type { Name } from '../core/name.js';
import type { Entry } from '../core/sync/entry.js';
import { SLOW_START_MS } from '../core/sync/policy.js';
import { inSlices } from '../slice.js';

/** Tells, once, what makes the first full pass slow where it is: directories that are perhaps not needed there. */
export class SlowStart {
  readonly #report: Report;
  readonly #target: string;
  /** When the first try began. */
  #beganMs: SteadyMs | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(report: Report, target: string) {
    this.#report = report;
    this.#target = target;
  }

  /** A full pass has begun; `differing`: what is to be sent. */
  begin(differing: () => Iterable<readonly [Name, Entry]>): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#beganMs ??= steadyNow();
    this.#timer = setTimeout(() => void this.#tell(differing), Math.max(0, SLOW_START_MS - msSince(this.#beganMs)));
  }

  /** It has ended: done, or to be tried again. */
  end(isDone: boolean): void {
    clearTimeout(this.#timer);
    this.#isOver ||= isDone;
  }

  async #tell(differing: () => Iterable<readonly [Name, Entry]>): Promise<void> {
    this.#isOver = true;
    const directories = await inSlices(largeDirectories(differing()));
    const ms = this.#beganMs === undefined ? 0 : msSince(this.#beganMs);
    if (directories.length > 0) this.#report({ kind: 'slowStart', target: this.#target, ms, directories });
  }
}
