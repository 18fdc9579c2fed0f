import type { Report } from './core/event.js';
import type { Printable } from './core/printable.js';
import type { Programs } from './programs.js';
import type { Surroundings } from './state/folders.js';

/** The signals that ask syncwatch to end, with the exit codes that shells give them. */
export const STOP_SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type StopSignal = keyof typeof STOP_SIGNALS;

/** The stop signals in the order they come. */
export interface StopSignals {
  /** Resolves with the first one: drain. */
  readonly first: Promise<StopSignal>;
  /** Resolves with the second one: stop at once. */
  readonly second: Promise<StopSignal>;
}

/** A file that is open for what syncwatch says. */
export interface OwnStream {
  /** Device and inode. */
  readonly identity: string;
  /** Where it was opened, if that is known: it may have another name by now. */
  readonly path: string | undefined;
}

/** A terminal where keys mean something while it runs. */
export interface KeyBoard {
  /** What is typed, as it comes, until the function that this gives is called. */
  listen(onTyped: (text: string) => void): () => void;
  /** Shows these lines above the last one. */
  say(lines: readonly string[]): void;
  clear(): void;
  /** As Ctrl-C. */
  interrupt(): void;
}

/** What a command needs of the world around it; begin.ts makes it from `process`, tests make their own. */
export interface Io {
  readonly report: Report;
  /** What is typed, and where its answers are shown; undefined where there is no terminal. */
  readonly keys: KeyBoard | undefined;
  readonly around: Surroundings;
  /** Looks up what is started, for this DIR: absolute, symlinks resolved. */
  readonly programs: (root: string) => Programs;
  readonly pid: number;
  /** The processor time that this process and its threads have used so far, in milliseconds. */
  readonly cpuMs: () => number;
  readonly signals: StopSignals;
  /** The files that what is said goes to, where it goes to any. */
  readonly streams: readonly OwnStream[];
  /** Asks a yes-or-no question on the terminal; undefined where there is none. */
  readonly confirm: ((question: Printable) => Promise<boolean>) | undefined;
}
