import { LONG_AGO, plusMs, type SteadyMs } from '../clock.js';
import { abandon, drain, isOverdue, send } from './draining.js';
import type { Effect } from './effects.js';
import type { Input } from './inputs.js';
import { armed, owe, passed, removedThere, withTurn } from './passes.js';
import { LATEST_MS, TELL_WAITING_MS } from './policy.js';
import { batchEnded } from './runs.js';
import { endTurn, isUp, type Now, opened, over, passOf, type State, turnOf } from './state.js';
import { decide, nextWakeMs } from './turns.js';

/**
 * When what is sent to one target: a pure state machine. It knows no name but those of large files; which names wait is the
 * pending set's to say. {@link step} takes what happened and gives what is to be done; whoever does it tells how it ended.
 *
 * ```
 *              up                    a pass is due
 *   offline ───────► waiting ──────────────────────────► passing     alone: the large file's run ends first
 *    ▲  ▲             │   ▲ ◄──────────────────────────────┘
 *    │  │ down        │   └───────────────┐ ended
 *    │  └── (any) ◄── │   names are ready │
 *    │                └──────────────► running               a batch, or the rules; large files beside it
 *    │ resume, and no link
 *   paused ◄── pause ── (any of these four) ── resume ──► waiting, or what had the turn
 *
 *   (any) ── stop, finish ──► draining: ending ──► looking ──► sending ──► over
 *                               the pass ends   a last look    nothing is ready; at once where it was paused
 *   (any) ── halt, cut; down while it drains ──► over
 * ```
 *
 * What bounds each phase: `offline` the link's back off; `waiting` one timer ({@link State.wakeMs}) whenever anything waits;
 * `running` and `passing` the time that rsync may say nothing (NO_PROGRESS_MS), after which the run ends as broken;
 * `paused` whoever paused it; `draining` SILENCE_MS without a word from rsync (to `finish` NO_PROGRESS_MS, as else),
 * LAST_LOOK_MS without any rsync, and MOST_ROUNDS batches or NO_FEWER_MS that get nowhere.
 */
export function step(state: State, input: Input, now: Now): readonly [State, readonly Effect[]] {
  if (state.phase.is === 'over') return [state, []];
  const effects: Effect[] = [];
  const reacted = react(state, input, now, effects);
  const next = input.kind === 'noted' && reacted.latestMs !== undefined ? reacted : decide(reacted, now, effects);
  const wakeMs = nextWakeMs(next, now);
  if (wakeMs === next.wakeMs && input.kind !== 'due') return [next, effects];
  effects.push({ do: 'wait', untilMs: wakeMs });
  return [{ ...next, wakeMs }, effects];
}

/** What becomes of it by this input; what begins then is decided after it. */
function react(state: State, input: Input, now: Now, effects: Effect[]): State {
  const { phase } = state;
  switch (input.kind) {
    case 'noted':
      return noted(state, now, effects);
    case 'quiet':
      return { ...state, latestMs: undefined, isNews: true };
    case 'due':
      return whatIsDue(state, now, effects);
    case 'up':
      return up(state, effects);
    case 'down':
      return down(state, now, effects);
    case 'batchEnded':
      return batchEnded(endTurn(state), input.end, now, effects);
    case 'bulkEnded':
      return batchEnded({ ...state, bulk: { ...state.bulk, running: undefined } }, input.end, now, effects);
    case 'passEnded': {
      const pass = passOf(turnOf(phase));
      return pass === undefined ? state : passed(endTurn(state), pass, input.end, now, effects);
    }
    case 'rulesFollowed':
      return endTurn(state);
    case 'passWanted':
      return owe(state, { kind: input.pass, atMs: now.ms, tries: input.tries });
    case 'removedThere':
      return removedThere(state, input.name, now, effects);
    case 'rulesChanged':
      return { ...state, areRulesDue: true };
    case 'replaced':
      renewStandbys(state, effects);
      return state;
    case 'rootBack':
      renewStandbys(state, effects);
      return owe(state, { kind: 'full', atMs: now.ms });
    case 'woke':
      effects.push({ do: 'probe' });
      return { ...state, isProbing: true };
    case 'probed':
      return owe({ ...state, isProbing: false }, { kind: 'full', atMs: now.ms });
    case 'settledIn':
      if (isUp(phase)) effects.push({ do: 'standbys', how: 'open' });
      return { ...state, keepsStandbys: true, ...armed(state, now) };
    case 'inSyncWanted':
      return { ...state, isInSyncDue: true };
    case 'hurry':
      return { ...state, pass: state.pass?.isCheck === true ? { ...state.pass, atMs: now.ms } : state.pass };
    case 'pause':
      return pause(state);
    case 'resume':
      return resume(state, effects);
    case 'stop':
    case 'finish':
      return drain(state, input.kind, now, effects);
    case 'looked':
      return phase.is === 'draining' && phase.stage === 'looking' ? send(state, phase, now) : state;
    case 'halt':
      return over(state, { kind: 'halted', failure: input.failure }, effects);
    case 'cut':
      return over(state, { kind: 'cut' }, effects);
  }
}

/** They were started for another root or connection. */
function renewStandbys({ keepsStandbys, phase }: State, effects: Effect[]): void {
  if (keepsStandbys && isUp(phase)) effects.push({ do: 'standbys', how: 'renew' });
}

/** Joins what is noted while anything may be sent; else tells some time how much it is. */
function noted(state: State, now: Now, effects: Effect[]): State {
  const { phase, latestMs } = state;
  if (!isUp(phase)) return { ...state, tellWaitingMs: plusMs(now.ms, TELL_WAITING_MS) };
  if (phase.is === 'paused') return state;
  if (latestMs !== undefined && now.ms >= latestMs) return { ...state, latestMs: undefined, isNews: true };
  effects.push({ do: 'join' });
  return latestMs === undefined ? { ...state, latestMs: plusMs(now.ms, LATEST_MS) } : state;
}

function up(state: State, effects: Effect[]): State {
  const { phase } = state;
  const next = { ...state, resumeMs: LONG_AGO, tellWaitingMs: undefined };
  if (phase.is === 'paused') return { ...next, phase: { ...phase, isUp: true } };
  if (phase.is !== 'offline') return state;
  if (state.keepsStandbys) effects.push({ do: 'standbys', how: 'open' });
  return { ...next, phase: opened(phase.turn) };
}

/** The link is gone: a run that is under way fails by itself. A full pass has to follow. */
function down(state: State, now: Now, effects: Effect[]): State {
  const { phase } = state;
  if (phase.is === 'draining') return over(state, { kind: 'offline' }, effects);
  effects.push({ do: 'standbys', how: 'close' });
  if (state.bulk.queue.length > 0) effects.push({ do: 'giveBack', names: state.bulk.queue });
  const bulk = { ...state.bulk, queue: [] };
  const next: State = { ...state, bulk, afterLoss: 'ahead', isLateDue: true, lateMs: [], latestMs: undefined };
  const owed = owe(next, { kind: 'full', atMs: now.ms });
  return withTurn(owed, (turn) => (phase.is === 'paused' ? { ...phase, turn, isUp: false } : { is: 'offline', turn }));
}

/** Nothing begins any more; that it is paused is told when nothing is under way. */
function pause(state: State): State {
  const { phase } = state;
  if (phase.is === 'draining') return state;
  if (phase.is === 'paused') return { ...state, phase: { ...phase, isTold: false } };
  const isUpNow = phase.is !== 'offline';
  return withTurn({ ...state, latestMs: undefined }, (turn) => ({ is: 'paused', turn, isUp: isUpNow, isTold: false }));
}

function resume(state: State, effects: Effect[]): State {
  const { phase } = state;
  if (phase.is === 'draining') return state;
  if (phase.is !== 'paused') return isUp(phase) ? { ...state, resumeMs: LONG_AGO } : state;
  effects.push({ do: 'tell', what: { kind: 'resumed' } });
  if (!phase.isUp) return { ...state, phase: { is: 'offline', turn: phase.turn } };
  if (state.keepsStandbys) effects.push({ do: 'standbys', how: 'open' });
  return { ...state, resumeMs: LONG_AGO, phase: opened(phase.turn) };
}

/** The timers whose time has come. */
function whatIsDue(state: State, now: Now, effects: Effect[]): State {
  const { phase } = state;
  if (phase.is === 'draining') return isOverdue(phase, now) ? abandon(state, phase, now, effects) : state;
  let next = state;
  if (state.tellWaitingMs !== undefined && state.tellWaitingMs <= now.ms) {
    effects.push({ do: 'tell', what: { kind: 'waiting' } });
    next = { ...next, tellWaitingMs: undefined };
  }
  const isDue = (ms: SteadyMs): boolean => ms <= now.ms;
  const isRescanDue = state.rescanMs !== undefined && isDue(state.rescanMs);
  if (!isRescanDue && !state.lateMs.some(isDue)) return next;
  next = { ...next, lateMs: state.lateMs.filter((ms) => !isDue(ms)) };
  // Without a link it is not needed: the next one begins with a full pass.
  if (!isUp(phase)) return isRescanDue ? { ...next, ...armed(state, now) } : next;
  return owe(isRescanDue ? { ...next, rescanMs: undefined } : next, { kind: 'rescan', atMs: now.ms, tries: 1 });
}
