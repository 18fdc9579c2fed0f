import { msSince, steadyNow } from '../clock.js';
import type { SteadyMs } from '../core/clock.js';
import { type Name, parentOf } from '../core/name.js';
import type { Disk } from '../scan/disk.js';
import { STORM_HINTS } from '../scan/scanner.js';
import { type DirectoryWatch, watchDirectory } from './directory-watch.js';

/** How many directories are hot at a time, and for how long one is, in milliseconds, before it is watched anew. */
const MOST = 16;
const AGE_MS = 60_000;

/**
 * The directories where something happened last, each with a watch of its own. After an event @parcel/watcher holds the
 * next ones back for 50 ms, until nothing has happened for 500 ms (docs/design.md#watching); here the second of two saves, or the
 * rename that ends an atomic one, is heard of at once. That nothing is missed does not depend on it.
 */
export class HotDirectories {
  readonly #disk: Disk;
  readonly #onHint: (name: Name) => void;
  /** The one that was hinted at last comes last. */
  readonly #hot = new Map<Name, { readonly sinceMs: SteadyMs; readonly watch: DirectoryWatch }>();

  constructor(disk: Disk, onHint: (name: Name) => void) {
    this.#disk = disk;
    this.#onHint = onHint;
  }

  /** Something happened at these names. */
  heat(names: readonly Name[]): void {
    if (names.length > STORM_HINTS) return;
    for (const dir of new Set(names.map(parentOf))) {
      const known = this.#hot.get(dir);
      this.#hot.delete(dir);
      if (known !== undefined && msSince(known.sinceMs) < AGE_MS) this.#hot.set(dir, known);
      else {
        known?.watch.close();
        this.#begin(dir);
      }
    }
    for (const dir of this.#hot.keys()) {
      if (this.#hot.size <= MOST) break;
      this.#end(dir);
    }
  }

  stop(): void {
    for (const dir of [...this.#hot.keys()]) this.#end(dir);
  }

  /** Where it is not possible, it is a help only, not a need. */
  #begin(dir: Name): void {
    const watch = watchDirectory(this.#disk, dir, this.#onHint, () => this.#hot.delete(dir));
    if (watch !== undefined) this.#hot.set(dir, { sinceMs: steadyNow(), watch });
  }

  #end(dir: Name): void {
    this.#hot.get(dir)?.watch.close();
    this.#hot.delete(dir);
  }
}
