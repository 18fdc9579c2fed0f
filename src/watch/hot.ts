import { type FSWatcher, watch } from 'node:fs';
import { childOf, type Name, nameFromBytes, parentOf } from '../core/name.js';
import type { Disk } from '../scan/disk.js';

/** How many directories are hot at a time, and for how long one is, in milliseconds, before it is watched anew. */
const MOST = 16;
const AGE_MS = 60_000;

/** With more events than this within {@link STORM_MS} it is a storm, and the watcher's batches are what is wanted. */
const STORM_EVENTS = 100;
const STORM_MS = 500;

/** One directory's own watch. */
interface Hot {
  readonly watcher: FSWatcher;
  readonly sinceMs: number;
  countFromMs: number;
  count: number;
}

/**
 * The directories where something happened last, each with a watch of its own. After an event @parcel/watcher holds the
 * next ones back for 50 ms, until nothing has happened for 500 ms (DESIGN section 7); here the second of two saves, or the
 * rename that ends an atomic one, is heard of at once. That nothing is missed does not depend on it.
 */
export class HotDirectories {
  readonly #disk: Disk;
  readonly #onHint: (name: Name) => void;
  /** The one that was hinted at last comes last. */
  readonly #hot = new Map<Name, Hot>();

  constructor(disk: Disk, onHint: (name: Name) => void) {
    this.#disk = disk;
    this.#onHint = onHint;
  }

  /** Something happened at these names. */
  heat(names: readonly Name[]): void {
    if (names.length > STORM_EVENTS) return;
    for (const dir of new Set(names.map(parentOf))) {
      const known = this.#hot.get(dir);
      this.#hot.delete(dir);
      if (known !== undefined && performance.now() - known.sinceMs < AGE_MS) this.#hot.set(dir, known);
      else {
        known?.watcher.close();
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

  #begin(dir: Name): void {
    try {
      const watcher = watch(this.#disk.path(dir), { persistent: false, encoding: 'buffer' });
      const sinceMs = performance.now();
      const hot: Hot = { watcher, sinceMs, countFromMs: sinceMs, count: 0 };
      watcher.on('change', (_kind, base: Buffer | null) => {
        if (this.#isStorm(hot)) this.#end(dir);
        else if (base !== null) this.#onHint(childOf(dir, nameFromBytes(base)));
      });
      watcher.on('error', () => this.#end(dir));
      this.#hot.set(dir, hot);
    } catch {
      // gone already, or a limit is reached: it is a help, not a need
    }
  }

  #isStorm(hot: Hot): boolean {
    const now = performance.now();
    if (now - hot.countFromMs > STORM_MS) {
      hot.countFromMs = now;
      hot.count = 0;
    }
    return ++hot.count > STORM_EVENTS;
  }

  #end(dir: Name): void {
    this.#hot.get(dir)?.watcher.close();
    this.#hot.delete(dir);
  }
}
