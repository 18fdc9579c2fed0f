import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow, wallNow } from '../clock.js';
import { LONG_AGO, type SteadyMs, type WallMs } from '../core/clock.js';
import type { Item, Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { childOf, looseTextOf, type Name, ROOT } from '../core/name.js';
import type { RsyncSettings } from '../core/rsync/args.js';
import { type NamesOfRun, withoutLines } from '../core/rsync/complaints.js';
import { isInDoubt, type Outcome, outcomeSteps, type RsyncExit } from '../core/rsync/exit.js';
import type { OutputLine } from '../core/rsync/output.js';
import type { SshAim } from '../core/ssh/exit.js';
import type { DeleteMode } from '../core/sync/batch.js';
import type { Entry } from '../core/sync/entry.js';
import { whyNoRoom } from '../descriptors.js';
import { inputOf, type LookingRun, type RsyncProcess, type Run, runRsync, startRsync } from '../rsync/run.js';
import { type StandbyKind, Standbys } from '../rsync/standby.js';
import { inSlices } from '../slice.js';
import type { Begun } from './begun.js';

export interface RunnerOptions {
  readonly rsync: RsyncSettings;
  readonly aim: SshAim | undefined;
  readonly deletes: DeleteMode;
  readonly report: Report;
  /** Resolves when a new rsync can be started. */
  readonly wayThere: () => Promise<void>;
  /** How long a run may say nothing before it is ended, in milliseconds; see NO_PROGRESS_MS. */
  readonly noProgressMs?: number;
}

/** What one rsync run did. */
export interface RunResult {
  readonly outcome: Outcome;
  /** What rsync turned to, in order. */
  readonly items: readonly Item[];
  /** Directories that are gone here and not empty there. */
  readonly kept: ReadonlySet<Name>;
  /** What was deleted, or would be, and was a directory. */
  readonly deletedDirs: ReadonlySet<Name>;
}

export interface LookOptions {
  /** The standbys that can take it; none where not given. */
  readonly suitable?: readonly StandbyKind[];
  /** Not told: housekeeping. */
  readonly isSilent?: boolean;
  /** What rsync said that is no item. */
  readonly onText?: (text: string) => void;
  /** What it has to send in all, where known. */
  readonly totalBytes?: number;
}

export interface RunOptions extends LookOptions {
  /** rsync has turned to this name; `was`: what was known of it before. */
  readonly onItem?: (item: Item, was: Entry | undefined) => void;
}

/** The same as one rsync is read. */
interface ReadOptions extends LookOptions {
  readonly onItem?: (item: Item) => void;
}

/** How often the progress of a run is told, in milliseconds; the first time is that long after its beginning. */
const PROGRESS_MS = 900;

/** A standby is for speed only: so many descriptors have to be left for what is needed. */
const ROOM_BESIDE = 20;

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
  /** When one of them said something last, or began. */
  #lastOutputMs = LONG_AGO;

  /** `onEnd`: a run has ended that began at `beganMs`. */
  constructor(options: RunnerOptions, abort: AbortSignal, onEnd: (result: RunResult, beganMs: WallMs) => void) {
    this.#options = options;
    this.#abort = abort;
    this.#onEnd = onEnd;
    this.standbys = new Standbys((kind) =>
      whyNoRoom(ROOM_BESIDE) === undefined ? startRsync(options.rsync, namesRun(options, kind === 'sure')) : undefined,
    );
  }

  /** Resolves when the runs that are under way now have ended. */
  underWay(): Promise<unknown> {
    return Promise.allSettled(this.#running);
  }

  /** When the runs under way said something last, or the last one began; undefined where there is none. */
  get lastOutputMs(): SteadyMs | undefined {
    return this.#running.size === 0 ? undefined : this.#lastOutputMs;
  }

  /** Runs one rsync that changes nothing there, and reads what it says. */
  async look(run: LookingRun, names: NamesOfRun, options: LookOptions = {}): Promise<RunResult> {
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

  async #runSurely(run: Run, names: NamesOfRun, options: ReadOptions): Promise<RunResult> {
    if (run.kind === 'clear' && this.#options.rsync.takes.deletions === 'none') return noneGone(run.names);
    const result = await this.#runReady(run, names, options);
    const { outcome } = result;
    if ((run.kind !== 'names' && run.kind !== 'clear') || outcome.kind === 'broken') return result;
    return this.#resolve(run, names, options, result, { left: MOST_MORE_RUNS });
  }

  /** Finds out which of the names in doubt are there. When `more` is used up they all count as failed. */
  async #resolve(
    run: NamedRun,
    names: NamesOfRun,
    options: ReadOptions,
    result: RunResult,
    more: { left: number },
  ): Promise<RunResult> {
    const { outcome } = result;
    if (outcome.kind === 'broken' || outcome.doubt === undefined) return result;
    const { doubt } = outcome;
    const isOpen = (name: Name): boolean => !outcome.failed.has(name) && isInDoubt(doubt, name);
    const open = run.names.filter(isOpen);
    const [only] = open;
    if (only === undefined || more.left < 2 || (open.length === 1 && run.names.length === 1))
      return { ...result, outcome: withFailed(outcome, open, doubt.failure) };
    this.#debug(`${open.length} names may have failed: ${doubt.failure.detail ?? doubt.failure.message}`);
    const middle = Math.ceil(open.length / 2);
    let all: RunResult = { ...result, outcome: { ...outcome, doubt: undefined } };
    for (const half of [open.slice(0, middle), open.slice(middle)]) {
      if (half.length === 0) continue;
      more.left--;
      const part = { ...run, names: half };
      const silent = { ...options, isSilent: true };
      const one = await this.#resolve(part, names, silent, await this.#runReady(part, names, silent), more);
      all = joined(all, one);
      if (one.outcome.kind === 'broken') break;
    }
    return all;
  }

  /** A standby takes it where one that suits is ready; if that breaks before it has done anything, a fresh rsync takes over. */
  async #runReady(run: Run, has: NamesOfRun, options: ReadOptions): Promise<RunResult> {
    const standby = this.standbys.take(options.suitable ?? []);
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
    options: ReadOptions,
  ): Promise<RunResult & { readonly wasKilled: boolean }> {
    const { rsync, aim } = this.#options;
    const items: Item[] = [];
    const kept = new Set<Name>();
    const deletedDirs = new Set<Name>();
    const read = this.#reader(run, { items, kept, deletedDirs }, options);
    const onLine = (line: OutputLine): void => {
      this.#lastOutputMs = steadyNow();
      read(line);
    };
    const exit = await this.#exitOf(standby, run, onLine);
    this.#debug(
      `rsync ended: ${exit.code ?? exit.signal}${exit.stderr === '' ? '' : `; ${looseTextOf(exit.stderr.trim() as Name)}`}`,
    );
    const said = { ...exit, stderr: withoutLines(exit.stderr, rsync.chatter) };
    const outcome = await inSlices(outcomeSteps(said, aim, placesOf(rsync), has, run.kind === 'pass'));
    return { outcome, items, kept, deletedDirs, wasKilled: exit.code === undefined };
  }

  async #exitOf(standby: RsyncProcess | undefined, run: Run, onLine: (line: OutputLine) => void): Promise<RsyncExit> {
    const { rsync, noProgressMs, wayThere } = this.#options;
    const finish = { abort: this.#abort, noProgressMs };
    if (standby !== undefined) {
      this.#debug(`standby ${standby.args.join(' ')}`);
      return this.#underWay(standby.finish(inputOf(run, rsync.takes.deletions), onLine, finish));
    }
    const rules = run.kind === 'pass' ? ` (${run.rules.length} rules on stdin)` : '';
    const onCommand = (args: readonly string[]): void => this.#debug(`rsync ${args.join(' ')}${rules}`);
    for (let tries = 1; ; tries++) {
      await wayThere();
      const exit = await this.#underWay(runRsync(rsync, run, onLine, { ...finish, onCommand }));
      if (exit.notStarted === undefined || tries === START_TRIES || this.#abort.aborted) return exit;
      await sleep(START_AGAIN_MS);
    }
  }

  async #underWay(run: Promise<RsyncExit>): Promise<RsyncExit> {
    this.#lastOutputMs = steadyNow();
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  /** What to do with the lines of a run. */
  #reader(
    run: Run,
    { items, kept, deletedDirs }: { items: Item[]; kept: Set<Name>; deletedDirs: Set<Name> },
    { isSilent = false, totalBytes, onItem, onText }: ReadOptions,
  ): (line: OutputLine) => void {
    const { report } = this.#options;
    const target = this.#options.rsync.target.label;
    const beganMs = steadyNow();
    let toldMs = 0;
    const nameOf = (name: Name): Name =>
      run.kind !== 'moves' || run.to === ROOT ? name : name === ROOT ? run.to : childOf(run.to, name);
    return (line) => {
      switch (line.kind) {
        case 'item': {
          // rsync says of each run that the root's time was set: not worth a word.
          const { kind: _, isDir, ...told } = line;
          if (line.name === ROOT) return told.isNew ? onItem?.(told) : undefined;
          const item = { ...told, name: nameOf(line.name) };
          items.push(item);
          if (isDir && item.action === 'delete') deletedDirs.add(item.name);
          if (run.kind === 'pass' && run.dryRun) return;
          onItem?.(item);
          if (!isSilent) report({ kind: 'started', target, ...item });
          return;
        }
        case 'notEmpty':
          kept.add(line.name);
          return;
        case 'progress': {
          const ms = msSince(beganMs);
          if (ms - toldMs < PROGRESS_MS) return;
          toldMs = ms;
          report({ kind: 'progress', target, bytes: line.bytes, totalBytes, ms });
          return;
        }
        case 'other':
          this.#debug(`rsync: ${looseTextOf(line.text as Name)}`);
          onText?.(line.text);
      }
    };
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

/** A run after which each of its names is there as it is here, or gone, or has failed. */
type NamedRun = Extract<Run, { readonly kind: 'names' | 'clear' }>;

/** How many more runs may find out which names of one have failed: of thousands a handful. */
const MOST_MORE_RUNS = 100;

type Finished = Extract<Outcome, { kind: 'finished' }>;

const withFailed = (outcome: Finished, names: readonly Name[], failure: Failure): Finished => ({
  ...outcome,
  failed: new Map([...outcome.failed, ...names.map((name) => [name, failure] as const)]),
  doubt: undefined,
});

/** What two runs did, one after the other: of a name what the later one said. */
function joined(first: RunResult, then: RunResult): RunResult {
  const { outcome } = then;
  return {
    outcome:
      first.outcome.kind === 'broken' || outcome.kind === 'broken'
        ? outcome
        : {
            kind: 'finished',
            failed: new Map([...first.outcome.failed, ...outcome.failed]),
            strays: new Map([...first.outcome.strays, ...outcome.strays]),
            doubt: undefined,
          },
    items: [...new Map([...first.items, ...then.items].map((item) => [item.name, item])).values()],
    kept: new Set([...first.kept, ...then.kept]),
    deletedDirs: new Set([...first.deletedDirs, ...then.deletedDirs]),
  };
}

/** A run for names; its arguments are those of a standby too. */
export const namesRun = ({ deletes }: Pick<RunnerOptions, 'deletes'>, comparesContent: boolean) =>
  ({ kind: 'names', comparesContent, deleteMissing: deletes !== 'never' }) as const;

/** How each side's paths begin, for reading rsync's complaints. */
const placesOf = ({ root, target }: RsyncSettings): string[] =>
  [root, ...(target.path.startsWith('/') ? [target.path.replace(/\/+$/, '')] : [])].map((path) =>
    Buffer.from(`${path}/`, 'utf8').toString('latin1'),
  );
