import type { WallMs } from './clock.js';
import type { Event, RulesTrouble } from './event.js';
import { type Name, textOf } from './name.js';

/** What a target is doing. */
export type TargetState =
  /** For the first time. */
  | { readonly kind: 'connecting' }
  /** `untilMs`: when the next try to log in is. */
  | { readonly kind: 'reconnecting'; readonly untilMs?: WallMs | undefined }
  | { readonly kind: 'sending' }
  | { readonly kind: 'inSync' }
  /** It was asked to pause; what is under way has still to end. */
  | { readonly kind: 'pausing' }
  | { readonly kind: 'paused' }
  | { readonly kind: 'rootGone' }
  /** It has ended because of this; other targets have not. */
  | { readonly kind: 'halted'; readonly message: string };

/** Everything that `status` tells. */
export interface Status {
  readonly pid: number;
  readonly root: string;
  readonly target: string;
  readonly place: string;
  readonly sinceMs: WallMs;
  readonly state: TargetState;
  /** How many paths wait, and since when the first of them does. */
  readonly waiting: number;
  readonly waitingSinceMs?: WallMs | undefined;
  /** How many are not there because they failed. */
  readonly failed?: number | undefined;
  readonly sent: number;
  readonly bytes: number;
  readonly deleted: number;
  readonly lastDeliveredMs?: WallMs | undefined;
  readonly lastPassMs?: WallMs | undefined;
  readonly lastError?:
    | { readonly ms: WallMs; readonly path?: string | undefined; readonly message: string }
    | undefined;
  /** How many directories are watched. */
  readonly directories?: number | undefined;
  /** Why git can't be asked what it ignores, and what that means. */
  readonly rules?: string | undefined;
}

/** A path that could not be synced. */
export interface FailedPath {
  readonly path: string;
  readonly message: string;
}

/** What failed: the first paths, and how many there are beside; and why there is no connection, where there is none. */
export interface FailedNow {
  readonly paths: readonly FailedPath[];
  readonly more: number;
  readonly trouble?: string | undefined;
}

/** What waits: the first paths, and how many there are beside; `pass`: a full pass that goes on, or is to come, finds more. */
export interface WaitingNow {
  readonly paths: readonly string[];
  readonly more: number;
  readonly pass: boolean;
}

/** The part of it that events tell. */
export type StatusFacts = Pick<Status, 'lastDeliveredMs' | 'lastPassMs' | 'lastError' | 'directories' | 'rules'> & {
  readonly rootIsGone: boolean;
};

export const NO_FACTS: StatusFacts = {
  rootIsGone: false,
  lastDeliveredMs: undefined,
  lastPassMs: undefined,
  lastError: undefined,
  directories: undefined,
  rules: undefined,
};

/** What it means that git can't be asked. */
export const rulesInWords = ({ why, newNames }: RulesTrouble): string =>
  newNames === 'wait'
    ? `git can't be asked what it ignores (${why}). What was synced goes on; what is new waits until git answers again`
    : `git can't be asked what it ignores (${why}). What was left out stays left out, and the .gitignore files go on counting, read without git, until a restart`;

/** What is known after one more event. */
export function afterEvent(facts: StatusFacts, event: Event, nowMs: WallMs): StatusFacts {
  const failed = (message: string, name?: Name): StatusFacts['lastError'] => ({
    ms: nowMs,
    path: name === undefined ? undefined : textOf(name),
    message,
  });
  switch (event.kind) {
    case 'watching':
      return { ...facts, directories: event.directories };
    case 'delivered':
      return { ...facts, lastDeliveredMs: nowMs };
    case 'passStarted':
      return { ...facts, lastPassMs: nowMs };
    case 'pathFailed':
      return { ...facts, lastError: failed(event.failure.message, event.name) };
    case 'trouble':
      return { ...facts, lastError: failed(event.failure.message) };
    case 'rulesUnsure':
      return { ...facts, rules: rulesInWords(event) };
    case 'rulesSure':
      return { ...facts, rules: undefined };
    case 'rootGone':
      return { ...facts, rootIsGone: true };
    case 'rootBack':
      return { ...facts, rootIsGone: false };
    default:
      return facts;
  }
}
