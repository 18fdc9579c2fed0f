import { childOf, looseTextOf, type Name } from '../core/name.js';
import type { Listing } from '../scan/walk.js';

/** The directories that the watcher can be spared, as far as walks have seen them: so that `node_modules` costs no watches. */
export class SparedDirectories {
  /** By the directory they are in. */
  readonly #in = new Map<Name, Set<Name>>();

  /** What is too long can't be watched either: with it @parcel/watcher would watch nothing at all. */
  note({ dir, entries, excluded, tooLong, absent }: Listing): void {
    const known = absent === undefined ? new Set<Name>() : (this.#in.get(dir) ?? new Set());
    if (absent !== undefined && known.size > 0)
      for (const base of [...entries.keys(), ...absent]) known.delete(childOf(dir, base));
    for (const { name, isDir } of [...excluded, ...tooLong]) if (isDir) known.add(name);
    if (known.size > 0) this.#in.set(dir, known);
    else this.#in.delete(dir);
  }

  /** Their paths, but for those that @parcel/watcher would take for globs. */
  paths(root: string): string[] {
    return [...this.#in.values()]
      .flatMap((names) => [...names])
      .map((name) => `${root}/${looseTextOf(name)}`)
      .filter(isPlainPath);
  }
}

/** Whether @parcel/watcher takes it for a path: with one of these it would be a glob, which costs time per event. */
const isPlainPath = (path: string): boolean => !/[[\]{}()*?\uFFFD]/.test(path);
