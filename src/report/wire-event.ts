import type { ItemAction } from '../core/action.js';
import type { FailureKind } from '../core/failure.js';
import type { HookKind } from '../core/hook-kinds.js';

/**
 * The events as programs get them, from `--json` and from {@link syncwatch}: an API (docs/manual.md, "JSON events"). Members and events
 * may be added, not changed. Paths have no control characters. Times are in milliseconds, sizes in bytes.
 * schema/events.json is made of these types.
 */
export type SyncwatchEvent =
  | ConnectingEvent
  | ConnectedEvent
  | WatchingEvent
  | PassStartedEvent
  | StartedEvent
  | ProgressEvent
  | DeliveredEvent
  | SlowStartEvent
  | InSyncEvent
  | PathFailedEvent
  | TroubleEvent
  | LoggingInEvent
  | StandsEvent
  | WaitingEvent
  | RemovedThereEvent
  | RepairedEvent
  | WokeEvent
  | PausedEvent
  | ResumedEvent
  | SettingsChangedEvent
  | RootGoneEvent
  | RootBackEvent
  | MountGoneEvent
  | MountBackEvent
  | RulesUnsureEvent
  | RulesSureEvent
  | WhyEvent
  | HookEvent
  | SkippedEvent
  | KeptEvent
  | NoteEvent
  | WouldDoEvent
  | WouldDoneEvent
  | StoppingEvent
  | StoppedEvent
  | HaltedEvent;

/** What each event has. */
interface Told {
  /** Raised when something documented changes its meaning. */
  readonly v: 1;
  /** ISO 8601. */
  readonly time: string;
}

/** A path relative to DIR. */
interface Path {
  /** As text. */
  readonly path: string;
  /** Its bytes, where it is no plain text. */
  readonly pathBase64?: string | undefined;
}

/** One path that rsync turned to. */
export interface Item extends Path {
  readonly action: ItemAction;
  /** The size of what was sent; 0 for the other actions. */
  readonly bytes: number;
  /** It was not there before. */
  readonly isNew: boolean;
}

/** One path that is there by now, or gone. */
export interface BroughtItem extends Item {
  /** What the file was called before: as text, and its bytes where that is no plain text. */
  readonly from?: string | undefined;
  readonly fromBase64?: string | undefined;
}

/** Directories of the same name that make a first sync slow. */
export interface LargeDirectory extends Path {
  /** How many there are; `path` is the largest. */
  readonly count: number;
  /** How much is in them: paths, and bytes of files. */
  readonly paths: number;
  readonly bytes: number;
  /** What leaves them out. */
  readonly pattern?: string | undefined;
  readonly hint?: string | undefined;
}

/** What went wrong. */
export interface EventFailure {
  readonly kind: FailureKind;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** What rsync, ssh or the system said. */
  readonly detail?: string | undefined;
}

/** A path that is not there, and the failure of its last try, if it had one. */
interface Unsent extends Path {
  readonly failure?: EventFailure | undefined;
}

/** All that was done. */
export interface EventSummary {
  readonly sent: number;
  readonly bytes: number;
  readonly deleted: number;
  readonly unsent: readonly Unsent[];
}

/** Logging in. */
interface ConnectingEvent extends Told {
  readonly event: 'connecting';
  readonly target: string;
  /** Where that is, where the target has a name. */
  readonly place: string;
}

/** Logged in. */
interface ConnectedEvent extends Told {
  readonly event: 'connected';
  readonly target: string;
  readonly ms: number;
}

/** From now on no change is missed. */
interface WatchingEvent extends Told {
  readonly event: 'watching';
  /** DIR, absolute, symlinks resolved. */
  readonly root: string;
  readonly directories: number;
}

/** A full sync begins. */
interface PassStartedEvent extends Told {
  readonly event: 'passStarted';
  readonly target: string;
  readonly names: number;
}

/** rsync has turned to this path. */
interface StartedEvent extends Told, Item {
  readonly event: 'started';
  readonly target: string;
}

/** How far a run is that takes longer; about once a second. */
interface ProgressEvent extends Told {
  readonly event: 'progress';
  readonly target: string;
  readonly bytes: number;
  /** All that this run has to send, where that is known. */
  readonly totalBytes?: number | undefined;
  /** How many paths rsync is through with, of how many, where that is known. */
  readonly names?: number | undefined;
  readonly totalNames?: number | undefined;
  readonly ms: number;
}

/** All of these are there, or gone from there. */
interface DeliveredEvent extends Told {
  readonly event: 'delivered';
  readonly target: string;
  readonly items: readonly BroughtItem[];
  /** So many of the same run follow in further events. */
  readonly more?: number | undefined;
  readonly ms: number;
}

/** The first full sync has taken a minute, and these make up most of it; told once. */
interface SlowStartEvent extends Told {
  readonly event: 'slowStart';
  readonly target: string;
  readonly ms: number;
  readonly directories: readonly LargeDirectory[];
}

/** Nothing waits. */
interface InSyncEvent extends Told {
  readonly event: 'inSync';
  readonly target: string;
  readonly names: number;
  readonly ms: number;
}

/** One path could not be synced; it is tried again. */
interface PathFailedEvent extends Told, Path {
  readonly event: 'pathFailed';
  readonly target: string;
  readonly failure: EventFailure;
}

/** A run broke or the connection is lost; it is tried again. Told once, not at every try. */
interface TroubleEvent extends Told {
  readonly event: 'trouble';
  readonly target: string;
  readonly failure: EventFailure;
  readonly waiting: number;
  readonly retryMs: number;
}

/** The connection is lost, and a login is tried; or it did not succeed: until the next one. */
interface LoggingInEvent extends Told {
  readonly event: 'loggingIn';
  readonly target: string;
  readonly retryMs?: number | undefined;
}

/** So many paths wait; told when that has changed, and after each try of those that failed. */
interface StandsEvent extends Told {
  readonly event: 'stands';
  readonly target: string;
  readonly waiting: number;
  /** So many of them because they failed. */
  readonly failed: number;
  /** Until those are tried again. */
  readonly retryMs?: number | undefined;
}

/** So many paths wait for the connection by now. */
interface WaitingEvent extends Told {
  readonly event: 'waiting';
  readonly target: string;
  readonly waiting: number;
}

/** Somebody else has removed it there (`.`: the target itself); a full sync follows. */
interface RemovedThereEvent extends Told, Path {
  readonly event: 'removedThere';
  readonly target: string;
}

/** A rescan found these to be otherwise there. */
interface RepairedEvent extends Told {
  readonly event: 'repaired';
  readonly target: string;
  readonly items: readonly Item[];
}

/** The machine was asleep; connection and both sides are checked. */
interface WokeEvent extends Told {
  readonly event: 'woke';
  readonly ms: number;
}

/** `syncwatch pause`: nothing is sent. */
interface PausedEvent extends Told {
  readonly event: 'paused';
  readonly target: string;
}

/** `syncwatch resume`: it goes on. */
interface ResumedEvent extends Told {
  readonly event: 'resumed';
  readonly target: string;
  readonly waiting: number;
}

/** The settings file says something else by now, which is taken at a new start. */
interface SettingsChangedEvent extends Told {
  readonly event: 'settingsChanged';
  readonly source: string;
  /** Why it can't be taken. */
  readonly failure?: EventFailure | undefined;
}

/** DIR itself went. */
interface RootGoneEvent extends Told {
  readonly event: 'rootGone';
  readonly root: string;
}

/** It came back. */
interface RootBackEvent extends Told {
  readonly event: 'rootBack';
  readonly root: string;
  /** Another one is in its place. */
  readonly replaced: boolean;
  /** DIR is a link, which led there before. */
  readonly was?: string | undefined;
}

/** A file system below DIR is not mounted any more; nothing of it is deleted there. */
interface MountGoneEvent extends Told, Path {
  readonly event: 'mountGone';
  /** Its own directory has something else, which is synced. */
  readonly inUse: boolean;
}

/** It is mounted. */
interface MountBackEvent extends Told, Path {
  readonly event: 'mountBack';
  /** Another one than was known there. */
  readonly replaced: boolean;
}

/** Git can't be asked what it ignores. */
interface RulesUnsureEvent extends Told {
  readonly event: 'rulesUnsure';
  readonly root: string;
  readonly why: string;
  /** New names wait, or go by the `.gitignore` files alone. */
  readonly newNames: 'wait' | 'byFiles';
}

/** Git can be asked again. */
interface RulesSureEvent extends Told {
  readonly event: 'rulesSure';
  readonly root: string;
}

/** The answer to `--why`: the rule that decides. */
interface WhyEvent extends Told, Path {
  readonly event: 'why';
  /** Where nothing of that name is in DIR: whether it would be. */
  readonly synced: boolean;
  /** Nothing of that name is in DIR. */
  readonly missing?: true | undefined;
  /** The path that the rule is about: the name itself, or a directory above it. */
  readonly of: string;
  /** Where the rule is. */
  readonly source?: string | undefined;
  /** How it is written there. */
  readonly rule?: string | undefined;
  /** The line of .syncignore that does not bring it back. */
  readonly tooBroad?: string | undefined;
}

/** A command of the user's has ended. */
interface HookEvent extends Told {
  readonly event: 'hook';
  readonly hook: HookKind;
  readonly target: string;
  readonly code?: number | undefined;
  /** Why it has no code. */
  readonly end?: string | undefined;
  readonly ms: number;
  /** The last of what it said. */
  readonly output: string;
}

/** With `-v`: what is left out for what it is. */
interface SkippedEvent extends Told, Path {
  readonly event: 'skipped';
  readonly why: string;
}

/** A directory that is gone here stays there: it has files that are not ours. */
interface KeptEvent extends Told, Path {
  readonly event: 'kept';
  readonly target: string;
}

/** For information. */
interface NoteEvent extends Told {
  readonly event: 'note';
  readonly level: 'normal' | 'verbose';
  readonly text: string;
}

/** What a full sync would do (`--dry-run`). */
interface WouldDoEvent extends Told, Item {
  readonly event: 'wouldDo';
  readonly target: string;
}

/** All of what it would do. */
interface WouldDoneEvent extends Told {
  readonly event: 'wouldDone';
  readonly target: string;
  readonly sends: number;
  readonly bytes: number;
  readonly deletes: number;
}

/** It was asked to end. */
interface StoppingEvent extends Told {
  readonly event: 'stopping';
  readonly target: string;
  readonly signal: string;
  readonly waiting: number;
}

/** It has ended. */
interface StoppedEvent extends Told {
  readonly event: 'stopped';
  readonly target: string;
  readonly summary: EventSummary;
}

/** It ends because of this. */
interface HaltedEvent extends Told {
  readonly event: 'halted';
  readonly failure: EventFailure;
  /** Where only this one has ended. */
  readonly target?: string | undefined;
}
