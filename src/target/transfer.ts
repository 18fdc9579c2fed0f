import { type DeleteMode, planBatch } from '../core/batch.js';
import { begun, type Entry, isRacy, isUntouched, type Seen, unsure } from '../core/entry.js';
import type { Item, Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { type Name, parentOf, ROOT } from '../core/name.js';
import { NameIndex } from '../core/name-index.js';
import type { Pending } from '../core/pending.js';
import type { RsyncSettings } from '../core/rsync-args.js';
import { type Outcome, outcomeOf } from '../core/rsync-exit.js';
import type { OutputLine } from '../core/rsync-output.js';
import type { SshAim } from '../core/ssh-exit.js';
import { addDelivered, EMPTY_SUMMARY, type Summary } from '../core/summary.js';
import { type Run, runRsync } from '../rsync/run.js';
import type { Disk } from '../scan/disk.js';
import { seeAll } from '../scan/look.js';

export interface TransferOptions {
  readonly rsync: RsyncSettings;
  readonly aim: SshAim | undefined;
  readonly disk: Disk;
  readonly deletes: DeleteMode;
  readonly report: Report;
  /** Checked before names are looked at and after: false while the root is not the one we began with. */
  readonly rootIsThere: () => boolean;
  /** Called before anything is deleted: may refuse it for good. */
  readonly guard: (deletions: number) => Failure | undefined;
}

/** What one rsync run did. */
export interface RunResult {
  readonly outcome: Outcome;
  /** What rsync turned to, in order. */
  readonly items: readonly Item[];
  /** Directories that are gone here and not empty there. */
  readonly kept: ReadonlySet<Name>;
}

/** How a batch ended. Names that are not done are still pending. */
export type BatchEnd =
  /** `delivered`: whether rsync had anything to do. */
  | { readonly kind: 'done'; readonly delivered: boolean }
  | { readonly kind: 'rootGone' }
  | { readonly kind: 'broken'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure };

/**
 * Brings names to one target and keeps the index of what is there. Never two at once: {@link Line} sees to that.
 *
 * The rule: a name is done when rsync said so and nothing was done to it from before the run until after it.
 */
export class Transfer {
  readonly #options: TransferOptions;
  readonly #pending: Pending;
  readonly #abort: AbortSignal;
  #index: NameIndex;
  #summary: Summary = EMPTY_SUMMARY;
  /** What the last full pass could not do about names that are not ours. */
  #strays: ReadonlyMap<Name, Failure> = new Map();

  constructor(options: TransferOptions, index: NameIndex, pending: Pending, abort: AbortSignal) {
    this.#options = options;
    this.#index = index;
    this.#pending = pending;
    this.#abort = abort;
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

  get summary(): Summary {
    return { ...this.#summary, unsent: [...this.#pending, ...this.#strays] };
  }

  /** Makes these names the same there, as the disk has them now. */
  async batch(names: readonly Name[]): Promise<BatchEnd> {
    const { disk, deletes, rootIsThere, guard } = this.#options;
    const beganMs = performance.now();
    if (!rootIsThere()) return { kind: 'rootGone' };
    const fromMs = Date.now();
    const before = await seeAll(disk, names);
    const toMs = Date.now();
    const plan = planBatch(before, this.#index, deletes);
    for (const name of plan.drop) {
      if (typeof before.get(name) === 'string') this.#index.delete(name);
      this.#pending.settle(name);
    }
    const deletions = plan.clear.length + plan.run.filter((name) => before.get(name) === 'missing').length;
    const refused = deletions > 0 ? guard(deletions) : undefined;
    if (refused !== undefined) return { kind: 'refused', failure: refused };
    if (!rootIsThere()) return { kind: 'rootGone' }; // it went while we looked: what we saw means nothing

    const broken = await this.clear(plan.clear);
    if (broken !== undefined) return { kind: 'broken', failure: broken };
    const toRun = [...plan.run, ...this.#parentsOf(plan.clear, before)];
    if (toRun.length === 0) return { kind: 'done', delivered: plan.clear.length > 0 };
    const has = new Set(toRun);
    const { ignoreTimes } = plan;
    const result = await this.run(
      { kind: 'names', names: toRun, ignoreTimes, deleteMissing: deletes !== 'never' },
      (name) => has.has(name),
    );
    if (result.outcome.kind === 'broken') {
      this.noteMaybe(before);
      return { kind: 'broken', failure: result.outcome.failure };
    }
    const { failed } = result.outcome;
    await this.#settle(toRun, before, result, failed, (entry) => isRacy(entry, fromMs, toMs));
    this.delivered(
      result.items.filter(({ name }) => !failed.has(name)),
      performance.now() - beganMs,
    );
    return { kind: 'done', delivered: result.items.length > 0 };
  }

  /**
   * Deletes exactly these names there. An emptied directory goes in a later run than what it held, so it goes on while
   * something goes. Gives the failure if a run broke.
   */
  async clear(names: readonly Name[]): Promise<Failure | undefined> {
    const left = new Set(names);
    while (left.size > 0) {
      const beganMs = performance.now();
      const { outcome, kept, items } = await this.run({ kind: 'clear', names: [...left] }, (name) => left.has(name));
      if (outcome.kind === 'broken') return outcome.failure;
      const count = left.size;
      for (const name of [...left]) {
        if (kept.has(name) || outcome.failed.has(name)) continue;
        left.delete(name);
        this.#index.delete(name);
      }
      this.delivered(items, performance.now() - beganMs);
      if (left.size < count) continue;
      for (const name of left) {
        const failure = outcome.failed.get(name);
        if (failure !== undefined) this.failed(name, failure);
        else this.#index.delete(name); // it holds what is not ours
      }
      return undefined;
    }
    return undefined;
  }

  /** Runs one rsync and reads what it says. `has`: whether a name is part of the run. */
  async run(run: Run, has: (name: Name) => boolean): Promise<RunResult> {
    const { rsync, aim, report } = this.#options;
    const debug = (text: string): void => report({ kind: 'note', level: 'debug', text });
    const items: Item[] = [];
    const kept = new Set<Name>();
    const onLine = (line: OutputLine): void => {
      switch (line.kind) {
        case 'item': {
          // rsync says of each run that the root's time was set: not worth a word.
          if (line.name === ROOT) return;
          const { kind: _, ...item } = line;
          items.push(item);
          if (run.kind === 'pass' && run.dryRun) return;
          this.#noteBegun(item);
          report({ kind: 'started', target: rsync.target.label, ...item });
          return;
        }
        case 'notEmpty':
          kept.add(line.name);
          return;
        case 'other':
          debug(`rsync: ${line.text}`);
      }
    };
    const exit = await runRsync(rsync, run, onLine, this.#abort, (args) => debug(`rsync ${args.join(' ')}`));
    debug(`rsync ended: ${exit.code ?? exit.signal}${exit.stderr === '' ? '' : `; ${exit.stderr.trim()}`}`);
    return { outcome: outcomeOf(exit, aim, placesOf(rsync), has, run.kind === 'pass'), items, kept };
  }

  /**
   * A run broke: what it was to bring may be there although rsync did not come to tell of it (the remote makes
   * directories and links before their lines arrive). A later deletion must find them.
   */
  noteMaybe(seen: Iterable<readonly [Name, Seen]>): void {
    for (const [name, now] of seen) {
      if (typeof now === 'string' || this.#index.get(name) !== undefined) continue;
      this.#index.set(name, begun(now.type === 'dir' ? 'dir' : 'file'));
    }
  }

  /** Tells what a run brought and counts it. */
  delivered(items: readonly Item[], ms: number): void {
    if (items.length === 0) return;
    this.#summary = addDelivered(this.#summary, items);
    this.#options.report({ kind: 'delivered', target: this.#options.rsync.target.label, items, ms });
  }

  /** A name could not be synced: it backs off, and what is there is unsure. */
  failed(name: Name, failure: Failure): void {
    const was = this.#index.get(name);
    if (was !== undefined) this.#index.set(name, unsure(was));
    const news = this.#pending.fail(name, failure, performance.now(), Math.random());
    if (news) this.#options.report({ kind: 'pathFailed', target: this.#options.rsync.target.label, name, failure });
  }

  /** Failures of a full pass about names that are not ours: told, and counted until the next one. */
  setStrays(strays: ReadonlyMap<Name, Failure>): void {
    for (const [name, failure] of strays) {
      if (this.#strays.get(name)?.message === failure.message) continue;
      this.#options.report({ kind: 'pathFailed', target: this.#options.rsync.target.label, name, failure });
    }
    this.#strays = strays;
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

  /** After a run that finished: what is done leaves the pending set and enters the index, or leaves that too. */
  async #settle(
    names: readonly Name[],
    before: ReadonlyMap<Name, Seen>,
    { items, kept }: RunResult,
    failures: ReadonlyMap<Name, Failure>,
    isStillRacy: (entry: Entry) => boolean,
  ): Promise<void> {
    const after = await seeAll(this.#options.disk, names);
    const deleted = new Set(items.filter(({ action }) => action === 'delete').map(({ name }) => name));
    const emptied = new Set<Name>(); // something of ours below them went, or is about to
    // What is below a directory before the directory: a longer name first.
    for (const name of names.toSorted((a, b) => b.length - a.length)) {
      const was = before.get(name);
      const now = after.get(name);
      const failure = failures.get(name);
      if (was === undefined || now === undefined) continue;
      if (failure !== undefined) {
        this.failed(name, failure);
      } else if (typeof was === 'string' || typeof now === 'string') {
        if (was !== now) continue; // came or went meanwhile: its turn comes again
        if (kept.has(name)) {
          if (this.#stays(name, emptied)) continue;
          this.#options.report({ kind: 'kept', target: this.#options.rsync.target.label, name });
        } else {
          emptied.add(parentOf(name));
          if (!deleted.has(name) && this.#isDoubtful(name)) continue;
        }
        this.#index.delete(name);
        this.#pending.settle(name);
      } else if (isUntouched(was, now)) {
        this.#doubtful.delete(name);
        const racy = isStillRacy(was);
        this.#index.set(name, racy ? unsure(was) : was);
        if (!racy) this.#pending.settle(name);
      }
    }
  }

  /**
   * A name was missing before and after a run that did not say it deleted it: either it was not there anyway, or it
   * had come back here for just that moment and is there still. The second time in a row it is taken for the first.
   */
  #isDoubtful(name: Name): boolean {
    if (this.#doubtful.delete(name)) return false;
    this.#doubtful.add(name);
    return true;
  }
  readonly #doubtful = new Set<Name>();

  /**
   * Whether a directory that is gone here, and was not empty there, still has to go: rsync tries a directory before
   * what it holds, so each run empties one level. If nothing of ours is left in it, it holds what is not ours.
   */
  #stays(name: Name, emptied: Set<Name>): boolean {
    if (emptied.has(name)) {
      emptied.add(parentOf(name));
      return true;
    }
    if (this.#index.children(name).size === 0) return false;
    this.#pending.fail(name, NOT_EMPTY, performance.now(), Math.random());
    return true;
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
}

const NOT_EMPTY: Failure = { kind: 'path', message: 'something in it could not be deleted there' };

/** How each side's paths begin, for reading rsync's complaints. */
const placesOf = ({ root, target }: RsyncSettings): string[] =>
  [root, ...(target.path.startsWith('/') ? [target.path.replace(/\/+$/, '')] : [])].map((path) =>
    Buffer.from(`${path}/`, 'utf8').toString('latin1'),
  );
