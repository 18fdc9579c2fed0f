import debounce from 'debounce';
import PQueue from 'p-queue';
import { dispositionOf, type Failure } from '../core/failure.js';
import { ancestorsOf, type Name, ROOT } from '../core/name.js';
import type { Takes } from '../core/rsync/args.js';
import type { Summary } from '../core/summary.js';
import { type Entry, isSettled, type Seen } from '../core/sync/entry.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import type { ReadonlyPending } from '../core/sync/pending.js';
import { STORM_NAMES } from '../core/sync/rest.js';
import { delayMs, LINE_BACKOFF, ROOT_AWAY_MS } from '../core/sync/retry.js';
import { differences } from '../scan/look.js';
import type { Listing } from '../scan/walk.js';
import { eachInSlices, Slice } from '../slice.js';
import type { byRules as sortByRules } from '../state/remembered.js';
import { type BatchEnd, runBatch } from './batch.js';
import { Flush, type FlushEnd } from './flush.js';
import type { Ledger } from './ledger.js';
import { Leftovers } from './leftovers.js';
import { LongPaths, TOO_LONG } from './long-paths.js';
import { Mistakes } from './mistakes.js';
import { Runner, type RunnerOptions } from './runner.js';
import type { Work } from './work.js';

export interface LineOptions extends RunnerOptions, Omit<Work, 'runner' | 'leftovers' | 'mistakes' | 'onBrought'> {
  readonly oneByOne: boolean;
  /** Looks at these directories once more and tells {@link Line.compare}. */
  readonly relist: (dirs: readonly Name[]) => Promise<void>;
  readonly onHalt: (failure: Failure) => void;
}

/**
 * While the connection is gone at most so many names wait: the full pass that follows it finds the others again. About
 * 300 bytes each.
 */
const MOST_WAITING = 50_000;

/** From so many on they leave it to that pass, which brings all at once; fewer go ahead of it. */
const LEFT_TO_PASS = 2_000;

/**
 * A turn is taken when nothing was noted for so long, in milliseconds, or at the latest after so long: this joins what one
 * listing brings. How long each name rests is for the batch to say, by the disk (see restMs).
 */
const JOIN_MS = 1;
const LATEST_MS = 200;

/** A turn lists so many changed directories again, with so many names in each; for more it would take too long. */
const RELIST_DIRS = 20;
const RELIST_CHILDREN = 1_000;

/** With `--one-by-one`, from how many names that wait the one is taken. */
const ONE_OF = 50;

/**
 * One target's line: index → pending → debounce → queue(1) → batch → ledger. Large files have a queue(1) of their own
 * beside it, so that a small save never waits for them (not with `--one-by-one`).
 *
 * ```
 *            note()            quiet              run ends
 *   in sync ───────► waiting ───────► running ─────────────► in sync
 *                       ▲                │ failed: back off
 *                       └────────────────┘
 * ```
 * The queue holds no names, only turns: at each turn the names that wait are looked at on the disk, and what rsync did
 * is checked against the disk again. A change that comes at any moment in between keeps its name waiting.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #bulk = new PQueue({ concurrency: 1 });
  readonly #abort = new AbortController();
  readonly #ledger: Ledger;
  readonly #runner: Runner;
  readonly #work: Work;
  readonly #long = new LongPaths();
  readonly #quiet: ReturnType<typeof debounce<() => void>>;
  /** When a batch that does not get quiet is handed on all the same. */
  #latestMs: number | undefined;
  #wake: NodeJS.Timeout | undefined;
  /** Whether a turn of ours waits in the queue (a full pass there does not count). */
  #turnWaits = false;
  /** Runs that broke in a row, and when the next may be. */
  #breaks = 0;
  #resumeMs = 0;
  #wasSilent = false;
  /** Whether the next time that nothing waits is to be told, and since when it has been otherwise. */
  #owesInSync = false;
  #busySinceMs: number | undefined;
  #keepsStandbys = false;
  /** When to look again at what was not at rest. */
  #restedMs = 0;
  /** A full pass is to come: the connection was gone. */
  #passDue = false;
  /** A full pass goes on: rsync reads the disk by itself, and may take along what its walk has not seen. */
  #isPassing = false;
  /** The last trouble that was told, until a run gets through. */
  #told: string | undefined;
  /** Who waits for names, and for the end of the next turn. */
  readonly #flushes = new Set<Flush>();
  #turnEnds: Array<() => void> = [];
  /** The connection is gone, or somebody wants nothing sent for now: then the queue is paused. */
  #isHeld = true;
  #isPaused = false;
  /** Everything has its turn now, whether it has rested or not. */
  #draining = false;

  constructor(options: LineOptions) {
    this.#options = options;
    const onBrought = (name: Name, lookedMs: number): void => {
      for (const flush of this.#flushes) flush.brought(name, lookedMs);
    };
    const ledger = options.ledger;
    const leftovers = new Leftovers(ledger);
    const runner = new Runner(options, this.#abort.signal, (result, beganMs) => leftovers.note(result, beganMs));
    const mistakes = new Mistakes(ledger, runner, options);
    this.#ledger = ledger;
    this.#runner = runner;
    this.#work = { ...options, runner, leftovers, mistakes, onBrought };
    this.#quiet = debounce(() => this.#takeTurn('news'), JOIN_MS);
    this.#queue.pause();
  }

  get target(): string {
    return this.#options.rsync.target.label;
  }

  /** What is on the remote by our doing. */
  get index(): ReadonlyIndex {
    return this.#ledger.index;
  }

  get pending(): ReadonlyPending {
    return this.#ledger.pending;
  }

  get takes(): Takes {
    return this.#options.rsync.takes;
  }

  /** See looksSame. */
  get carriesMore(): boolean {
    return this.#options.rsync.carriesMore;
  }

  /** Whether deletions seen here are carried over. */
  get deletes(): boolean {
    return this.#options.deletes !== 'never';
  }

  get summary(): Summary {
    return { ...this.sums, unsent: [...this.#ledger.unsent, ...this.#long.still(this.#options)] };
  }

  /** The sums of it. */
  get sums(): Omit<Summary, 'unsent'> {
    return this.#ledger.sums;
  }

  /** The root is another one: nothing of what was delivered is ours to delete any more. */
  forget(): void {
    this.#ledger.forget();
  }

  /**
   * The rules have changed: what is excluded by now is left alone there, and what was so is no longer. Between runs, for what
   * one has under way enters the index.
   */
  followRules(byRules: () => ReturnType<typeof sortByRules>): Promise<void> {
    const follow = async (): Promise<void> => {
      const { excluded, wanted } = await byRules();
      await this.#work.mistakes.leaveAlone(excluded);
      await eachInSlices(wanted, (name) => {
        this.#ledger.takeUp(name);
        this.note(name);
      });
    };
    this.#ledger.hurry(); // what nobody knew may be known now
    return this.#queue.add(follow, { priority: 1 });
  }

  /** Tells what is here under paths that are too long. */
  noteLong(listing: Listing): void {
    for (const name of this.#long.note(listing))
      this.#options.report({ kind: 'pathFailed', target: this.target, name, failure: TOO_LONG });
  }

  /** Compares a listing with the index and notes what differs. */
  async compare(listing: Listing): Promise<void> {
    const settled = (was: Entry | undefined, now: Entry): boolean => isSettled(was, now, this.carriesMore);
    const slice = new Slice();
    for (const difference of differences(listing, this.index, settled)) {
      if (difference !== undefined) this.note(...difference);
      if (slice.isOver) await slice.next();
    }
    for (const { name, decision } of listing.excluded)
      if (!decision.synced && decision.isUnsure === true) this.noteUnsure(name);
  }

  /** Nobody knows yet whether a name that is here is excluded: it waits, if it is new. */
  noteUnsure(name: Name): void {
    if (this.index.get(name) === undefined && !this.pending.has(name)) this.note(name);
  }

  /** Notes a name that may differ; `seen`: as this, where that is known. */
  note(name: Name, seen?: Seen): void {
    const now = performance.now();
    if (this.#isPassing && typeof seen === 'object') this.#ledger.mayCome(name, seen.type);
    if (this.held) {
      if (this.#passDue && this.pending.size >= MOST_WAITING) return;
      this.#ledger.note(name, seen);
      return;
    }
    if (!this.#ledger.note(name, seen)) return;
    this.#latestMs ??= now + LATEST_MS;
    if (now >= this.#latestMs) this.#quiet.flush();
    else this.#quiet();
  }

  /** Lets the queue run: the connection is there. */
  resume(): void {
    this.#resumeMs = 0;
    this.#isHeld = false;
    if (this.#isPaused) return;
    this.#queue.start();
    if (this.#keepsStandbys) this.#runner.standbys.open();
    this.#takeTurn();
  }

  /** Sends nothing more until {@link unpause}; a run that is under way ends first. Changes collect. */
  pause(): void {
    this.#isPaused = true;
    this.#queue.pause();
    this.#bulk.pause();
    for (const end of this.#turnEnds.splice(0)) end();
  }

  unpause(): void {
    this.#isPaused = false;
    this.#bulk.start();
    if (!this.#isHeld) this.resume();
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  /** Whether rsync runs, or is about to. */
  get isBusy(): boolean {
    return this.#queue.pending > 0 || this.#bulk.pending > 0;
  }

  /** For how long the rsync that is under way has said nothing, in milliseconds; 0 where none is. */
  get silentMs(): number {
    return this.#runner.silentMs;
  }

  /** Resolves when the runs that are under way now have ended. */
  runsUnderWay(): Promise<unknown> {
    return this.#runner.underWay();
  }

  /** The last run broke because nothing came from the other side for as long as that may be. */
  get wasSilent(): boolean {
    return this.#wasSilent;
  }

  /** Waits until all names that wait now are there as they were at `sinceMs` (since 1970), see {@link Flush}. */
  async flush(sinceMs: number, gone: AbortSignal): Promise<FlushEnd> {
    const flush = new Flush(this, sinceMs);
    this.#flushes.add(flush);
    const next = (): Promise<void> => new Promise((resolve) => this.#turnEnds.push(resolve));
    try {
      this.#ledger.hurry();
      this.#takeTurn();
      return await flush.ended(this, this.#options, next, gone);
    } finally {
      this.#flushes.delete(flush);
    }
  }

  /** From now on the next rsync is started ahead, as long as the queue runs. */
  keepStandbys(): void {
    this.#keepsStandbys = true;
    if (!this.held) this.#runner.standbys.open();
  }

  /** Starts the standbys anew: they were started for another root or filter. */
  async renewStandbys(): Promise<void> {
    await this.#runner.standbys.close();
    if (this.#keepsStandbys && !this.held) this.#runner.standbys.open();
  }

  /** Holds the queue: the connection is gone. A run that is under way fails by itself. A full pass has to follow. */
  hold(): void {
    this.#passDue = true;
    this.#isHeld = true;
    this.#queue.pause();
    void this.#runner.standbys.close();
  }

  get held(): boolean {
    return this.#isHeld;
  }

  /** Runs `job` as the next turn of this line: no rsync of ours runs beside it. */
  turn<T>(job: (work: Work) => Promise<T>): Promise<T> {
    const alone = async (): Promise<T> => {
      this.#bulk.pause();
      await this.#bulk.onPendingZero();
      this.#isPassing = true;
      try {
        return await job(this.#work);
      } finally {
        this.#isPassing = false;
        void this.#ledger.tidy();
        if (!this.#isPaused) this.#bulk.start();
        this.#passDue = false;
        this.#takeTurn();
      }
    };
    return this.#queue.add(alone, { priority: 1 });
  }

  /** After a full pass: the next time that nothing waits is told, even if nothing was sent. */
  oweInSync(): void {
    this.#owesInSync = true;
    if (this.pending.size === 0) void this.#queue.add(async () => this.#afterTurn());
  }

  /** A run got through. */
  wentThrough(): void {
    this.#breaks = 0;
    this.#wasSilent = false;
    this.#told = undefined;
  }

  /** A run broke: backs off, or halts. Gives how long to wait before the next, or undefined to give up. */
  broke(failure: Failure): number | undefined {
    if (this.#abort.signal.aborted) return undefined;
    if (dispositionOf(failure) === 'halt') {
      this.#options.onHalt(failure);
      return undefined;
    }
    this.#wasSilent = failure.isSilence === true;
    const retryMs = delayMs(LINE_BACKOFF, ++this.#breaks, Math.random());
    this.#resumeMs = performance.now() + retryMs;
    // The first time a lost connection is the session's to tell: it hears it from the master.
    // Nor is what may pass worth a word: rsync gives up a whole run over what changes under it.
    const isOurs = (failure.kind !== 'connection' && failure.isPassing !== true) || this.#breaks > 1;
    if (isOurs && failure.message !== this.#told) {
      this.#told = failure.message;
      this.#options.report({ kind: 'trouble', target: this.target, failure, waiting: this.pending.size, retryMs });
    }
    return retryMs;
  }

  /** Resolves when nothing is left to do but what failed and backs off, or when {@link stop} is called. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#quiet.flush();
    while (!this.#abort.signal.aborted && !this.#queue.isPaused) {
      await this.#queue.onIdle();
      await this.#bulk.onIdle();
      if (this.pending.ready(performance.now(), 1).length === 0 || this.#breaks > 0) return;
      this.#takeTurn();
    }
  }

  /** Whether {@link stop} was called: nothing of it is worth going on with. */
  get isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Ends a run that is under way and takes no further turn. */
  async stop(): Promise<void> {
    this.#quiet.clear();
    clearTimeout(this.#wake);
    this.#abort.abort();
    this.#queue.clear();
    this.#bulk.clear();
    await Promise.all([this.#queue.onPendingZero(), this.#bulk.onPendingZero(), this.#runner.standbys.close()]);
  }

  /**
   * Queues a turn, unless one waits already; or waits until something is ready for one. News may change what is at rest
   * and are looked at at once, but not one by one in a storm.
   */
  #takeTurn(why: 'news' | 'due' = 'due'): void {
    this.#latestMs = undefined;
    if (this.#abort.signal.aborted || this.#turnWaits) return;
    clearTimeout(this.#wake);
    const now = performance.now();
    const next = this.pending.nextMs;
    if (next === undefined) return;
    const isLookDue = this.#draining || (why === 'news' && this.pending.size < STORM_NAMES);
    const at = Math.max(next, this.#resumeMs, isLookDue ? 0 : this.#restedMs);
    if (at > now) {
      this.#wake = setTimeout(() => this.#takeTurn(), at - now);
      return;
    }
    this.#turnWaits = true;
    void this.#queue.add(() => {
      this.#turnWaits = false;
      return this.#turn();
    });
  }

  async #turn(): Promise<void> {
    if (this.#passDue && this.pending.size >= LEFT_TO_PASS && !this.#draining) return;
    const now = performance.now();
    this.#busySinceMs ??= now;
    await this.#relistChanged(now);
    const { oneByOne } = this.#options;
    // One by one: the first one that is at rest, of some.
    const names = this.pending.ready(performance.now(), oneByOne ? ONE_OF : Number.POSITIVE_INFINITY);
    const end = await runBatch(this.#work, names, {
      mayRest: !this.#draining,
      mayPart: !this.#draining && !oneByOne,
      ...(oneByOne ? { most: 1 } : {}),
    });
    if (end.kind === 'done') {
      this.#restedMs = performance.now() + end.restMs;
      for (const name of end.bulk) this.#addBulk(name);
    }
    this.#heed(end);
    if (end.kind !== 'refused') this.#afterTurn();
  }

  /**
   * An atomic save, for example, shows its temporary file first, and the watcher tells of the rest only 50 ms later; but
   * a changed directory that waits for its turn already shows it all.
   */
  async #relistChanged(nowMs: number): Promise<void> {
    const dirs: Name[] = [];
    for (const name of this.pending.ready(nowMs, RELIST_DIRS * 10)) {
      const children = this.index.get(name)?.type === 'dir' ? this.index.children(name).size : Number.POSITIVE_INFINITY;
      if (children <= RELIST_CHILDREN) dirs.push(name);
    }
    if (dirs.length > 0 && dirs.length <= RELIST_DIRS) await this.#options.relist(dirs);
  }

  /** What backs off has its turn at once. */
  hurry(): void {
    this.#ledger.hurry();
  }

  /** Gives a large file a run of its own, beside the other turns. */
  #addBulk(name: Name): void {
    this.#ledger.take(name);
    void this.#bulk.add(async () => {
      if (!this.held && !this.#abort.signal.aborted) {
        this.#heed(await runBatch(this.#work, [name], { mayRest: false, mayPart: false }));
        // Its run has set the times of the directories above it, as they were when it began: other runs went on meanwhile.
        await this.#ledger.unsure([ROOT, ...ancestorsOf(name)]);
      }
      this.#ledger.giveBack(name);
      this.#afterTurn();
    });
  }

  #heed(end: BatchEnd): void {
    switch (end.kind) {
      case 'done':
        this.wentThrough();
        if (end.delivered) this.#owesInSync = true;
        break;
      case 'broken':
        this.broke(end.failure);
        break;
      case 'rootGone':
        this.#resumeMs = performance.now() + ROOT_AWAY_MS;
        break;
      case 'refused':
        this.#options.onHalt(end.failure);
        break;
    }
  }

  #afterTurn(): void {
    for (const end of this.#turnEnds.splice(0)) end();
    if (this.#bulk.pending === 0) void this.#ledger.tidy();
    if (this.pending.size > 0) this.#takeTurn();
    else if (!this.#owesInSync) this.#busySinceMs = undefined;
    else {
      const ms = this.#busySinceMs === undefined ? 0 : performance.now() - this.#busySinceMs;
      this.#owesInSync = false;
      this.#busySinceMs = undefined;
      this.#options.report({ kind: 'inSync', target: this.target, names: this.index.size, ms });
    }
  }
}
