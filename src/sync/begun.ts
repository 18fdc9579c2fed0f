import type { Item } from '../core/event.js';
import { failed, type Result, success } from '../core/failure.js';
import { type Name, ROOT } from '../core/name.js';
import type { Outcome } from '../core/rsync/exit.js';
import { addDelivered, type Summary } from '../core/summary.js';
import { begun, type Entry, unsure } from '../core/sync/entry.js';
import type { NameIndex } from '../core/sync/name-index.js';
import type { WritingRun } from '../rsync/run.js';
import { eachInSlices } from '../slice.js';
import type { Memory } from '../state/memory.js';

/** Where it is written down what is begun, before it is. */
export type Journal = Pick<
  Memory,
  | 'keep'
  | 'writeAhead'
  | 'ready'
  | 'markInFlight'
  | 'markGone'
  | 'tidy'
  | 'save'
  | 'keepInPlace'
  | 'close'
  | 'savedMs'
  | 'begunMs'
>;

/** What a run may bring, and as what. */
export type Brings = Iterable<readonly [Name, Entry['type']]>;

/** What only the {@link Ledger} has, and its runs write. */
export interface Books {
  index: NameIndex;
  readonly journal: Journal;
  sums: Summary;
  /** Of how many runs there are marks in the index: they are known by their identity. */
  runs: number;
}

/** A known name that a run may change: what it was, and the mark that stands for it until something is known. */
interface Mark {
  readonly was: Entry;
  readonly mark: Entry;
  /** What comes in its place is a file, too. */
  readonly isFileStill: boolean;
  /** It is missing here, and to be deleted there. */
  readonly isTaken: boolean;
}

/** A run that may begin: its names are unsure in the index, and in the journal. Only {@link Ledger.begin} makes one. */
export class Begun {
  readonly run: WritingRun;
  readonly #brings: () => Brings;
  readonly #books: Books;
  readonly #marks = new Map<Name, Mark>();
  /** What stands for the names that are not there yet, each one object for all: a first full pass may have a million. */
  readonly #fresh = { file: begun('file'), link: begun('file'), dir: begun('dir') };

  static async begin(run: WritingRun, brings: () => Brings, books: Books): Promise<Result<Begun>> {
    const begun = new Begun(run, brings, books);
    books.runs++;
    // Before the journal: an index that is saved in between has it then.
    await eachInSlices(brings(), ([name, type]) => begun.#mark(name, type, false));
    await eachInSlices(begun.#takes(), ([name, type]) => begun.#mark(name, type, true));
    const unready = await books.journal.writeAhead(begun.#deeds());
    if (unready === undefined) return success(begun);
    await begun.#unmark(namesOf(brings()), () => true);
    books.runs--;
    return failed(unready);
  }

  private constructor(run: WritingRun, brings: () => Brings, books: Books) {
    this.run = run;
    this.#brings = brings;
    this.#books = books;
  }

  /** What it may change there. */
  *#deeds(): Generator<readonly [Name, Entry['type']]> {
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

  #mark(name: Name, type: Entry['type'], isTaken: boolean): void {
    const { index } = this.#books;
    const was = index.get(name);
    if (was === undefined && name === ROOT) return; // never gone
    const mark = was === undefined ? this.#fresh[type] : unsure(was);
    if (was !== undefined)
      this.#marks.set(name, { was, mark, isTaken, isFileStill: was.type === 'file' && type === 'file' });
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
    if (!isWritten) journal.markInFlight(name, isKnown ? was.type : type);
    // A link that is sent may be a file by now, which the quick check may take for the one that is here.
    const isSame = isKnown && !this.#isFresh(was) && (was.type !== 'link' || action !== 'send');
    index.set(name, isSame ? unsure(was) : begun(isKnown ? kindOf(was.type) : type));
    this.#marks.delete(name);
  }

  /**
   * It has ended. What rsync did not turn to is what it was; but not a file that may have been linked ({@link WritingRun} of
   * `moves`), for rsync says nothing of those, nor all of it where the run broke: the remote makes directories and links, and
   * deletes, before that is told. A file never comes before its line.
   */
  async ended(result: { readonly outcome: Outcome; readonly items: readonly Item[] }): Promise<void> {
    await this.#resolve(result);
    this.#books.runs--;
  }

  async #resolve({ outcome, items }: Parameters<Begun['ended']>[0]): Promise<void> {
    const { kind } = this.run;
    if (outcome.kind === 'finished')
      return this.#unmark(this.#notThere(outcome.failed), ({ was }) => kind !== 'moves' || was.type === 'dir');
    // Told only when it is proven; but what went over before the end is part of what was sent.
    if (outcome.complains !== true) this.#books.sums = addDelivered(this.#books.sums, wentOver(items));
    // What was listed may be there, and of a full pass what comes without a line.
    const fresh = kind === 'pass' ? namesOf(this.#brings(), 'file') : [];
    return this.#unmark(fresh, ({ isFileStill, isTaken }) => kind !== 'moves' && isFileStill && !isTaken);
  }

  /** What of that which was to come is not there after a run that finished, unless rsync turned to it. */
  #notThere(failures: ReadonlyMap<Name, unknown>): Iterable<Name> {
    const { run } = this;
    switch (run.kind) {
      case 'pass':
        return failures.keys(); // all others are there
      case 'moves':
        return namesOf(this.#brings(), 'dir');
      case 'clear':
        return run.stashDir === undefined ? namesOf(this.#brings()) : []; // not a word of what goes into the stash
      case 'names':
        return namesOf(this.#brings());
    }
  }

  /** What rsync did not turn to is what it was, where `isAsBefore`; and what of `fresh` it did not turn to is not there. */
  async #unmark(fresh: Iterable<Name>, isAsBefore: (mark: Mark) => boolean): Promise<void> {
    const { index, journal } = this.#books;
    await eachInSlices(this.#marks, ([name, mark]) => {
      if (index.get(name) === mark.mark && isAsBefore(mark)) index.set(name, mark.was);
    });
    await eachInSlices(fresh, (name) => {
      if (!this.#isFresh(index.get(name))) return;
      const leftAlone = index.aside.get(name);
      if (leftAlone !== undefined) return index.setAside(name, leftAlone); // that is still there in its place
      index.delete(name);
      journal.markGone(name);
    });
  }

  #isFresh(entry: Entry | undefined): boolean {
    return entry === this.#fresh.file || entry === this.#fresh.link || entry === this.#fresh.dir;
  }
}

/** As what rsync tells of it: a link is no directory. */
export const kindOf = (type: Entry['type']): 'file' | 'dir' => (type === 'dir' ? 'dir' : 'file');

function* namesOf(brings: Brings, only?: Entry['type']): Generator<Name> {
  for (const [name, type] of brings) if (only === undefined || type === only) yield name;
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
