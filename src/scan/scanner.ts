import type { Entry } from '../core/entry.js';
import type { Filter } from '../core/filter.js';
import type { Name } from '../core/name.js';
import type { NameIndex } from '../core/name-index.js';
import { ROOT_AWAY_MS } from '../core/retry.js';
import type { Disk } from './disk.js';
import { isNews, look, sweep } from './look.js';
import { type Listing, walk, walkAll } from './walk.js';

/**
 * Hints may not be the whole truth: @parcel/watcher drops some, even of a few saves at once (DESIGN section 7). So once
 * it is quiet after them the tree is walked too; such walks use at most this share of the time.
 */
const WALK_QUIET_MS = 500;
const WALK_SHARE = 0.02;

/** How often the directories' times are swept, at the most, and what share of the time that may take. */
const SWEEP_MS = 2_000;
const SWEEP_SHARE = 0.001;

/** While there are directories that nobody watches, the tree is walked this often, with at most this share of the time. */
const BLIND_MS = 1_000;
const BLIND_SHARE = 0.05;

export interface ScannerOptions {
  readonly disk: Disk;
  readonly filter: Filter;
  /** What was delivered. */
  readonly index: () => NameIndex;
  readonly onListing: (listing: Listing) => void;
  /** While the root is not there, nothing is looked at. */
  readonly rootIsThere: () => boolean;
  /** Brings the filter up to date. */
  readonly refreshRules: () => Promise<unknown>;
  /** Some of what is here can't be read just now, and why. It is looked at again until it can; told once. */
  readonly onShort: (why: string) => void;
  /** While nothing can be sent, looking is in vain: a full pass looks at everything before the first thing goes. */
  readonly isHeld: () => boolean;
}

/** Turns hints and doubts into listings of the disk, one scan at a time. What comes meanwhile waits together. */
export class Scanner {
  readonly #options: ScannerOptions;
  #names = new Set<Name>();
  #walkDue = false;
  /** Who waits for the next walk. */
  #lookers: Array<(done: boolean) => void> = [];
  #running: Promise<void> | undefined;
  #walkTimer: NodeJS.Timeout | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
  #notBefore = 0;
  #blindTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  #shortage: string | undefined;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** Something happened at these names. */
  hint(names: readonly Name[]): void {
    for (const name of names) this.#names.add(name);
    this.#walkLater();
    this.#go();
  }

  /** Something may have been missed: look at everything. Resolves when that is done. */
  async walk(): Promise<void> {
    this.#walkDue = true;
    this.#go();
    await this.idle();
  }

  /** Looks at everything once, beginning now or later. False where that was not to be had: no root, or nothing can be sent. */
  lookOnce(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#lookers.push(resolve);
      this.#walkDue = true;
      this.#go();
    });
  }

  /** Looks at these directories at once, and at what is new below them. */
  async relist(dirs: readonly Name[]): Promise<void> {
    const { disk, filter, index, onListing, rootIsThere } = this.#options;
    const descend = (name: Name, entry: Entry): boolean => isNews(index().get(name), entry);
    for await (const listing of walk(disk, filter, { from: dirs, descend })) {
      if (this.#stopped || !rootIsThere()) return;
      onListing(listing);
    }
  }

  /** From now on, looks at the times of all directories every now and then. */
  sweepRegularly(afterMs = SWEEP_MS): void {
    this.#sweepTimer = setTimeout(async () => {
      await this.idle();
      if (this.#stopped) return;
      if (!this.#options.rootIsThere() || this.#options.isHeld()) return this.sweepRegularly();
      const begun = performance.now();
      for (const dir of await sweep(this.#options.disk, this.#options.index())) this.#names.add(dir);
      const took = performance.now() - begun;
      this.#go();
      this.sweepRegularly(Math.max(SWEEP_MS, took / SWEEP_SHARE));
    }, afterMs);
  }

  /** There are directories that nobody watches, or no longer: until then walks find what changes. */
  setBlind(isBlind: boolean): void {
    if (!isBlind) {
      clearTimeout(this.#blindTimer);
      this.#blindTimer = undefined;
    } else if (this.#blindTimer === undefined) this.#walkBlindly(BLIND_MS);
  }

  #walkBlindly(afterMs: number): void {
    const timer = setTimeout(async () => {
      const begun = performance.now();
      await this.walk();
      if (this.#stopped || this.#blindTimer !== timer) return;
      this.#walkBlindly(Math.max(BLIND_MS, (performance.now() - begun) / BLIND_SHARE));
    }, afterMs);
    this.#blindTimer = timer;
  }

  /** Resolves when nothing is left to look at. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  stop(): void {
    this.#stopped = true;
    this.#tell(this.#lookers.splice(0), false);
    clearTimeout(this.#walkTimer);
    clearTimeout(this.#sweepTimer);
    this.setBlind(false);
  }

  #walkLater(): void {
    clearTimeout(this.#walkTimer);
    const wait = Math.max(WALK_QUIET_MS, this.#notBefore - performance.now());
    this.#walkTimer = setTimeout(() => void this.walk(), wait);
  }

  #go(): void {
    this.#running ??= this.#scan().finally(() => {
      this.#running = undefined;
      if (!this.#stopped && (this.#lookers.length > 0 || this.#names.size > 0)) this.#go(); // came in the last moment
    });
  }

  /** Whether something could not be read that may be there: then everything is looked at again. */
  #isShort(): boolean {
    const { disk, onShort } = this.#options;
    const { shortage } = disk;
    if (shortage !== undefined && this.#shortage !== shortage) onShort(shortage);
    this.#shortage = shortage;
    if (shortage !== undefined) this.#walkLater();
    return shortage !== undefined;
  }

  #tell(lookers: ReadonlyArray<(done: boolean) => void>, done: boolean): void {
    for (const look of lookers) look(done);
  }

  async #scan(): Promise<void> {
    const { disk, filter, index, onListing, rootIsThere, refreshRules, isHeld } = this.#options;
    await Promise.resolve(); // so that #running is set
    while (!this.#stopped && (this.#walkDue || this.#names.size > 0)) {
      if (isHeld()) {
        this.#names.clear();
        this.#walkDue = false;
        this.#tell(this.#lookers.splice(0), false);
        return;
      }
      if (!rootIsThere()) {
        this.#names.clear(); // instead, everything is looked at when it is back
        this.#walkDue = true;
        this.#walkTimer = setTimeout(() => this.#go(), ROOT_AWAY_MS);
        this.#tell(this.#lookers.splice(0), false);
        return;
      }
      await refreshRules();
      const begun = performance.now();
      const names = this.#names;
      const all = this.#walkDue;
      const lookers = all ? this.#lookers.splice(0) : [];
      this.#names = new Set();
      this.#walkDue = false;
      let whole = true;
      const known = (name: Name): Entry | undefined => index().get(name);
      for await (const listing of all ? walkAll(disk, filter) : look(disk, filter, names, known)) {
        // What was read may be of a root that has just gone: then it means nothing.
        whole = !this.#stopped && rootIsThere();
        if (!whole) break;
        onListing(listing);
      }
      if (this.#isShort()) whole = false;
      this.#tell(lookers, whole && rootIsThere());
      if (all) this.#notBefore = performance.now() + (performance.now() - begun) / WALK_SHARE;
    }
  }
}
