import type { Name } from '../core/name.js';
import { clearRules, inRuns } from '../core/rsync/rules.js';
import type { RsyncProcess } from '../rsync/run.js';
import { eachInSlices, inSlices } from '../slice.js';
import { clearRun } from './clear.js';
import type { Ledger } from './ledger.js';
import type { Runner } from './runner.js';

/** How long one waits to be told to begin, in milliseconds: what it is for may have come back, or syncwatch is paused. */
const WAITS_MS = 10_000;

/** While one tree is waited for, so many are started: with the first of it that is heard of, and when more of it is. */
const MOST_FORESEEN = 2;

/** One that waits, and what it would delete by. */
interface Waiting {
  readonly rules: ReadonlySet<string>;
  readonly process: RsyncProcess;
  readonly timer: NodeJS.Timeout;
}

const NONE = Promise.resolve(undefined);

/**
 * The next run by rules, started before its turn: no standby can take it, and so it logs in while what comes before it goes on, or while
 * the tree is still waited for. Its rules are fixed then; it is told to begin only where it would get the very same ones by now, and before
 * that it does nothing.
 */
export class ClearAhead {
  readonly #index: Pick<Ledger, 'index'>;
  readonly #start: Runner['startClear'];
  #waiting: Promise<Waiting | undefined> = NONE;
  /** Since one was taken, or dropped. */
  #foreseen = 0;

  constructor(ledger: Pick<Ledger, 'index'>, start: Runner['startClear']) {
    this.#index = ledger;
    this.#start = start;
  }

  /** The same as {@link prepare}, but these names may be only a part: not each time that more is heard of. */
  async foresee(names: readonly Name[]): Promise<void> {
    if (this.#foreseen++ < MOST_FORESEEN) await this.prepare(names);
  }

  /** Starts one for the first run that these names take, unless that is what waits. Resolves when it is started, or can't be. */
  async prepare(names: readonly Name[]): Promise<void> {
    this.#waiting = this.#next(this.#waiting, names);
    await this.#waiting;
  }

  async #next(before: Promise<Waiting | undefined>, names: readonly Name[]): Promise<Waiting | undefined> {
    const old = await before;
    const [first = []] = await inSlices(inRuns(names));
    const rules = await this.#rulesFor(first);
    if (old?.process.isAlive() === true && isSame(old.rules, rules)) return old;
    end(old);
    if (first.length === 0) return undefined;
    const process = await this.#start(clearRun(this.#index.index, first));
    return process && { rules, process, timer: setTimeout(() => process.end(), WAITS_MS).unref() };
  }

  /** It, where it is for just these names, and alive. */
  async take(names: readonly Name[]): Promise<RsyncProcess | undefined> {
    const waiting = this.#waiting;
    const ready = await waiting;
    if (ready === undefined || !isSame(ready.rules, await this.#rulesFor(names))) return undefined;
    if (!ready.process.isAlive() || this.#waiting !== waiting) return undefined;
    this.#waiting = NONE;
    this.#foreseen = 0;
    clearTimeout(ready.timer);
    return ready.process;
  }

  /** Ends it if nobody has taken it. Resolves when it is gone. */
  async drop(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = NONE;
    this.#foreseen = 0;
    const left = await waiting;
    end(left);
    await left?.process.ended;
  }

  async #rulesFor(names: readonly Name[]): Promise<ReadonlySet<string>> {
    const rules = new Set<string>();
    await eachInSlices(clearRules(names, clearRun(this.#index.index, names).isDir), (rule) => rules.add(rule));
    return rules;
  }
}

function end(waiting: Waiting | undefined): void {
  if (waiting === undefined) return;
  clearTimeout(waiting.timer);
  waiting.process.end();
}

/** Each is about one name, so that their order is nothing. */
const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((rule) => b.has(rule));
