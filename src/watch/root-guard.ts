import { closeSync, constants, openSync, readdirSync, realpathSync } from 'node:fs';
import { platform } from 'node:os';
import { resolve } from 'node:path';
import { evenIfFull } from '../descriptors.js';
import { identityAt } from './identity.js';

/** What is at the root's path, compared with what was there at the start. */
export type RootState =
  | 'there'
  /** Nothing, no directory, or an empty other one (an unmounted disk's mount point): nothing may be deleted. */
  | 'gone'
  /** Another directory with something in it: a new start. */
  | 'replaced'
  /** DIR is a link, or below one, and leads to another directory with something in it. */
  | { readonly leadsTo: string };

/**
 * Knows the watched root, see {@link identityAt}. The watcher says nothing when the root is unmounted, replaced or moved
 * with a parent (docs/design.md#watching), and every name below it would look deleted.
 */
export class RootGuard {
  readonly #root: string;
  /** DIR as it was given, absolute: by links it may lead elsewhere one day. */
  readonly #way: string;
  readonly #pid: number;
  #identity = '';
  #fd: number | undefined;

  /** `way`: DIR as it was given. `pid`: ours, by which our children find what is pinned. */
  constructor(root: string, way: string, pid: number) {
    this.#root = root;
    this.#way = resolve(way);
    this.#pid = pid;
    this.adopt();
  }

  /** Takes what is there now for the root. */
  adopt(): void {
    this.#identity = identityAt(this.#root);
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

  /** For the saved index. */
  get identity(): string {
    return this.#identity;
  }

  isThere(): boolean {
    const isSame = this.#identity !== '' && identityAt(this.#root) === this.#identity;
    return isSame && (this.#way === this.#root || this.#leadsTo() === this.#root);
  }

  look(): RootState {
    if (this.isThere()) return 'there';
    const to = this.#leadsTo();
    try {
      if (to === undefined || evenIfFull(() => readdirSync(to)).length === 0) return 'gone';
      return to === this.#root ? 'replaced' : { leadsTo: to };
    } catch {
      return 'gone';
    }
  }

  /** Where DIR really is; undefined where it leads nowhere. */
  #leadsTo(): string | undefined {
    try {
      return realpathSync.native(this.#way);
    } catch {
      return undefined;
    }
  }
}
