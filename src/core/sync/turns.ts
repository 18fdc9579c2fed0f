import { earliest, LONG_AGO, latest, msBetween, plusMs, type SteadyMs } from '../clock.js';
import type { Effect } from './effects.js';
import { LEFT_TO_PASS, MOST_ROUNDS, NO_FEWER_MS, ONE_OF, SILENCE_LOOK_MS, STORM_NAMES } from './policy.js';
import {
  type Draining,
  giveTurn,
  isBusy,
  type Now,
  over,
  owesPass,
  type PassTurn,
  type Phase,
  type State,
} from './state.js';

/** What begins now, if anything may. */
export function decide(state: State, now: Now, effects: Effect[]): State {
  const { phase } = state;
  switch (phase.is) {
    case 'offline':
    case 'over':
      return state;
    case 'paused':
      return tellPaused(state, phase, effects);
    case 'running':
      return withBulk(state, effects);
    case 'passing':
      return beginPass(state, phase.turn, effects);
    case 'waiting':
      return takeTurn(state, now, effects);
    case 'draining':
      if (phase.turn?.kind === 'pass') return beginPass(state, phase.turn, effects);
      if (phase.stage === 'ending') {
        effects.push({ do: 'look' });
        return decide({ ...state, phase: { ...phase, stage: 'looking', sinceMs: now.ms } }, now, effects);
      }
      if (phase.holds) return endHeld(state, phase, effects);
      if (phase.turn !== undefined) return withBulk(state, effects);
      return phase.stage === 'looking' ? takeTurn(state, now, effects) : sendOn(state, phase, now, effects);
  }
}

/** When nothing is under way any more. */
function tellPaused(state: State, phase: Extract<Phase, { is: 'paused' }>, effects: Effect[]): State {
  if (phase.isTold || isBusy(state)) return state;
  effects.push({ do: 'tell', what: { kind: 'paused' } });
  return { ...state, phase: { ...phase, isTold: true } };
}

/** After the last look, and when what was under way has ended. */
function endHeld(state: State, phase: Draining, effects: Effect[]): State {
  if (phase.stage === 'looking' || isBusy(state)) return state;
  const { queue } = state.bulk;
  if (queue.length > 0) effects.push({ do: 'giveBack', names: queue });
  return over({ ...state, bulk: { ...state.bulk, queue: [] } }, { kind: 'drained' }, effects);
}

/** The rules first, then the pass that is due, then what is ready; and where nothing waits that is told. */
function takeTurn(state: State, now: Now, effects: Effect[]): State {
  if (state.areRulesDue) return followRules(state, effects);
  const batchMs = batchDueMs(state, now);
  const isReady = batchMs !== undefined && batchMs <= now.ms;
  if (isPassDue(state, now) && !(isReady && state.afterLoss === 'ahead')) return takePass(state, effects);
  return isReady ? takeBatch(state, now, effects) : tellInSync(withBulk(state, effects), now, effects);
}

function followRules(state: State, effects: Effect[]): State {
  effects.push({ do: 'followRules' });
  return withBulk(giveTurn({ ...state, areRulesDue: false }, { kind: 'rules' }), effects);
}

function takePass(state: State, effects: Effect[]): State {
  const { pass } = state;
  if (pass === undefined) return state;
  const turn: PassTurn = { kind: 'pass', pass, isBegun: false };
  return beginPass(giveTurn({ ...state, pass: undefined }, turn), turn, effects);
}

/** A pass runs alone. */
function beginPass(state: State, turn: PassTurn, effects: Effect[]): State {
  if (turn.isBegun || state.bulk.running !== undefined) return state;
  effects.push({ do: 'pass', pass: turn.pass.kind });
  return giveTurn(state, { ...turn, isBegun: true });
}

/** One by one: the first one that is at rest, of some. */
function takeBatch(state: State, now: Now, effects: Effect[]): State {
  const { oneByOne } = state.policy;
  const isLast = isSending(state.phase);
  effects.push({
    do: 'batch',
    mayRest: !isLast,
    mayPart: !isLast && !oneByOne,
    ofNames: oneByOne ? ONE_OF : Number.POSITIVE_INFINITY,
    ...(oneByOne ? { most: 1 } : {}),
  });
  const afterLoss = state.afterLoss === 'ahead' ? 'left' : state.afterLoss;
  const busySinceMs = state.busySinceMs ?? now.ms;
  const next: State = { ...state, latestMs: undefined, isNews: false, afterLoss, busySinceMs };
  return withBulk(giveTurn(next, { kind: 'batch' }), effects);
}

function withBulk(state: State, effects: Effect[]): State {
  const { running, queue } = state.bulk;
  const [name, ...rest] = queue;
  if (running !== undefined || name === undefined) return state;
  effects.push({ do: 'bulk', name });
  return { ...state, bulk: { running: name, queue: rest } };
}

function tellInSync(state: State, now: Now, effects: Effect[]): State {
  if (now.waits.size > 0 || isBusy(state) || owesPass(state)) return state;
  if (state.isInSyncDue) {
    const ms = state.busySinceMs === undefined ? 0 : msBetween(state.busySinceMs, now.ms);
    effects.push({ do: 'tell', what: { kind: 'inSync', ms } });
  }
  return { ...state, isInSyncDue: false, busySinceMs: undefined };
}

/**
 * When the next batch may begin; undefined where none may. News may change what is at rest and are looked at at once, but not
 * one by one in a storm.
 */
function batchDueMs(state: State, { waits }: Now): SteadyMs | undefined {
  const isLast = isSending(state.phase);
  const nextMs = isLast ? waits.nextAtEndMs : waits.nextMs;
  if (nextMs === undefined) return undefined;
  if (state.afterLoss !== 'none' && waits.size >= LEFT_TO_PASS && !isLast) return undefined;
  const isLookDue = isLast || (state.isNews && waits.size < STORM_NAMES);
  return latest(latest(nextMs, state.resumeMs), isLookDue ? LONG_AGO : state.restedMs);
}

const isSending = (phase: Phase): boolean => phase.is === 'draining' && phase.stage === 'sending';

const passDueMs = ({ pass, resumeMs }: State): SteadyMs | undefined => pass && latest(pass.atMs, resumeMs);

function isPassDue(state: State, now: Now): boolean {
  const dueMs = passDueMs(state);
  return dueMs !== undefined && dueMs <= now.ms;
}

/** Nothing has the turn: the next batch, or the end, where nothing is left to do but what failed. */
function sendOn(state: State, phase: Draining, now: Now, effects: Effect[]): State {
  if (state.areRulesDue) return followRules(state, effects);
  if (isPassDue(state, now) && state.breaks === 0) return takePass(state, effects);
  const isFewer = now.waits.size < phase.least;
  const rounds = isFewer ? 0 : phase.rounds + 1;
  const fewerMs = isFewer ? now.ms : phase.fewerMs;
  const isEnough = rounds > MOST_ROUNDS || msBetween(fewerMs, now.ms) >= NO_FEWER_MS;
  const batchMs = batchDueMs(state, now);
  if (batchMs !== undefined && batchMs <= now.ms && state.breaks === 0 && !isEnough) {
    const least = Math.min(phase.least, now.waits.size);
    return takeBatch({ ...state, phase: { ...phase, sinceMs: now.ms, least, fewerMs, rounds } }, now, effects);
  }
  const next = withBulk(state, effects);
  if (next.bulk.running !== undefined) return next;
  if (now.waits.size > 0 && !phase.hasHurried && state.breaks === 0) {
    effects.push({ do: 'hurry' });
    return { ...next, phase: { ...phase, hasHurried: true, least: now.waits.size, fewerMs: now.ms, rounds: 0 } };
  }
  return over(tellInSync(next, now, effects), { kind: 'drained' }, effects);
}

/** When it is to be told that it is due; undefined where nothing waits for a moment. */
export function nextWakeMs(state: State, now: Now): SteadyMs | undefined {
  const { phase } = state;
  switch (phase.is) {
    case 'over':
      return undefined;
    case 'draining':
      // To `finish` something always goes on, until it is over.
      return phase.how === 'stop' ? silenceLookMs(state, now) : undefined;
    case 'offline':
      return state.tellWaitingMs;
    case 'paused':
      return phase.isUp ? soonest(rescansMs(state)) : state.tellWaitingMs;
    case 'running':
    case 'passing':
      return soonest(rescansMs(state));
    case 'waiting':
      return soonest([...rescansMs(state), ...turnsMs(state, now)]);
  }
}

const rescansMs = ({ rescanMs, lateMs }: State): Array<SteadyMs | undefined> => [rescanMs, ...lateMs];

/** While what was noted is being joined, that tells when it is time. */
const turnsMs = (state: State, now: Now): Array<SteadyMs | undefined> => [
  passDueMs(state),
  state.latestMs === undefined ? batchDueMs(state, now) : undefined,
];

function soonest(moments: ReadonlyArray<SteadyMs | undefined>): SteadyMs | undefined {
  const [first, ...others] = moments.filter((ms) => ms !== undefined);
  return first === undefined ? undefined : others.reduce(earliest<'steady'>, first);
}

/** Not put off by what happens meanwhile. */
function silenceLookMs({ wakeMs }: State, { ms }: Now): SteadyMs {
  const nextMs = plusMs(ms, SILENCE_LOOK_MS);
  return wakeMs !== undefined && wakeMs > ms && wakeMs <= nextMs ? wakeMs : nextMs;
}
