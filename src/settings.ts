import type { Filter } from './core/filter/filter.js';
import type { Extra } from './core/rsync/extras.js';
import type { DeleteMode } from './core/sync/batch.js';
import type { Rest } from './core/sync/rest.js';
import type { Target } from './core/target.js';
import type { HookCommands } from './hooks/hooks.js';
import type { SshOptions } from './ssh/command.js';

/**
 * How long a name rests before it is sent, in milliseconds, where `--debounce` does not say.
 *
 * Chosen by measurement (`npm run bench -- --only saves`, `test/e2e/saves.test.ts`), next to @parcel/watcher's own leading
 * edge, which tells of a first event within 1 ms and of the next ones 50 ms later:
 * - A known file, 2 ms after its last write by its time on the disk: vim and nano write in one go, and a file that they
 *   have truncated first rests longer (EMPTIED_MS). At RTT 0 a save then takes 7 ms, where rsync by hand takes 14 with a
 *   bare login shell and 90 with an ordinary one; each millisecond more here is one more there.
 * - A name that came or went, 20 ms after the last one was noted: the temporary file of an atomic save is gone by
 *   then, and both halves of a rename are noted.
 */
export const DEFAULT_REST: Rest = { writtenMs: 2, cameMs: 20 };

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
  /** Whether git's ignores count: yes, no, or where DIR is in a git work tree. */
  readonly gitignore: boolean | 'whereItIs';
  /** Commands to run after uploads. */
  readonly hooks: HookCommands;
  readonly deletions: DeletionSettings;
  readonly pace: PaceSettings;
  readonly ssh: SshOptions;
  /** Take the target over from whoever else syncs to it. */
  readonly takesOver: boolean;
  readonly rsync: RsyncWishes;
  readonly output: OutputSettings;
  /** Whether failures are told on the desktop, too. */
  readonly notifies: boolean;
}

/** {@link Settings}, and what is left out: that changes while it runs, with the files that its rules come from. */
export interface Invocation {
  readonly settings: Settings;
  readonly filter: Filter;
}

/** What is deleted there, and what becomes of it. */
interface DeletionSettings {
  readonly mode: DeleteMode;
  /** Whether a mirror deletes what is excluded, too. */
  readonly excludedToo: boolean;
  /** So many at once, at most. */
  readonly most: number | undefined;
  readonly allowEmpty: boolean;
  readonly trash: string | undefined;
}

/** When something is sent, and how much together. */
export interface PaceSettings {
  /** Whether to begin with a full pass. */
  readonly initial: boolean;
  /** How often to make a full pass for safety, in minutes; 0: never. */
  readonly rescanMinutes: number;
  /** `--poll`: how often all of DIR is looked through, in seconds; 0: never; undefined: where the file system tells too little. */
  readonly pollSeconds: number | undefined;
  /** `--debounce`, in milliseconds, for both kinds of {@link DEFAULT_REST}. */
  readonly debounceMs: number | undefined;
  readonly oneByOne: boolean;
}

/** What rsync is told. */
interface RsyncWishes {
  /** The options of rsync that ours stand for. */
  readonly flags: readonly string[];
  /** What follows `--`. */
  readonly extras: readonly Extra[];
}

/** What is said, and how. */
export interface OutputSettings {
  readonly verbosity: Verbosity;
  readonly json: boolean;
  /** `auto`: as the environment says, or else on a terminal. */
  readonly color: 'auto' | 'always' | 'never';
}
