import { msSince, steadyNow } from '../clock.js';
import type { Filter } from '../core/filter/filter.js';
import type { RsyncSettings } from '../core/rsync/args.js';
import type { OutputLine } from '../core/rsync/output.js';
import { passRules } from '../core/rsync/rules.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { inputOf, type LookingRun, type RsyncProcess, startRsync } from '../rsync/run.js';
import type { RulesInForce } from '../rules/in-force.js';
import type { TreeOnDisk } from '../scan/disk.js';
import { type NamesHere, readNames } from './names-here.js';

/** What was read so long ago, in milliseconds, is read again: the login may have waited for somebody. */
const COUNTS_MS = 5_000;

/** With more lines than this there is more to bring than a quick pass does. */
const MOST_LINES = 30_000;

/** What is read here, and what rsync was asked. */
export interface Looked {
  readonly names: Promise<NamesHere | undefined>;
  /** It has begun already; undefined where it could not. */
  readonly asked: Promise<RsyncProcess | undefined>;
}

/** Nothing that rsync would have to be told of. */
export const NOTHING = { excluded: [] } as const;

/** What a quick pass asks rsync: what differs there. */
export const quickRun = (filter: Filter, { excluded }: Pick<NamesHere, 'excluded'>) =>
  ({
    kind: 'pass',
    // What only we can exclude it would take for new.
    rules: passRules(filter.rsyncRules, filter.hasOwnRules ? excluded : []),
    wouldDelete: 'nothing',
    dryRun: true,
  }) as const satisfies LookingRun;

/**
 * What a restart on a big tree does before it is let do anything: while ssh logs in the names here are read, and as soon as it has, while
 * the place there is still looked at, rsync is asked what differs. Both change nothing anywhere, and count only if all turns out to be as
 * it was the last time.
 */
export class Ahead {
  readonly #names: Promise<NamesHere | undefined>;
  readonly #asked: Promise<RsyncProcess | undefined>;
  readonly #rulesAge: Promise<number>;
  readonly #mountsAge: number;
  readonly #disk: TreeOnDisk;
  /** Since when the names are read. */
  #beganMs = steadyNow();
  #process: RsyncProcess | undefined;
  #isDropped = false;
  #isTaken = false;

  /**
   * `index`: resolves once it is sorted by the rules; `settings`: once the other side is there; undefined where it is not known how it
   * is to be asked.
   */
  constructor(
    index: Promise<ReadonlyIndex>,
    disk: TreeOnDisk,
    filter: Filter,
    rules: Pick<RulesInForce, 'atRest'>,
    settings: Promise<RsyncSettings | undefined>,
  ) {
    this.#disk = disk;
    this.#mountsAge = disk.mounts.age;
    this.#rulesAge = rules.atRest();
    this.#names = Promise.all([index, this.#rulesAge]).then(([sorted]) => {
      this.#beganMs = steadyNow();
      return readNames(sorted, disk, filter);
    });
    // What only we can exclude is known once the names are; else nothing is to be waited for.
    const told = this.#rulesAge.then(async () => (filter.hasOwnRules ? this.#names : NOTHING));
    this.#asked = Promise.all([settings, told]).then(([rsync, names]) => {
      if (rsync === undefined || names === undefined || this.#isDropped) return undefined;
      const run = quickRun(filter, names);
      this.#process = fed(startRsync(rsync, run), run);
      return this.#process;
    });
  }

  /** Once, and only if nothing has changed since by which it was read. */
  async take(rulesAge: number): Promise<Looked | undefined> {
    const isGood =
      !this.#isDropped &&
      !this.#isTaken &&
      msSince(this.#beganMs) < COUNTS_MS &&
      (await this.#rulesAge) === rulesAge &&
      this.#disk.mounts.age === this.#mountsAge;
    if (!isGood) {
      void this.drop();
      return undefined;
    }
    this.#isTaken = true;
    return { names: this.#names, asked: this.#asked };
  }

  /** It is not to be used, or no longer. Resolves when nothing of it is left, with whether rsync had begun. */
  async drop(): Promise<boolean> {
    this.#isDropped = true;
    const asked = this.#process;
    if (asked?.isAlive() === true) asked.end();
    await asked?.ended;
    return asked !== undefined;
  }
}

/** One that has got all it reads; what it says is kept for whoever reads that. */
function fed(process: RsyncProcess, run: LookingRun): RsyncProcess {
  const ending = new AbortController();
  const kept: OutputLine[] = [];
  let hear = (line: OutputLine): void => {
    if (kept.push(line) > MOST_LINES) ending.abort();
  };
  const exit = process.finish(inputOf(run, 'none'), (line) => hear(line), { abort: ending.signal });
  return {
    ...process,
    end: () => ending.abort(),
    finish: (_input, onLine, { abort }) => {
      for (const line of kept.splice(0)) onLine(line);
      hear = onLine;
      if (abort.aborted) ending.abort();
      abort.addEventListener('abort', () => ending.abort(), { once: true });
      return exit;
    },
  };
}
