import debounce from 'debounce';
import PQueue from 'p-queue';
import { type DeleteMode, planBatch } from '../core/batch.js';
import { begun, type Entry, isRacy, isSettled, isUntouched, type Seen, unsure } from '../core/entry.js';
import type { Item, Report } from '../core/event.js';
import { dispositionOf, type Failure } from '../core/failure.js';
import { type Name, parentOf, ROOT } from '../core/name.js';
import { NameIndex } from '../core/name-index.js';
import { Pending } from '../core/pending.js';
import { delayMs, LINE_BACKOFF } from '../core/retry.js';
import type { RsyncSettings } from '../core/rsync-args.js';
import { type Outcome, outcomeOf } from '../core/rsync-exit.js';
import type { SshAim } from '../core/ssh-exit.js';
import { addDelivered, EMPTY_SUMMARY, type Summary } from '../core/summary.js';
import { type Run, runRsync } from '../rsync/run.js';
import type { Disk } from '../scan/disk.js';
import { differences, seeAll } from '../scan/look.js';
import type { Listing } from '../scan/walk.js';

export interface LineOptions {
  readonly rsync: RsyncSettings;
  readonly aim: SshAim | undefined;
  readonly disk: Disk;
  readonly deletes: DeleteMode;
  /** How long a batch must be quiet before it is handed on, in milliseconds. */
  readonly debounceMs: number;
  readonly oneByOne: boolean;
  /** `--max-delete`: more than so many deletions in one batch stop the program. */
  readonly maxDelete: number | undefined;
  readonly report: Report;
  /** Checked before names are looked at and after: false while the root is not the one we began with. */
  readonly rootIsThere: () => boolean;
  /** Called before a run is planned: may refuse it for good (the root became empty). */
  readonly guard: (deletions: number) => Failure | undefined;
  readonly onHalt: (failure: Failure) => void;
}

/** A batch that never gets quiet is handed on after so many debounce times. */
const LATEST_DEBOUNCES = 10;

/** How soon to look again for a root that was not there, in milliseconds. */
const ROOT_AWAY_MS = 1_000;

/**
 * One target's line: index → pending → debounce → queue(1) → rsync → index.
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
  #index: NameIndex;
  readonly pending = new Pending();
  readonly #options: LineOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #abort = new AbortController();
  readonly #settle: ReturnType<typeof debounce<() => void>>;
  #settleBy: number | undefined;
  #wake: NodeJS.Timeout | undefined;
  /** Whether a turn of ours waits in the queue (a full pass there does not count). */
  #turnWaits = false;
  #summary: Summary = EMPTY_SUMMARY;
  /** Runs that broke in a row. */
  #breaks = 0;
  #resumeAt = 0;
  #owesInSync = false;
  /** What the last full pass could not do about names that are not ours. */
  #strays: ReadonlyMap<Name, Failure> = new Map();
  #sinceInSync = { names: 0, begunMs: 0 };

  constructor(options: LineOptions, index: NameIndex = new NameIndex()) {
    this.#options = options;
    this.#index = index;
    this.#settle = debounce(() => this.#takeTurn(), options.debounceMs);
    this.#queue.pause();
  }

  get target(): string {
    return this.#options.rsync.target.label;
  }

  /** What is on the remote by our doing. */
  get index(): NameIndex {
    return this.#index;
  }

  /** The root is another one: nothing of what was delivered is ours to delete any more. */
  forget(): void {
    this.#index = new NameIndex();
    for (const [name] of [...this.pending]) this.pending.settle(name);
  }

  /** Whether deletions seen here are carried over. */
  get deletes(): boolean {
    return this.#options.deletes !== 'never';
  }

  /** Compares a listing with the index and notes what differs. */
  compare(listing: Listing): void {
    for (const name of differences(listing, this.index, isSettled)) this.note(name);
  }

  /** Notes a name that may differ. */
  note(name: Name): void {
    const now = performance.now();
    this.pending.note(name, now);
    this.#settleBy ??= now + this.#options.debounceMs * LATEST_DEBOUNCES;
    if (now >= this.#settleBy) this.#settle.flush();
    else this.#settle();
  }

  /** Lets the queue run: the connection is there. */
  resume(): void {
    this.#resumeAt = 0;
    this.#queue.start();
    this.#takeTurn();
  }

  /** Holds the queue: the connection is gone. A run that is under way fails by itself. */
  hold(): void {
    this.#queue.pause();
  }

  get held(): boolean {
    return this.#queue.isPaused;
  }

  /** Runs `job` as the next turn of this line: no rsync of ours runs beside it. */
  turn<T>(job: (turn: TurnOfLine) => Promise<T>): Promise<T> {
    return this.#queue.add(
      () =>
        job({
          run: (run, has) => this.#run(run, has),
          clear: (names) => this.#clear(names),
          delivered: (items, ms) => this.#delivered(items, ms),
          failed: (name, failure) => this.#failed(name, failure),
          strays: (strays) => this.#setStrays(strays),
          broke: (failure) => this.#broke(failure),
        }),
      { priority: 1 },
    );
  }

  get summary(): Summary {
    return { ...this.#summary, unsent: [...this.pending, ...this.#strays] };
  }

  /** Resolves when nothing is left to do but what failed and backs off, or when {@link stop} is called. */
  async drain(): Promise<void> {
    this.#settle.flush();
    while (!this.#abort.signal.aborted && !this.#queue.isPaused) {
      await this.#queue.onIdle();
      if (this.pending.ready(performance.now(), 1).length === 0 || this.#breaks > 0) return;
      this.#takeTurn();
    }
  }

  /** Ends a run that is under way and takes no further turn. */
  async stop(): Promise<void> {
    this.#settle.clear();
    clearTimeout(this.#wake);
    this.#abort.abort();
    this.#queue.clear();
    await this.#queue.onPendingZero();
  }

  /** Queues a turn, unless one waits already. */
  #takeTurn(): void {
    this.#settleBy = undefined;
    if (this.#abort.signal.aborted || this.#turnWaits) return;
    clearTimeout(this.#wake);
    const now = performance.now();
    const next = this.pending.nextMs;
    if (next === undefined) return;
    const at = Math.max(next, this.#resumeAt);
    if (at > now) this.#wake = setTimeout(() => this.#takeTurn(), at - now);
    else {
      this.#turnWaits = true;
      void this.#queue.add(() => {
        this.#turnWaits = false;
        return this.#turn();
      });
    }
  }

  /** The root is not there: everything waits. */
  #takeTurnLater(): void {
    this.#resumeAt = performance.now() + ROOT_AWAY_MS;
    this.#takeTurn();
  }

  async #turn(): Promise<void> {
    const { disk, deletes, oneByOne, rootIsThere, guard, maxDelete } = this.#options;
    const begunMs = performance.now();
    if (!rootIsThere()) return this.#takeTurnLater();
    const names = this.pending.ready(begunMs, oneByOne ? 1 : Number.POSITIVE_INFINITY);
    if (this.#sinceInSync.names === 0) this.#sinceInSync.begunMs = begunMs;
    const fromMs = Date.now();
    const before = await seeAll(disk, names);
    const toMs = Date.now();
    const isStillRacy = (entry: Entry): boolean => isRacy(entry, fromMs, toMs);
    const batch = planBatch(before, this.index, deletes);
    for (const name of batch.drop) {
      if (typeof before.get(name) === 'string') this.index.delete(name);
      this.pending.settle(name);
    }
    const deletions = batch.clear.length + batch.run.filter((name) => before.get(name) === 'missing').length;
    const refused =
      deletions > 0
        ? (guard(deletions) ??
          (maxDelete !== undefined && deletions > maxDelete ? tooMany(deletions, maxDelete, this.target) : undefined))
        : undefined;
    if (refused !== undefined) {
      this.#options.onHalt(refused);
      return;
    }
    if (!rootIsThere()) return this.#takeTurnLater(); // it went while we looked: what we saw means nothing

    if (batch.clear.length > 0 && !(await this.#clear(batch.clear))) return this.#afterTurn();
    const toRun = [...batch.run, ...this.#parentsOf(batch.clear, before)];
    if (toRun.length > 0) {
      const has = new Set(toRun);
      const run: Run = {
        kind: 'names',
        names: toRun,
        ignoreTimes: batch.ignoreTimes,
        deleteMissing: deletes !== 'never',
      };
      const { outcome, kept, items } = await this.#run(run, (name) => has.has(name));
      if (outcome.kind === 'broken') this.#broke(outcome.failure);
      else {
        this.#breaks = 0;
        await this.#settleNames(toRun, before, outcome.failed, kept, isStillRacy);
        this.#delivered(
          items.filter(({ name }) => !outcome.failed.has(name)),
          performance.now() - begunMs,
        );
      }
    }
    this.#afterTurn();
  }

  /** The directories that cleared names were in: clearing gave them a new time there. They are added to `before`. */
  #parentsOf(cleared: readonly Name[], before: Map<Name, Seen>): Name[] {
    const found: Name[] = [];
    for (const parent of new Set(cleared.map(parentOf))) {
      if (before.has(parent)) continue;
      const seen = this.#options.disk.see(parent);
      if (typeof seen === 'string' || seen.type !== 'dir') continue;
      before.set(parent, seen);
      found.push(parent);
    }
    return found;
  }

  #afterTurn(): void {
    if (this.pending.size > 0) this.#takeTurn();
    else this.#reportInSync();
  }

  /** The next time that nothing waits is said, even if nothing was sent: after a full pass. */
  oweInSync(): void {
    this.#owesInSync = true;
    if (this.pending.size === 0) void this.#queue.add(async () => this.#afterTurn());
  }

  /** Says that everything is there, if there was something to do since the last time. */
  #reportInSync(): void {
    const { names, begunMs } = this.#sinceInSync;
    if (names === 0 && !this.#owesInSync) return;
    this.#owesInSync = false;
    this.#sinceInSync = { names: 0, begunMs: 0 };
    this.#options.report({
      kind: 'inSync',
      target: this.target,
      names: this.index.size,
      ms: begunMs === 0 ? 0 : performance.now() - begunMs,
    });
  }

  /**
   * Deletes exactly these names there. An emptied directory goes in a later run than what it held, so it goes on while
   * something goes. False if a run broke.
   */
  async #clear(names: readonly Name[]): Promise<boolean> {
    const left = new Set(names);
    while (left.size > 0) {
      const begunMs = performance.now();
      const { outcome, kept, items } = await this.#run({ kind: 'clear', names: [...left] }, (name) => left.has(name));
      if (outcome.kind === 'broken') {
        this.#broke(outcome.failure);
        return false;
      }
      const count = left.size;
      for (const name of [...left]) {
        if (kept.has(name) || outcome.failed.has(name)) continue;
        left.delete(name);
        this.index.delete(name);
      }
      this.#delivered(items, performance.now() - begunMs);
      if (left.size === count) return true; // what is left shows as an error of the run that follows
    }
    return true;
  }

  /** After a run that finished: a name is done when rsync said so and it is still what it was before the run. */
  async #settleNames(
    names: readonly Name[],
    before: ReadonlyMap<Name, Seen>,
    failures: ReadonlyMap<Name, Failure>,
    kept: ReadonlySet<Name>,
    isStillRacy: (entry: Entry) => boolean,
  ): Promise<void> {
    const after = await seeAll(this.#options.disk, names);
    const { report } = this.#options;
    const emptied = new Set<Name>(); // something of ours below them went, or is about to
    // What is below a directory before the directory: a longer name first.
    for (const name of names.toSorted((a, b) => b.length - a.length)) {
      const was = before.get(name);
      const now = after.get(name);
      const failure = failures.get(name);
      if (was === undefined || now === undefined) continue;
      if (failure !== undefined) {
        this.#failed(name, failure);
      } else if (typeof was === 'string' || typeof now === 'string') {
        if (was !== now) continue; // came or went meanwhile: its turn comes again
        if (kept.has(name)) {
          if (this.#stays(name, emptied)) continue;
          report({ kind: 'kept', target: this.target, name });
        } else emptied.add(parentOf(name));
        this.index.delete(name);
        this.pending.settle(name);
      } else if (isUntouched(was, now)) {
        const racy = isStillRacy(was);
        this.index.set(name, racy ? unsure(was) : was);
        if (!racy) this.pending.settle(name);
      }
    }
  }

  /**
   * Whether a directory that is gone here, and was not empty there, still has to go: rsync tries a directory before
   * what it holds, so each run empties one level. If nothing of ours is left in it, it holds what is not ours.
   */
  #stays(name: Name, emptied: Set<Name>): boolean {
    if (emptied.has(name)) {
      emptied.add(parentOf(name));
      return true;
    }
    if (this.index.children(name).size === 0) return false;
    this.pending.fail(name, NOT_EMPTY, performance.now(), Math.random());
    return true;
  }

  #setStrays(strays: ReadonlyMap<Name, Failure>): void {
    for (const [name, failure] of strays) {
      if (this.#strays.get(name)?.message === failure.message) continue;
      this.#options.report({ kind: 'pathFailed', target: this.target, name, failure });
    }
    this.#strays = strays;
  }

  #failed(name: Name, failure: Failure): void {
    const was = this.index.get(name);
    if (was !== undefined) this.index.set(name, unsure(was));
    const news = this.pending.fail(name, failure, performance.now(), Math.random());
    if (news) this.#options.report({ kind: 'pathFailed', target: this.target, name, failure });
  }

  /** Runs one rsync and reads what it says. */
  async #run(run: Run, has: (name: Name) => boolean): Promise<RunResult> {
    const { rsync, aim, report } = this.#options;
    const items: Item[] = [];
    const kept = new Set<Name>();
    const exit = await runRsync(
      rsync,
      run,
      (line) => {
        switch (line.kind) {
          case 'item': {
            // rsync says of each run that the root's time was set: not worth a word.
            if (line.name === ROOT) return;
            const item = { action: line.action, name: line.name, bytes: line.bytes, isNew: line.isNew };
            items.push(item);
            if (run.kind === 'pass' && run.dryRun) break;
            this.#noteBegun(item);
            report({ kind: 'started', target: this.target, ...item });
            break;
          }
          case 'notEmpty':
            kept.add(line.name);
            break;
          case 'other':
            report({ kind: 'note', level: 'debug', text: `rsync: ${line.text}` });
            break;
        }
      },
      this.#abort.signal,
      (args) => report({ kind: 'note', level: 'debug', text: `rsync ${args.join(' ')}` }),
    );
    report({
      kind: 'note',
      level: 'debug',
      text: `rsync ended: ${exit.code ?? exit.signal}${exit.stderr === '' ? '' : `; ${exit.stderr.trim()}`}`,
    });
    return { outcome: outcomeOf(exit, aim, placesOf(rsync), has, run.kind === 'pass'), items, kept };
  }

  /**
   * From now on it may be there in another state, whatever becomes of the run: a later deletion must find it and of
   * what type it is, and rsync's quick check must not be trusted with it.
   */
  #noteBegun({ action, name }: Item): void {
    if (action === 'delete') return;
    const was = this.#index.get(name);
    const known = was !== undefined && (action === 'attributes' || (was.type === 'dir') === (action === 'mkdir'));
    this.#index.set(name, known ? unsure(was) : begun(action === 'mkdir' ? 'dir' : 'file'));
  }

  #delivered(items: readonly Item[], ms: number): void {
    if (items.length === 0) return;
    this.#summary = addDelivered(this.#summary, items);
    this.#sinceInSync.names += items.length;
    this.#options.report({ kind: 'delivered', target: this.target, items, ms });
  }

  /** A run broke: back off, or halt. */
  #broke(failure: Failure): number | undefined {
    if (this.#abort.signal.aborted) return undefined;
    if (dispositionOf(failure) === 'halt') {
      this.#options.onHalt(failure);
      return undefined;
    }
    const retryMs = delayMs(LINE_BACKOFF, ++this.#breaks, Math.random());
    this.#resumeAt = performance.now() + retryMs;
    // The first time a lost connection is the session's to tell: it hears it from the master.
    if (failure.kind !== 'connection' || this.#breaks > 1) {
      this.#options.report({ kind: 'trouble', target: this.target, failure, waiting: this.pending.size, retryMs });
    }
    return retryMs;
  }
}

interface RunResult {
  readonly outcome: Outcome;
  /** What rsync turned to, in order. */
  readonly items: readonly Item[];
  readonly kept: ReadonlySet<Name>;
}

/** What a job may do while it has a line's turn. */
export interface TurnOfLine {
  run(run: Run, has: (name: Name) => boolean): Promise<RunResult>;
  /** Deletes exactly these names there; false if a run broke, which is reported. */
  clear(names: readonly Name[]): Promise<boolean>;
  delivered(items: readonly Item[], ms: number): void;
  failed(name: Name, failure: Failure): void;
  /** Failures about names that are not ours: told, and counted until the next full pass. */
  strays(strays: ReadonlyMap<Name, Failure>): void;
  /** Reports a broken run; gives how long to wait before the next, in milliseconds, or undefined to give up. */
  broke(failure: Failure): number | undefined;
}

const NOT_EMPTY: Failure = { kind: 'path', message: 'something in it could not be deleted there' };

/** How each side's paths begin, for reading rsync's complaints. */
const placesOf = ({ root, target }: RsyncSettings): string[] =>
  [root, ...(target.path.startsWith('/') ? [target.path.replace(/\/+$/, '')] : [])].map((path) =>
    Buffer.from(`${path}/`, 'utf8').toString('latin1'),
  );

const tooMany = (deletions: number, limit: number, target: string): Failure => ({
  kind: 'guard',
  message: `${deletions} paths would be deleted on ${target}, more than --max-delete ${limit}; nothing was deleted`,
  hint: 'Raise --max-delete if that is right, or use --delete never.',
});
