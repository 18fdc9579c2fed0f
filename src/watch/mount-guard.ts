import { lstatSync, readdirSync } from 'node:fs';
import { isBelow, type Name, pathIn } from '../core/name.js';
import { evenIfFull } from '../descriptors.js';
import { mountPointsBelow } from '../scan/mount-table.js';
import type { Mounts } from '../scan/mounts.js';
import type { KnownMount, KnownMounts } from '../state/mounts-file.js';
import { identityAt } from './identity.js';

interface Point extends KnownMount {
  /** It is not mounted, and there is nothing in its place. */
  readonly isAway: boolean;
}

export interface MountGuardOptions {
  readonly root: string;
  /** What the disk is told. */
  readonly mounts: Mounts;
  /** While the root itself is not there, nothing below it is looked at. */
  readonly rootIsThere: () => boolean;
  /** Another file system is seen at `name`: what is known of what was there is no longer ours. */
  readonly forget: (name: Name) => Promise<void>;
  readonly onGone: (name: Name, isBare: boolean) => void;
  readonly onBack: (name: Name, isReplaced: boolean) => void;
  /** Something has come or gone, and is to be looked at anew. */
  readonly onChange: () => void;
  /** Where something is mounted below the root, for tests of it. */
  readonly table?: (root: string) => readonly Name[];
}

/**
 * The guard of the mount points below DIR, as the root guard is one of DIR: where a file system goes away, everything in it
 * looks deleted, and another one in its place has other files under the same names. Each is known by what is
 * mounted there, see {@link identityAt}.
 *
 * ```
 *             unmounted, and empty or gone                        the same again
 *   mounted ─────────────────────────────► away: nothing counts ──────────────────► mounted
 *      │        something else is there                             something else
 *      └──────────────────► forget what was known of it ◄───────────────┘
 *                               └─► mounted, or bare: its own directory is synced
 * ```
 * Linux, by its table of mounts; elsewhere there is none.
 */
export class MountGuard {
  readonly #options: MountGuardOptions;
  readonly #table: (root: string) => readonly Name[];
  readonly #points = new Map<Name, Point>();
  /** What is being forgotten; until it is, these are away. */
  readonly #changing = new Set<Name>();

  constructor(options: MountGuardOptions) {
    this.#options = options;
    this.#table = options.table ?? mountPointsBelow;
    this.reset();
  }

  /** For what is remembered. */
  get known(): KnownMounts {
    return this.#points;
  }

  /** Takes what is there for all there was: the root is another one. */
  reset(): void {
    this.#points.clear();
    for (const name of this.#table(this.#options.root)) this.#points.set(name, mounted(this.#identityOf(name)));
    this.#publish();
  }

  /**
   * Compares with what was known at the end of the last run. Gives where another file system is seen than then: what was known
   * of it is not ours any more.
   */
  recall(before: KnownMounts): Name[] {
    const others: Name[] = [];
    for (const [name, was] of before) {
      const now = this.#points.get(name);
      if (now?.identity === was.identity && now.isBare === was.isBare) continue;
      const isMounted = now !== undefined && !now.isBare && !now.isAway;
      if (was.isBare && !isMounted) this.#points.set(name, { ...was, isAway: false });
      else if (this.#isEmpty(name)) {
        this.#points.set(name, { ...was, isBare: false, isAway: true });
        this.#options.onGone(name, false);
      } else {
        others.push(name);
        if (isMounted) continue;
        this.#points.set(name, { ...was, isBare: true, isAway: false });
        if (now?.isBare !== true) this.#options.onGone(name, true);
      }
    }
    for (const [name, { isBare, isAway }] of this.#points) {
      if (!before.has(name) && !isBare && !isAway) others.push(name);
    }
    this.#publish();
    return others;
  }

  /** Looks at all of them, and does what is to be done. Afterwards nothing counts any more in those that have gone. */
  look(): void {
    const { root, rootIsThere, onBack, onGone } = this.#options;
    const table = new Set(this.#table(root));
    if (this.#points.size + table.size === 0 || !rootIsThere()) return;
    for (const name of new Set([...this.#points.keys(), ...table])) {
      if (this.#changing.has(name)) continue;
      const was = this.#points.get(name);
      const isMounted = table.has(name);
      if (was === undefined) {
        this.#change(name, mounted(this.#identityOf(name)), () => onBack(name, true));
      } else if (isMounted && this.#identityOf(name) === was.identity) {
        if (was.isBare) this.#change(name, mounted(was.identity), () => onBack(name, false));
        else if (was.isAway) {
          this.#points.set(name, mounted(was.identity));
          this.#publish();
          onBack(name, false);
          this.#options.onChange();
        }
      } else if (this.#isEmpty(name)) {
        if (was.isAway || (was.isBare && !isMounted)) continue;
        // Looking into it may have mounted it.
        if (this.#identityOf(name) === was.identity && this.#table(root).includes(name)) continue;
        this.#points.set(name, { identity: was.identity, isBare: false, isAway: true });
        this.#publish();
        onGone(name, false);
      } else if (isMounted) this.#change(name, mounted(this.#identityOf(name)), () => onBack(name, true));
      else if (!was.isBare) {
        this.#change(name, { identity: was.identity, isBare: true, isAway: false }, () => onGone(name, true));
      }
    }
  }

  /** Another one is seen there. Until all have forgotten what was known of the last one, it is away. */
  #change(name: Name, to: Point, tell: () => void): void {
    this.#changing.add(name);
    this.#publish();
    tell();
    void this.#options.forget(name).then(() => {
      this.#changing.delete(name);
      this.#points.set(name, to);
      // What was mounted in the one that went has nothing more to lose.
      const table = new Set(this.#table(this.#options.root));
      for (const below of [...this.#points.keys()])
        if (isBelow(below, name) && !table.has(below)) this.#points.delete(below);
      this.#publish();
      this.#options.onChange();
    });
  }

  #publish(): void {
    const away = [...this.#points].filter(([, { isAway }]) => isAway).map(([name]) => name);
    const on = [...this.#points].filter(([, { isBare }]) => !isBare).map(([name]) => name);
    const bare = [...this.#points].filter(([, { isBare }]) => isBare).map(([name]) => name);
    this.#options.mounts.set({ on, bare, away: [...new Set([...away, ...this.#changing])] });
  }

  #identityOf(name: Name): string {
    return identityAt(pathIn(this.#options.root, name));
  }

  /** Whether nothing is there. What can't be read is taken for that: it may be a file system that hangs or has lost its server. */
  #isEmpty(name: Name): boolean {
    const path = pathIn(this.#options.root, name);
    try {
      const stats = lstatSync(path);
      return stats.isDirectory() ? evenIfFull(() => readdirSync(path)).length === 0 : stats.size === 0;
    } catch {
      return true;
    }
  }
}

const mounted = (identity: string): Point => ({ identity, isBare: false, isAway: false });
