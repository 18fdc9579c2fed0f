import type { DeleteMode } from './core/batch.js';
import type { Filter } from './core/filter.js';
import type { Target } from './core/target.js';
import type { SshOptions } from './ssh/command.js';

/**
 * How long a batch must be quiet before it is handed on, in milliseconds. @parcel/watcher itself holds events back for
 * 50 ms after the first of a burst (DESIGN section 7); this only joins what one callback, one listing and an editor's
 * truncate and write bring in one go. A guess so far: it is to be chosen by measurement.
 */
export const DEFAULT_DEBOUNCE_MS = 20;

/** What to do: keep in sync, sync once, or only say what would be done. */
export type Mode = 'watch' | 'once' | 'dry-run';

/** How much is said. */
export type Verbosity = 'quiet' | 'normal' | 'verbose' | 'debug';

/** What one invocation is to do, checked: made by options/ from the command line, read by everything else. */
export interface Settings {
  readonly mode: Mode;
  /** DIR as it was given. */
  readonly dir: string;
  /** DIR, absolute, symlinks resolved. */
  readonly root: string;
  /** At least one. */
  readonly targets: readonly [Target, ...Target[]];
  readonly filter: Filter;
  readonly deletes: DeleteMode;
  readonly maxDelete: number | undefined;
  readonly allowEmpty: boolean;
  /** Whether to begin with a full pass. */
  readonly initial: boolean;
  readonly debounceMs: number;
  readonly oneByOne: boolean;
  readonly ssh: SshOptions;
  readonly trash: string | undefined;
  readonly bwlimit: string | undefined;
  readonly chmod: string | undefined;
  readonly compress: boolean;
  /** What follows `--`. */
  readonly rsyncArgs: readonly string[];
  readonly verbosity: Verbosity;
  readonly json: boolean;
  readonly color: boolean;
}
