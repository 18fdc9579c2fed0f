import { baseOf, type Name, parentOf } from '../core/name.js';
import { type Entry, isSameDirectory, type Seen } from '../core/sync/entry.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import type { ReadonlyPending } from '../core/sync/pending.js';
import { STORM_NAMES } from '../core/sync/policy.js';
import type { TreeOnDisk } from './disk.js';
import type { Listing } from './walk.js';

/** A file of fewer bytes is written at once: seen with some, it is whole. */
const WRITTEN_AT_ONCE = 65_536;

/** Of so many names that wait it is kept what they were. */
const MOST = 200_000;

/** What was seen in a directory while that was as `self`. */
interface SeenIn {
  readonly self: Entry;
  readonly entries: Map<string, Entry>;
}

export interface SeenWaitingOptions {
  readonly disk: Pick<TreeOnDisk, 'tickMs' | 'mounts'>;
  readonly ledger: { readonly index: Pick<ReadonlyIndex, 'get'>; readonly pending: ReadonlyPending };
}

/**
 * What names were when they were found to wait, so that a storm costs a look a name before it is sent, and one after. That an
 * older look will do is what is done with it: the look after the run shows whatever was done to the name since this one, for
 * everything that is done moves the change time. Hence only where no two changes have the same one (Disk.tickMs).
 *
 * Single saves are looked at each time: how long they rest depends on it.
 */
export class SeenWaiting {
  readonly #options: SeenWaitingOptions;
  readonly #dirs = new Map<Name, SeenIn>();
  #count = 0;

  constructor(options: SeenWaitingOptions) {
    this.#options = options;
  }

  /** A listing showed this of a name that waits. */
  note({ dir, self, absent }: Pick<Listing, 'dir' | 'self' | 'absent'>, name: Name, entry: Entry): void {
    const { disk } = this.#options;
    if (disk.tickMs > 0 || (disk.mounts.there.length > 0 && disk.mounts.isOn(name))) return;
    let seen = this.#dirs.get(dir);
    if (seen === undefined || (seen.self !== self && (absent === undefined || !isSameDirectory(seen.self, self)))) {
      if (seen !== undefined) this.#count -= seen.entries.size;
      this.#dirs.set(dir, (seen = { self, entries: new Map() }));
    }
    const { entries } = seen;
    this.#count -= entries.size;
    if (isWhole(entry) && this.#count < MOST) entries.set(baseOf(name), entry);
    else entries.delete(baseOf(name));
    this.#count += entries.size;
  }

  /**
   * What a name was that a storm has brought and that is not there yet: it is looked at after its run in any case, and a look
   * before would only show what that one shows. Undefined where it has to be looked at.
   */
  ofNew(name: Name): Entry | undefined {
    const { index, pending } = this.#options.ledger;
    if (!this.#isStorm || !pending.has(name) || pending.attempts(name) > 0) return undefined;
    const was = index.get(name);
    const isProven = was !== undefined && was.mtimeNs >= 0; // a run that is under way has it
    return isProven ? undefined : this.#of(name);
  }

  /**
   * What a name is that goes with a run now, as far as it is surely still there: nothing came or went in its directory since, which
   * is `dir` now. It may have been written to.
   */
  still(name: Name, dir: Seen | undefined): Entry | undefined {
    if (!this.#isStorm || typeof dir !== 'object') return undefined;
    const seen = this.#dirs.get(parentOf(name));
    return seen !== undefined && isSameDirectory(seen.self, dir) ? this.#of(name) : undefined;
  }

  /** These were sent, or wait no longer: the next time they are looked at anew. */
  forget(names: Iterable<Name>): void {
    if (this.#options.ledger.pending.size === 0) this.clear();
    for (const name of names) {
      const dir = parentOf(name);
      const seen = this.#dirs.get(dir);
      if (seen?.entries.delete(baseOf(name)) !== true) continue;
      this.#count--;
      if (seen.entries.size === 0) this.#dirs.delete(dir);
    }
  }

  clear(): void {
    this.#dirs.clear();
    this.#count = 0;
  }

  get #isStorm(): boolean {
    return this.#options.ledger.pending.size >= STORM_NAMES;
  }

  #of(name: Name): Entry | undefined {
    return this.#dirs.get(parentOf(name))?.entries.get(baseOf(name));
  }
}

/** A file that may still be being written, and a directory that fills, are another thing at each look. */
const isWhole = ({ type, size }: Entry): boolean =>
  type === 'link' || (type === 'file' && size > 0 && size < WRITTEN_AT_ONCE);
