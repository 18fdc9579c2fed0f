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
  /** How it would stand if it were not paused. */
  readonly unpaused: Standing | undefined;
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
  unpaused: undefined,
};

const inMs = (nowMs: SteadyMs, ms: number | undefined): SteadyMs | undefined =>
  ms === undefined ? undefined : plusMs(nowMs, ms);

/** How things stand after one more event that is about this target. */
export function standingAfter(before: Standing, event: Event, nowMs: SteadyMs): Standing {
  // What happens meanwhile is seen when it goes on: it may be offline by then, or no longer.
  const unpaused = after(before.unpaused ?? before, event, nowMs);
  const isPaused = event.kind === 'paused' || (before.unpaused !== undefined && event.kind !== 'resumed');
  if (!isPaused || NEVER_PAUSED.has(unpaused.state)) return unpaused;
  return { ...unpaused, state: 'paused', nextTryMs: undefined, unpaused };
}

function after(before: Standing, event: Event, nowMs: SteadyMs): Standing {
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
    case 'resumed': {
      const { waiting } = event;
      const state = waiting > 0 ? 'syncing' : 'inSync';
      return { ...before, state: IDLE.has(before.state) ? state : before.state, waiting };
    }
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

const NOT_SENDING: ReadonlySet<State> = new Set<State>(['offline', 'trouble', 'rootGone', 'silent']);

/** Before the first login, and from when on it ends. */
const NEVER_PAUSED: ReadonlySet<State> = new Set<State>(['silent', 'finishing', 'ended']);

/** Whether what is said of it is otherwise a second later. */
export const isMoving = ({ nextTryMs, pass, progress }: Standing): boolean =>
  nextTryMs !== undefined || pass !== undefined || progress !== undefined;
