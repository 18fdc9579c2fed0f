import type { Failure } from '../failure.js';
import type { Name } from '../name.js';

/** `quick`: with a quick pass where that will do. `rescan`: nothing should be to do; it is tried once. */
export type PassKind = 'full' | 'quick' | 'rescan';

/** How a batch ended. Names that are not done are still pending. */
export type BatchOver =
  /**
   * `delivered`: whether rsync had anything to do. `bulk`: large files that were left for a run of their own. `restMs`: when
   * to look again at what was left because it is not at rest, in milliseconds from now; 0 where nothing was.
   */
  | { readonly kind: 'done'; readonly delivered: boolean; readonly bulk: readonly Name[]; readonly restMs: number }
  | { readonly kind: 'rootGone' }
  | { readonly kind: 'broken'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** How a full pass ended. `found`: whether there was anything to do. */
export type PassOver =
  | { readonly kind: 'done'; readonly found: boolean }
  | { readonly kind: 'rootGone' }
  | { readonly kind: 'broken'; readonly failure: Failure }
  | { readonly kind: 'halted'; readonly failure: Failure }
  | { readonly kind: 'stopped' };

/** All that may happen to one target, as its schedule is told of it. */
export type Input =
  /** A name waits that did not. */
  | { readonly kind: 'noted' }
  /** Nothing was noted for JOIN_MS. */
  | { readonly kind: 'quiet' }
  /** It is {@link State.wakeMs}. */
  | { readonly kind: 'due' }
  | { readonly kind: 'up' }
  | { readonly kind: 'down' }
  /** Another connection has taken over: what was started ahead goes through the old one. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'batchEnded'; readonly end: BatchOver }
  | { readonly kind: 'bulkEnded'; readonly end: BatchOver }
  | { readonly kind: 'passEnded'; readonly end: PassOver }
  | { readonly kind: 'rulesFollowed' }
  | { readonly kind: 'passWanted'; readonly pass: 'full' | 'quick'; readonly tries: number }
  /** Something of ours is not there any more, and it was not us. */
  | { readonly kind: 'removedThere'; readonly name: Name }
  | { readonly kind: 'rulesChanged' }
  /** Another root, or the same again. */
  | { readonly kind: 'rootBack' }
  /** The machine was asleep; and it is known by now whether the link has survived it. */
  | { readonly kind: 'woke' }
  | { readonly kind: 'probed' }
  /** The start is over: from now on the next rsync is started ahead, and there are rescans. */
  | { readonly kind: 'settledIn' }
  /** The next time that nothing waits is to be told, even if nothing was sent. */
  | { readonly kind: 'inSyncWanted' }
  /** Somebody waits: what waits for its time goes now. */
  | { readonly kind: 'hurry' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'finish' }
  /** The last look at the disk is over. */
  | { readonly kind: 'looked' }
  | { readonly kind: 'halt'; readonly failure: Failure }
  | { readonly kind: 'cut' };
