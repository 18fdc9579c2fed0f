import { setTimeout as sleep } from 'node:timers/promises';
import { type Name, parentOf, ROOT } from '../core/name.js';
import { clearRules, fitsRule, inRuns } from '../core/rsync/rules.js';
import type { Steps } from '../core/steps.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import type { RsyncProcess } from '../rsync/run.js';
import { eachInSlices, inSlices } from '../slice.js';
import { clearRun } from './clear.js';
import type { Ledger } from './ledger.js';
import type { Runner } from './runner.js';

/** How long one waits to be told to begin, in milliseconds: what it is for may have come back, or syncwatch is paused. */
const WAITS_MS = 10_000;

/** While one tree is waited for, so many are started: with the first of it that is heard of, and when more of it is. */
const MOST_FORESEEN = 2;

/** What is deleted just now is looked at so often, so many milliseconds apart, until no more of it goes. */
const MOST_LOOKS = 4;
const LOOK_MS = 10;

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
  readonly #ledger: Pick<Ledger, 'index'>;
  readonly #start: Runner['startClear'];
  #waiting: Promise<Waiting | undefined> = NONE;
  /** Since one was taken, or dropped. */
  #foreseen = 0;
  /** Which one is the next. */
  #turn = 0;
  /** Those that were ended, until they are gone. */
  readonly #leaving = new Set<RsyncProcess>();

  constructor(ledger: Pick<Ledger, 'index'>, start: Runner['startClear']) {
    this.#ledger = ledger;
    this.#start = start;
  }

  /**
   * The same as {@link prepare} for the whole trees of which these names are heard of; but not each time that more is. `isGone`: of a
   * directory here.
   */
  async foresee(names: readonly Name[], isGone: (dir: Name) => boolean): Promise<void> {
    if (this.#foreseen++ >= MOST_FORESEEN) return;
    const turn = this.#turn;
    let before = 0;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      if (looks > 0) await sleep(LOOK_MS);
      const all = await inSlices(wholeTrees(this.#ledger.index, names, isGone));
      if (this.#turn !== turn) return; // it had its turn meanwhile
      if (all.length === before) return this.prepare(all.filter(fitsRule));
      before = all.length;
    }
  }

  /** Starts one for the first run that these names take, unless that is what waits. Resolves when it is started, or can't be. */
  async prepare(names: readonly Name[]): Promise<void> {
    this.#turn++;
    this.#waiting = this.#next(this.#waiting, names);
    await this.#waiting;
  }

  async #next(before: Promise<Waiting | undefined>, names: readonly Name[]): Promise<Waiting | undefined> {
    const old = await before;
    const [first = []] = await inSlices(inRuns(names));
    const run = clearRun(this.#ledger.index, first);
    const rules = await rulesOf(run);
    if (old?.process.isAlive() === true && isSame(old.rules, rules)) return old;
    this.#end(old);
    if (first.length === 0) return undefined;
    const process = await this.#start(run);
    return process && { rules, process, timer: setTimeout(() => this.#leave(process), WAITS_MS).unref() };
  }

  /** It, where it is for just these names, and alive. */
  async take(names: readonly Name[]): Promise<RsyncProcess | undefined> {
    const waiting = this.#waiting;
    const ready = await waiting;
    if (ready === undefined) return undefined;
    const rules = await rulesOf(clearRun(this.#ledger.index, names));
    if (!isSame(ready.rules, rules) || !ready.process.isAlive() || this.#waiting !== waiting) return undefined;
    this.#waiting = NONE;
    this.#foreseen = 0;
    this.#turn++;
    clearTimeout(ready.timer);
    return ready.process;
  }

  /** Ends it if nobody has taken it. Resolves when all that were ended are gone. */
  async drop(): Promise<void> {
    this.#foreseen = 0;
    await this.prepare([]);
    await Promise.all([...this.#leaving].map(({ ended }) => ended));
  }

  #end(waiting: Waiting | undefined): void {
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#leave(waiting.process);
  }

  #leave(process: RsyncProcess): void {
    this.#leaving.add(process);
    void process.ended.then(() => this.#leaving.delete(process));
    process.end();
  }
}

/** These names, those in the directories that are gone with them, and those directories. */
function* wholeTrees(
  index: ReadonlyIndex,
  names: readonly Name[],
  isGone: (dir: Name) => boolean,
): Steps<readonly Name[]> {
  const found = new Set<Name>();
  const known = new Map<Name, boolean>([[ROOT, false]]);
  for (const name of names) {
    yield;
    let top = name;
    for (let dir = parentOf(name); ; dir = parentOf(dir)) {
      const gone = known.get(dir) ?? isGone(dir);
      known.set(dir, gone);
      if (!gone) break;
      top = dir;
    }
    if (found.has(top)) continue;
    found.add(top);
    for (const [below] of index.below(top)) {
      yield;
      found.add(below);
    }
  }
  return [...found];
}

async function rulesOf({ names, isDir }: ReturnType<typeof clearRun>): Promise<ReadonlySet<string>> {
  const rules = new Set<string>();
  await eachInSlices(clearRules(names, isDir), (rule) => rules.add(rule));
  return rules;
}

/** Each is about one name, so that their order is nothing. */
const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((rule) => b.has(rule));
