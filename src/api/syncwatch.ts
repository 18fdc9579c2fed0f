import type { EventFailure, SyncwatchEvent } from '../report/wire-event.js';

/** Told in the place of events that were not kept. */
export interface Missed {
  readonly event: 'missed';
  readonly events: number;
}

/** How a sync ended. */
export interface Ended {
  /** As the command line would end: 0, all is there; 1, some paths are not; 3, it could not start, or a guard stopped it. */
  readonly code: number;
  /** Why, where it ended by itself. */
  readonly failure?: EventFailure;
}

/** What to wait for, and how long. */
export interface FlushOptions {
  /** One of several targets, as it was given. By default all of them; `exec` needs one. */
  readonly target?: string | undefined;
  /** In milliseconds; by default as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a command is run. `timeoutMs` is for the flush before it; `signal` ends the command, too. */
export interface ExecOptions extends FlushOptions {
  /** Whether what was changed before is there before it begins; by default it is. */
  readonly flush?: boolean | undefined;
  /** For its stdin; by default nothing. */
  readonly input?: string | Uint8Array | undefined;
}

/** What a command said and how it ended. */
export interface Output {
  /** Its exit code; 128 and its number where a signal ended it. */
  readonly code: number;
  /** Read as UTF-8: the last 10 million characters. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A sync that is under way. */
export interface Syncwatch {
  /**
   * What happens, as `--json` tells it. The first who reads it gets all from the beginning, whoever comes later what comes later.
   * Nobody has to read it, nor in time: of more than 10,000 events that wait for a reader the oldest go, and an event `missed` says how
   * many.
   */
  readonly events: AsyncIterable<SyncwatchEvent | Missed>;
  /** How it ended; never rejects. With `once` and `dry-run` it does so by itself. */
  readonly ended: Promise<Ended>;
  /** Resolves when every change made before this moment is there. Rejects with a {@link SyncwatchError}. */
  flush(options?: FlushOptions): Promise<void>;
  /**
   * Runs a command in the remote directory, over the same connection, after a flush, whatever its exit code is. Rejects with a
   * {@link SyncwatchError} where it could not be run.
   */
  exec(command: readonly [string, ...string[]], options?: ExecOptions): Promise<Output>;
  /** Sends what waits, ends, and leaves nothing behind. `now`: what is under way is cut off. */
  stop(how?: { readonly now?: boolean | undefined }): Promise<Ended>;
}
