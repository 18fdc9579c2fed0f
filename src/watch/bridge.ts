import type { Name } from '../core/name.js';
import { type Inode, isSameInode } from '../core/sync/entry.js';
import type { Disk } from '../scan/disk.js';
import { type DirectoryWatch, watchDirectory } from './directory-watch.js';

/**
 * Watches of our own on directories that the watcher may not have: new ones in a large tree, where a new subscription for
 * each `mkdir` would cost a second of processor time (100,000 files). They last until the next renewal.
 */
export class Bridge {
  readonly #disk: Disk;
  readonly #onHint: (name: Name) => void;
  readonly #watches = new Map<Name, { readonly inode: Inode; readonly watch: DirectoryWatch }>();

  constructor(disk: Disk, onHint: (name: Name) => void) {
    this.#disk = disk;
    this.#onHint = onHint;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Watches this directory, until {@link keepOnly}. False if it can't; `onEnd`: it no longer can. */
  cover(name: Name, inode: Inode, onEnd: () => void): boolean {
    const known = this.#watches.get(name);
    if (isSameInode(known?.inode, inode)) return true;
    known?.watch.close();
    this.#watches.delete(name);
    const watch = watchDirectory(this.#disk, name, this.#onHint, () => {
      this.#watches.delete(name);
      onEnd();
    });
    if (watch === undefined) return false;
    this.#watches.set(name, { inode, watch });
    return true;
  }

  /** Ends the watches of the other ones. */
  keepOnly(isNeeded: (name: Name, inode: Inode) => boolean): void {
    for (const [name, { inode, watch }] of this.#watches) {
      if (isNeeded(name, inode)) continue;
      watch.close();
      this.#watches.delete(name);
    }
  }
}
