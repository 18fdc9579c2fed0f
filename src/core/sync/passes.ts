import { earliest, latest, plusMs } from '../clock.js';
import type { Failure } from '../failure.js';
import type { Name } from '../name.js';
import type { Effect } from './effects.js';
import type { PassKind, PassOver } from './inputs.js';
import { CHECK_PAUSE_MS, LATE_CHECKS_MS } from './policy.js';
import { ROOT_AWAY_MS } from './retry.js';
import { broke, wentThrough } from './runs.js';
import { isUp, type Now, over, type Pass, type Phase, passOf, type State, type Turn, turnOf } from './state.js';

/** Owes one more pass: of several that have not begun one does, the most that was asked for and the soonest. */
export function owe(state: State, more: Pick<Pass, 'kind' | 'atMs'> & Partial<Pass>): State {
  const { phase, pass: old } = state;
  if (phase.is === 'draining' && phase.how === 'stop') return state;
  const pass: Pass = { tries: Number.POSITIVE_INFINITY, broke: 0, isCheck: false, ...more };
  if (old === undefined) return { ...state, pass };
  const [weak, strong] = RANK[pass.kind] >= RANK[old.kind] ? [old, pass] : [pass, old];
  const atMs = earliest(old.atMs, pass.atMs);
  // Somebody waits for one that may break only so often.
  const tries = weak.kind === 'rescan' ? strong.tries : Math.min(old.tries, pass.tries);
  const isCheck = old.isCheck || pass.isCheck;
  return { ...state, pass: { ...strong, atMs, tries, isCheck, broke: Math.max(old.broke, pass.broke) } };
}

const RANK: Readonly<Record<PassKind, number>> = { rescan: 0, quick: 1, full: 2 };

/** A full pass, but not one after the other while somebody goes on removing. */
export function removedThere(state: State, name: Name, now: Now, effects: Effect[]): State {
  const { phase, pass, checkedMs } = state;
  const isStopping = phase.is === 'draining' && phase.how === 'stop';
  if (isStopping || !isUp(phase) || pass?.isCheck === true || passOf(turnOf(phase))?.isCheck === true) return state;
  effects.push({ do: 'tell', what: { kind: 'removedThere', name } });
  const atMs = latest(now.ms, plusMs(checkedMs, CHECK_PAUSE_MS));
  return owe(state, { kind: 'full', atMs, isCheck: true });
}

/** What came of a full pass: one that broke is made again, unless it may not any more. */
export function passed(state: State, pass: Pass, end: PassOver, now: Now, effects: Effect[]): State {
  const next: State = { ...state, afterLoss: 'none', checkedMs: pass.isCheck ? now.ms : state.checkedMs };
  switch (end.kind) {
    case 'done': {
      tellPassed(pass, undefined, effects);
      const isInSyncDue = state.isInSyncDue || pass.kind !== 'rescan' || end.found;
      const lateMs = state.isLateDue ? LATE_CHECKS_MS.map((ms) => plusMs(now.ms, ms)) : state.lateMs;
      return { ...wentThrough(next), isInSyncDue, lateMs, isLateDue: false, ...rearmed(next, now) };
    }
    case 'broken':
    case 'rootGone': {
      const failure = end.kind === 'broken' ? end.failure : NO_ROOT;
      const off: State =
        end.kind === 'broken'
          ? broke(next, failure, now, effects)
          : { ...next, resumeMs: plusMs(now.ms, ROOT_AWAY_MS) };
      if (off.phase.is === 'over') return off;
      const isGivenUp = failure.isSilence === true && Number.isFinite(pass.tries);
      if (pass.broke + 1 < pass.tries && !isGivenUp && off.phase.is !== 'draining')
        return owe(off, { ...pass, kind: pass.kind === 'quick' ? 'full' : pass.kind, broke: pass.broke + 1 });
      tellPassed(pass, failure, effects);
      return { ...off, ...rearmed(next, now) };
    }
    case 'halted':
      return over(next, end, effects);
    case 'stopped':
      tellPassed(pass, undefined, effects);
      return next;
  }
}

function tellPassed({ kind }: Pass, failure: Failure | undefined, effects: Effect[]): void {
  if (kind !== 'rescan') effects.push({ do: 'passed', failure });
}

/** The next rescan is so long after the last one. */
const rearmed = (state: State, now: Now): Pick<State, 'rescanMs'> =>
  state.keepsStandbys && state.rescanMs === undefined ? armed(state, now) : { rescanMs: state.rescanMs };

/** The root guard tells of it. */
const NO_ROOT: Failure = { kind: 'run', message: 'the watched directory is not there' };

/** Another phase with the same turn; a pass that has not begun is owed again. */
export function withTurn(state: State, to: (turn: Turn | undefined) => Phase): State {
  const turn = turnOf(state.phase);
  if (turn?.kind !== 'pass' || turn.isBegun) return { ...state, phase: to(turn) };
  return owe({ ...state, phase: to(undefined) }, turn.pass);
}

/** The next regular rescan. */
export const armed = ({ policy }: State, now: Now): Pick<State, 'rescanMs'> => ({
  rescanMs: policy.rescanMs > 0 ? plusMs(now.ms, policy.rescanMs) : undefined,
});
