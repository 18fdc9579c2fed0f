/**
 * What can go wrong, as a value: what happened (`message`, one line, names the path or host) and what to do now
 * (`hint`). A thrown error is a bug; everything that users meet is one of these.
 */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly hint?: string;
  /** What rsync, ssh or the system said, for `--debug`. */
  readonly detail?: string;
  /** It may well be over at the next try: told only if it is not. */
  readonly isPassing?: boolean;
  /** Nothing came from the other side for as long as we wait: trying again would take as long. */
  readonly isSilence?: boolean;
}

/** What went wrong, as far as it decides what to do about it, and the exit code. */
export type FailureKind =
  /** The command line is wrong. Exit code 2. */
  | 'usage'
  /** Can't start here: DIR, rsync, ssh, watch limit, another syncwatch. Exit code 3. */
  | 'start'
  /** The system allows no more inotify watches. Exit code 3 at the start; later it goes on, looking for itself. */
  | 'watchLimit'
  /** A guard stopped a deletion. Exit code 3. */
  | 'guard'
  /** The remote can't be used as it is: no rsync, no parent directory, no permission at the root. Exit code 3. */
  | 'remote'
  /** Login refused. Exit code 3 at the start; later it is tried again, slowly: an agent may come back. */
  | 'login'
  /** The host's key is not known or has changed: trying again won't help. Exit code 3. */
  | 'hostKey'
  /** The host can't be reached or the connection broke: worth trying again. */
  | 'connection'
  /** One path could not be synced; the others go on. Exit code 1. */
  | 'path'
  /** A whole rsync run failed in a way that may pass. */
  | 'run';

/** What to do about a failure: try the same again later, much later, or stop the program. */
export type Disposition = 'retry' | 'retrySlowly' | 'halt';

/** Decides by kind whether a failure is worth trying again once syncwatch is running. */
export function dispositionOf(failure: Failure): Disposition {
  switch (failure.kind) {
    case 'connection':
    case 'path':
    case 'run':
      return 'retry';
    case 'login':
      return 'retrySlowly';
    case 'usage':
    case 'start':
    case 'watchLimit':
    case 'guard':
    case 'remote':
    case 'hostKey':
      return 'halt';
  }
}

/** Exit codes (docs/manual.md, "Exit codes"). */
export const EXIT = { inSync: 0, somePathsFailed: 1, usage: 2, cannotStart: 3, timedOut: 4 } as const;

/** The exit code of a failure that ends the program. */
export function exitCodeOf(failure: Failure): number {
  switch (failure.kind) {
    case 'usage':
      return EXIT.usage;
    case 'path':
      return EXIT.somePathsFailed;
    default:
      return EXIT.cannotStart;
  }
}

/** Either a value or the failure that stands in its way. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export const success = <T>(value: T): Result<T> => ({ ok: true, value });
export const failed = (failure: Failure): { readonly ok: false; readonly failure: Failure } => ({ ok: false, failure });

/** Why there is no value; undefined where there is one. */
export const failureOf = (result: Result<unknown>): Failure | undefined => (result.ok ? undefined : result.failure);

/** Of what there is too little, by the error that says so: errno(3). */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: 'too few files may be open at once here (ulimit -n)',
  ENFILE: 'too many files are open on this machine',
  EAGAIN: 'too few processes may run here (ulimit -u)',
  ENOMEM: 'there is not enough memory',
};

/** Why the system does not let us do something, in words. */
export const shortageInWords = (code: string): string => SHORTAGES[code] ?? code;

/** What the system calls an error, such as `EACCES`; of any other error its text. */
export const errnoOf = (error: unknown): string =>
  String(error instanceof Error && 'code' in error ? error.code : error);

/** A program that the system does not let us start at the moment. */
export const cantStart = (program: string, why: string, kind: FailureKind): Failure => ({
  kind,
  message: `${program} could not be started: ${why}`,
  hint: 'Make room, raise the limit, or end something else.',
  isPassing: true,
});
