import { plusMs, type SteadyMs } from '../core/clock.js';
import type { Event, EventOf } from '../core/event.js';

/** What a target is doing, in a word. */
export type State =
  /** Nothing is said below the history: ssh may ask something there. */
  | 'silent'
  | 'starting'
  | 'syncing'
  | 'inSync'
  /** All that waits has failed. */
  | 'failing'
  | 'offline'
  | 'trouble'
  | 'paused'
  | 'rootGone'
  | 'finishing'
  | 'ended';

/** How things stand with one target, as its events tell. */
export interface Standing {
  readonly state: State;
  /** How many paths wait, and how many of those because they failed. */
  readonly waiting: number;
  readonly failed: number;
  /** When the next try is; undefined where one is under way or none is needed. */
  readonly nextTryMs: SteadyMs | undefined;
  /** A full sync that is under way. */
  readonly pass: Pass | undefined;
  /** How far a run is that takes long, see {@link EventOf}. */
  readonly progress: EventOf<'progress'> | undefined;
  readonly wasInSync: boolean;
}

interface Pass {
  readonly isFirst: boolean;
  readonly sinceMs: SteadyMs;
  /** How many paths there are here, and how many rsync has turned to. */
  readonly names: number;
  readonly begun: number;
}

export const NO_STANDING: Standing = {
  state: 'silent',
  waiting: 0,
  failed: 0,
  nextTryMs: undefined,
  pass: undefined,
  progress: undefined,
  wasInSync: false,
};

const inMs = (nowMs: SteadyMs, ms: number | undefined): SteadyMs | undefined =>
  ms === undefined ? undefined : plusMs(nowMs, ms);

/** How things stand after one more event that is about this target. */
export function standingAfter(before: Standing, event: Event, nowMs: SteadyMs): Standing {
  switch (event.kind) {
    case 'connecting':
      return { ...before, state: 'silent' };
    case 'connected':
      return { ...before, state: before.state === 'silent' ? 'starting' : 'syncing', nextTryMs: undefined };
    case 'passStarted': {
      const pass = { isFirst: !before.wasInSync, sinceMs: nowMs, names: event.names, begun: 0 };
      return { ...before, state: 'syncing', pass, progress: undefined, nextTryMs: undefined };
    }
    case 'started': {
      const pass = before.pass && { ...before.pass, begun: before.pass.begun + 1 };
      return { ...before, pass, state: IDLE.has(before.state) ? 'syncing' : before.state };
    }
    case 'progress':
      return { ...before, progress: event, state: IDLE.has(before.state) ? 'syncing' : before.state };
    case 'delivered':
      return event.more === undefined ? { ...before, progress: undefined } : before;
    case 'stands': {
      const { waiting, failed, retryMs } = event;
      const isIdle = IDLE.has(before.state);
      const state = isIdle && waiting > failed ? 'syncing' : isIdle && failed > 0 ? 'failing' : before.state;
      const nextTryMs = NOT_SENDING.has(before.state) ? before.nextTryMs : inMs(nowMs, retryMs);
      return { ...before, state, waiting, failed, pass: undefined, nextTryMs };
    }
    case 'inSync':
      return { ...NO_STANDING, state: 'inSync', wasInSync: true };
    case 'trouble': {
      const { waiting, retryMs, failure } = event;
      const state = failure.kind === 'connection' || failure.kind === 'login' ? 'offline' : 'trouble';
      return { ...before, state, waiting, nextTryMs: inMs(nowMs, retryMs), pass: undefined, progress: undefined };
    }
    case 'loggingIn':
      return before.state === 'offline' ? { ...before, nextTryMs: inMs(nowMs, event.retryMs) } : before;
    case 'waiting':
      return { ...before, waiting: event.waiting };
    case 'paused':
      return { ...before, state: 'paused' };
    case 'resumed':
      return { ...before, state: event.waiting > 0 ? 'syncing' : 'inSync', waiting: event.waiting };
    case 'rootGone':
      return { ...before, state: 'rootGone' };
    case 'rootBack':
      return { ...before, state: 'syncing' };
    case 'stopping':
      return { ...before, state: 'finishing', waiting: event.waiting, nextTryMs: undefined };
    case 'stopped':
    case 'halted':
    case 'wouldDone':
      return { ...before, state: 'ended' };
    default:
      return before;
  }
}

/** Whatever is sent then is news. */
const IDLE: ReadonlySet<State> = new Set<State>(['starting', 'inSync', 'failing', 'syncing', 'trouble']);

const NOT_SENDING: ReadonlySet<State> = new Set<State>(['offline', 'trouble', 'paused', 'rootGone', 'silent']);

/** Whether what is said of it is otherwise a second later. */
export const isMoving = ({ nextTryMs, pass, progress }: Standing): boolean =>
  nextTryMs !== undefined || pass !== undefined || progress !== undefined;
