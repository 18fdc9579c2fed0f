import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import type { Name } from '../core/name.js';
import type { DeleteMode } from '../core/sync/batch.js';
import type { Seen } from '../core/sync/entry.js';
import type { Rest } from '../core/sync/rest.js';
import type { Spellings } from '../core/sync/twins.js';
import type { RulesInForce } from '../rules/in-force.js';
import type { NamesOnDisk, TreeOnDisk } from '../scan/disk.js';
import type { SeenWaiting } from '../scan/seen-waiting.js';
import type { Ahead } from './ahead.js';
import type { ClearAhead } from './clear-ahead.js';
import type { Leftovers } from './leftovers.js';
import type { Mistakes } from './mistakes.js';
import type { Runs } from './runner.js';
import type { SettleOptions } from './settle.js';

/** What all that brings names to one target, or takes them away there, works with. */
export interface Work extends SettleOptions {
  readonly runner: Runs;
  readonly clearAhead: Pick<ClearAhead, 'foresee' | 'prepare' | 'take' | 'drop'>;
  readonly leftovers: Pick<Leftovers, 'sweep'>;
  readonly mistakes: Pick<Mistakes, 'leaveAlone' | 'takeBack'>;
  readonly disk: NamesOnDisk;
  /** What names that wait were when they were looked at last. */
  readonly seen: Pick<SeenWaiting, 'still' | 'forget'>;
  readonly filter: Filter;
  readonly deletes: DeleteMode;
  readonly rest: Rest;
  readonly rules: RulesInForce;
  readonly spellings: Spellings;
  /** Which of these directories are symbolic links there, to something that is not empty. */
  readonly linksThere: (dirs: readonly Name[]) => Promise<ReadonlySet<Name>>;
  /** Those that were, when they were looked at last. */
  readonly linked: Set<Name>;
  /** Checked before names are looked at and after: false while the root is not the one we began with. */
  readonly rootIsThere: () => boolean;
  /** Looks whether a mount point below DIR has come or gone: then what was seen before means nothing (Mounts.age). */
  readonly lookAtMounts: () => void;
  /** Why what is synced must not be sent to this target as it was seen here. */
  readonly tooOpen: (see: (name: Name) => Seen | undefined) => Failure | undefined;
  /** Called before anything is deleted: may refuse it for good. */
  readonly guard: (deletions: number) => Promise<Failure | undefined>;
  /** Something that was delivered is not there any more, and it was not us: the rest has to be looked at too. */
  readonly onRemoved: (name: Name) => void;
}

/** The same for a full pass, which walks through all that is here. */
export interface PassWork extends Work {
  readonly disk: TreeOnDisk;
  /** What was looked at before it was let do anything. */
  readonly ahead?: Pick<Ahead, 'take' | 'drop'> | undefined;
}
