import { closeSync, ftruncateSync, lstatSync, readSync } from 'node:fs';
import { msSince, steadyNow, wallNow } from '../clock.js';
import { EPOCH, LONG_AGO, type WallMs, wallMs } from '../core/clock.js';
import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import type { Entry } from '../core/sync/entry.js';
import { NameIndex } from '../core/sync/name-index.js';
import { eachInSlices, inSlices } from '../slice.js';
import { type Edition, type IndexOwner, loadIndex, writeIndex } from './index-file.js';
import { type Believed, type Deed, doubt, headOf, lineOf, replay } from './journal.js';
import { type KnownMounts, mountsText, readMountsFile, writeMountsFile } from './mounts-file.js';
import { beginFresh, type Fresh, flushed, readOwn, writeAll } from './own-file.js';

/** What was remembered: the index, and why some or all of it could not be used. */
export interface Remembered {
  readonly index: NameIndex;
  readonly problem: string | undefined;
  /** What is gone here may be gone there too, and somebody else's by now: it must not be deleted. */
  readonly mayHaveLostDeletions: boolean;
}

/** The log may grow to so many lines, or to this share of the index, before the index is saved and it begins anew. */
const LOG_LINES = 10_000;
const LOG_SHARE = 0.25;

/** So many lines go to the disk together: a first full sync has a million. */
const WRITTEN_AT_ONCE = 1_000;

/** How soon what could not be written is tried again, in milliseconds: a run may have much to note. */
const TRY_AGAIN_MS = 100;

const LINE_BREAK = 10;

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
 * log of what was begun since. A name enters the log *before* rsync is started for it. At the next start such a name
 * counts as perhaps there in any state: it is sent again if it is here, and deleted there if it is not. What can't be put
 * in the log waits ({@link Memory.ready}).
 *
 * The log is not flushed to the disk at each line: that is for a death of syncwatch, not of the machine, whose own files
 * would be lost with it.
 */
export class Memory {
  readonly #options: MemoryOptions;
  readonly #indexPath: string;
  readonly #logPath: string;
  readonly #mountsPath: string;
  /** What was written of the mount points. */
  #mounts: string | undefined;
  #mountsPlace = '';
  #index: () => NameIndex = () => new NameIndex();
  /** The saved index, what was written of the log that continues it (its last line and its length in bytes), and both files' places. */
  #edition: Edition = { number: 0, checksum: '' };
  #line = 0;
  #end = 0;
  #fd: number | undefined;
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
  /** The index is not saved again before the log has so many lines: the last time it failed. */
  #tidyFrom = 0;
  #reported: string | undefined;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#indexPath = `${options.path}.index`;
    this.#logPath = `${options.path}.log`;
    this.#mountsPath = `${options.path}.mounts`;
  }

  /** Reads what the last run left. Nothing is written. */
  async load(): Promise<Remembered> {
    const index = await this.#loadIndex();
    if (this.mountsBefore() !== undefined) return index;
    const problem = index.problem ?? 'its list of mounts is damaged';
    return { ...index, problem, mayHaveLostDeletions: true };
  }

  async #loadIndex(): Promise<Remembered> {
    this.#savedMs = wallMs(lstatSync(this.#indexPath, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    const loaded = await loadIndex(this.#indexPath, this.#options.owner(), this.#options.uid);
    if (loaded.kind !== 'loaded') {
      const isLost = loaded.kind === 'none' && lstatSync(this.#logPath, { throwIfNoEntry: false }) !== undefined;
      const problem = loaded.kind === 'unusable' ? loaded.why : isLost ? 'the index to its log is gone' : undefined;
      return { index: new NameIndex(), problem, mayHaveLostDeletions: false };
    }
    const { index, edition } = loaded;
    this.#edition = edition;
    let wasBegun = false;
    await eachInSlices(index.entries(), ([, { ino }]) => (wasBegun ||= ino === 0));
    this.#begunMs = wasBegun ? EPOCH : this.#savedMs;
    const believed = await this.#readLog(index);
    return believed.isWhole
      ? { index, problem: undefined, mayHaveLostDeletions: false }
      : { index, problem: believed.why, mayHaveLostDeletions: believed.mayHaveLostDeletions };
  }

  async #readLog(index: NameIndex): Promise<Believed> {
    try {
      const bytes = readOwn(this.#logPath, this.#options.uid);
      return await inSlices(
        bytes === undefined ? doubt(index, 'its log is gone') : replay(bytes.toString('utf8'), index, this.#edition),
      );
    } catch (error) {
      return inSlices(doubt(index, messageOf(error)));
    }
  }

  /** The mount points of the last run; undefined where nobody can say. */
  mountsBefore(): KnownMounts | undefined {
    return readMountsFile(this.#mountsPath, this.#options.uid);
  }

  /** When the index that was loaded had been saved: what is in the log began after that. */
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
   * To be called before each run that changes anything there: all that was said of what it brings is in the log, and the
   * files are where the next start looks for them. If somebody removed them they are made again. Otherwise why not.
   */
  async ready(): Promise<Failure | undefined> {
    if (this.#failure !== undefined && msSince(this.#triedMs) < TRY_AGAIN_MS) return this.#failure;
    this.#triedMs = steadyNow();
    try {
      // The first time, too: what the last run left goes into a new beginning.
      while (!this.#isInPlace()) await (this.#saving ?? this.#save('withLog'));
      this.#writeOut();
      this.#writeMounts();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = this.#whyNot(error);
    }
    return this.#failure;
  }

  /** Saves the index if the log has grown long. Only while no run is under way: its names are in the log alone. */
  async tidy(): Promise<void> {
    if (this.#failure !== undefined) await this.ready();
    const isLong = this.#line > Math.max(LOG_LINES, this.#index().size * LOG_SHARE, this.#tidyFrom);
    if (isLong && this.#saving === undefined) await this.save();
  }

  /** Saves the index; the log begins anew. Not while a run is under way, as above; one may begin meanwhile. */
  async save(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving.catch(() => {});
    try {
      await this.#save('withoutLog');
    } catch (error) {
      // What was saved before and the log still say it all.
      this.#tidyFrom = this.#line + LOG_LINES;
      const problem = `can't write ${this.#indexPath} or .log: ${messageOf(error)}`;
      if (problem !== this.#reported) this.#options.onProblem(problem);
      this.#reported = problem;
    }
  }

  /** To be called every so often: once there are files of ours, removed ones are made again. */
  async keepInPlace(): Promise<void> {
    if (this.#fd !== undefined) await this.ready();
  }

  /** Nothing more is written, until there is something to note again. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Where that fails it is for {@link Memory.ready} to tell, and to try again. */
  #write(): void {
    if (this.#fd === undefined || this.#failure !== undefined) return;
    try {
      this.#writeOut();
    } catch (error) {
      this.#failure = this.#whyNot(error);
    }
  }

  #whyNot(error: unknown): Failure {
    return {
      kind: 'run',
      message: `what is to be sent can't be noted in ${this.#logPath} first: ${messageOf(error)}`,
      hint: 'Make room there, or see to the rights; it goes on by itself.',
    };
  }

  #writeOut(): void {
    if (this.#unwritten.size === 0 || this.#fd === undefined) return;
    let text = '';
    let line = this.#line;
    for (const [name, deed] of this.#unwritten) text += lineOf(++line, deed, name);
    try {
      this.#end += writeAll(this.#fd, text, this.#end);
    } catch (error) {
      ftruncateSync(this.#fd, this.#end); // a full disk may have taken half of it
      throw error;
    }
    this.#line = line;
    this.#unwritten.clear();
  }

  /** After what is said of the index: killed in between, what is of another mount than was known is forgotten, not deleted. */
  #writeMounts(): void {
    const text = mountsText(this.#options.mounts());
    if (text === this.#mounts && (text === '' || placeOf(this.#mountsPath) === this.#mountsPlace)) return;
    writeMountsFile(this.#mountsPath, text);
    this.#mounts = text;
    this.#mountsPlace = placeOf(this.#mountsPath);
  }

  /** Whether both files are still the ones that were written, and as long as they were left. */
  #isInPlace(): boolean {
    if (this.#fd === undefined) return false;
    const now = [this.#indexPath, this.#logPath].map(placeOf);
    return now.every((place, i) => place === this.#places[i]) && lstatSync(this.#logPath).size === this.#end;
  }

  #save(how: 'withLog' | 'withoutLog'): Promise<void> {
    const saving = this.#saveAnew(how).finally(() => {
      this.#saving = undefined;
      this.#meanwhile = undefined;
    });
    this.#saving = saving;
    return saving;
  }

  /**
   * A new index and a new log. `withLog`: what the old log says goes into it, because it may be all that is known of what a
   * run under way brings; said of the new index it is as true. The old one can be read even if it was removed. Until both
   * take their names, the old ones are good, and what is said goes into the old log.
   */
  async #saveAnew(how: 'withLog' | 'withoutLog'): Promise<void> {
    const failure = this.#options.makeFolder();
    if (failure !== undefined) throw new Error(failure.message);
    const meanwhile = new Map<Name, Deed>();
    if (how === 'withoutLog') this.#meanwhile = meanwhile;
    const fresh: Fresh[] = [];
    try {
      const index = beginFresh(this.#indexPath);
      fresh.push(index);
      const edition = await writeIndex(index.fd, this.#options.owner(), this.#edition.number + 1, this.#index());
      await flushed(index.fd);
      const log = beginFresh(this.#logPath);
      fresh.push(log);
      const head = writeAll(log.fd, headOf(edition));
      await flushed(log.fd);
      // From here on at once.
      const lines = how === 'withLog' ? this.#linesSoFar() : linesOf(meanwhile);
      const end = head + writeAll(log.fd, lines);
      // Killed between the two: an older log counts for nothing, which is wrong if it says anything; a newer one is doubted.
      for (const file of lines.length > 0 || how === 'withLog' ? [log, index] : [index, log]) file.settle();
      if (this.#fd !== undefined) closeSync(this.#fd);
      closeSync(index.fd);
      this.#fd = log.fd;
      this.#edition = edition;
      this.#end = end;
      this.#line = lines.reduce((count, byte) => (byte === LINE_BREAK ? count + 1 : count), 0);
    } catch (error) {
      for (const file of fresh) file.drop();
      throw error;
    }
    this.#places = [this.#indexPath, this.#logPath].map(placeOf);
    if (how === 'withLog') return;
    this.#tidyFrom = 0;
    this.#unwritten.clear(); // the index knows, or the new log
    this.#reported = undefined;
  }

  /** All whole lines of the log but the first, as they stand. */
  #linesSoFar(): Buffer {
    if (this.#fd === undefined) return Buffer.alloc(0);
    const bytes = Buffer.alloc(this.#end);
    let length = 0;
    for (let count = 1; count > 0 && length < bytes.length; length += count)
      count = readSync(this.#fd, bytes, length, bytes.length - length, length);
    const text = bytes.subarray(0, length);
    return text.subarray(text.indexOf(LINE_BREAK) + 1, text.lastIndexOf(LINE_BREAK) + 1);
  }
}

/** The lines of a log that says this. */
function linesOf(deeds: ReadonlyMap<Name, Deed>): Buffer {
  let text = '';
  let line = 0;
  for (const [name, deed] of deeds) text += lineOf(++line, deed, name);
  return Buffer.from(text, 'utf8');
}

/** What shows that another file has taken a path; nothing where none has. */
function placeOf(path: string): string {
  try {
    const { dev, ino } = lstatSync(path);
    return `${dev}:${ino}`;
  } catch {
    return '';
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
