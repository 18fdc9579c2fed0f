import type { Name } from '../core/name.js';
import type { Disk } from '../scan/disk.js';
import { type DirectoryWatch, watchDirectory } from './directory-watch.js';

/**
 * Watches of our own on directories that the watcher may not have: new ones in a large tree, where a new subscription for
 * each `mkdir` would cost a second of processor time (100,000 files). They last until the next renewal.
 */
export class Bridge {
  readonly #disk: Disk;
  readonly #onHint: (name: Name) => void;
  readonly #watches = new Map<Name, { readonly ino: number; readonly watch: DirectoryWatch }>();

  constructor(disk: Disk, onHint: (name: Name) => void) {
    this.#disk = disk;
    this.#onHint = onHint;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Watches this directory, until {@link keepOnly}. False if it can't; `onEnd`: it no longer can. */
  cover(name: Name, ino: number, onEnd: () => void): boolean {
    const known = this.#watches.get(name);
    if (known?.ino === ino) return true;
    known?.watch.close();
    this.#watches.delete(name);
    const watch = watchDirectory(this.#disk, name, this.#onHint, () => {
      this.#watches.delete(name);
      onEnd();
    });
    if (watch === undefined) return false;
    this.#watches.set(name, { ino, watch });
    return true;
  }

  /** Ends the watches of the other ones. */
  keepOnly(isNeeded: (name: Name, ino: number) => boolean): void {
    for (const [name, { ino, watch }] of this.#watches) {
      if (isNeeded(name, ino)) continue;
      watch.close();
      this.#watches.delete(name);
    }
  }
}
