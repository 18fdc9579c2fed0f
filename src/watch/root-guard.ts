import { lstatSync, readdirSync } from 'node:fs';

/** What is at the root's path, compared with what was there at the start. */
export type RootState =
  | 'there'
  /** Nothing, no directory, or an empty other one (an unmounted disk's mount point): nothing may be deleted. */
  | 'gone'
  /** Another directory with something in it: a new start. */
  | 'replaced';

/**
 * Knows the watched root by device and inode. The watcher says nothing when the root is unmounted, replaced or moved
 * with a parent (DESIGN section 7), and every name below it would look deleted.
 */
export class RootGuard {
  readonly #root: string;
  #identity: string | undefined;

  constructor(root: string) {
    this.#root = root;
    this.adopt();
  }

  /** Takes what is there now for the root. */
  adopt(): void {
    this.#identity = identityOf(this.#root);
  }

  /** Device and inode, for the saved index. */
  get identity(): string {
    return this.#identity ?? '';
  }

  isThere(): boolean {
    return this.#identity !== undefined && identityOf(this.#root) === this.#identity;
  }

  look(): RootState {
    if (this.isThere()) return 'there';
    try {
      return readdirSync(this.#root).length > 0 ? 'replaced' : 'gone';
    } catch {
      return 'gone';
    }
  }
}

function identityOf(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}` : undefined;
}
