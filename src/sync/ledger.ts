import type { Item, Report } from '../core/event.js';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { type Name, ROOT } from '../core/name.js';
import type { Outcome } from '../core/rsync/exit.js';
import { addDelivered, EMPTY_SUMMARY, type Summary } from '../core/summary.js';
import { begun, type Entry, type Seen, unsure } from '../core/sync/entry.js';
import { NameIndex, type ReadonlyIndex } from '../core/sync/name-index.js';
import { Pending, type ReadonlyPending } from '../core/sync/pending.js';
import type { WritingRun } from '../rsync/run.js';
import { eachInSlices, Slice } from '../slice.js';
import type { Memory } from '../state/memory.js';

/** Where it is written down what is begun, before it is. */
export type Journal = Pick<
  Memory,
  'keep' | 'willBring' | 'mayCome' | 'isGone' | 'tidy' | 'save' | 'keepInPlace' | 'close' | 'savedMs' | 'begunMs'
>;

export interface LedgerOptions {
  readonly journal: Journal;
  readonly target: string;
  readonly report: Report;
  /** See {@link RulesInForce.mayComeBack}. */
  readonly rulesMayComeBack: () => boolean;
}

/** What a run may bring, and as what. */
export type Brings = Iterable<readonly [Name, Entry['type']]>;

/** So many items go into one event. */
const TOLD_AT_ONCE = 1_000;

/**
 * What is known of one target: what is there by our doing (the index), what is in flight (the journal), and what waits
 * (the pending set). Nobody else writes any of them.
 *
 * ```
 *   note ─► waits ─► begin: in the journal, then unsure in the index ─► rsync ─┬─► delivered ─► done
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
    this.#books = { index, journal: options.journal, sums: EMPTY_SUMMARY };
    options.journal.keep(() => this.#books.index);
  }

  /** What is on the remote by our doing. */
  get index(): ReadonlyIndex {
    return this.#books.index;
  }

  get pending(): ReadonlyPending {
    return this.#pending;
  }

  /** When the index of the last run was saved, in milliseconds since 1970. */
  get savedMs(): number {
    return this.#options.journal.savedMs;
  }

  /** Since when names may be there that are only known to be begun, in milliseconds since 1970. */
  get begunMs(): number {
    return this.#options.journal.begunMs;
  }

  /** What was sent since the start. */
  get sums(): Omit<Summary, 'unsent'> {
    return this.#books.sums;
  }

  /** What is not there yet, and why the last try failed. */
  get unsent(): Summary['unsent'] {
    return [...this.#pending, ...this.#strays];
  }

  /**
   * The only way to a run that changes something there. `brings`: what it may bring beside the names that it deletes; asked
   * more than once. What can't be written down is not begun: then the failure says why.
   */
  async begin(run: WritingRun, brings: () => Brings = NOTHING): Promise<Result<Begun>> {
    const begun = new Begun(run, brings, this.#books);
    const unready = await this.#books.journal.willBring(begun.deeds());
    if (unready !== undefined) return failed(unready);
    await begun.mark();
    return success(begun);
  }

  /** It may be there by now although no run was begun for it: a full pass that goes on takes along what comes meanwhile. */
  mayCome(name: Name, type: Entry['type']): void {
    if (name === ROOT || this.index.get(name) !== undefined) return;
    this.#books.journal.mayCome(name, type);
    this.#books.index.set(name, begun(kindOf(type)));
  }

  /** It is there as `entry`, which is {@link unsure} where that is not proven. */
  delivered(name: Name, entry: Entry): void {
    const { index, journal } = this.#books;
    if (index.get(name) === undefined && name !== ROOT) journal.mayCome(name, entry.type); // it was there already
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
    this.#books.journal.isGone(name);
  }

  /** A name could not be synced: it backs off, and what is there is unsure. */
  failed(name: Name, failure: Failure, seen?: Seen): void {
    this.#doubt(name);
    if (this.#pending.fail(name, failure, performance.now(), Math.random(), seen)) this.#tellFailed(name, failure);
  }

  /** It waits longer each time, though nothing there is in doubt. Not told. */
  putOff(name: Name, failure: Failure): void {
    this.#pending.fail(name, failure, performance.now(), Math.random());
  }

  /** These may be in another state there than was delivered: they get another run. */
  unsure(names: Iterable<Name>): Promise<void> {
    return eachInSlices(names, (name) => {
      this.#doubt(name);
      this.note(name);
    });
  }

  #doubt(name: Name): void {
    const was = this.index.get(name);
    if (was !== undefined) this.#books.index.set(name, unsure(was));
  }

  /** The root is another one: nothing of what was delivered is ours to delete any more. */
  forget(): void {
    this.#books.index = new NameIndex();
    for (const [name] of [...this.#pending]) this.#pending.settle(name);
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
    return this.#pending.note(name, performance.now(), seen);
  }

  /** Whether it is neither there nor waits. */
  isUnknown(name: Name): boolean {
    return this.index.get(name) === undefined && !this.#pending.has(name);
  }

  /** It waits no longer. */
  settled(name: Name): void {
    this.#pending.settle(name);
  }

  /** It changed while a run had it: it waits anew. */
  again(name: Name): void {
    this.#pending.again(name, performance.now());
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
  async brought(items: readonly Item[], ms: number): Promise<void> {
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

  /** Saves the index if the journal has grown long. */
  tidy(): Promise<void> {
    return this.#books.journal.tidy();
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

/** What ledger and runs write. */
interface Books {
  index: NameIndex;
  readonly journal: Journal;
  sums: Summary;
}

/** A known name that a run may change: what it was, and the mark that stands for it until something is known. */
interface Mark {
  readonly was: Entry;
  readonly mark: Entry;
  /** It is missing here, and to be deleted there. */
  readonly isTaken: boolean;
}

/** A run that may begin: its names are in the journal, and unsure in the index. Only {@link Ledger.begin} makes one. */
class Begun {
  readonly run: WritingRun;
  readonly #brings: () => Brings;
  readonly #books: Books;
  readonly #marks = new Map<Name, Mark>();
  /** What stands for the names that are not there yet, each one object for all: a first full pass may have a million. */
  readonly #fresh = { file: begun('file'), link: begun('file'), dir: begun('dir') };

  constructor(run: WritingRun, brings: () => Brings, books: Books) {
    this.run = run;
    this.#brings = brings;
    this.#books = books;
  }

  /** What it may change there. */
  *deeds(): Generator<readonly [Name, Entry['type']]> {
    yield* this.#brings();
    yield* this.#takes();
  }

  /** What of its names is ours and goes. */
  *#takes(): Generator<readonly [Name, Entry['type']]> {
    const { run } = this;
    if (run.kind !== 'clear' && (run.kind !== 'names' || !run.deleteMissing)) return;
    const brought = new Set(namesOf(this.#brings()));
    for (const name of run.names) {
      const was = this.#books.index.get(name);
      if (was !== undefined && !brought.has(name)) yield [name, was.type];
    }
  }

  /** From now on nothing of it is sure. */
  async mark(): Promise<void> {
    await eachInSlices(this.#brings(), ([name, type]) => this.#mark(name, type, false));
    await eachInSlices(this.#takes(), ([name, type]) => this.#mark(name, type, true));
  }

  #mark(name: Name, type: Entry['type'], isTaken: boolean): void {
    const { index } = this.#books;
    const was = index.get(name);
    if (was === undefined && name === ROOT) return; // never gone
    const mark = was === undefined ? this.#fresh[type] : unsure(was);
    if (was !== undefined) this.#marks.set(name, { was, mark, isTaken });
    index.set(name, mark);
  }

  /** What was known of a name before: until rsync turns to it. */
  was(name: Name): Entry | undefined {
    const now = this.#books.index.get(name);
    const known = this.#marks.get(name);
    if (known !== undefined && known.mark === now) return known.was;
    return this.#isFresh(now) ? undefined : now;
  }

  /**
   * rsync has turned to this name. It may be there in another state by now, whatever becomes of the run; and if nobody
   * knew that rsync would turn to it, that is written down too.
   */
  turnedTo({ action, name }: Item): void {
    const { index, journal } = this.#books;
    const was = index.get(name);
    if (action === 'delete' && was === undefined) return;
    const type = action === 'mkdir' ? 'dir' : 'file';
    const isKnown = was !== undefined && (action === 'delete' || action === 'attributes' || kindOf(was.type) === type);
    const isWritten = isKnown && (this.#isFresh(was) || this.#marks.get(name)?.mark === was);
    if (!isWritten) journal.mayCome(name, isKnown ? was.type : type);
    index.set(name, isKnown && !this.#isFresh(was) ? unsure(was) : begun(isKnown ? kindOf(was.type) : type));
    this.#marks.delete(name);
  }

  /**
   * It has ended. What rsync did not turn to is what it was; but not where links were made, for it says nothing of those,
   * nor all of it where the run broke: the remote makes directories and links, and deletes, before that is told. A file never
   * comes before its line.
   */
  async ended({ outcome, items }: { readonly outcome: Outcome; readonly items: readonly Item[] }): Promise<void> {
    const { run } = this;
    const { index, journal } = this.#books;
    const isBroken = outcome.kind === 'broken';
    // Told only when it is proven; but what went over before the end is part of what was sent.
    if (isBroken) this.#books.sums = addDelivered(this.#books.sums, wentOver(items));
    if (run.kind === 'moves') return;
    await eachInSlices(this.#marks, ([name, { was, mark, isTaken }]) => {
      const isAsBefore = !isBroken || (was.type === 'file' && !isTaken);
      if (isAsBefore && index.get(name) === mark) index.set(name, was);
    });
    if (isBroken && run.kind !== 'pass') return;
    // After a full pass that finished all of them are there but these.
    const names = run.kind === 'pass' && !isBroken ? outcome.failed.keys() : namesOf(this.#brings());
    await eachInSlices(names, (name) => {
      const now = index.get(name);
      if (isBroken ? now !== this.#fresh.file : !this.#isFresh(now)) return;
      index.delete(name);
      journal.isGone(name);
    });
  }

  #isFresh(entry: Entry | undefined): boolean {
    return entry === this.#fresh.file || entry === this.#fresh.link || entry === this.#fresh.dir;
  }
}

export type { Begun };

const NOTHING = (): Brings => [];

const kindOf = (type: Entry['type']): 'file' | 'dir' => (type === 'dir' ? 'dir' : 'file');

function* namesOf(brings: Brings): Generator<Name> {
  for (const [name] of brings) yield name;
}

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
