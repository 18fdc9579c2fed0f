import type { Name } from '../core/name.js';
import type { Entry } from '../core/sync/entry.js';
import { Slice } from '../slice.js';
import type { TreeOnDisk } from './disk.js';
import { Rounds } from './rounds.js';

/** How often the directories' times are swept, at the most, and what share of the time that may take. */
const SWEEP_MS = 2_000;
const SWEEP_SHARE = 0.001;

/** What one who sweeps knows of directories. */
interface Swept {
  readonly index: { directories(): Iterable<Name>; get(name: Name): Entry | undefined };
  /** Whether a directory may hold other names than it knows. */
  readonly isNews: (dir: Name, now: Entry) => boolean;
}

/** Who sweeps a tree every now and then; `begin` gives what it knows by then, undefined while it looks at nothing. */
export interface Sweeper {
  begin(): Swept | undefined;
  /** These have news for it. */
  end(dirs: readonly Name[]): void;
}

const sweeps = new WeakMap<object, SharedSweep>();

/** From now on the tree is swept for one more, until the function that this gives is called: one look at a directory serves all. */
export function sweepRegularly(disk: TreeOnDisk, sweeper: Sweeper): () => void {
  const shared = sweeps.get(disk) ?? new SharedSweep(disk);
  sweeps.set(disk, shared);
  return shared.join(sweeper);
}

class SharedSweep {
  readonly #disk: TreeOnDisk;
  readonly #sweepers = new Set<Sweeper>();
  readonly #rounds = new Rounds(SWEEP_MS, SWEEP_SHARE, () => this.#sweep());

  constructor(disk: TreeOnDisk) {
    this.#disk = disk;
  }

  join(sweeper: Sweeper): () => void {
    this.#sweepers.add(sweeper);
    this.#rounds.start();
    return () => {
      this.#sweepers.delete(sweeper);
      if (this.#sweepers.size === 0) this.#rounds.stop();
    };
  }

  async #sweep(): Promise<void> {
    const begun = [...this.#sweepers].flatMap((sweeper) => {
      const swept = sweeper.begin();
      return swept === undefined ? [] : [{ sweeper, swept }];
    });
    const found = await sweep(
      this.#disk,
      begun.map(({ swept }) => swept),
    );
    for (const [at, { sweeper }] of begun.entries()) if (this.#sweepers.has(sweeper)) sweeper.end(found[at] ?? []);
  }
}

/**
 * For each of these the directories whose time differs from what it knows: something came, went or was renamed in them. Finds what no
 * event told of: an existing file saved atomically and deleted within one batch gives none (docs/design.md#watching).
 */
export async function sweep(disk: Pick<TreeOnDisk, 'see'>, all: readonly Swept[]): Promise<readonly Name[][]> {
  const found = all.map((): Name[] => []);
  const looked = new Set<Name>();
  const slice = new Slice();
  for (const one of all) {
    for (const dir of one.index.directories()) {
      if (slice.isOver) await slice.next();
      if (looked.has(dir)) continue;
      if (all.length > 1) looked.add(dir);
      const now = disk.see(dir);
      if (typeof now !== 'object' || now.type !== 'dir') continue;
      for (const [at, { index, isNews }] of all.entries())
        if (index.get(dir) !== undefined && isNews(dir, now)) found[at]?.push(dir);
    }
  }
  return found;
}
