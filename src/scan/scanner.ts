import type { Entry } from '../core/entry.js';
import type { Filter } from '../core/filter.js';
import type { Name } from '../core/name.js';
import type { Disk } from './disk.js';
import { look } from './look.js';
import { type Listing, walkAll } from './walk.js';

/** A batch of hints from here on may not be the whole truth (overflow, DESIGN section 7): the tree is walked too. */
const BIG_BATCH = 500;

/** A walk that big batches ask for waits for quiet, and walks use at most this share of the time. */
const WALK_QUIET_MS = 500;
const WALK_SHARE = 0.1;

export interface ScannerOptions {
  readonly disk: Disk;
  readonly filter: Filter;
  /** What was delivered under a name, as far as known. */
  readonly known: (name: Name) => Entry | undefined;
  readonly onListing: (listing: Listing) => void;
  /** While the root is not there, nothing is looked at. */
  readonly rootIsThere: () => boolean;
}

/** Turns hints and doubts into listings of the disk, one scan at a time. What comes meanwhile waits together. */
export class Scanner {
  readonly #options: ScannerOptions;
  #hints = new Set<string>();
  #walkDue = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #notBefore = 0;
  #stopped = false;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** Something happened at these names. */
  hint(names: readonly string[]): void {
    for (const name of names) this.#hints.add(name);
    if (names.length >= BIG_BATCH) this.#walkLater();
    this.#go();
  }

  /** Something may have been missed: look at everything. Resolves when that is done. */
  async walk(): Promise<void> {
    this.#walkDue = true;
    this.#go();
    await this.idle();
  }

  /** Resolves when nothing is left to look at. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #walkLater(): void {
    clearTimeout(this.#timer);
    const wait = Math.max(WALK_QUIET_MS, this.#notBefore - performance.now());
    this.#timer = setTimeout(() => void this.walk(), wait);
  }

  #go(): void {
    this.#running ??= this.#scan().finally(() => {
      this.#running = undefined;
    });
  }

  async #scan(): Promise<void> {
    const { disk, filter, known, onListing, rootIsThere } = this.#options;
    await Promise.resolve(); // so that #running is set
    while (!this.#stopped && (this.#walkDue || this.#hints.size > 0)) {
      if (!rootIsThere()) {
        this.#hints.clear(); // a full pass follows when it is back
        this.#walkDue = false;
        return;
      }
      const begun = performance.now();
      const hints = [...this.#hints];
      const all = this.#walkDue;
      this.#hints = new Set();
      this.#walkDue = false;
      for await (const listing of all ? walkAll(disk, filter) : look(disk, filter, hints, known)) {
        // What was read may be of a root that has just gone: then it means nothing.
        if (this.#stopped || !rootIsThere()) break;
        onListing(listing);
      }
      if (all) this.#notBefore = performance.now() + (performance.now() - begun) / WALK_SHARE;
    }
  }
}
