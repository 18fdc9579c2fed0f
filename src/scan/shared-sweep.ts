import { msSince, steadyNow } from '../clock.js';
import type { Name } from '../core/name.js';
import type { Entry } from '../core/sync/entry.js';
import { Slice } from '../slice.js';
import type { TreeOnDisk, Ways } from './disk.js';
import { atMost, Rounds } from './rounds.js';

/** How often the directories' times are swept, at the most, and what share of the time that may take. */
const SWEEP_MS = 2_000;
const SWEEP_SHARE = 0.001;

/**
 * What the watcher loses it loses beside what it tells: after so long without a sign of anything each wait is as long as it has been
 * quiet, so twice the last one, until it takes this share of the time or the wait is so long. In milliseconds.
 */
const QUIET_MS = 60_000;
const QUIET_SHARE = 0.00005;
const QUIET_MOST_MS = 300_000;

const busy = atMost(SWEEP_MS, SWEEP_SHARE);

/** How long it is to the next sweep after one that took so long, where nothing has happened for so long; in milliseconds. */
export const sweepWaitMs = (tookMs: number, quietMs: number): number =>
  quietMs < QUIET_MS ? busy(tookMs) : Math.max(busy(tookMs), Math.min(quietMs, tookMs / QUIET_SHARE, QUIET_MOST_MS));

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

/** Something happens in this tree, or is asked about it: if it was quiet, it is swept as often as before that. */
export function stirSweeps(disk: TreeOnDisk): void {
  sweeps.get(disk)?.stir();
}

class SharedSweep {
  readonly #disk: TreeOnDisk;
  readonly #sweepers = new Set<Sweeper>();
  readonly #rounds = new Rounds(
    (tookMs) => sweepWaitMs(tookMs, msSince(this.#stirredMs)),
    () => this.#sweep(),
  );
  #stirredMs = steadyNow();

  constructor(disk: TreeOnDisk) {
    this.#disk = disk;
  }

  join(sweeper: Sweeper): () => void {
    this.#sweepers.add(sweeper);
    this.#rounds.start();
    this.stir();
    return () => {
      this.#sweepers.delete(sweeper);
      if (this.#sweepers.size === 0) this.#rounds.stop();
    };
  }

  stir(): void {
    this.#stirredMs = steadyNow();
    this.#rounds.hurry();
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
    if (found.some((dirs) => dirs.length > 0)) this.stir();
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
  let ways: Ways = new Map();
  for (const one of all) {
    for (const dir of one.index.directories()) {
      if (slice.isOver) {
        await slice.next();
        ways = new Map(); // they may be others by now
      }
      if (looked.has(dir)) continue;
      if (all.length > 1) looked.add(dir);
      const now = disk.see(dir, ways);
      if (typeof now !== 'object' || now.type !== 'dir') continue;
      for (const [at, { index, isNews }] of all.entries())
        if (index.get(dir) !== undefined && isNews(dir, now)) found[at]?.push(dir);
    }
  }
  return found;
}
