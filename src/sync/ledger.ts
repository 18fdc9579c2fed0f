import { steadyNow } from '../clock.js';
import type { SteadyMs, WallMs } from '../core/clock.js';
import type { BroughtItem, Report } from '../core/event.js';
import type { Failure, Result } from '../core/failure.js';
import { type Name, ROOT } from '../core/name.js';
import { addDelivered, EMPTY_SUMMARY, type Summary } from '../core/summary.js';
import { begun, type Entry, type Seen, unsure } from '../core/sync/entry.js';
import { NameIndex, type ReadonlyIndex } from '../core/sync/name-index.js';
import { Pending, type ReadonlyPending } from '../core/sync/pending.js';
import type { WritingRun } from '../rsync/run.js';
import { eachInSlices, inSlices, Slice } from '../slice.js';
import { Begun, type Books, type Brings, type Journal, kindOf } from './begun.js';

export interface LedgerOptions {
  readonly journal: Journal;
  readonly target: string;
  readonly report: Report;
  /** See {@link RulesInForce.mayComeBack}. */
  readonly rulesMayComeBack: () => boolean;
}

/** So many directories of the index may be unpacked: they take less than a MiB, and are written to again. */
const MOST_LOOSE = 100;

/** So many items go into one event. */
const TOLD_AT_ONCE = 1_000;

/**
 * What is known of one target: what is there by our doing (the index), what is in flight (the journal), and what waits
 * (the pending set). Nobody else writes any of them.
 *
 * ```
 *   note ─► waits ─► begin: unsure in the index, and in the journal ─► rsync ─┬─► delivered ─► done
 *             ▲                                                                ├─► gone ──────► done
 *             └───────────────────────── failed, again ◄───────────────────────┘
 * ```
 * A run that writes there takes a {@link Begun}, and only {@link begin} makes one: so there is none whose names were not
 * written down before. Whatever becomes of it or of us, a later deletion finds what it brought, and nothing that was in
 * flight is taken for the same as what is here before it is proven.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #books: Books;
  readonly #pending = new Pending();
  /** What the last full pass could not do about names that are not ours. */
  #strays: ReadonlyMap<Name, Failure> = new Map();
  /** What is new there since rules were lost that may come back. */
  readonly #fresh = new Set<Name>();

  /** `index`: what was there by our doing when the journal was loaded. It belongs to the ledger from now on. */
  constructor(options: LedgerOptions, index: NameIndex = new NameIndex()) {
    this.#options = options;
    this.#books = { index, journal: options.journal, sums: EMPTY_SUMMARY, runs: 0 };
    options.journal.keep(() => this.#books.index);
  }

  /** What is on the remote by our doing. */
  get index(): ReadonlyIndex {
    return this.#books.index;
  }

  get pending(): ReadonlyPending {
    return this.#pending;
  }

  /** When the index of the last run was saved. */
  get savedMs(): WallMs {
    return this.#options.journal.savedMs;
  }

  /** Since when names may be there that are only known to be begun. */
  get begunMs(): WallMs {
    return this.#options.journal.begunMs;
  }

  /** What was sent since the start. */
  get sums(): Omit<Summary, 'unsent'> {
    return this.#books.sums;
  }

  /** How many are not there because they failed, as was told. */
  get failedCount(): number {
    return this.#pending.failed + this.#strays.size;
  }

  /** What is not there yet, and why the last try failed. */
  get unsent(): Summary['unsent'] {
    return [...this.#pending, ...this.#strays];
  }

  /**
   * The only way to a run that changes something there. `brings`: what it may bring beside the names that it deletes; asked
   * more than once. What can't be written down is not begun: then the failure says why.
   */
  begin(run: WritingRun, brings: () => Brings = () => []): Promise<Result<Begun>> {
    return Begun.begin(run, brings, this.#books);
  }

  /** It may be there by now as this, although a run was begun for something else in its place. */
  markInFlight(name: Name, type: Entry['type']): void {
    if (name === ROOT || this.index.get(name) !== undefined) return;
    this.#books.journal.markInFlight(name, type);
    this.#books.index.set(name, begun(kindOf(type)));
  }

  /** It is there as `entry`, which is {@link unsure} where that is not proven. */
  delivered(name: Name, entry: Entry): void {
    const { index, journal } = this.#books;
    if (index.get(name) === undefined && name !== ROOT) journal.markInFlight(name, entry.type); // it was there already
    index.set(name, entry);
  }

  /** All this is taken for delivered, without a run and without a word in the journal: it has to be saved. */
  async assume(entries: Iterable<readonly [Name, Entry]>): Promise<void> {
    await eachInSlices(entries, ([name, entry]) => this.#books.index.set(name, entry));
  }

  /** It is not there any more, or not ours. */
  gone(name: Name): void {
    if (this.index.get(name) === undefined && this.index.aside.get(name) === undefined) return;
    this.#books.index.delete(name);
    this.#books.journal.markGone(name);
  }

  /** A name could not be synced: it backs off, and what is there is unsure. */
  failed(name: Name, failure: Failure, seen?: Seen): void {
    this.doubt(name);
    if (this.#pending.fail(name, failure, steadyNow(), Math.random(), seen)) this.#tellFailed(name, failure);
  }

  /** It waits longer each time, though nothing there is in doubt. Not told. */
  putOff(name: Name, failure: Failure): void {
    this.#pending.fail(name, failure, steadyNow(), Math.random());
  }

  /** These may be in another state there than was delivered: they get another run. */
  unsure(names: Iterable<Name>): Promise<void> {
    return eachInSlices(names, (name) => {
      this.doubt(name);
      this.note(name);
    });
  }

  /** It may be in another state there than was delivered. */
  doubt(name: Name): void {
    const was = this.index.get(name);
    if (was !== undefined) this.#books.index.set(name, unsure(was));
  }

  /** The root is another one: nothing of what was delivered is ours to delete any more. */
  forget(): void {
    this.#books.index = new NameIndex();
    for (const [name] of [...this.#pending]) this.#pending.settle(name);
  }

  /** Another file system is seen below this: nothing of what was delivered of the last one is ours to delete any more. */
  async forgetBelow(dir: Name): Promise<void> {
    await eachInSlices(this.index.allBelow(dir), (name) => {
      this.gone(name);
      this.#pending.settle(name);
    });
  }

  /** It is excluded by now, and left alone there; `entry`: as this. */
  setAside(name: Name, entry?: Entry): void {
    this.#books.index.setAside(name, entry);
  }

  /** It is not left alone any more. */
  takeUp(name: Name): void {
    this.#books.index.takeUp(name);
  }

  /** It may differ: see {@link Pending.note}. True if that is news. */
  note(name: Name, seen?: Seen): boolean {
    return this.#pending.note(name, steadyNow(), seen);
  }

  /** Whether it is neither there nor waits. */
  isUnknown(name: Name): boolean {
    return this.index.get(name) === undefined && !this.#pending.has(name);
  }

  /** See {@link Pending.hurryPaced}. */
  hurryPaced(): void {
    this.#pending.hurryPaced();
  }

  /** A run has had these names: see {@link Pace}. */
  sent(names: readonly Name[], beganMs: SteadyMs): void {
    this.#pending.sent(names, beganMs, steadyNow());
  }

  /** It waits no longer. */
  settled(name: Name): void {
    this.#pending.settle(name);
  }

  /** It changed while a run had it: it waits anew. */
  again(name: Name): void {
    this.#pending.again(name, steadyNow());
  }

  /** What held it up is gone: it has its turn at once. */
  soon(name: Name): void {
    this.#pending.soon(name);
  }

  /** A run beside the others has it, until it is given back. */
  take(name: Name): void {
    this.#pending.take(name);
  }

  giveBack(name: Name): void {
    this.#pending.giveBack(name);
  }

  /** What backs off has its turn at once. */
  hurry(): void {
    this.#pending.hurry();
  }

  /** Tells what a run brought, and counts it: many in several events. */
  async brought(items: readonly BroughtItem[], ms: number): Promise<void> {
    const { report, target, rulesMayComeBack } = this.#options;
    const slice = new Slice();
    for (let from = 0; from < items.length; from += TOLD_AT_ONCE) {
      const part = items.slice(from, from + TOLD_AT_ONCE);
      const left = items.length - from - part.length;
      if (!rulesMayComeBack()) this.#fresh.clear();
      else for (const { name, isNew, action } of part) if (isNew && action !== 'delete') this.#fresh.add(name);
      this.#books.sums = addDelivered(this.#books.sums, part);
      report({ kind: 'delivered', target, items: part, ...(left > 0 ? { more: left } : {}), ms });
      if (slice.isOver) await slice.next();
    }
  }

  /** Whether it was new there when it was brought, and rules were lost that may come back. */
  isFresh(name: Name): boolean {
    return this.#fresh.has(name);
  }

  /** Failures of a full pass about names that are not ours: told, and counted until the next one. */
  setStrays(strays: ReadonlyMap<Name, Failure>): void {
    for (const [name, failure] of strays)
      if (this.#strays.get(name)?.message !== failure.message) this.#tellFailed(name, failure);
    this.#strays = strays;
  }

  #tellFailed(name: Name, failure: Failure): void {
    this.#options.report({ kind: 'pathFailed', target: this.#options.target, name, failure });
  }

  /** Makes the files in which is written down what is begun, where they are not there yet. */
  async beReady(): Promise<void> {
    await this.#options.journal.ready();
  }

  /** Saves the index if the journal has grown long, and packs what of it was written to. */
  async tidy(): Promise<void> {
    await this.#pack();
    await this.#books.journal.tidy();
  }

  async #pack(): Promise<void> {
    const { index } = this.#books;
    if (index.loose <= MOST_LOOSE) return;
    await inSlices(index.packLoose(() => this.#books.runs === 0 && this.#books.index === index));
  }

  /** Saves the index for the next run. */
  save(): Promise<void> {
    return this.#books.journal.save();
  }

  /** To be called every so often: its files are made again where somebody removed them. */
  keepInPlace(): Promise<void> {
    return this.#books.journal.keepInPlace();
  }

  /** Nothing more is written, until there is something to note again. */
  close(): void {
    this.#books.journal.close();
  }
}
