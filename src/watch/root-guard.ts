import { closeSync, constants, lstatSync, openSync, readdirSync } from 'node:fs';
import { platform } from 'node:os';

/** What is at the root's path, compared with what was there at the start. */
export type RootState =
  | 'there'
  /** Nothing, no directory, or an empty other one (an unmounted disk's mount point): nothing may be deleted. */
  | 'gone'
  /** Another directory with something in it: a new start. */
  | 'replaced';

/**
 * Knows the watched root by device and inode. The watcher says nothing when the root is unmounted, replaced or moved
 * with a parent (docs/design.md#watching), and every name below it would look deleted.
 */
export class RootGuard {
  readonly #root: string;
  readonly #pid: number;
  #identity: string | undefined;
  #fd: number | undefined;

  /** `pid`: ours, by which our children find what is pinned. */
  constructor(root: string, pid: number) {
    this.#root = root;
    this.#pid = pid;
    this.adopt();
  }

  /** Takes what is there now for the root. */
  adopt(): void {
    this.#identity = identityOf(this.#root);
    this.close();
    try {
      if (platform() === 'linux') this.#fd = openSync(this.#root, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch {
      // not there: then nobody needs it
    }
  }

  /**
   * A path of the very directory that was adopted, whatever is at the root's path by now: an rsync that starts in an
   * unmounted disk's empty mount point would find every name missing, and delete it there. Linux; elsewhere the root's path.
   */
  get pinned(): string {
    return this.#fd === undefined ? this.#root : `/proc/${this.#pid}/fd/${this.#fd}`;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
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
