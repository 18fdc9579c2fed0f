import type { SteadyMs } from '../clock.js';
import type { Failure } from '../failure.js';
import type { Name } from '../name.js';
import type { PassKind } from './inputs.js';

/** Why it is over. */
export type End =
  | { readonly kind: 'drained' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'halted'; readonly failure: Failure };

/** What the schedule wants to be done. Whoever does it tells how it ended, by an input (inputs.ts). */
export type Effect =
  /** Tell that it is `quiet` when that is so; begin anew if that was asked before. */
  | { readonly do: 'join' }
  /** Tell that it is `due` then; forget what was asked before. */
  | { readonly do: 'wait'; readonly untilMs: SteadyMs | undefined }
  | ({ readonly do: 'batch' } & BatchLimits)
  | { readonly do: 'bulk'; readonly name: Name }
  | { readonly do: 'pass'; readonly pass: PassKind }
  | { readonly do: 'followRules' }
  /** These large files are without a run of their own again. */
  | { readonly do: 'giveBack'; readonly names: readonly Name[] }
  /** Look at the whole disk once more. */
  | { readonly do: 'look' }
  /** Let everything that backs off have its turn, and tell that it `hurry`s. */
  | { readonly do: 'hurry' }
  | { readonly do: 'probe' }
  | { readonly do: 'standbys'; readonly how: 'open' | 'close' | 'renew' }
  /** A full pass that was wanted (no rescan) is done, or given up. */
  | { readonly do: 'passed'; readonly failure: Failure | undefined }
  | { readonly do: 'tell'; readonly what: Notice }
  /** Nothing more begins; what is under way is cut. Once, and last. */
  | { readonly do: 'end'; readonly end: End };

/** What is to be told of one target; as an event: sync/notices.ts. */
export type Notice =
  | { readonly kind: 'inSync'; readonly ms: number }
  | { readonly kind: 'trouble'; readonly failure: Failure; readonly retryMs: number }
  | { readonly kind: 'removedThere'; readonly name: Name }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' };

/** What may become of the names of a batch, apart from being brought at once. */
export interface BatchOptions {
  /** What is not at rest may be left for later. */
  readonly mayRest: boolean;
  /** Large files may be left for a run of their own. */
  readonly mayPart: boolean;
  /** So many of the names that are at rest are sent, the first ones; all where not given. */
  readonly most?: number;
}

/** A batch of what is ready. */
export interface BatchLimits extends BatchOptions {
  /** So many of the names that are ready are looked at. */
  readonly ofNames: number;
}
