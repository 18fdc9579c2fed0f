import type { Readable } from 'node:stream';
import type { Printable } from '../core/printable.js';
import type { StopSignal } from '../io.js';
import type { LookUp } from '../programs.js';
import type { Surroundings } from '../state/folders.js';

/** What the commands that ask a running one need of the world around them. */
export interface ControlIo {
  readonly out: (text: Printable) => void;
  readonly err: (text: Printable) => void;
  /** The time of day, for what is printed. */
  readonly now: () => Date;
  readonly around: Surroundings;
  /** For `exec`. */
  readonly lookUp: LookUp;
  /** Ours, for `exec`; undefined where it is a terminal. */
  readonly stdin: (() => Readable) | undefined;
  /** Whether stdin and stdout are a terminal. */
  readonly isTerminal: boolean;
  /** Whether any of stdin, stdout and stderr is one. */
  readonly sharesTerminal: boolean;
  /** Gives what draws lines anew, each time below what was there before; undefined where stdout is no terminal that can. */
  readonly drawing: (() => Promise<(lines: readonly Printable[]) => void>) | undefined;
  /** The first signal that asks it to end: from the call of this on it does not end by itself. */
  readonly stopped: () => Promise<StopSignal>;
}
