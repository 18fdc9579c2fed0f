import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow, wallNow } from '../clock.js';
import { LONG_AGO, latest, plusMs, type SteadyMs, type WallMs } from '../core/clock.js';
import type { Item, Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { looseTextOf, type Name, ROOT } from '../core/name.js';
import type { RsyncSettings } from '../core/rsync/args.js';
import { type NamesOfRun, withoutLines } from '../core/rsync/complaints.js';
import { ALL_DONE, outcomeSteps } from '../core/rsync/exit.js';
import type { OutputLine } from '../core/rsync/output.js';
import { isFar } from '../core/rsync/rewrite.js';
import type { RsyncExit } from '../core/rsync/whole-run.js';
import type { SshAim } from '../core/ssh/exit.js';
import type { DeleteMode } from '../core/sync/batch.js';
import type { Entry } from '../core/sync/entry.js';
import { whyNoRoom } from '../descriptors.js';
import { type Distance, type RewriteWay, startRewrite } from '../rsync/rewrite.js';
import {
  inputOf,
  type LookingRun,
  NO_PROGRESS_MS,
  type RsyncProcess,
  type Run,
  runRsync,
  SLOW_LINK,
  SLOWEST_LINK,
  startClear,
  startRsync,
} from '../rsync/run.js';
import { type RunsUnderWay, type StandbyKind, Standbys } from '../rsync/standby.js';
import { inSlices } from '../slice.js';
import type { Begun } from './begun.js';
import { resolveDoubt } from './doubt.js';
import { type ReadRunOptions, type RunResult, readRun } from './read-run.js';
import { attempted, cutOff, isProven, itemsOf, type Rewritten } from './rewrite.js';

export interface RunnerOptions {
  readonly rsync: RsyncSettings;
  readonly aim: SshAim | undefined;
  readonly deletes: DeleteMode;
  readonly report: Report;
  /** Resolves when a new rsync can be started. */
  readonly wayThere: () => Promise<void>;
  /** How long a run may say nothing before it is ended, in milliseconds; see NO_PROGRESS_MS. */
  readonly noProgressMs?: number;
  /** Where there may be rewrites. */
  readonly rewrites?: RewriteWay | undefined;
  /** Those of all targets, where there are others. */
  readonly underWay?: RunsUnderWay;
}

export interface LookingOptions extends Omit<ReadRunOptions, 'onItem'> {
  /** The standbys that can take it; none where not given. */
  readonly suitable?: readonly StandbyKind[];
  /** One that has begun with just this run. */
  readonly ready?: RsyncProcess | undefined;
  /** Where it does not say how far it is within a file: how large the largest one is, in bytes. */
  readonly largestBytes?: number;
  /** It can go as a rewrite too: its files. See core/rsync/rewrite.ts. */
  readonly rewrites?: readonly Name[] | undefined;
}

export interface RunOptions extends LookingOptions {
  /** rsync has turned to this name; `was`: what was known of it before. */
  readonly onItem?: (item: Item, was: Entry | undefined) => void;
}

/** A standby is for speed only: so many descriptors have to be left for what is needed. */
const ROOM_BESIDE = 20;
const ROOM_BESIDE_REWRITE = 40;

/** So many rewrites in a row without a proof: it is left at that for this connection. */
const MOST_UNPROVEN = 3;

/** What there is too little of in the system may be there in a moment: so often, and so long apart, in milliseconds. */
const START_TRIES = 10;
const START_AGAIN_MS = 100;

/** What runs rsync: what changes something there has to be in the ledger before, {@link Ledger.begin}. */
export type Runs = Pick<Runner, 'run' | 'look'>;

/** Runs rsync for one target, with a standby where one is ready, and tells what it does. */
export class Runner {
  /** What was started ahead. Nothing before {@link Standbys.open}. */
  readonly standbys: Standbys;
  readonly #options: RunnerOptions;
  readonly #abort: AbortSignal;
  readonly #onEnd: (result: RunResult, beganMs: WallMs) => void;
  readonly #running = new Set<Promise<RsyncExit>>();
  /** When one of them said something last, or began; or until when it may well have nothing to say. */
  #lastOutputMs = LONG_AGO;
  readonly #distance: Distance = { rttMs: undefined };
  #unproven = 0;

  /** `onEnd`: a run has ended that began at `beganMs`. */
  constructor(options: RunnerOptions, abort: AbortSignal, onEnd: (result: RunResult, beganMs: WallMs) => void) {
    this.#options = options;
    this.#abort = abort;
    this.#onEnd = onEnd;
    this.standbys = new Standbys({
      kinds: options.rewrites === undefined ? ['plain', 'sure'] : ['plain', 'sure', 'rewrite'],
      start: (kind) => this.#startStandby(kind),
      isFar: () => isFar(this.#distance.rttMs),
      underWay: options.underWay ?? new Map(),
    });
  }

  #startStandby(kind: StandbyKind): RsyncProcess | undefined {
    const { rsync, rewrites } = this.#options;
    if (whyNoRoom(kind === 'rewrite' ? ROOM_BESIDE_REWRITE : ROOM_BESIDE) !== undefined) return undefined;
    if (kind !== 'rewrite') return startRsync(rsync, namesRun(this.#options, kind === 'sure'));
    return rewrites && startRewrite(rsync, rewrites, this.#distance, () => this.#debug('a rewrite waits'));
  }

  /**
   * Starts one for a run by rules that comes after others: it logs in meanwhile, and does nothing before {@link run} has it as `ready`.
   * Undefined where another run goes on beside those, which takes a session too, or there is no room: here, or there, as far as standbys tell.
   */
  async startClear(run: Extract<Run, { kind: 'clear' }>): Promise<RsyncProcess | undefined> {
    if (this.#running.size > 0 || this.standbys.count === 0 || whyNoRoom(ROOM_BESIDE) !== undefined) return undefined;
    return startClear(this.#options.rsync, run);
  }

  /** Resolves when the runs that are under way now have ended. */
  underWay(): Promise<unknown> {
    return Promise.allSettled(this.#running);
  }

  /**
   * When the runs under way said something last, or the last one began, or until when they may well have nothing to say; undefined
   * where there is none.
   */
  get lastOutputMs(): SteadyMs | undefined {
    return this.#running.size === 0 ? undefined : this.#lastOutputMs;
  }

  /** Runs one rsync that changes nothing there, and reads what it says. */
  async look(run: LookingRun, names: NamesOfRun, options: LookingOptions = {}): Promise<RunResult> {
    return this.#runReady(run, names, options);
  }

  /**
   * Runs one rsync and reads what it says. `names`: what the run is about. Where it leaves a doubt about names that are
   * listed, those get further runs, in halves, until each is proven or has failed alone.
   */
  async run(begun: Begun, names: NamesOfRun, options: RunOptions = {}): Promise<RunResult> {
    const beganMs = wallNow();
    const onItem = (item: Item): void => {
      options.onItem?.(item, begun.was(item.name));
      if (item.name !== ROOT) begun.turnedTo(item);
    };
    const result = await this.#runSurely(begun.run, names, { ...options, onItem });
    await begun.ended(result);
    this.#onEnd(result, beganMs);
    return result;
  }

  async #runSurely(run: Run, names: NamesOfRun, options: LookingOptions & ReadRunOptions): Promise<RunResult> {
    if (run.kind === 'clear' && this.#options.rsync.takes.deletions === 'none') return noneGone(run.names);
    const result = await this.#runReady(run, names, options);
    const { outcome } = result;
    if ((run.kind !== 'names' && run.kind !== 'clear') || outcome.kind === 'broken') return result;
    const again = (part: Run): Promise<RunResult> =>
      this.#runReady(part, names, { ...options, isSilent: true, rewrites: undefined, ready: undefined });
    return resolveDoubt(run, result, again, (text) => this.#debug(text));
  }

  /** As a rewrite, where it can go as one; undefined where it can't. What is not proven has to go the ordinary way after it. */
  async #rewrite(run: Run, options: LookingOptions & ReadRunOptions): Promise<Rewritten | undefined> {
    const { rewrites: files } = options;
    if (files === undefined || run.kind !== 'names') return undefined;
    const standby = this.standbys.take(['rewrite']);
    if (standby === undefined) return undefined;
    const { rsync, aim, report, noProgressMs } = this.#options;
    this.#debug(`rewrite ${standby.args.join(' ')}`);
    const beganMs = wallNow();
    const lines: OutputLine[] = [];
    const finish = { abort: this.#abort, noProgressMs };
    const finished = standby.finish(inputOf(run, 'none'), (line) => lines.push(line), finish);
    const exit = await this.#underWay(finished, 0);
    const end = { ...exit, stderr: withoutLines(exit.stderr, rsync.chatter) };
    if (isProven(end, lines, files)) {
      this.#unproven = 0;
      this.standbys.served();
      const { said, read } = readRun(run, options, rsync.target.label, report);
      for (const line of itemsOf(lines, run.names)) read(line);
      return { kind: 'proven', result: { ...said, outcome: ALL_DONE } };
    }
    this.#debug(`not proven (${end.code ?? end.signal}), so again: ${looseTextOf(end.stderr.trim() as Name)}`);
    if (++this.#unproven === MOST_UNPROVEN) this.standbys.drop('rewrite');
    const items = attempted(files);
    if (end.code !== 0) this.#onEnd(cutOff(end, aim, items), beganMs);
    return { kind: 'unproven', items };
  }

  async #runReady(run: Run, has: NamesOfRun, options: LookingOptions & ReadRunOptions): Promise<RunResult> {
    const rewritten = await this.#rewrite(run, options);
    if (rewritten?.kind === 'proven') return rewritten.result;
    const result = await this.#runOrdinary(run, has, options);
    // What became of them by the rewrite nobody knows where this run does not tell.
    const told = new Set(result.items.map(({ name }) => name));
    for (const item of rewritten?.items ?? []) if (!told.has(item.name)) options.onItem?.(item);
    return result;
  }

  /** A standby takes it where one that suits is ready; if that breaks before it has done anything, a fresh rsync takes over. */
  async #runOrdinary(run: Run, has: NamesOfRun, options: LookingOptions & ReadRunOptions): Promise<RunResult> {
    const standby = options.ready ?? this.standbys.take(options.suitable ?? []);
    const hadStandbys = standby !== undefined || this.standbys.count > 0;
    const first = await this.#runOnce(standby, run, has, options);
    const { outcome, items } = first;
    if (outcome.kind === 'finished') this.standbys.served();
    // Its connection was dead, or (MaxSessions) they took too many sessions.
    const isTheirFault =
      hadStandbys && outcome.kind === 'broken' && (outcome.failure.kind === 'connection' || first.wasKilled);
    if (!isTheirFault || items.length > 0 || this.#abort.aborted) return first;
    this.#debug('again without standbys');
    await this.standbys.retreat();
    return this.#runOnce(undefined, run, has, options);
  }

  async #runOnce(
    standby: RsyncProcess | undefined,
    run: Run,
    has: NamesOfRun,
    options: LookingOptions & ReadRunOptions,
  ): Promise<RunResult & { readonly wasKilled: boolean }> {
    const { rsync, aim } = this.#options;
    const { said, read } = readRun(run, options, rsync.target.label, this.#options.report);
    const onLine = (line: OutputLine): void => {
      this.#heard(options.largestBytes);
      read(line);
    };
    const exit = await this.#exitOf(standby, run, onLine, options.largestBytes);
    this.#debug(
      `rsync ended: ${exit.code ?? exit.signal}${exit.stderr === '' ? '' : `; ${looseTextOf(exit.stderr.trim() as Name)}`}`,
    );
    const end = { ...exit, stderr: withoutLines(exit.stderr, rsync.chatter) };
    const outcome = await inSlices(outcomeSteps(end, aim, placesOf(rsync), has, run.kind === 'pass'));
    return { ...said, outcome, wasKilled: exit.code === undefined };
  }

  async #exitOf(
    standby: RsyncProcess | undefined,
    run: Run,
    onLine: (line: OutputLine) => void,
    largestBytes = 0,
  ): Promise<RsyncExit> {
    const { rsync, noProgressMs = NO_PROGRESS_MS, wayThere } = this.#options;
    const finish = { abort: this.#abort, noProgressMs: noProgressMs + largestBytes / SLOWEST_LINK };
    if (standby !== undefined) {
      this.#debug(`standby ${standby.args.join(' ')}`);
      return this.#underWay(standby.finish(inputOf(run, rsync.takes.deletions), onLine, finish), largestBytes);
    }
    const rules = run.kind === 'pass' ? ` (${run.rules.length} rules)` : '';
    const onCommand = (args: readonly string[]): void => this.#debug(`rsync ${args.join(' ')}${rules}`);
    for (let tries = 1; ; tries++) {
      await wayThere();
      const exit = await this.#underWay(runRsync(rsync, run, onLine, { ...finish, onCommand }), largestBytes);
      if (exit.notStarted === undefined || tries === START_TRIES || this.#abort.aborted) return exit;
      await sleep(START_AGAIN_MS);
    }
  }

  #heard(largestBytes = 0): void {
    this.#lastOutputMs = latest(this.#lastOutputMs, plusMs(steadyNow(), largestBytes / SLOW_LINK));
  }

  async #underWay(run: Promise<RsyncExit>, largestBytes: number): Promise<RsyncExit> {
    if (this.#running.size === 0) this.#lastOutputMs = LONG_AGO;
    this.#heard(largestBytes);
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  #debug(text: string): void {
    this.#options.report({ kind: 'note', level: 'debug', text });
  }
}

const NO_DELETIONS: Failure = {
  kind: 'path',
  message: "it can't be deleted there: the rsync there takes no deletions",
  hint: 'Delete it there by hand, let the rsync there delete, or use --delete never.',
};

/** In the place of a run that would delete, where that is not to be had. */
const noneGone = (names: readonly Name[]): RunResult => ({
  outcome: {
    kind: 'finished',
    failed: new Map(names.map((name) => [name, NO_DELETIONS])),
    strays: new Map(),
    doubt: undefined,
  },
  items: [],
  kept: new Set(),
  deletedDirs: new Set(),
});

/** A run for names; its arguments are those of a standby too. */
export const namesRun = ({ deletes }: Pick<RunnerOptions, 'deletes'>, comparesContent: boolean) =>
  ({ kind: 'names', comparesContent, deleteMissing: deletes !== 'never', saysHowFar: comparesContent }) as const;

/** How each side's paths begin, for reading rsync's complaints. */
const placesOf = ({ root, target }: RsyncSettings): string[] =>
  [root, ...(target.path.startsWith('/') ? [target.path.replace(/\/+$/, '')] : [])].map((path) =>
    Buffer.from(`${path}/`, 'utf8').toString('latin1'),
  );
