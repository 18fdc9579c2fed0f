import { type BytePath, bytePathIn, bytesOfPath, childOf, isBelow, type Name, parentOf, textOf } from '../core/name.js';
import type { FollowedFiles } from '../ignores/followed-files.js';
import type { OnSkipped } from '../ignores/source.js';
import { stampOf } from '../scan/stamp.js';
import { whyGitWaits, whyPlain } from './waits.js';

/** The .gitignore files of a tree, as far as it was looked at: met one by one, and followed from then on. */
export class FilesInTree {
  readonly #root: BytePath;
  readonly #followed: FollowedFiles;
  readonly #onSkipped: OnSkipped;
  /** The directories that were looked at, and whether each has one. */
  readonly #visited = new Map<Name, boolean>();
  /** The directories at whose file git would wait for ever: it is not asked about what is below them. */
  readonly #waiting = new Set<Name>();

  constructor(root: BytePath, followed: FollowedFiles, onSkipped: OnSkipped) {
    this.#root = root;
    this.#followed = followed;
    this.#onSkipped = onSkipped;
  }

  /** How many there are. */
  get count(): number {
    return [...this.#visited.values()].filter((hasOne) => hasOne).length;
  }

  pathIn(dir: Name): BytePath {
    return bytePathIn(this.#root, childOf(dir, '.gitignore'));
  }

  wasVisited(dir: Name): boolean {
    return this.#visited.has(dir);
  }

  /** Looks whether there is one in a directory. One that has come since then is believed when it is at rest. */
  visit(dir: Name): void {
    const path = this.pathIn(dir);
    const known = this.#visited.get(dir);
    if (known === true) return;
    const isThere = stampOf(bytesOfPath(path)) !== '-';
    if (known === undefined) {
      this.#visited.set(dir, isThere);
      if (isThere) this.#followed.follow(path);
      if (isThere) this.#lookWhetherItWaits(dir);
    } else if (isThere) {
      this.#visited.set(dir, true);
      this.#followed.appeared(path);
    }
  }

  /** A file has changed. Whether it is one of them. */
  noteChanged(path: BytePath): boolean {
    if (!path.startsWith(`${this.#root}/`) || !path.endsWith('/.gitignore')) return false;
    const dir = parentOf(path.slice(this.#root.length + 1) as Name);
    if (!this.#visited.has(dir)) return false;
    this.#visited.set(dir, this.#followed.has(path));
    this.#lookWhetherItWaits(dir);
    return true;
  }

  /** Whether git would wait for ever at one of those that it reads for these directories, in the repository that begins at `begin`. */
  wouldWait(dirs: readonly Name[], begin: Name): boolean {
    if (this.#waiting.size === 0) return false;
    return dirs.some((each) => this.#waiting.has(each) && (each === begin || isBelow(each, begin)));
  }

  #lookWhetherItWaits(dir: Name): void {
    const why = whyGitWaits(this.pathIn(dir));
    if (why === undefined) this.#waiting.delete(dir);
    else {
      this.#waiting.add(dir);
      this.#onSkipped(whyPlain(`${textOf(childOf(dir, '.gitignore'))} ${why}`));
    }
  }
}
