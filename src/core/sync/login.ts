import { dispositionOf, type Failure } from '../failure.js';
import { delayMs, LOGIN_BACKOFF, RUN_BACKOFF } from './retry.js';

/** How often `--once` logs in again when the connection was lost, and tries a full sync that breaks, before it gives up. */
export const ONCE_TRIES = 3;

/** For how long it is worth trying to log in. */
export interface LoginPolicy {
  /** So many logins may fail in a row. */
  readonly most: number;
  /** Nobody got through yet: one that is refused is no use to repeat then. Later an agent may come back. */
  readonly isFirst: boolean;
}

/** What has failed so far, since the last login that was through. */
export interface LoginTries {
  /** Logins, and before them the connection that was lost. */
  readonly failures: number;
  readonly refusals: number;
  /** The kind of trouble that was told last. */
  readonly reported: Failure['kind'] | undefined;
}

/** Before the first login, and after each that was through. */
export const NO_TRIES: LoginTries = { failures: 0, refusals: 0, reported: undefined };

/** What went wrong now: a login, or what an earlier one had brought. */
export interface LoginTrouble {
  readonly isLoss: boolean;
  readonly failure: Failure;
}

/** What follows a login that failed, or a connection that was lost. */
export type NextLogin =
  | { readonly kind: 'giveUp' }
  /** Log in after so many milliseconds. `isSlow`: no sooner, whatever happens. `isNews`: another kind of trouble than before. */
  | { readonly kind: 'wait'; readonly ms: number; readonly isSlow: boolean; readonly isNews: boolean };

/** When to log in next, if ever. `random` in [0, 1), see {@link delayMs}. */
export function nextLogin(
  tries: LoginTries,
  { isLoss, failure }: LoginTrouble,
  policy: LoginPolicy,
  random: number,
): readonly [LoginTries, NextLogin] {
  const failures = tries.failures + 1;
  const now = { ...tries, failures, reported: failure.kind };
  const isNews = failure.kind !== tries.reported;
  const wait = { kind: 'wait', ms: delayMs(RUN_BACKOFF, failures, random), isSlow: false, isNews } as const;
  // A connection that was there may well come back, whatever it was that ended it.
  if (isLoss) return [now, wait];
  const disposition = dispositionOf(failure);
  const logins = policy.isFirst ? failures : failures - 1;
  if (logins >= policy.most || disposition === 'halt') return [now, { kind: 'giveUp' }];
  if (disposition === 'retry') return [now, wait];
  if (policy.isFirst) return [now, { kind: 'giveUp' }];
  const refusals = tries.refusals + 1;
  return [
    { ...now, refusals },
    { kind: 'wait', ms: delayMs(LOGIN_BACKOFF, refusals, random), isSlow: true, isNews },
  ];
}
