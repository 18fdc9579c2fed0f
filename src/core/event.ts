import type { ItemAction } from './action.js';
import type { Failure } from './failure.js';
import type { HookKind } from './hook-kinds.js';
import type { Name } from './name.js';
import type { Summary } from './summary.js';

/**
 * Everything that syncwatch tells about itself, in the order it happens. The printers in report/ put it into words; what
 * `--json` shows of it is in report/wire.ts.
 */
export type Event =
  | Connecting
  | Connected
  | Watching
  | PassStarted
  | Started
  | Delivered
  | Progress
  | SlowStart
  | InSync
  | PathFailed
  | Trouble
  | RemovedThere
  | Repaired
  | Woke
  | LoggingIn
  | Stands
  | Waiting
  | Paused
  | Resumed
  | SettingsChanged
  | RootGone
  | RootBack
  | MountGone
  | MountBack
  | HookEnded
  | RulesUnsure
  | RulesSure
  | Skipped
  | Kept
  | Why
  | Note
  | WouldDo
  | WouldDone
  | Stopping
  | Stopped
  | Halted;

/** The event of this kind. */
export type EventOf<Kind extends Event['kind']> = Extract<Event, { readonly kind: Kind }>;

/** Where events go. */
export type Report = (event: Event) => void;

interface Connecting {
  readonly kind: 'connecting';
  readonly target: string;
  /** Where that is, where the target has a name. */
  readonly place: string;
}

interface Connected {
  readonly kind: 'connected';
  readonly target: string;
  readonly ms: number;
}

interface Watching {
  readonly kind: 'watching';
  readonly root: string;
  readonly directories: number;
}

interface PassStarted {
  readonly kind: 'passStarted';
  readonly target: string;
  readonly names: number;
}

/** rsync has turned to this name. */
interface Started extends Item {
  readonly kind: 'started';
  readonly target: string;
}

/** The run that these names belong to has ended: they are on the remote, or gone from it. In the order they started. */
interface Delivered {
  readonly kind: 'delivered';
  readonly target: string;
  readonly items: readonly BroughtItem[];
  /** So many of the same run follow in events of their own; none where not given. */
  readonly more?: number;
  readonly ms: number;
}

/** How far a run is that takes long: what rsync has read and compared so far, in bytes. About once a second. */
interface Progress {
  readonly kind: 'progress';
  readonly target: string;
  readonly bytes: number;
  /** What this run has to send in all, in bytes; undefined where that is not known. */
  readonly totalBytes: number | undefined;
  /** How many paths rsync is through with, of how many; undefined where that is not known. */
  readonly names?: number | undefined;
  readonly totalNames?: number | undefined;
  readonly ms: number;
}

/** The first full sync has taken `ms` so far: these directories make up most of it, the largest first. Once, if there are any. */
interface SlowStart {
  readonly kind: 'slowStart';
  readonly target: string;
  readonly ms: number;
  readonly directories: readonly LargeDirectory[];
}

interface InSync {
  readonly kind: 'inSync';
  readonly target: string;
  readonly names: number;
  readonly ms: number;
}

/** One path could not be synced. Said once, not at every try. */
interface PathFailed {
  readonly kind: 'pathFailed';
  readonly target: string;
  readonly name: Name;
  readonly failure: Failure;
}

/** A run broke or the connection was lost; it is tried again in `retryMs`. */
interface Trouble {
  readonly kind: 'trouble';
  readonly target: string;
  readonly failure: Failure;
  readonly waiting: number;
  readonly retryMs: number;
}

/** Something that was delivered is not there any more, and it was not syncwatch: a full sync follows. */
interface RemovedThere {
  readonly kind: 'removedThere';
  readonly target: string;
  readonly name: Name;
}

/**
 * A rescan (`--rescan`) found these not to be as they should be there, and made it good: somebody changed them there, or
 * syncwatch has missed something, which would be a bug.
 */
interface Repaired {
  readonly kind: 'repaired';
  readonly target: string;
  readonly items: readonly Item[];
}

/** The machine, or only syncwatch, was asleep for so long: connection and both sides are checked. */
interface Woke {
  readonly kind: 'woke';
  readonly ms: number;
}

/** A login is under way; or it did not succeed, and the next one is in `retryMs`. Told at every try, for the last line of a terminal. */
interface LoggingIn {
  readonly kind: 'loggingIn';
  readonly target: string;
  readonly retryMs: number | undefined;
}

/**
 * How much waits, and how much of that because it failed: `retryMs` until the first of those is tried again. Told after each turn,
 * for the last line of a terminal.
 */
interface Stands {
  readonly kind: 'stands';
  readonly target: string;
  readonly waiting: number;
  readonly failed: number;
  readonly retryMs: number | undefined;
}

/** More or less waits for the connection than was told last. Told when nothing more was heard of for half a second. */
interface Waiting {
  readonly kind: 'waiting';
  readonly target: string;
  readonly waiting: number;
}

/** Somebody asked that nothing be sent for now. */
interface Paused {
  readonly kind: 'paused';
  readonly target: string;
}

/** And that it go on. */
interface Resumed {
  readonly kind: 'resumed';
  readonly target: string;
  readonly waiting: number;
}

/** The settings file that it obeys says something else by now, which is taken at a new start. `failure`: why it can't be. */
interface SettingsChanged {
  readonly kind: 'settingsChanged';
  readonly source: string;
  readonly failure: Failure | undefined;
}

/** The root is not what it was: nothing is deleted, everything waits until it is back. */
interface RootGone {
  readonly kind: 'rootGone';
  readonly root: string;
}

/** `was`: DIR is a link, or below one, and led there before. */
interface RootBack {
  readonly kind: 'rootBack';
  readonly root: string;
  readonly replaced: boolean;
  readonly was?: string;
}

/**
 * A file system below DIR was unmounted: nothing is deleted there of what was in it. `inUse`: the directory that it was mounted
 * over holds something, which is synced; else all of it waits until it is back.
 */
interface MountGone {
  readonly kind: 'mountGone';
  readonly name: Name;
  readonly inUse: boolean;
}

/** And mounted, again or for the first time; `replaced`: another one than was known there, or none was. */
interface MountBack {
  readonly kind: 'mountBack';
  readonly name: Name;
  readonly replaced: boolean;
}

/** A command of the user's has ended: `code`, or (`end`) why it has none. `output`: the last of what it said. */
interface HookEnded {
  readonly kind: 'hook';
  readonly hook: HookKind;
  readonly target: string;
  readonly code: number | undefined;
  readonly end: string | undefined;
  readonly ms: number;
  readonly output: string;
}

/** Git can't be asked any more what it ignores. */
interface RulesUnsure extends RulesTrouble {
  readonly kind: 'rulesUnsure';
  readonly root: string;
}

/** And that it can again. */
interface RulesSure {
  readonly kind: 'rulesSure';
  readonly root: string;
}

/** Only with `-v`. */
interface Skipped {
  readonly kind: 'skipped';
  readonly name: Name;
  readonly why: string;
}

/** A directory that was deleted here stays there, for what is in it and not ours. */
interface Kept {
  readonly kind: 'kept';
  readonly target: string;
  readonly name: Name;
}

/** The answer to `--why`: whether a path is synced, and by which rule; none matched where it is missing. */
interface Why {
  readonly kind: 'why';
  readonly name: Name;
  /** Where nothing of that name is here: whether it would be. */
  readonly synced: boolean;
  /** Only where nothing of that name is here. */
  readonly missing?: true;
  /** The path that the rule is about: the name itself, or a directory above it that is excluded. */
  readonly of: string;
  /** Where the rule is, and how it is written there. */
  readonly source: string | undefined;
  readonly rule: string | undefined;
  /** The line of .syncignore that is too broad to bring it back: it does not name it. */
  readonly tooBroad?: string;
}

interface Note {
  readonly kind: 'note';
  readonly level: 'normal' | 'verbose' | 'debug';
  readonly text: string;
}

/** What a full sync would do, with `--dry-run`. */
interface WouldDo extends Item {
  readonly kind: 'wouldDo';
  readonly target: string;
}

interface WouldDone {
  readonly kind: 'wouldDone';
  readonly target: string;
  readonly sends: number;
  readonly bytes: number;
  readonly deletes: number;
}

interface Stopping {
  readonly kind: 'stopping';
  readonly target: string;
  readonly signal: string;
  readonly waiting: number;
}

interface Stopped {
  readonly kind: 'stopped';
  readonly target: string;
  readonly summary: Summary;
}

/** The program ends because of this; or only this target does, where there are others. */
interface Halted {
  readonly kind: 'halted';
  readonly failure: Failure;
  readonly target?: string;
}

/**
 * Why git can't be asked. What it said last of a name counts on; names that it was never asked about `wait`, or (`byFiles`:
 * there is no repository any more) the ignore files are read without it.
 */
export interface RulesTrouble {
  readonly why: string;
  readonly newNames: 'wait' | 'byFiles';
}

/** A directory that makes up much of what is to be sent, or all those of one name. */
export interface LargeDirectory {
  /** The largest of them. */
  readonly name: Name;
  /** How many there are. */
  readonly count: number;
  /** How much is in them: paths, and bytes of files. */
  readonly paths: number;
  readonly bytes: number;
  /** What leaves them out, for `--exclude` and as a line of .syncignore; undefined where that can't be written in a line. */
  readonly pattern: string | undefined;
  /** What it most often is, by its name. */
  readonly hint: string | undefined;
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

/** One name that is there by now, or gone. */
export interface BroughtItem extends Item {
  /** The file was found to be the one that had this name before. */
  readonly from?: Name;
}
