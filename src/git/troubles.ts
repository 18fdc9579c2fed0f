import { msSince, steadyNow } from '../clock.js';
import { LONG_AGO } from '../core/clock.js';
import type { RulesTrouble } from '../core/event.js';
import { type Name, ROOT, textOf } from '../core/name.js';

/** How often git is tried again that has failed, in milliseconds. */
const TRY_AGAIN_MS = 2_000;

/** The repositories that can't be asked just now. One of them is told, and when that is another one, or none. */
export class Troubles {
  readonly #tell: (trouble: RulesTrouble | undefined) => void;
  readonly #all = new Map<Name, RulesTrouble>();
  #triedMs = LONG_AGO;

  constructor(tell: (trouble: RulesTrouble | undefined) => void) {
    this.#tell = tell;
  }

  get any(): boolean {
    return this.#all.size > 0;
  }

  /** That of the repository that begins at this directory. */
  of(dir: Name): RulesTrouble | undefined {
    return this.#all.get(dir);
  }

  /** Whether it is time to try them again: then it is not for a while. */
  takeTurn(): boolean {
    if (!this.any || msSince(this.#triedMs) < TRY_AGAIN_MS) return false;
    this.#triedMs = steadyNow();
    return true;
  }

  set(dir: Name, trouble: RulesTrouble | undefined): void {
    const before = this.#first();
    if (trouble === undefined) this.#all.delete(dir);
    else this.#all.set(dir, trouble);
    if (this.any) this.#triedMs = steadyNow();
    const now = this.#first();
    if (now?.why !== before?.why || now?.newNames !== before?.newNames) this.#tell(now);
  }

  /** The one that is told. */
  #first(): RulesTrouble | undefined {
    for (const [dir, { why, newNames }] of this.#all)
      return { why: dir === ROOT ? why : `${textOf(dir)}: ${why}`, newNames };
    return undefined;
  }
}
