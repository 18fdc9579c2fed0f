import { msBetween } from '../clock.js';
import type { Effect } from './effects.js';
import { withTurn } from './passes.js';
import { LAST_LOOK_MS, SILENCE_MS } from './policy.js';
import { type Draining, isUp, type Now, over, type State } from './state.js';

/** It is to end, with what was changed until now. */
export function drain(state: State, asked: Draining['how'], now: Now, effects: Effect[]): State {
  const { phase } = state;
  if (!isUp(phase)) return over(state, { kind: 'offline' }, effects);
  if (phase.is === 'draining' && phase.how === 'stop') return state;
  const holds = phase.is === 'paused';
  const how = holds ? 'stop' : asked;
  const from =
    how === 'stop' ? { ...state, pass: undefined, rescanMs: undefined, lateMs: [], isProbing: false } : state;
  const draining: Omit<Draining, 'turn'> = {
    is: 'draining',
    stage: how === 'stop' ? 'ending' : 'sending',
    how,
    holds,
    sinceMs: now.ms,
    least: now.waits.size,
    fewerMs: now.ms,
    rounds: 0,
    hasHurried: how === 'stop',
  };
  return withTurn({ ...from, latestMs: undefined }, (turn) => ({ ...draining, turn }));
}

/** From now on everything has its turn, whether it has rested or not. */
export const send = (state: State, phase: Draining, now: Now): State => ({
  ...state,
  latestMs: undefined,
  phase: { ...phase, stage: 'sending', sinceMs: now.ms, least: now.waits.size, fewerMs: now.ms, rounds: 0 },
});

/** Whether what is under way is not waited for any more. */
export const isOverdue = (phase: Draining, now: Now): boolean =>
  phase.how === 'stop' &&
  (now.lastOutputMs === undefined
    ? msBetween(phase.sinceMs, now.ms) >= LAST_LOOK_MS
    : msBetween(now.lastOutputMs, now.ms) >= SILENCE_MS);

/** The other side takes nothing any more, or the disk here hangs: it is not waited for, now that it is to end. */
export function abandon(state: State, phase: Draining, now: Now, effects: Effect[]): State {
  if (phase.stage === 'looking' && now.lastOutputMs === undefined) return send(state, phase, now);
  return over(state, { kind: 'silent' }, effects);
}
