import { msSince, steadyNow, wallNow } from '../clock.js';
import { LONG_AGO, msBetween, plusMs, type SteadyMs } from '../core/clock.js';
import type { Filter } from '../core/filter/filter.js';
import { type Name, ROOT } from '../core/name.js';
import type { Entry } from '../core/sync/entry.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { ROOT_AWAY_MS } from '../core/sync/retry.js';
import type { TreeOnDisk } from './disk.js';
import { DueDirectories } from './due.js';
import { Job } from './job.js';
import { Listed, mayHideChanges } from './listed.js';
import { isNews, LooseNames, look } from './look.js';
import { atMost, Rounds } from './rounds.js';
import { stirSweeps, sweepRegularly } from './shared-sweep.js';
import { hurryWalks, shareWalks, walkAll } from './shared-walk.js';
import { type Listing, walk } from './walk.js';

/**
 * Hints may not be the whole truth: @parcel/watcher drops some, even of a few saves at once (docs/design.md#watching). So once
 * it is quiet after them the tree is walked too; such walks use at most this share of the time.
 */
const WALK_QUIET_MS = 500;
const WALK_SHARE = 0.02;

/** With more hints than this at once it is a storm, which is when most are dropped. */
export const STORM_HINTS = 100;

/** The next walk comes sooner then: what share of the time such walks use at most. */
const STORM_WALK_SHARE = 0.1;

/**
 * While names are being sent such a walk waits, at most so long: what it finds would wait for that run anyway, and it takes the disk
 * from it. How often that is looked at. In milliseconds.
 */
const WALK_LATEST_MS = 5_000;
const SENDING_LOOK_MS = 50;

/** While there are directories that nobody watches, the tree is walked this often, with at most this share of the time. */
const BLIND_MS = 1_000;
const BLIND_SHARE = 0.05;

export interface ScannerOptions {
  readonly disk: TreeOnDisk;
  readonly filter: Filter;
  /** What was delivered. */
  readonly index: () => ReadonlyIndex;
  /** What was found; the disk is read as it returns. */
  readonly onListing: (listing: Listing) => Promise<void>;
  /** While the root is not there, nothing is looked at. */
  readonly rootIsThere: () => boolean;
  /** Brings the filter up to date; `atPace`: see RulesInForce. */
  readonly refreshRules: (how: 'now' | 'atPace') => Promise<unknown>;
  /** Some of what is here can't be read just now, and why. It is looked at again until it can; told once. */
  readonly onShort: (why: string) => void;
  /** While nothing can be sent, looking is in vain: a full pass looks at everything before the first thing goes. */
  readonly isHeld: () => boolean;
  /** Whether names are being sent. */
  readonly isSending: () => boolean;
  /** What a name is of which a look would say no more: see {@link SeenWaiting.ofNew}. */
  readonly waiting: (name: Name) => Entry | undefined;
}

/**
 * Turns hints and doubts into listings of the disk. Three jobs, each one at a time, and none waits for another: a save is
 * looked at while a large directory is listed, or the whole tree. What comes during a job waits together for the next.
 *
 * ```
 *   hint ──► names, looked at one by one ──their directory has news──► directories, listed at their pace
 *   doubt, quiet after hints ──► everything
 * ```
 */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #listed = new Listed();
  #names = new Set<Name>();
  readonly #due = new DueDirectories(this.#listed);
  #isWalkDue = false;
  #isWalkUrgent = false;
  readonly #unshare: () => void;
  #stopSweeps: (() => void) | undefined;
  /** Who waits for the next walk. */
  #lookers: Array<(done: boolean) => void> = [];
  readonly #looking = new Job(
    () => this.#names.size > 0,
    () => this.#lookOnce(),
  );
  readonly #listing = new Job(
    () => this.#due.now().length > 0,
    () => this.#listOnce(),
  );
  readonly #walking = new Job(
    () => this.#isWalkDue,
    () => this.#walkOnce(),
  );
  readonly #blindWalks = new Rounds(atMost(BLIND_MS, BLIND_SHARE), () => this.walk(false));
  #walkTimer: NodeJS.Timeout | undefined;
  #listTimer: NodeJS.Timeout | undefined;
  /** When the last walk ended, how long it took, and whether there was a storm of hints since it began. */
  #walkedMs = LONG_AGO;
  #walkTookMs = 0;
  #isAfterStorm = false;
  #polls: Rounds | undefined;
  #stopped = false;
  #shortage: string | undefined;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#unshare = shareWalks(options.disk);
  }

  /** Something happened at these names. */
  hint(names: readonly Name[]): void {
    for (const name of names) this.#names.add(name);
    this.#isAfterStorm ||= names.length > STORM_HINTS;
    stirSweeps(this.#options.disk);
    this.#walkLater();
    this.#looking.go();
  }

  /** Something may have been missed: look at everything. Resolves when that is done. `isUrgent`: somebody waits for it. */
  async walk(isUrgent = true): Promise<void> {
    this.#isWalkDue = true;
    stirSweeps(this.#options.disk);
    if (isUrgent) this.#hurryWalk();
    this.#walking.go();
    await this.#walking.running;
  }

  /** Looks at everything once, beginning now or later. False where that was not to be had: no root, or nothing can be sent. */
  lookOnce(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#lookers.push(resolve);
      this.#isWalkDue = true;
      stirSweeps(this.#options.disk);
      this.#hurryWalk();
      this.#walking.go();
    });
  }

  #hurryWalk(): void {
    this.#isWalkUrgent = true;
    hurryWalks(this.#options.disk);
  }

  /** Looks at these directories at once where they have news and their pace allows, and at what is new below them. */
  async relist(dirs: readonly Name[]): Promise<void> {
    const { disk } = this.#options;
    const isDue = (dir: Name): boolean => {
      const now = disk.see(dir);
      return typeof now === 'object' && this.#isNews(dir, now) && this.#listed.mayList(dir);
    };
    await this.#list(dirs.filter(isDue));
  }

  /** From now on, looks at the times of all directories every now and then. */
  sweepRegularly(): void {
    const { disk, index, rootIsThere, isHeld } = this.#options;
    this.#stopSweeps ??= sweepRegularly(disk, {
      begin: () => {
        const isNews = (dir: Name, now: Entry): boolean => this.#isNews(dir, now);
        return !rootIsThere() || isHeld() ? undefined : { index: index(), isNews };
      },
      end: (dirs) => {
        for (const dir of dirs) this.#due.want(dir);
        this.#listSoon();
      },
    });
  }

  /** There are directories that nobody watches, or no longer: until then walks find what changes. */
  setBlind(isBlind: boolean): void {
    if (isBlind) this.#blindWalks.start();
    else this.#blindWalks.stop();
  }

  /** These parts are looked through every so often, whatever is told of them, with at most the same share of the time. */
  setPolled(parts: readonly Name[], everyMs: number): void {
    this.#polls?.stop();
    this.#polls = undefined;
    if (parts.length === 0 || this.#stopped) return;
    const look = (): Promise<void> => (parts.includes(ROOT) ? this.walk(false) : this.#walkBelow(parts));
    this.#polls = new Rounds(atMost(everyMs, BLIND_SHARE), look);
    this.#polls.start();
  }

  async #walkBelow(parts: readonly Name[]): Promise<void> {
    if (!(await this.#mayLook(true))) return;
    const { disk, filter } = this.#options;
    const from: Name[] = [];
    for (const part of parts) {
      await filter.learnDeep(part, true);
      if (filter.decideDeep(part, true).synced) from.push(part);
    }
    const onShort = (why: string): void => this.#isShort(why);
    for await (const listing of walk(disk, filter, { from, descend: () => true, onShort }))
      if (!(await this.#take(listing))) return;
  }

  stop(): void {
    this.#stopped = true;
    this.#unshare();
    this.#forget();
    this.#tell(this.#lookers.splice(0), false);
    for (const timer of [this.#walkTimer, this.#listTimer]) clearTimeout(timer);
    this.#stopSweeps?.();
    this.#blindWalks.stop();
    this.#polls?.stop();
  }

  #walkLater(): void {
    clearTimeout(this.#walkTimer);
    const notBefore = plusMs(this.#walkedMs, this.#walkTookMs / (this.#isAfterStorm ? STORM_WALK_SHARE : WALK_SHARE));
    const wait = Math.max(WALK_QUIET_MS, msBetween(steadyNow(), notBefore));
    this.#walkTimer = setTimeout(() => this.#walkWhenSent(steadyNow()), wait);
  }

  #walkWhenSent(dueMs: SteadyMs): void {
    if (!this.#options.isSending() || msSince(dueMs) >= WALK_LATEST_MS) void this.walk(false);
    else this.#walkTimer = setTimeout(() => this.#walkWhenSent(dueMs), SENDING_LOOK_MS);
  }

  #tell(lookers: ReadonlyArray<(done: boolean) => void>, done: boolean): void {
    for (const each of lookers) each(done);
  }

  #forget(): void {
    this.#names.clear();
    this.#due.clear();
    this.#isWalkDue = false;
  }

  /** Whether there is anything to look at, and brings the filter up to date. `isAll`: for a look at everything. */
  async #mayLook(isAll = false): Promise<boolean> {
    const { isHeld, rootIsThere, refreshRules } = this.#options;
    if (this.#stopped || isHeld()) {
      this.#forget();
      this.#tell(this.#lookers.splice(0), false);
      return false;
    }
    if (!rootIsThere()) {
      this.#forget(); // instead, everything is looked at when it is back
      this.#tell(this.#lookers.splice(0), false);
      clearTimeout(this.#walkTimer);
      this.#walkTimer = setTimeout(() => {
        this.#isWalkDue = true;
        this.#walking.go();
      }, ROOT_AWAY_MS);
      return false;
    }
    await refreshRules(isAll ? 'now' : 'atPace');
    return true;
  }

  /** Something could not be read that may be there: then everything is looked at again. */
  #isShort(why: string): void {
    if (this.#shortage !== why) this.#options.onShort(why);
    this.#shortage = why;
    this.#walkLater();
  }

  /** False when what was read may be of a root that has just gone: then it means nothing. */
  async #take(listing: Listing): Promise<boolean> {
    if (this.#stopped || !this.#options.rootIsThere()) return false;
    await this.#options.onListing(listing);
    return true;
  }

  async #lookOnce(): Promise<void> {
    if (!(await this.#mayLook())) return;
    const { disk, filter, waiting } = this.#options;
    const names = this.#names;
    this.#names = new Set();
    const small: Name[] = [];
    const options = {
      isNews: (dir: Name, now: Entry) => this.#isNews(dir, now),
      mayList: (dir: Name) => {
        const may = !disk.isLarge(dir) && this.#listed.mayList(dir);
        if (may) small.push(dir);
        return may;
      },
      want: (dir: Name, text?: string) => this.#due.want(dir, text),
      waiting,
    };
    for await (const listing of look(disk, filter, names, options)) if (!(await this.#take(listing))) return;
    await this.#list(small, names);
    this.#listSoon();
  }

  async #listOnce(): Promise<void> {
    if (await this.#mayLook()) await this.#list(this.#due.now());
    this.#listSoon();
  }

  /** Lists these directories, and what has news below them. `hinted`: to be looked at in any case. */
  async #list(dirs: readonly Name[], hinted: ReadonlySet<Name> = new Set()): Promise<void> {
    const { disk, filter, index, waiting } = this.#options;
    const loose = new LooseNames(dirs.flatMap((dir) => this.#due.take(dir)));
    let fromMs = wallNow();
    let beganMs = steadyNow();
    const listings = walk(disk, filter, {
      from: dirs,
      descend: (name, now) => {
        if (loose.isAbove(name)) return true;
        if (!this.#isNews(name, now)) return false;
        if (this.#listed.mayList(name)) return true;
        this.#due.want(name);
        return false;
      },
      onShort: (why) => this.#isShort(why),
      trust: (name) => (hinted.has(name) || loose.has(name) ? undefined : index().get(name)),
      waiting,
    });
    for await (const listing of listings) {
      const { dir, self } = listing;
      const tookMs = msSince(beganMs);
      if (!(await this.#take(listing))) return;
      this.#listed.note(dir, self, mayHideChanges(self, fromMs, disk.tickMs), steadyNow(), tookMs);
      this.#due.take(dir);
      fromMs = wallNow();
      beganMs = steadyNow();
    }
  }

  async #walkOnce(): Promise<void> {
    if (!(await this.#mayLook(true))) return;
    const { disk, filter, rootIsThere } = this.#options;
    const beganMs = steadyNow();
    const lookers = this.#lookers.splice(0);
    this.#isWalkDue = false;
    this.#isAfterStorm = false;
    const isUrgent = this.#isWalkUrgent;
    this.#isWalkUrgent = false;
    let isWhole = true;
    let isShort = false;
    const onShort = (why: string): void => {
      isShort = true;
      this.#isShort(why);
    };
    for await (const listing of walkAll(disk, filter, onShort, isUrgent))
      if (!(isWhole = await this.#take(listing))) break;
    if (!isShort) this.#shortage = undefined;
    this.#tell(lookers, isWhole && !isShort && !this.#stopped && rootIsThere());
    this.#walkedMs = steadyNow();
    this.#walkTookMs = msSince(beganMs);
  }

  /** Whether a directory may hold other names than what was found in it so far. */
  #isNews(dir: Name, now: Entry): boolean {
    return isNews(this.#listed.asOf(dir, steadyNow()) ?? this.#options.index().get(dir), now);
  }

  /** Lists what is due as soon as its pace allows. */
  #listSoon(): void {
    clearTimeout(this.#listTimer);
    const { waitMs } = this.#due;
    if (this.#stopped || waitMs === undefined) return;
    if (waitMs <= 0) this.#listing.go();
    else this.#listTimer = setTimeout(() => this.#listSoon(), waitMs);
  }
}
