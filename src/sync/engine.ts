import PQueue from 'p-queue';
import { steadyNow, wallNow } from '../clock.js';
import { msBetween, type WallMs } from '../core/clock.js';
import type { Failure } from '../core/failure.js';
import type { Summary } from '../core/summary.js';
import type { BatchLimits, End } from '../core/sync/effects.js';
import type { BatchOver, Input, PassKind, PassOver } from '../core/sync/inputs.js';
import { isBusy, isPassing, isUp, owesPass, type Policy, type State, turnOf } from '../core/sync/state.js';
import type { Outstanding } from '../hooks/hooks.js';
import type { Link, LinkState, LinkUser } from '../link/link.js';
import { Scanner } from '../scan/scanner.js';
import { SeenWaiting } from '../scan/seen-waiting.js';
import { takeSnapshot } from '../scan/snapshot.js';
import type { DirectoryUser } from '../watch/directory-event.js';
import { ClearAhead } from './clear-ahead.js';
import { dryRun } from './dry-run.js';
import { Findings, type FindingsOptions } from './findings.js';
import { type FlushEnd, Flushes } from './flush.js';
import type { PassOptions, PassParts } from './full-pass.js';
import { Inbox, type Order } from './inbox.js';
import { Leftovers } from './leftovers.js';
import { Mistakes } from './mistakes.js';
import { eventOf } from './notices.js';
import { Runner, type RunnerOptions } from './runner.js';
import { SlowStart } from './slow-start.js';
import { Sources } from './sources.js';
import { followRules, makePass, sendBatch, sendLarge } from './turn.js';
import type { PassWork } from './work.js';

type Given = Omit<PassWork, 'runner' | 'clearAhead' | 'leftovers' | 'mistakes' | 'seen' | 'onBrought' | 'onRemoved'>;

export interface EngineOptions extends RunnerOptions, Given, Pick<FindingsOptions, 'noteListing'> {
  readonly policy: Policy;
  readonly pass: PassParts;
  readonly link: Pick<Link<unknown>, 'wake' | 'nudge'> & { readonly state: Pick<LinkState, 'kind'> };
  /** Whether what is not there any more was surely there: not where it was only taken for it. */
  readonly checksRemovals: boolean;
  /** Some of what is here can't be read just now, and why. */
  readonly onShort: (why: string) => void;
}

/**
 * One target's engine. Whatever happens comes into one inbox, {@link take}; the schedule decides, and what it orders is carried
 * out here. No decision is made here.
 *
 * ```
 *   sources: watcher (hints, doubts, rules, root) ─┐                   ┌─► look: scanner ─listings─► findings ─► ledger (what waits)
 *            link (up, down)                       ├─► inbox ─► orders ┼─► run: queue(1) ─► batch, pass ─► rsync
 *   somebody asks: socket, signal ─────────────────┤   schedule,       ├─► tell: notices ─► events
 *   a run or a look has ended, a name is noted ────┘   timers          └─► end
 * ```
 * The queue holds no names, only turns: at each turn the names that wait are looked at on the disk, and what rsync did
 * is checked against the disk again. A change that comes at any moment in between keeps its name waiting. Large files have a
 * queue(1) of their own beside it, so that a small save never waits for them.
 */
export class Engine {
  /** Resolves when it is over, with the reason; nothing begins after that. */
  readonly over: Promise<End>;
  /** What the watcher and the link are to be attached to. */
  readonly sources: LinkUser & DirectoryUser;
  readonly #options: EngineOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #bulk = new PQueue({ concurrency: 1 });
  readonly #abort = new AbortController();
  readonly #runner: Runner;
  readonly #work: PassWork;
  readonly #scanner: Scanner;
  readonly #inbox: Inbox;
  readonly #findings: Findings;
  readonly #flushes: Flushes;
  readonly #slowStart: SlowStart;
  #end: (end: End) => void = () => {};
  #toldWaiting = 0;
  /** Who waits for the pass that is owed. */
  #passEnds: Array<(failure: Failure | undefined) => void> = [];

  constructor(options: EngineOptions) {
    const { ledger, disk, filter, rules, rootIsThere, onShort } = options;
    this.#options = options;
    this.#slowStart = new SlowStart(options.report, options.rsync.target.label);
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    const leftovers = new Leftovers(ledger);
    this.#runner = new Runner(options, this.#abort.signal, (result, beganMs) => leftovers.note(result, beganMs));
    const runner = this.#runner;
    const now = () => ({ waits: ledger.pending, lastOutputMs: runner.lastOutputMs });
    this.#inbox = new Inbox(options.policy, now, (order) => this.#carryOut(order));
    const seen = new SeenWaiting({ disk, ledger });
    const findings = new Findings({ ...options, seen }, this.#inbox);
    this.#findings = findings;
    this.#flushes = new Flushes(options, {
      note: (name, seen) => findings.note(name, seen),
      hurry: () => {
        options.ledger.hurryPaced();
        this.#inbox.take({ kind: 'quiet' });
      },
      isPaused: () => this.state.phase.is === 'paused',
    });
    this.#work = {
      ...options,
      seen,
      runner,
      clearAhead: new ClearAhead(ledger, (run) => runner.startClear(run)),
      leftovers,
      mistakes: new Mistakes(ledger, runner, options),
      onBrought: (name, lookedMs) => this.#flushes.brought(name, lookedMs),
      onRemoved: (name) => {
        if (options.checksRemovals) this.take({ kind: 'removedThere', name });
      },
    };
    this.#scanner = new Scanner({
      disk,
      filter,
      index: () => ledger.index,
      onListing: (listing) => findings.compare(listing),
      rootIsThere,
      refreshRules: (how) => (how === 'now' ? rules.refresh() : rules.refreshAtPace()),
      onShort,
      isHeld: () => !isUp(this.state.phase),
      // A pass may bring it as it is meanwhile: it is looked at each time.
      waiting: (name) => (isPassing(this.state.phase) ? undefined : seen.ofNew(name)),
      isSending: () => turnOf(this.state.phase)?.kind === 'batch',
    });
    this.sources = new Sources(options, { inbox: this.#inbox, scanner: this.#scanner, findings, runner });
  }

  /** How things stand. */
  get state(): State {
    return this.#inbox.state;
  }

  /** Whether anything runs, or is about to. */
  get isBusy(): boolean {
    return isBusy(this.state) || this.#queue.pending > 0;
  }

  /** Whatever happens, and whatever is asked for. */
  take(input: Input): void {
    this.#inbox.take(input);
  }

  #carryOut(order: Order): void {
    const { ledger, link, report, rsync } = this.#options;
    switch (order.do) {
      case 'batch':
        this.#inTurn(this.#queue, async () => ({ kind: 'batchEnded', end: await this.#batch(order) }));
        break;
      case 'bulk':
        this.#inTurn(this.#bulk, async () => ({ kind: 'bulkEnded', end: await sendLarge(this.#work, order.name) }));
        break;
      case 'pass':
        this.#inTurn(this.#queue, async () => ({ kind: 'passEnded', end: await this.#pass(order.pass) }));
        break;
      case 'followRules':
        this.#inTurn(this.#queue, async () => {
          await followRules(this.#work, (name) => this.#findings.note(name));
          return { kind: 'rulesFollowed' };
        });
        break;
      case 'giveBack':
        for (const name of order.names) ledger.giveBack(name);
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
        void this.#haveStandbys(order.how);
        break;
      case 'passed':
        for (const end of this.#passEnds.splice(0)) end(order.failure);
        break;
      case 'tell':
        report(eventOf(order.what, rsync.target.label, ledger));
        if (order.what.kind === 'paused') this.#flushes.endTurn();
        break;
      case 'end':
        this.#abort.abort();
        this.#scanner.stop();
        this.#end(order.end);
        for (const end of this.#passEnds.splice(0)) end(undefined);
        break;
    }
  }

  /** Does this as the next in a queue, tells how it ended, and wakes those who wait for that. */
  #inTurn(queue: PQueue, job: () => Promise<Input>): void {
    void queue.add(async () => {
      if (this.#abort.signal.aborted) return;
      this.#tellStands();
      const ended = await job();
      this.take(ended);
      this.#tellStands();
      if (this.state.bulk.running === undefined) void this.#options.ledger.tidy();
      this.#flushes.endTurn();
    });
  }

  /** How much waits, where that is worth a word: not for a single save, which is over before anybody has read it. */
  #tellStands(): void {
    const { ledger, report, rsync } = this.#options;
    const { pending, failedCount: failed } = ledger;
    const waiting = pending.size <= 1 && failed === 0 ? 0 : pending.size;
    if (waiting === this.#toldWaiting && failed === 0) return;
    this.#toldWaiting = waiting;
    const { nextRetryMs } = pending;
    const retryMs = nextRetryMs === undefined ? undefined : Math.max(0, msBetween(steadyNow(), nextRetryMs));
    report({ kind: 'stands', target: rsync.target.label, waiting, failed, retryMs });
  }

  #batch(limits: BatchLimits): Promise<BatchOver> {
    return sendBatch(this.#work, limits, (dirs) => this.#scanner.relist(dirs));
  }

  async #pass(kind: PassKind): Promise<PassOver> {
    const over = await makePass(this.#work, kind, this.#passOptions(kind));
    this.#slowStart.end(over.kind !== 'broken' && over.kind !== 'rootGone');
    return over;
  }

  #passOptions(kind: PassKind): PassOptions {
    return {
      ...this.#options.pass,
      isRescan: kind === 'rescan',
      onBegun: (differing) => this.#slowStart.begin(differing),
      isStopped: () => this.#abort.signal.aborted,
      onListing: (listing) => this.#findings.noteListing(listing),
    };
  }

  async #haveStandbys(how: 'open' | 'close' | 'renew'): Promise<void> {
    const { standbys } = this.#runner;
    if (how !== 'open') await standbys.close();
    const mayOpen = how === 'open' || (isUp(this.state.phase) && !this.#abort.signal.aborted);
    if (how !== 'close' && mayOpen) standbys.open();
  }

  /** The first full pass. Resolves when it is done, or with the failure when it broke `tries` times. */
  async begin(pass: 'full' | 'quick', tries = Number.POSITIVE_INFINITY): Promise<Failure | undefined> {
    const passed = new Promise<Failure | undefined>((resolve) => this.#passEnds.push(resolve));
    this.take({ kind: 'passWanted', pass, tries });
    this.#connected();
    const broken = await passed;
    if (this.#abort.signal.aborted) return broken;
    // It may have written nothing, and the first save is not to wait for that.
    if (pass === 'quick') void this.#options.ledger.beReady();
    this.#scanner.sweepRegularly();
    return broken;
  }

  /** Begins from what is here: where nothing is remembered, that is taken for delivered. */
  async beginFromHere(): Promise<void> {
    const { ledger, rules, disk, filter, rootIsThere } = this.#options;
    if (ledger.index.size === 0) {
      await rules.atRest();
      const { tree } = await takeSnapshot(disk, filter, (listing) => this.#findings.noteListing(listing));
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

  /** Somebody is about to run something there: what is only for later waits for that. */
  giveWay(): void {
    this.#runner.standbys.giveWay();
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

  /** Waits until all names that wait now are there as they were at `sinceMs`, see {@link Flushes.flush}; nothing backs off meanwhile. */
  async flush(sinceMs: WallMs, gone: AbortSignal): Promise<FlushEnd> {
    this.hurry();
    const end = await this.#flushes.flush(sinceMs, gone, true);
    this.#runner.standbys.goOn();
    return end;
  }

  /** What hooks wait for. */
  get outstanding(): Outstanding {
    const isUnknown = (): boolean => owesPass(this.state) || isPassing(this.state.phase);
    return {
      pending: this.#options.ledger.pending,
      isUnknown,
      turnEnded: () => this.#flushes.turnEnded(),
      caughtUp: async (gone) => {
        while (isUnknown() && !gone.aborted) await this.#flushes.turnEnded();
        const { kind } = await this.#flushes.flush(wallNow(), gone, false);
        return kind === 'flushed' || kind === 'failed';
      },
    };
  }

  /** Sums, and what is not there. */
  get summary(): Summary {
    const { ledger } = this.#options;
    return { ...ledger.sums, unsent: [...ledger.unsent, ...this.#findings.tooLong] };
  }

  /** Ends at once what is under way, if it is not over yet; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.take({ kind: 'cut' });
    await Promise.all([this.#queue.onPendingZero(), this.#bulk.onPendingZero(), this.#runner.standbys.close()]);
    await this.#work.clearAhead.drop();
  }
}
