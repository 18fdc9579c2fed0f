import { closeSync, lstatSync } from 'node:fs';
import { msSince, steadyNow, wallNow } from '../clock.js';
import { EPOCH, LONG_AGO, type WallMs } from '../core/clock.js';
import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import type { Entry } from '../core/sync/entry.js';
import { NameIndex } from '../core/sync/name-index.js';
import { eachInSlices } from '../slice.js';
import { type Edition, type IndexOwner, writeIndex } from './index-file.js';
import type { Deed } from './journal.js';
import { load, type Remembered } from './load.js';
import { type KnownMounts, MountsFile } from './mounts-file.js';
import { OpenJournal } from './open-journal.js';
import { beginFresh, type Fresh, flushed, placeOf } from './own-file.js';

/** The journal may grow to so many lines, or to this share of the index, before the index is saved and it begins anew. */
const JOURNAL_LINES = 10_000;
const JOURNAL_SHARE = 0.25;

/** So many lines go to the disk together: a first full sync has a million. */
const WRITTEN_AT_ONCE = 1_000;

/** How soon what could not be written is tried again, in milliseconds: a run may have much to note. */
const TRY_AGAIN_MS = 100;

export interface MemoryOptions {
  /** Of the files, without their endings. */
  readonly path: string;
  readonly uid: number;
  readonly owner: () => IndexOwner;
  /** The mount points below DIR as they are known now. */
  readonly mounts: () => KnownMounts;
  /** Makes the folder that they are in, where it is not there. */
  readonly makeFolder: () => Failure | undefined;
  /** The index could not be saved, but nothing is lost by that; told once. */
  readonly onProblem: (problem: string) => void;
}

/**
 * What is kept of one DIR and target between runs, so that not even a `kill -9` loses anything: the saved index, and a
 * journal of what was begun since. A name enters the journal *before* rsync is started for it. At the next start such a name
 * counts as perhaps there in any state: it is sent again if it is here, and deleted there if it is not. What can't be put
 * in the journal waits ({@link Memory.ready}).
 *
 * The journal is not flushed to the disk at each line: that is for a death of syncwatch, not of the machine, whose own files
 * would be lost with it.
 */
export class Memory {
  readonly #options: MemoryOptions;
  readonly #indexPath: string;
  readonly #journalPath: string;
  readonly #mounts: MountsFile;
  #index: () => NameIndex = () => new NameIndex();
  /** The saved index, the journal that continues it, and both files' places. */
  #edition: Edition = { number: 0, checksum: '' };
  #journal: OpenJournal | undefined;
  #places: readonly string[] = [];
  /** What is still to be written. */
  readonly #unwritten = new Map<Name, Deed>();
  /** A new index is being written, in slices, and what is said meanwhile: that one may have it or not. */
  #saving: Promise<unknown> | undefined;
  #meanwhile: Map<Name, Deed> | undefined;
  /** Why not, and when that was tried last. */
  #failure: Failure | undefined;
  #triedMs = LONG_AGO;
  #savedMs = EPOCH;
  #begunMs = wallNow();
  /** The index is not saved again before the journal has so many lines: the last time it failed. */
  #tidyFrom = 0;
  #reported: string | undefined;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#indexPath = `${options.path}.index`;
    this.#journalPath = `${options.path}.log`;
    this.#mounts = new MountsFile(`${options.path}.mounts`, options.uid);
  }

  /** Reads what the last run left. Nothing is written. */
  async load(): Promise<Remembered> {
    const { owner, uid } = this.#options;
    const { edition, savedMs, begunMs, ...remembered } = await load(this.#indexPath, this.#journalPath, owner(), uid);
    this.#savedMs = savedMs;
    if (edition !== undefined) this.#edition = edition;
    if (begunMs !== undefined) this.#begunMs = begunMs;
    if (this.mountsBefore() !== undefined) return remembered;
    const problem = remembered.problem ?? 'its list of mounts is damaged';
    return { ...remembered, problem, mayHaveLostDeletions: true };
  }

  /** The mount points of the last run; undefined where nobody can say. */
  mountsBefore(): KnownMounts | undefined {
    return this.#mounts.read();
  }

  /** When the index that was loaded had been saved: what is in the journal began after that. */
  get savedMs(): WallMs {
    return this.#savedMs;
  }

  /** Since when names may be there that were only known to be begun. */
  get begunMs(): WallMs {
    return this.#begunMs;
  }

  /** From now on `index` is what is kept. */
  keep(index: () => NameIndex): void {
    this.#index = index;
  }

  /**
   * These names may be there in any state from now on (or, `gone`, are not there, or not ours). To be called before anything
   * is done about them; where it can't be noted (see {@link Memory.ready}), nothing may be.
   */
  async writeAhead(names: Iterable<readonly [Name, Deed]>): Promise<Failure | undefined> {
    await eachInSlices(names, ([name, type]) => {
      this.#add(name, type);
      if (this.#unwritten.size % WRITTEN_AT_ONCE === 0) this.#write();
    });
    return this.ready();
  }

  /** It may be there in any state from now on: a run under way has turned to it, of which {@link Memory.ready} was told before. */
  markInFlight(name: Name, type: Entry['type']): void {
    this.#add(name, type);
    this.#write();
  }

  /** It is not there any more. */
  markGone(name: Name): void {
    this.#add(name, 'gone');
    this.#write();
  }

  #add(name: Name, deed: Deed): void {
    this.#unwritten.set(name, deed);
    this.#meanwhile?.set(name, deed);
  }

  /**
   * To be called before each run that changes anything there: all that was said of what it brings is in the journal, and the
   * files are where the next start looks for them. If somebody removed them they are made again. Otherwise why not.
   */
  async ready(): Promise<Failure | undefined> {
    if (this.#failure !== undefined && msSince(this.#triedMs) < TRY_AGAIN_MS) return this.#failure;
    this.#triedMs = steadyNow();
    try {
      // The first time, too: what the last run left goes into a new beginning.
      while (!this.#isInPlace()) await (this.#saving ?? this.#save('withJournal'));
      this.#writeOut();
      // After what is said of the index: killed in between, what is of another mount than was known is forgotten, not deleted.
      this.#mounts.keep(this.#options.mounts());
      this.#failure = undefined;
    } catch (error) {
      this.#failure = this.#whyNotSaved(error);
    }
    return this.#failure;
  }

  /** Saves the index if the journal has grown long. Only while no run is under way: its names are in the journal alone. */
  async tidy(): Promise<void> {
    if (this.#failure !== undefined) await this.ready();
    const isLong =
      (this.#journal?.lines ?? 0) > Math.max(JOURNAL_LINES, this.#index().size * JOURNAL_SHARE, this.#tidyFrom);
    if (isLong && this.#saving === undefined) await this.save();
  }

  /** Saves the index; the journal begins anew. Not while a run is under way, as above; one may begin meanwhile. */
  async save(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving.catch(() => {});
    try {
      await this.#save('withoutJournal');
    } catch (error) {
      // What was saved before and the journal still say it all.
      this.#tidyFrom = (this.#journal?.lines ?? 0) + JOURNAL_LINES;
      const problem = `can't write ${this.#indexPath} or .log: ${messageOf(error)}`;
      if (problem !== this.#reported) this.#options.onProblem(problem);
      this.#reported = problem;
    }
  }

  /** To be called every so often: once there are files of ours, removed ones are made again. */
  async keepInPlace(): Promise<void> {
    if (this.#journal !== undefined) await this.ready();
  }

  /** Nothing more is written, until there is something to note again. */
  close(): void {
    this.#journal?.close();
    this.#journal = undefined;
  }

  /** Where that fails it is for {@link Memory.ready} to tell, and to try again. */
  #write(): void {
    if (this.#journal === undefined || this.#failure !== undefined) return;
    try {
      this.#writeOut();
    } catch (error) {
      this.#failure = this.#whyNotSaved(error);
    }
  }

  #whyNotSaved(error: unknown): Failure {
    return {
      kind: 'run',
      message: `what is to be sent can't be noted in ${this.#journalPath} first: ${messageOf(error)}`,
      hint: 'Make room there, or see to the rights; it goes on by itself.',
    };
  }

  #writeOut(): void {
    if (this.#unwritten.size === 0 || this.#journal === undefined) return;
    this.#journal.add(this.#unwritten);
    this.#unwritten.clear();
  }

  /** Whether both files are still the ones that were written, and as long as they were left. */
  #isInPlace(): boolean {
    if (this.#journal === undefined) return false;
    const now = [this.#indexPath, this.#journalPath].map(placeOf);
    return (
      now.every((place, i) => place === this.#places[i]) && lstatSync(this.#journalPath).size === this.#journal.bytes
    );
  }

  #save(how: 'withJournal' | 'withoutJournal'): Promise<void> {
    const saving = this.#saveAnew(how).finally(() => {
      this.#saving = undefined;
      this.#meanwhile = undefined;
    });
    this.#saving = saving;
    return saving;
  }

  /**
   * A new index and a new journal. `withJournal`: what the old journal says goes into it, because it may be all that is known
   * of what a run under way brings; said of the new index it is as true. The old one can be read even if it was removed. Until
   * both take their names, the old ones are good, and what is said goes into the old journal.
   */
  async #saveAnew(how: 'withJournal' | 'withoutJournal'): Promise<void> {
    const failure = this.#options.makeFolder();
    if (failure !== undefined) throw new Error(failure.message);
    const meanwhile = new Map<Name, Deed>();
    if (how === 'withoutJournal') this.#meanwhile = meanwhile;
    const fresh: Fresh[] = [];
    try {
      const index = beginFresh(this.#indexPath);
      fresh.push(index);
      const edition = await writeIndex(index.fd, this.#options.owner(), this.#edition.number + 1, this.#index());
      await flushed(index.fd);
      const file = beginFresh(this.#journalPath);
      fresh.push(file);
      const journal = new OpenJournal(file.fd, edition);
      await flushed(file.fd);
      // From here on at once.
      if (how === 'withoutJournal') journal.add(meanwhile);
      else if (this.#journal !== undefined) journal.addAll(this.#journal);
      // Killed between the two: an older journal counts for nothing, which is wrong if it says anything; a newer one is doubted.
      for (const each of journal.lines > 0 || how === 'withJournal' ? [file, index] : [index, file]) each.settle();
      this.#journal?.close();
      closeSync(index.fd);
      this.#journal = journal;
      this.#edition = edition;
    } catch (error) {
      for (const file of fresh) file.drop();
      throw error;
    }
    this.#places = [this.#indexPath, this.#journalPath].map(placeOf);
    if (how === 'withJournal') return;
    this.#tidyFrom = 0;
    this.#unwritten.clear(); // the index knows, or the new journal
    this.#reported = undefined;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
