import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { childOf, type Name } from '../core/name.js';
import type { TreeOnDisk } from '../scan/disk.js';
import type { Listing } from '../scan/walk.js';

/** Why something is left out whose path is longer than PATH_MAX (limits.h): 4,096 bytes on Linux, 1,024 on macOS. */
export const TOO_LONG = {
  kind: 'path',
  message: 'its path is longer than the system takes, so it and what is in it stay here',
  hint: 'Move it up, shorten the names above it, or leave it out with --exclude.',
} as const satisfies Failure;

/** What is here under paths that are too long to be synced: by directory, as its last listing showed it. */
export class LongPaths {
  readonly #byDir = new Map<Name, Set<Name>>();

  /** Gives what was not known before. */
  note({ dir, entries, tooLong, absent }: Listing): Name[] {
    const before = this.#byDir.get(dir);
    if (before === undefined && tooLong.length === 0) return [];
    const now = absent === undefined ? new Set<Name>() : new Set(before);
    if (absent !== undefined) for (const base of [...entries.keys(), ...absent]) now.delete(childOf(dir, base));
    for (const { name } of tooLong) now.add(name);
    if (now.size > 0) this.#byDir.set(dir, now);
    else this.#byDir.delete(dir);
    return [...now].filter((name) => before?.has(name) !== true);
  }

  /** What is still here, and still wanted, and why it is not there. */
  still({ disk, filter }: { readonly disk: TreeOnDisk; readonly filter: Filter }): Array<[Name, Failure]> {
    return [...this.#byDir].flatMap(([dir, names]) =>
      disk.isDirectory(dir, new Map()) && filter.decideDeep(dir, true).synced
        ? [...names].map((name): [Name, Failure] => [name, TOO_LONG])
        : [],
    );
  }
}
