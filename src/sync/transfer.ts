import type { Item, Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { directoriesAbove, isBelow, type Name, parentOf, ROOT } from '../core/name.js';
import type { RsyncSettings } from '../core/rsync/args.js';
import { type NamesOfRun, ofNames } from '../core/rsync/complaints.js';
import { ALL_DONE, type Outcome } from '../core/rsync/exit.js';
import type { SshAim } from '../core/ssh/exit.js';
import { addDelivered, EMPTY_SUMMARY, type Summary } from '../core/summary.js';
import { type Batch, type DeleteMode, planBatch } from '../core/sync/batch.js';
import { begun, type Entry, type Seen, unsure } from '../core/sync/entry.js';
import { NameIndex } from '../core/sync/name-index.js';
import type { Pending } from '../core/sync/pending.js';
import { type Rest, unrested } from '../core/sync/rest.js';
import type { Run } from '../rsync/run.js';
import type { StandbyKind, Standbys } from '../rsync/standby.js';
import type { RulesInForce } from '../rules/in-force.js';
import { decideAll } from '../scan/decide.js';
import type { Disk } from '../scan/disk.js';
import { seeAll } from '../scan/look.js';
import type { Listing } from '../scan/walk.js';
import { eachInSlices, inSlices, Slice } from '../slice.js';
import type { Memory } from '../state/memory.js';
import { Leftovers } from './leftovers.js';
import { LongPaths, TOO_LONG } from './long-paths.js';
import { makeMoves, planMoves } from './moves.js';
import { namesRun, Runner, type RunOptions, type RunResult } from './runner.js';
import { NOT_EMPTY, settle } from './settle.js';

export interface TransferOptions {
  readonly rsync: RsyncSettings;
  readonly aim: SshAim | undefined;
  /** Resolves when a new rsync can be started. */
  readonly wayThere: () => Promise<void>;
  readonly disk: Disk;
  readonly filter: Filter;
  readonly deletes: DeleteMode;
  readonly rest: Rest;
  readonly report: Report;
  /** Checked before names are looked at and after: false while the root is not the one we began with. */
  readonly rootIsThere: () => boolean;
  /** Called before anything is deleted: may refuse it for good. */
  readonly guard: (deletions: number) => Promise<Failure | undefined>;
  /** Something that was delivered is not there any more, and it was not us: the rest has to be looked at too. */
  readonly onRemoved: (name: Name) => void;
  /** A run has brought this name as it was at `lookedMs` (since 1970) or later. */
  readonly onBrought: (name: Name, lookedMs: number) => void;
  readonly rules: RulesInForce;
  /** Is told what is about to be there and what is gone, for the case that syncwatch is killed. */
  readonly memory: Pick<Memory, 'willBring' | 'mayCome' | 'isGone' | 'ready' | 'tidy' | 'savedMs'>;
  /** How long a run may say nothing before it is ended, in milliseconds; see NO_PROGRESS_MS. */
  readonly noProgressMs?: number;
}

/** What the names of a batch were when it began. */
export interface BatchView {
  readonly before: Map<Name, Seen>;
  /** For what is missing: the nearest directory above it that is there. */
  readonly grounds: Map<Name, Entry | undefined>;
  /** The directories above them. */
  readonly above: ReadonlyMap<Name, Seen>;
  /** When they were looked at, in milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What may become of the names of a batch, apart from being brought at once. */
export interface BatchOptions {
  /** What is not at rest may be left for later. */
  readonly mayRest: boolean;
  /** Large files may be left for a run of their own. */
  readonly mayPart: boolean;
  /** So many of the names that are at rest, the first ones; all where not given. */
  readonly most?: number;
}

/** What could not be deleted: it failed, or it is a directory that holds something else. */
export interface Left {
  readonly left: ReadonlySet<Name>;
  readonly failed: ReadonlyMap<Name, Failure>;
}

/** How a batch ended. Names that are not done are still pending. */
export type BatchEnd =
  /**
   * `delivered`: whether rsync had anything to do. `bulk`: large files that were left for a run of their own. `restMs`: when
   * to look again at what was left because it is not at rest, in milliseconds from now; 0 where nothing was.
   */
  | { readonly kind: 'done'; readonly delivered: boolean; readonly bulk: readonly Name[]; readonly restMs: number }
  | { readonly kind: 'rootGone' }
  | { readonly kind: 'broken'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure };

/**
 * Files from this size on, in bytes, go in a run of their own beside the others, so that a small save never waits for
 * them: at 100 Mbit/s one of 16 MB takes 1.3 s. What is smaller shares a run.
 */
const BULK_BYTES = 16_000_000;

/**
 * Brings names to one target and keeps the index of what is there. Never two of a name at once: {@link Line} sees to
 * that.
 *
 * The rule: a name is done when rsync said so and nothing was done to it from before the run until after it.
 */
export class Transfer {
  readonly options: TransferOptions;
  readonly leftovers: Leftovers;
  readonly #pending: Pending;
  readonly #runner: Runner;
  #index: NameIndex;
  #summary: Summary = EMPTY_SUMMARY;
  /** What is new there since rules were lost that may come back; and what of it is to be deleted there again. */
  readonly #fresh = new Set<Name>();
  readonly #mistakes = new Set<Name>();
  /** What the last full pass could not do about names that are not ours. */
  #strays: ReadonlyMap<Name, Failure> = new Map();
  readonly #long = new LongPaths();

  constructor(options: TransferOptions, index: NameIndex, pending: Pending, abort: AbortSignal) {
    this.options = options;
    this.#index = index;
    this.#pending = pending;
    this.#runner = new Runner(options, abort, (item) => this.#noteBegun(item));
    this.leftovers = new Leftovers(this, index, options.memory.savedMs);
  }

  get standbys(): Standbys {
    return this.#runner.standbys;
  }

  /** Resolves when the runs that are under way now have ended. */
  runsUnderWay(): Promise<unknown> {
    return this.#runner.underWay();
  }

  /** See {@link Runner.silentMs}. */
  get silentMs(): number {
    return this.#runner.silentMs;
  }

  /** What is on the remote by our doing. */
  get index(): NameIndex {
    return this.#index;
  }

  /** The root is another one: nothing of what was delivered is ours to delete any more. */
  forget(): void {
    this.#index = new NameIndex();
    for (const [name] of [...this.#pending]) this.#pending.settle(name);
  }

  /** The sums of {@link summary}. */
  get sums(): Omit<Summary, 'unsent'> {
    return this.#summary;
  }

  get summary(): Summary {
    return { ...this.#summary, unsent: [...this.#pending, ...this.#strays, ...this.#long.still(this.options)] };
  }

  /** Tells what is here under paths that are too long. */
  noteLong(listing: Listing): void {
    for (const name of this.#long.note(listing))
      this.options.report({
        kind: 'pathFailed',
        target: this.options.rsync.target.label,
        name,
        failure: TOO_LONG,
      });
  }

  /** Makes these names the same there, as the disk has them now. */
  async batch(names: readonly Name[], { mayRest, mayPart, most }: BatchOptions): Promise<BatchEnd> {
    const { disk, deletes, rootIsThere, guard, rsync } = this.options;
    if (!rootIsThere()) return { kind: 'rootGone' };
    // Before the names: one that is away while they are looked at was away.
    const above = await seeAll(disk, await inSlices(directoriesAbove(names)));
    const fromMs = Date.now();
    const before = await seeAll(disk, names);
    const toMs = Date.now();
    this.#leaveOutLong(before);
    const heldMs = await this.#hold(before, mayRest);
    const view: BatchView = { before, grounds: new Map(), above, fromMs, toMs };
    const nowMs = performance.now();
    const waited = (name: Name): number => nowMs - (this.#pending.sinceMs(name) ?? nowMs);
    const waits = mayRest ? await inSlices(unrested(before, this.#index, waited, fromMs, this.options.rest)) : NO_WAITS;
    let restMs = heldMs; // not Math.min(...): a storm may have more names than a call takes arguments
    await eachInSlices(waits, ([name, waitMs]) => {
      before.delete(name);
      restMs = restMs === 0 ? waitMs : Math.min(restMs, waitMs);
    });
    if (most !== undefined) for (const name of [...before.keys()].slice(most)) before.delete(name);
    const rules = { deletes, carriesMore: rsync.carriesMore, ...rsync.takes };
    const plan = await inSlices(planBatch(before, this.#index, rules));
    const moves = await planMoves(before, this.#index, rsync, deletes); // before the index forgets what is not to be deleted
    await eachInSlices(plan.drop, (name) => {
      const seen = before.get(name);
      const isHere = seen !== 'missing' && seen !== 'blocked';
      if (!isHere && this.#index.get(name) !== undefined) this.gone(name); // what is left alone stays ours
      this.#pending.settle(name);
    });
    const moved = new Set(moves.flatMap((group) => group.moves.map(({ to }) => to)));
    /** Other files by now under names that moves begin from: not before these. */
    const reused = new Set(moves.flatMap((group) => group.moves.map(({ from }) => from)));
    const isBulk = (name: Name): boolean => {
      const now = before.get(name);
      return mayPart && typeof now === 'object' && now.size >= BULK_BYTES && !moved.has(name);
    };
    const [bulk, compare, send, sendLast]: [Name[], Name[], Name[], Name[]] = [[], [], [], []];
    await eachInSlices(plan.send, (name) => {
      if (isBulk(name)) bulk.push(name);
      else if (!moved.has(name)) (reused.has(name) ? sendLast : send).push(name);
    });
    await eachInSlices(plan.compare, (name) => {
      if (isBulk(name)) bulk.push(name);
      else if (!moved.has(name)) compare.push(name);
    });

    const deletions = plan.clear.length + plan.remove.length;
    const refused = deletions > 0 ? await guard(deletions) : undefined;
    if (refused !== undefined) return { kind: 'refused', failure: refused };
    if (!rootIsThere()) return { kind: 'rootGone' }; // it went while we looked: what we saw means nothing

    const unswept = await this.leftovers.clear(before.keys());
    if (unswept !== undefined) return { kind: 'broken', failure: unswept };

    let delivered = plan.clear.length > 0;
    /** Gives the failure of a run that broke. */
    const deliver = async (some: readonly Name[], quickCheck: QuickCheck | 'gone'): Promise<Failure | undefined> => {
      const result = await this.#deliver(some, view, quickCheck);
      if (result.outcome.kind === 'broken') return result.outcome.failure;
      if (result.items.length > 0) delivered = true;
      return undefined;
    };
    // New names first and missing ones last, each kind in one run: what was renamed is never gone under both names.
    const touch = [...plan.touch, ...this.#parentsOf(plan.clear, plan.touch, before)];
    const isOneRun = moves.length === 0 && (send.length === 0 || plan.remove.length === 0);
    const steps: ReadonlyArray<() => Promise<Failure | undefined>> = [
      () => this.clear(plan.clear),
      async () => (isOneRun ? undefined : deliver(send, plan.quickCheck)),
      () => makeMoves(this, moves, view),
      () => deliver(compare, 'fooled'),
      async () => {
        const missing = await this.#stillMissing(plan.remove, view);
        const last = [...(isOneRun ? send : []), ...sendLast, ...touch];
        if (rsync.takes.deletions === 'marks') return deliver([...last, ...missing], plan.quickCheck);
        // Their directories get a new time there by it, and the right one after that.
        const failure = await deliver(missing, 'gone');
        return failure ?? deliver([...last, ...this.#parentsOf(missing, last, before)], plan.quickCheck);
      },
    ];
    for (const step of steps) {
      const failure = await step();
      if (failure !== undefined) return { kind: 'broken', failure };
    }
    return { kind: 'done', delivered: delivered || moves.length > 0, bulk, restMs };
  }

  /**
   * What is excluded here takes no part: the rules or the type of a name may have changed since it was noted. What was
   * delivered before a rule excluded it stays there; but where something excluded has taken the place of something of
   * another kind, that one is gone.
   */
  async #leaveOut(before: Map<Name, Seen>): Promise<Name[]> {
    const { filter } = this.options;
    const unsure: Name[] = [];
    const kinds = await kindsOf(before, this.#index);
    for await (const part of decideAll(filter, kinds)) {
      for (const [name, isDir, decision] of part) {
        if (decision.synced) continue;
        const was = this.#index.get(name);
        if (decision.isUnsure === true) {
          if (was === undefined) unsure.push(name); // else it was synced, and goes on being so
        } else if (was !== undefined && (was.type === 'dir') !== isDir) before.set(name, 'blocked');
        else {
          before.delete(name);
          this.#index.setAside(name);
          this.#pending.settle(name);
        }
      }
    }
    return unsure;
  }

  /**
   * Before anything new is sent the rules are looked at once more. While one of their files is being written, what is new
   * waits; and where nobody knows whether it is ignored, until somebody does. Gives for how long, in milliseconds; 0 where
   * nothing waits.
   */
  async #hold(before: Map<Name, Seen>, mayRest: boolean): Promise<number> {
    const { rules } = this.options;
    const fresh = new Set<Name>();
    await eachInSlices(before, ([name, now]) => {
      if (typeof now === 'object' && this.#index.get(name) === undefined) fresh.add(name);
    });
    if (fresh.size > 0) await (mayRest ? rules.refresh() : rules.atRest());
    const unsure = await this.#leaveOut(before);
    const trouble = rules.trouble();
    let restMs = 0;
    for (const [dir, ms] of rules.rests()) {
      await eachInSlices(fresh, (name) => {
        if (typeof before.get(name) !== 'object' || !isBelow(name, dir)) return;
        before.delete(name);
        restMs = restMs === 0 ? ms : Math.min(restMs, ms);
      });
    }
    for (const name of unsure) {
      before.delete(name);
      if (trouble === undefined) restMs ||= UNSURE_MS;
      else this.#pending.fail(name, unknownBecause(trouble.why), performance.now(), Math.random());
    }
    return restMs;
  }

  /** These are excluded by now: they are left alone there, unless they went over by mistake. */
  async leaveAlone(excluded: readonly Name[]): Promise<void> {
    const { filter, rules } = this.options;
    const isMistake = (name: Name): boolean => {
      if (!this.#fresh.has(name)) return false;
      const [, decision] = filter.whatDecides(name, this.#index.get(name)?.type === 'dir');
      return !decision.synced && rules.isBack(decision.rule);
    };
    const mistakes = new Set(rules.mayComeBack() ? excluded.filter(isMistake) : []);
    await eachInSlices(excluded, (name) => {
      if (!mistakes.has(name)) this.#index.setAside(name);
    });
    for (const name of mistakes) this.#mistakes.add(name);
    await this.takeMistakesBack();
  }

  /** Deletes there again what went over while a file of rules was away. What can't be now is with the next full pass. */
  async takeMistakesBack(): Promise<Failure | undefined> {
    if (this.#mistakes.size === 0) return undefined;
    const names = [...this.#mistakes].filter((name) => this.#index.get(name) !== undefined);
    const failure = await this.clear(names);
    if (failure !== undefined) return failure;
    this.#mistakes.clear();
    await eachInSlices(names, (name) => this.#pending.settle(name));
    const text = `${names.length} paths that went over while a file of rules was away are deleted there again`;
    this.options.report({ kind: 'note', level: 'normal', text });
    return undefined;
  }

  /** rsync can't be told of what is too long: it would take a part of it for the name. */
  #leaveOutLong(before: Map<Name, Seen>): void {
    for (const [name, seen] of before) {
      if (seen !== 'unreadable' || !this.options.disk.isTooLong(name)) continue;
      before.delete(name);
      this.#pending.settle(name);
    }
  }

  /** One run for some names of a batch, and what came of it. */
  async #deliver(names: readonly Name[], view: BatchView, quickCheck: QuickCheck | 'gone'): Promise<RunResult> {
    if (names.length === 0) return notRun(ALL_DONE);
    const beganMs = performance.now();
    const suitable: Readonly<Record<QuickCheck | 'gone', readonly StandbyKind[]>> = {
      gone: [],
      right: ['plain'],
      fooled: ['sure'],
      idle: ['plain', 'sure'],
    };
    const run: Run =
      quickCheck === 'gone' ? { kind: 'clear', names } : { ...namesRun(this.options, quickCheck === 'fooled'), names };
    const mayCome = await this.#mayCome(names, view.before);
    const unready = await this.options.memory.willBring(mayCome);
    if (unready !== undefined) return notRun({ kind: 'broken', failure: unready });
    const own = ofNames(names);
    const result = await this.run(run, own, {
      suitable: suitable[quickCheck],
      totalBytes: sizeOf(names, view.before),
      onItem: (item) => this.#heedMissing(item, view),
    });
    const { outcome, items } = result;
    if (outcome.kind === 'broken') await eachInSlices(mayCome, ([name, type]) => this.mayBeThere(name, type));
    else {
      await this.settle(names, view, result, outcome.failed);
      for (const [name, failure] of outcome.failed) if (!own.has(name)) this.failed(name, failure);
      await this.delivered(
        items.filter(({ name }) => !outcome.failed.has(name)),
        performance.now() - beganMs,
      );
    }
    return result;
  }

  /**
   * What a run of these names may bring: what is here of them, and the directories above them that are not there yet. rsync
   * makes those too, whether they are listed or not.
   */
  async #mayCome(
    names: readonly Name[],
    before: ReadonlyMap<Name, Seen>,
  ): Promise<ReadonlyArray<readonly [Name, Entry['type']]>> {
    const mayCome: Array<readonly [Name, Entry['type']]> = [];
    await eachInSlices(names, (name) => {
      const now = before.get(name);
      if (typeof now === 'object') mayCome.push([name, now.type]);
    });
    for (const dir of await inSlices(directoriesAbove(names)))
      if (this.#index.get(dir) === undefined) mayCome.push([dir, 'dir']);
    return mayCome;
  }

  /** rsync makes something anew there that should have been there: somebody else has removed it, and who knows what else. */
  #heedMissing({ name, isNew }: Item, { before }: BatchView): void {
    const was = this.#index.get(name);
    if (!isNew || was === undefined || was.mtimeNs < 0) return;
    // What has become something else is new there too.
    const isStill = (seen: Seen | undefined): boolean => typeof seen === 'object' && seen.type === was.type;
    if (isStill(before.get(name) ?? was) && isStill(this.options.disk.see(name))) this.options.onRemoved(name);
  }

  /** Looks again, right before they are deleted there: the runs before took their time. What is back is still pending. */
  async #stillMissing(names: readonly Name[], { before, grounds }: BatchView): Promise<Name[]> {
    const { disk } = this.options;
    const missing: Name[] = [];
    await eachInSlices(await seeAll(disk, names), ([name, now]) => {
      before.set(name, now);
      if (now !== 'missing') return;
      missing.push(name);
      grounds.set(name, disk.groundOf(name));
    });
    return missing;
  }

  /**
   * Deletes exactly these names there. An emptied directory goes in a later run than what it held, so it goes on while
   * something goes. `onRound` gets what each run deleted. Gives what is left, or the failure if a run broke.
   */
  async remove(
    names: readonly Name[],
    onRound: (items: readonly Item[], ms: number) => Promise<void> | void,
    isSilent = false,
  ): Promise<Left | Failure> {
    const left = new Set(names);
    while (left.size > 0) {
      const beganMs = performance.now();
      const run = { kind: 'clear', names: [...left] } as const;
      const { outcome, kept, items } = await this.run(run, ofNames(left), { isSilent });
      if (outcome.kind === 'broken') return outcome.failure;
      await eachInSlices(run.names, (name) => {
        if (kept.has(name) || outcome.failed.has(name)) return;
        left.delete(name);
        this.gone(name);
      });
      await onRound(items, performance.now() - beganMs);
      if (left.size === run.names.length) return { left, failed: outcome.failed };
    }
    return { left, failed: new Map() };
  }

  /** {@link remove} for what is ours: what is left backs off, or is not ours. Gives the failure if a run broke. */
  async clear(names: readonly Name[], isSilent = false): Promise<Failure | undefined> {
    const onRound = async (items: readonly Item[], ms: number): Promise<void> => {
      if (!isSilent) await this.delivered(items, ms);
    };
    const end = await this.remove(names, onRound, isSilent);
    if (!('left' in end)) return end;
    await eachInSlices(end.left, (name) => {
      const failure = end.failed.get(name);
      if (failure !== undefined) this.failed(name, failure);
      else if (this.#index.children(name).size === 0)
        this.gone(name); // it holds what is not ours
      // What is ours in it has its own turn, and this has to go after that.
      else this.#pending.fail(name, NOT_EMPTY, performance.now(), Math.random());
    });
    return undefined;
  }

  /** Runs one rsync, see {@link Runner.run}. What would change something there does not begin before it is remembered. */
  async run(run: Run, names: NamesOfRun, options: RunOptions = {}): Promise<RunResult> {
    const failure = isForReal(run) ? await this.options.memory.ready() : undefined;
    if (failure !== undefined) return notRun({ kind: 'broken', failure });
    const beganMs = Date.now();
    const result = await this.#runner.run(run, names, options);
    this.leftovers.note(result, beganMs);
    // Told only when it is proven; but what went over before the end is part of what was sent.
    if (result.outcome.kind === 'broken' && isForReal(run))
      this.#summary = addDelivered(this.#summary, wentOver(result.items));
    return result;
  }

  /** rsync has turned to a name that it was not told of. */
  willBring({ action, name }: Item): void {
    if (action !== 'delete') this.options.memory.mayCome(name, action === 'mkdir' ? 'dir' : 'file');
  }

  /** A full pass that goes on may bring it, without a word if it breaks or we are killed. */
  mayCome(name: Name, { type }: Entry): void {
    if (name === ROOT || this.#index.get(name) !== undefined) return;
    this.options.memory.mayCome(name, type);
    this.mayBeThere(name, type);
  }

  /**
   * It may be there by now, whoever told so. A run that broke may have brought what rsync did not come to tell of (the
   * remote makes directories and links before their lines arrive), and a later deletion must find it.
   */
  mayBeThere(name: Name, type: Entry['type']): void {
    if (this.#index.get(name) === undefined) this.#index.set(name, begun(type === 'dir' ? 'dir' : 'file'));
  }

  /** It is not there any more, or not ours. */
  gone(name: Name): void {
    if (this.#index.get(name) === undefined && this.#index.aside.get(name) === undefined) return;
    this.#index.delete(name);
    this.options.memory.isGone(name);
  }

  /** These may be in another state there than was delivered: they get another run. */
  recheck(names: Iterable<Name>): Promise<void> {
    return eachInSlices(names, (name) => {
      const was = this.#index.get(name);
      if (was !== undefined) this.#index.set(name, unsure(was));
      this.#pending.note(name, performance.now());
    });
  }

  /** Tells what a run brought, and counts it: many in several events. */
  async delivered(items: readonly Item[], ms: number): Promise<void> {
    const { report, rsync, rules } = this.options;
    const slice = new Slice();
    for (let from = 0; from < items.length; from += TOLD_AT_ONCE) {
      const part = items.slice(from, from + TOLD_AT_ONCE);
      const left = items.length - from - part.length;
      if (!rules.mayComeBack()) this.#fresh.clear();
      else for (const { name, isNew, action } of part) if (isNew && action !== 'delete') this.#fresh.add(name);
      this.#summary = addDelivered(this.#summary, part);
      report({ kind: 'delivered', target: rsync.target.label, items: part, ...(left > 0 ? { more: left } : {}), ms });
      if (slice.isOver) await slice.next();
    }
  }

  /** A name could not be synced: it backs off, and what is there is unsure. */
  failed(name: Name, failure: Failure, seen?: Seen): void {
    const was = this.#index.get(name);
    if (was !== undefined) this.#index.set(name, unsure(was));
    const news = this.#pending.fail(name, failure, performance.now(), Math.random(), seen);
    if (news) this.options.report({ kind: 'pathFailed', target: this.options.rsync.target.label, name, failure });
  }

  /** Failures of a full pass about names that are not ours: told, and counted until the next one. */
  setStrays(strays: ReadonlyMap<Name, Failure>): void {
    for (const [name, failure] of strays) {
      if (this.#strays.get(name)?.message === failure.message) continue;
      this.options.report({ kind: 'pathFailed', target: this.options.rsync.target.label, name, failure });
    }
    this.#strays = strays;
  }

  /**
   * The directories that cleared names were in: clearing gave them a new time there. Those that are to be sent anyway are left
   * out, the others added to `before`.
   */
  #parentsOf(cleared: readonly Name[], sent: readonly Name[], before: Map<Name, Seen>): Name[] {
    const found: Name[] = [];
    const known = new Set(sent);
    for (const parent of new Set(cleared.map(parentOf))) {
      if (known.has(parent)) continue;
      const seen = before.get(parent) ?? this.options.disk.see(parent);
      if (typeof seen === 'string' || seen.type !== 'dir') continue;
      before.set(parent, seen);
      found.push(parent);
    }
    return found;
  }

  /** After a run that finished: what is done leaves the pending set and enters the index, or leaves that too. */
  settle(
    names: readonly Name[],
    view: BatchView,
    result: Pick<RunResult, 'items' | 'kept'>,
    failures: ReadonlyMap<Name, Failure>,
  ): Promise<void> {
    return settle(this, this.#pending, names, view, result, failures);
  }

  /**
   * From now on it may be there in another state, whatever becomes of the run: a later deletion must find it and of
   * what type it is, and rsync's quick check must not be trusted with it.
   */
  #noteBegun({ action, name }: Item): void {
    const was = this.#index.get(name);
    if (action === 'delete') {
      if (was !== undefined) this.#index.set(name, unsure(was));
      return;
    }
    const known = was !== undefined && (action === 'attributes' || (was.type === 'dir') === (action === 'mkdir'));
    this.#index.set(name, known ? unsure(was) : begun(action === 'mkdir' ? 'dir' : 'file'));
  }
}

/** So many items go into one event. */
const TOLD_AT_ONCE = 1_000;

/** In the place of a run that was not begun. */
const notRun = (outcome: Outcome): RunResult => ({ outcome, items: [], kept: new Set(), deletedDirs: new Set() });

/** Whether it changes anything there. */
const isForReal = (run: Run): boolean => run.kind !== 'list' && !(run.kind === 'pass' && run.dryRun);

/**
 * What of a run that broke went over: rsync names a file when it begins with it, and the next one when that is over. What it
 * had turned to last is not counted.
 */
const wentOver = (items: readonly Item[]): Item[] =>
  items.slice(
    0,
    Math.max(
      0,
      items.findLastIndex(({ action }) => action === 'send'),
    ),
  );

/** What rsync's quick check would make of the names of a run; `fooled`: it must not be asked. */
type QuickCheck = Batch['quickCheck'] | 'fooled';

/** How soon it is asked again about what nobody knew, in milliseconds. */
const UNSURE_MS = 100;

const unknownBecause = (why: string): Failure => ({
  kind: 'path',
  message: `nobody knows whether git ignores it: ${why}`,
  hint: 'It is sent, or not, when git answers again.',
});

/** Each of these names and whether it is a directory; of what is gone, whether it was one. */
async function kindsOf(seen: ReadonlyMap<Name, Seen>, index: NameIndex): Promise<Map<Name, boolean>> {
  const kinds = new Map<Name, boolean>();
  await eachInSlices(seen, ([name, now]) => {
    const is = typeof now === 'object' ? now : index.get(name);
    if (is !== undefined && now !== 'unreadable') kinds.set(name, is.type === 'dir');
  });
  return kinds;
}

const NO_WAITS: ReadonlyMap<Name, number> = new Map();

const sizeOf = (names: readonly Name[], seen: ReadonlyMap<Name, Seen>): number =>
  names.reduce((bytes, name) => {
    const now = seen.get(name);
    return bytes + (typeof now === 'object' ? now.size : 0);
  }, 0);
