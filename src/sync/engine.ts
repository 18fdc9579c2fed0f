import debounce from 'debounce';
import PQueue from 'p-queue';
import { steadyNow, wallNow } from '../clock.js';
import { msBetween, type SteadyMs, type WallMs } from '../core/clock.js';
import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import type { Summary } from '../core/summary.js';
import type { BatchLimits, Effect, End, Notice } from '../core/sync/effects.js';
import { type Entry, isSettled, type Seen } from '../core/sync/entry.js';
import type { BatchOver, Input, PassKind, PassOver } from '../core/sync/inputs.js';
import { JOIN_MS } from '../core/sync/policy.js';
import { step } from '../core/sync/schedule.js';
import { isBusy, isPassing, isUp, mayNote, owesPass, type Policy, type State, schedule } from '../core/sync/state.js';
import type { Outstanding } from '../hooks/hooks.js';
import type { Link, LinkEvent, LinkState, LinkUser } from '../link/link.js';
import { differences } from '../scan/look.js';
import { Scanner } from '../scan/scanner.js';
import { takeSnapshot } from '../scan/snapshot.js';
import type { Listing } from '../scan/walk.js';
import { Slice } from '../slice.js';
import type { DirectoryEvent, DirectoryUser } from '../watch/directory.js';
import { Flush, type FlushEnd } from './flush.js';
import { dryRun, type PassOptions, type PassParts } from './full-pass.js';
import { Leftovers } from './leftovers.js';
import { LongPaths, TOO_LONG } from './long-paths.js';
import { Mistakes } from './mistakes.js';
import { Runner, type RunnerOptions } from './runner.js';
import { followRules, makePass, sendBatch, sendLarge } from './turn.js';
import type { PassWork } from './work.js';

type Given = Omit<PassWork, 'runner' | 'leftovers' | 'mistakes' | 'onBrought' | 'onRemoved'>;

export interface EngineOptions extends RunnerOptions, Given {
  readonly policy: Policy;
  readonly pass: PassParts;
  readonly link: Pick<Link<unknown>, 'wake' | 'nudge'> & { readonly state: Pick<LinkState, 'kind'> };
  /** To be told of everything that was read of the disk: what goes back to the watcher. */
  readonly noteListing: (listing: Listing) => void;
  /** Whether what is not there any more was surely there: not where it was only taken for it. */
  readonly checksRemovals: boolean;
  /** Some of what is here can't be read just now, and why. */
  readonly onShort: (why: string) => void;
}

/**
 * One target's engine. Whatever happens comes into one inbox, {@link take}; the schedule decides, and what it asks for is done
 * here. No decision is made here.
 *
 * ```
 *   watcher: hints, doubts, rules, root ─┐                       ┌─► look: scan/scanner ─listings─► ledger (what waits) ─► inbox
 *   link: up, down ──────────────────────┼─► inbox ─► schedule ──┼─► run: debounce, queue(1) ─► batch, pass ─► rsync ──► inbox
 *   somebody asks: socket, signal ───────┤                       ├─► wait: a timer ──────────────────────────────────► inbox
 *   a run, a look, a timer has ended ────┘                       └─► tell, end
 * ```
 * The queue holds no names, only turns: at each turn the names that wait are looked at on the disk, and what rsync did
 * is checked against the disk again. A change that comes at any moment in between keeps its name waiting. Large files have a
 * queue(1) of their own beside it, so that a small save never waits for them.
 */
export class Engine implements LinkUser, DirectoryUser {
  /** Resolves when it is over, with the reason; nothing begins after that. */
  readonly over: Promise<End>;
  readonly #options: EngineOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #bulk = new PQueue({ concurrency: 1 });
  readonly #abort = new AbortController();
  readonly #runner: Runner;
  readonly #work: PassWork;
  readonly #scanner: Scanner;
  readonly #long = new LongPaths();
  readonly #quiet: ReturnType<typeof debounce<() => void>>;
  readonly #inbox: Input[] = [];
  #state: State;
  #timer: NodeJS.Timeout | undefined;
  #end: (end: End) => void = () => {};
  /** Who waits for names, for the end of the next turn, and for the pass that is owed. */
  readonly #flushes = new Set<Flush>();
  #turnEnds: Array<() => void> = [];
  #passEnds: Array<(failure: Failure | undefined) => void> = [];

  constructor(options: EngineOptions) {
    const { ledger, disk, filter, rules, rootIsThere, onShort } = options;
    this.#options = options;
    this.#state = schedule(options.policy);
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    const leftovers = new Leftovers(ledger);
    this.#runner = new Runner(options, this.#abort.signal, (result, beganMs) => leftovers.note(result, beganMs));
    const runner = this.#runner;
    this.#work = {
      ...options,
      runner,
      leftovers,
      mistakes: new Mistakes(ledger, runner, options),
      onBrought: (name, lookedMs) => {
        for (const flush of this.#flushes) flush.brought(name, lookedMs);
      },
      onRemoved: (name) => {
        if (options.checksRemovals) this.take({ kind: 'removedThere', name });
      },
    };
    this.#scanner = new Scanner({
      disk,
      filter,
      index: () => ledger.index,
      onListing: (listing) => this.#compare(listing),
      rootIsThere,
      refreshRules: () => rules.refresh(),
      onShort,
      isHeld: () => !isUp(this.#state.phase),
    });
    this.#quiet = debounce(() => this.take({ kind: 'quiet' }), JOIN_MS);
  }

  /** How things stand. */
  get state(): State {
    return this.#state;
  }

  /** Whether anything runs, or is about to. */
  get isBusy(): boolean {
    return isBusy(this.#state) || this.#queue.pending > 0;
  }

  /** The inbox: what comes while something is done has to wait. */
  take(input: Input): void {
    if (this.#inbox.push(input) > 1) return;
    for (let [next] = this.#inbox; next !== undefined; [next] = this.#inbox) {
      const { pending } = this.#options.ledger;
      const now = { ms: steadyNow(), random: Math.random(), waits: pending, lastOutputMs: this.#runner.lastOutputMs };
      const [state, effects] = step(this.#state, next, now);
      this.#state = state;
      for (const effect of effects) this.#do(effect);
      this.#inbox.shift();
    }
  }

  #do(effect: Effect): void {
    const { ledger, link } = this.#options;
    switch (effect.do) {
      case 'join':
        this.#quiet();
        break;
      case 'wait':
        clearTimeout(this.#timer);
        if (effect.untilMs !== undefined)
          this.#timer = setTimeout(() => this.take({ kind: 'due' }), timerMs(effect.untilMs));
        break;
      case 'batch':
        this.#inTurn(this.#queue, async () => ({ kind: 'batchEnded', end: await this.#batch(effect) }));
        break;
      case 'bulk':
        this.#inTurn(this.#bulk, async () => ({ kind: 'bulkEnded', end: await sendLarge(this.#work, effect.name) }));
        break;
      case 'pass':
        this.#inTurn(this.#queue, async () => ({ kind: 'passEnded', end: await this.#pass(effect.pass) }));
        break;
      case 'followRules':
        this.#inTurn(this.#queue, async () => {
          await followRules(this.#work, (name) => this.#note(name));
          return { kind: 'rulesFollowed' };
        });
        break;
      case 'giveBack':
        for (const name of effect.names) ledger.giveBack(name);
        break;
      case 'look':
        void this.look().then(() => this.take({ kind: 'looked' }));
        break;
      case 'hurry':
        this.hurry();
        break;
      case 'probe':
        void link.wake().then(() => this.take({ kind: 'probed' }));
        break;
      case 'standbys':
        void this.#haveStandbys(effect.how);
        break;
      case 'passed':
        for (const end of this.#passEnds.splice(0)) end(effect.failure);
        break;
      case 'tell':
        this.#tell(effect.what);
        break;
      case 'end':
        this.#abort.abort();
        this.#quiet.clear();
        this.#scanner.stop();
        this.#end(effect.end);
        for (const end of this.#passEnds.splice(0)) end(undefined);
        break;
    }
  }

  /** Does this as the next in a queue, tells how it ended, and wakes those who wait for that. */
  #inTurn(queue: PQueue, job: () => Promise<Input>): void {
    void queue.add(async () => {
      if (this.#abort.signal.aborted) return;
      const ended = await job();
      this.take(ended);
      if (this.#state.bulk.running === undefined) void this.#options.ledger.tidy();
      this.#endTurns();
    });
  }

  #endTurns(): void {
    for (const end of this.#turnEnds.splice(0)) end();
  }

  #batch(limits: BatchLimits): Promise<BatchOver> {
    return sendBatch(this.#work, limits, (dirs) => this.#scanner.relist(dirs));
  }

  #pass(kind: PassKind): Promise<PassOver> {
    return makePass(this.#work, kind, this.#passOptions(kind));
  }

  #passOptions(kind: PassKind): PassOptions {
    return {
      ...this.#options.pass,
      isRescan: kind === 'rescan',
      isStopped: () => this.#abort.signal.aborted,
      onListing: (listing) => this.#noteListing(listing),
    };
  }

  async #haveStandbys(how: 'open' | 'close' | 'renew'): Promise<void> {
    const { standbys } = this.#runner;
    if (how !== 'open') await standbys.close();
    const mayOpen = how === 'open' || (isUp(this.#state.phase) && !this.#abort.signal.aborted);
    if (how !== 'close' && mayOpen) standbys.open();
  }

  #tell(what: Notice): void {
    const { report, ledger, rsync } = this.#options;
    const target = rsync.target.label;
    const waiting = ledger.pending.size;
    switch (what.kind) {
      case 'inSync':
        report({ ...what, target, names: ledger.index.size });
        break;
      case 'trouble':
        report({ ...what, target, waiting });
        break;
      case 'removedThere':
        report({ ...what, target });
        break;
      case 'waiting':
      case 'resumed':
        report({ kind: what.kind, target, waiting });
        break;
      case 'paused':
        report({ kind: what.kind, target });
        this.#endTurns();
        break;
    }
  }

  #noteListing(listing: Listing): void {
    const { noteListing, report, rsync } = this.#options;
    noteListing(listing);
    for (const name of this.#long.note(listing))
      report({ kind: 'pathFailed', target: rsync.target.label, name, failure: TOO_LONG });
  }

  /** Compares a listing with the index and notes what differs. */
  async #compare(listing: Listing): Promise<void> {
    this.#noteListing(listing);
    const { ledger, rsync } = this.#options;
    const settled = (was: Entry | undefined, now: Entry): boolean => isSettled(was, now, rsync.carriesMore);
    const slice = new Slice();
    for (const difference of differences(listing, ledger.index, settled)) {
      if (difference !== undefined) this.#note(...difference);
      if (slice.isOver) await slice.next();
    }
    for (const { name, decision } of listing.excluded)
      if (!decision.synced && decision.isUnsure === true && ledger.isUnknown(name)) this.#note(name);
  }

  /** Notes a name that may differ; `seen`: as this, where that is known. */
  #note(name: Name, seen?: Seen): void {
    const { ledger, disk } = this.#options;
    const { phase } = this.#state;
    if (disk.mounts.isAway(name)) return;
    if (isPassing(phase) && typeof seen === 'object') ledger.markInFlight(name, seen.type);
    if (!mayNote(this.#state, ledger.pending.size)) return;
    if (ledger.note(name, seen) || !isUp(phase)) this.take({ kind: 'noted' });
  }

  /** What the watcher tells of DIR. */
  handleDirectory(event: DirectoryEvent): void {
    switch (event.kind) {
      case 'watcherHints':
        this.#watcherHints(event);
        break;
      case 'hint':
        this.#scanner.hint(event.names);
        break;
      case 'doubt':
        void this.#scanner.walk();
        break;
      case 'blind':
        this.#scanner.setBlind(event.isBlind);
        break;
      case 'rulesChanged':
        this.take({ kind: 'rulesChanged' });
        void this.#scanner.walk();
        break;
      case 'rootBack':
        this.#rootBack(event.isReplaced);
        break;
      case 'woke':
        this.take({ kind: 'woke' });
        break;
    }
  }

  #watcherHints({ names, synced }: Extract<DirectoryEvent, { kind: 'watcherHints' }>): void {
    if (isUp(this.#state.phase)) {
      if (names.length > 0) this.#scanner.hint(names);
      return;
    }
    for (const name of synced) this.#note(name);
    if (synced.length > 0) this.#options.link.nudge();
  }

  #rootBack(isReplaced: boolean): void {
    const { ledger, rootIsThere } = this.#options;
    if (isReplaced) {
      ledger.forget();
      if (rootIsThere()) void ledger.save(); // what was remembered belongs to the other directory
    }
    this.take({ kind: 'rootBack' });
  }

  forgetBelow(dir: Name): Promise<void> {
    return this.#options.ledger.forgetBelow(dir);
  }

  get waiting(): number {
    return this.#options.ledger.pending.size;
  }

  handleLink(event: LinkEvent): void {
    this.take(event.kind === 'gaveUp' ? { kind: 'halt', failure: event.failure } : { kind: LINK[event.kind] });
  }

  runsUnderWay(): Promise<unknown> {
    return this.#runner.underWay();
  }

  /** The first full pass. Resolves when it is done, or with the failure when it broke `tries` times. */
  async begin(pass: 'full' | 'quick', tries = Number.POSITIVE_INFINITY): Promise<Failure | undefined> {
    const passed = new Promise<Failure | undefined>((resolve) => this.#passEnds.push(resolve));
    this.take({ kind: 'passWanted', pass, tries });
    this.#connected();
    const broken = await passed;
    if (!this.#abort.signal.aborted) this.#scanner.sweepRegularly();
    return broken;
  }

  /** Begins from what is here: where nothing is remembered, that is taken for delivered. */
  async beginFromHere(): Promise<void> {
    const { ledger, rules, disk, filter, rootIsThere } = this.#options;
    if (ledger.index.size === 0) {
      await rules.atRest();
      const { tree } = await takeSnapshot(disk, filter, (listing) => this.#noteListing(listing));
      await ledger.assume(tree.entries());
      if (rootIsThere()) await ledger.save();
    }
    this.#connected();
    await this.#scanner.walk();
    if (!this.#abort.signal.aborted) this.#scanner.sweepRegularly();
    this.take({ kind: 'inSyncWanted' });
  }

  #connected(): void {
    if (this.#options.link.state.kind === 'up') this.take({ kind: 'up' });
  }

  /** Tells what a full pass would do. */
  wouldDo(): Promise<Failure | undefined> {
    return this.#queue.add(() => dryRun(this.#work, this.#passOptions('full')));
  }

  /** Looks at the whole disk once more. */
  async look(): Promise<void> {
    if (this.#options.rootIsThere()) await this.#scanner.walk();
  }

  /** The same, beginning now or later. False where that was not to be had: no root, or nothing can be sent. */
  lookOnce(): Promise<boolean> {
    return this.#scanner.lookOnce();
  }

  /** Somebody waits: what backs off has its turn at once. */
  hurry(): void {
    this.#options.ledger.hurry();
    this.take({ kind: 'hurry' });
  }

  /** Waits until all names that wait now are there as they were at `sinceMs`, see {@link Flush}; nothing backs off meanwhile. */
  flush(sinceMs: WallMs, gone: AbortSignal): Promise<FlushEnd> {
    this.hurry();
    return this.#flush(sinceMs, gone, true);
  }

  /** What hooks wait for. */
  get outstanding(): Outstanding {
    const isUnknown = (): boolean => owesPass(this.#state) || isPassing(this.#state.phase);
    return {
      pending: this.#options.ledger.pending,
      isUnknown,
      turnEnded: () => this.#turnEnded(),
      caughtUp: async (gone) => {
        while (isUnknown() && !gone.aborted) await this.#turnEnded();
        const { kind } = await this.#flush(wallNow(), gone, false);
        return kind === 'flushed' || kind === 'failed';
      },
    };
  }

  #turnEnded(): Promise<void> {
    return new Promise((resolve) => this.#turnEnds.push(resolve));
  }

  async #flush(sinceMs: WallMs, gone: AbortSignal, triesAgain: boolean): Promise<FlushEnd> {
    const flush = new Flush(this.#options.ledger.pending, sinceMs, triesAgain);
    this.#flushes.add(flush);
    try {
      return await flush.ended(this.#work, {
        note: (name, seen) => this.#note(name, seen),
        isPaused: () => this.#state.phase.is === 'paused',
        next: () => this.#turnEnded(),
        gone,
      });
    } finally {
      this.#flushes.delete(flush);
    }
  }

  /** Sums, and what is not there. */
  get summary(): Summary {
    const { ledger } = this.#options;
    return { ...ledger.sums, unsent: [...ledger.unsent, ...this.#long.still(this.#options)] };
  }

  /** Ends at once what is under way, if it is not over yet; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.take({ kind: 'cut' });
    await Promise.all([this.#queue.onPendingZero(), this.#bulk.onPendingZero(), this.#runner.standbys.close()]);
  }
}

/** The longest time that a timer takes, in milliseconds; one that ends early asks again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const timerMs = (untilMs: SteadyMs): number => Math.min(Math.max(1, msBetween(steadyNow(), untilMs)), LONGEST_TIMER_MS);

/** What becomes of the link, as an input. */
const LINK = { up: 'up', lost: 'down', replaced: 'replaced' } as const;
