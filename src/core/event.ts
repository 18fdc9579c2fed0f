import type { Failure } from './failure.js';
import type { Name } from './name.js';
import type { ItemAction } from './rsync/output.js';
import type { Summary } from './summary.js';

/** Everything that syncwatch tells about itself, in the order it happens. The printers in report/ put it into words. */
export type Event =
  /** `place`: where that is, where the target has a name. */
  | { readonly kind: 'connecting'; readonly target: string; readonly place: string }
  | { readonly kind: 'connected'; readonly target: string; readonly ms: number }
  | { readonly kind: 'watching'; readonly root: string; readonly directories: number }
  | { readonly kind: 'passStarted'; readonly target: string; readonly names: number }
  /** rsync has turned to this name. */
  | ({ readonly kind: 'started'; readonly target: string } & Item)
  /** The run that these names belong to has ended: they are on the remote, or gone from it. In the order they started. */
  | {
      readonly kind: 'delivered';
      readonly target: string;
      readonly items: readonly Item[];
      /** So many of the same run follow in events of their own; none where not given. */
      readonly more?: number;
      readonly ms: number;
    }
  /** How far a run is that takes long: what rsync has read and compared so far, in bytes. About once a second. */
  | {
      readonly kind: 'progress';
      readonly target: string;
      readonly bytes: number;
      /** What this run has to send in all, in bytes; undefined where that is not known. */
      readonly totalBytes: number | undefined;
      readonly ms: number;
    }
  | { readonly kind: 'inSync'; readonly target: string; readonly names: number; readonly ms: number }
  /** One path could not be synced. Said once, not at every try. */
  | { readonly kind: 'pathFailed'; readonly target: string; readonly name: Name; readonly failure: Failure }
  /** A run broke or the connection was lost; it is tried again in `retryMs`. */
  | {
      readonly kind: 'trouble';
      readonly target: string;
      readonly failure: Failure;
      readonly waiting: number;
      readonly retryMs: number;
    }
  /** Something that was delivered is not there any more, and it was not syncwatch: a full sync follows. */
  | { readonly kind: 'removedThere'; readonly target: string; readonly name: Name }
  /**
   * A rescan (`--rescan`) found these not to be as they should be there, and made it good: somebody changed them there, or
   * syncwatch has missed something, which would be a bug.
   */
  | { readonly kind: 'repaired'; readonly target: string; readonly items: readonly Item[] }
  /** The machine, or only syncwatch, was asleep for so long: connection and both sides are checked. */
  | { readonly kind: 'woke'; readonly ms: number }
  /** More or less waits for the connection than was told last. Told when nothing more was heard of for half a second. */
  | { readonly kind: 'waiting'; readonly target: string; readonly waiting: number }
  /** Somebody asked that nothing be sent for now, or that it go on. */
  | { readonly kind: 'paused'; readonly target: string }
  | { readonly kind: 'resumed'; readonly target: string; readonly waiting: number }
  /** The root is not what it was: nothing is deleted, everything waits until it is back. */
  | { readonly kind: 'rootGone'; readonly root: string }
  | { readonly kind: 'rootBack'; readonly root: string; readonly replaced: boolean }
  /** A command of the user's has ended: `code`, or (`end`) why it has none. `output`: the last of what it said. */
  | {
      readonly kind: 'hook';
      readonly hook: HookKind;
      readonly target: string;
      readonly code: number | undefined;
      readonly end: string | undefined;
      readonly ms: number;
      readonly output: string;
    }
  /** Git can't be asked any more what it ignores; and that it can again. */
  | ({ readonly kind: 'rulesUnsure'; readonly root: string } & RulesTrouble)
  | { readonly kind: 'rulesSure'; readonly root: string }
  /** Only with `-v`. */
  | { readonly kind: 'skipped'; readonly name: Name; readonly why: string }
  | { readonly kind: 'kept'; readonly target: string; readonly name: Name }
  /** The answer to `--why`: whether a path is synced, and by which rule; none matched where it is missing. */
  | {
      readonly kind: 'why';
      readonly name: Name;
      readonly synced: boolean;
      /** The path that the rule is about: the name itself, or a directory above it that is excluded. */
      readonly of: string;
      /** Where the rule is, and how it is written there. */
      readonly source: string | undefined;
      readonly rule: string | undefined;
      /** The line of .syncignore that is too broad to bring it back: it does not name it. */
      readonly tooBroad?: string;
    }
  | { readonly kind: 'note'; readonly level: 'normal' | 'verbose' | 'debug'; readonly text: string }
  | ({ readonly kind: 'wouldDo'; readonly target: string } & Item)
  | {
      readonly kind: 'wouldDone';
      readonly target: string;
      readonly sends: number;
      readonly bytes: number;
      readonly deletes: number;
    }
  | { readonly kind: 'stopping'; readonly target: string; readonly signal: string; readonly waiting: number }
  | { readonly kind: 'stopped'; readonly target: string; readonly summary: Summary }
  /** The program ends because of this; or only this target does, where there are others. */
  | { readonly kind: 'halted'; readonly failure: Failure; readonly target?: string };

/** `onUpload`: for each path; `onSync`, `onSyncRemote`: once each time everything that waited is there. */
export type HookKind = 'onUpload' | 'onSync' | 'onSyncRemote';

/**
 * Why git can't be asked. What it said last of a name counts on; names that it was never asked about `wait`, or (`byFiles`:
 * there is no repository any more) the ignore files are read without it.
 */
export interface RulesTrouble {
  readonly why: string;
  readonly newNames: 'wait' | 'byFiles';
}

/** One name that rsync turned to. */
export interface Item {
  readonly action: ItemAction;
  readonly name: Name;
  /** The size of what was sent; 0 for the other actions. */
  readonly bytes: number;
  /** It was not there before. */
  readonly isNew: boolean;
}

/** Where events go. */
export type Report = (event: Event) => void;
