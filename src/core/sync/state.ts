import { LONG_AGO, type SteadyMs } from '../clock.js';
import type { Name } from '../name.js';
import type { Effect, End } from './effects.js';
import type { PassKind } from './inputs.js';
import type { ReadonlyPending } from './pending.js';
import { MOST_WAITING } from './policy.js';

/** What may begin, and why not; see the picture in schedule.ts. */
export type Phase =
  | { readonly is: 'offline'; readonly turn: Turn | undefined }
  /** `isTold`: nothing is under way any more, and that was told. */
  | { readonly is: 'paused'; readonly turn: Turn | undefined; readonly isUp: boolean; readonly isTold: boolean }
  | { readonly is: 'waiting' }
  | { readonly is: 'running'; readonly turn: Exclude<Turn, PassTurn> }
  | { readonly is: 'passing'; readonly turn: PassTurn }
  | Draining
  | { readonly is: 'over' };

/** It was asked to end: nothing more begins but what is to be there before. */
export interface Draining {
  readonly is: 'draining';
  readonly turn: Turn | undefined;
  readonly stage: 'ending' | 'looking' | 'sending';
  /** `stop`: no new passes, and no patience with silence. `finish`: of `--once`; what failed gets one more try. */
  readonly how: 'stop' | 'finish';
  /** It was paused: what is under way ends, and what waits goes on waiting, to be named at the end. */
  readonly holds: boolean;
  /** When this stage, or its last turn, began. */
  readonly sinceMs: SteadyMs;
  /** The least that has waited, since when, and how many batches have ended since. */
  readonly least: number;
  readonly fewerMs: SteadyMs;
  readonly rounds: number;
  readonly hasHurried: boolean;
}

/** What has the turn, until it is told that it has ended: one thing at a time. */
export type Turn = { readonly kind: 'batch' } | { readonly kind: 'rules' } | PassTurn;

/** `isBegun`: a large file's run has to end before. */
export interface PassTurn {
  readonly kind: 'pass';
  readonly pass: Pass;
  readonly isBegun: boolean;
}

/** A full pass that is owed. */
export interface Pass {
  readonly kind: PassKind;
  /** Not before this moment. */
  readonly atMs: SteadyMs;
  /** How often it may break in all, and how often it has. */
  readonly tries: number;
  readonly broke: number;
  /** Because something was removed there. */
  readonly isCheck: boolean;
}

/** What stays the same. */
export interface Policy {
  readonly oneByOne: boolean;
  /** How often a rescan is made, in milliseconds; 0: never. */
  readonly rescanMs: number;
}

/** All that the schedule knows of one target. Each step gives another one. */
export interface State {
  readonly policy: Policy;
  readonly phase: Phase;
  /** The full pass that is owed next, beside the one that goes on. */
  readonly pass: Pass | undefined;
  readonly isProbing: boolean;
  readonly areRulesDue: boolean;
  /** The large files that have a run of their own, beside the turns: one after the other. */
  readonly bulk: { readonly running: Name | undefined; readonly queue: readonly Name[] };
  /** The connection was gone: what waits goes `ahead` of the pass, once, if it is little, and else is `left` to it. */
  readonly afterLoss: 'none' | 'ahead' | 'left';
  /** What was noted is being joined, at the latest until then. */
  readonly latestMs: SteadyMs | undefined;
  /** Something was noted since the last batch began. */
  readonly isNews: boolean;
  /** When to look again at what was not at rest. */
  readonly restedMs: SteadyMs;
  /** Runs that broke in a row, when the next may be, and what was told of it. */
  readonly breaks: number;
  readonly resumeMs: SteadyMs;
  readonly reported: string | undefined;
  /** Whether the next time that nothing waits is to be told, and since when it has been otherwise. */
  readonly isInSyncDue: boolean;
  readonly busySinceMs: SteadyMs | undefined;
  readonly keepsStandbys: boolean;
  /** When the last full pass because of something that was removed there ended. */
  readonly checkedMs: SteadyMs;
  /** When rescans are due: the next regular one, and those after a lost connection. */
  readonly rescanMs: SteadyMs | undefined;
  readonly lateMs: readonly SteadyMs[];
  readonly isLateDue: boolean;
  readonly tellWaitingMs: SteadyMs | undefined;
  /** When it is to be told that it is `due`. */
  readonly wakeMs: SteadyMs | undefined;
}

/** The moment of a step. */
export interface Now {
  readonly ms: SteadyMs;
  /** In [0, 1). */
  readonly random: number;
  /** The pending set: how many names wait, when the next of them may go, and when at the end. */
  readonly waits: Pick<ReadonlyPending, 'size' | 'nextMs' | 'nextAtEndMs'>;
  /** When the rsync that is under way said something last, or began; undefined where there is none. */
  readonly lastOutputMs: SteadyMs | undefined;
}

/** At the beginning there is no link. */
export const schedule = (policy: Policy): State => ({
  policy,
  phase: { is: 'offline', turn: undefined },
  pass: undefined,
  isProbing: false,
  areRulesDue: false,
  bulk: { running: undefined, queue: [] },
  afterLoss: 'none',
  latestMs: undefined,
  isNews: false,
  restedMs: LONG_AGO,
  breaks: 0,
  resumeMs: LONG_AGO,
  reported: undefined,
  isInSyncDue: false,
  busySinceMs: undefined,
  keepsStandbys: false,
  checkedMs: LONG_AGO,
  rescanMs: undefined,
  lateMs: [],
  isLateDue: false,
  tellWaitingMs: undefined,
  wakeMs: undefined,
});

/** Whether a further name may wait: not where the pass that is owed finds it again. */
export const mayNote = ({ phase, afterLoss }: State, waiting: number): boolean =>
  isUp(phase) || afterLoss === 'none' || waiting < MOST_WAITING;

/** Whether a full pass is to come or goes on: until it is done nobody knows what is there. Rescans do not count. */
export const owesPass = ({ phase, pass, isProbing }: State): boolean =>
  isProbing || [pass, passOf(turnOf(phase))].some((each) => each !== undefined && each.kind !== 'rescan');

/** Whether anything may be sent, as far as the link goes. */
export const isUp = (phase: Phase): boolean => phase.is !== 'offline' && (phase.is !== 'paused' || phase.isUp);

/** Whether a full pass goes on, a rescan included. */
export function isPassing(phase: Phase): boolean {
  const turn = turnOf(phase);
  return turn?.kind === 'pass' && turn.isBegun;
}

/** Whether anything runs, or is about to. */
export const isBusy = ({ phase, bulk }: State): boolean => turnOf(phase) !== undefined || bulk.running !== undefined;

/** What has the turn in this phase. */
export function turnOf(phase: Phase): Turn | undefined {
  switch (phase.is) {
    case 'offline':
    case 'paused':
    case 'running':
    case 'passing':
    case 'draining':
      return phase.turn;
    case 'waiting':
    case 'over':
      return undefined;
  }
}

/** The pass that has this turn. */
export const passOf = (turn: Turn | undefined): Pass | undefined => (turn?.kind === 'pass' ? turn.pass : undefined);

/** Something has the turn now. */
export function giveTurn(state: State, turn: Turn): State {
  return { ...state, phase: state.phase.is === 'draining' ? { ...state.phase, turn } : opened(turn) };
}

/** Nothing has the turn any more. */
export function endTurn(state: State): State {
  const { phase } = state;
  switch (phase.is) {
    case 'offline':
    case 'paused':
    case 'draining':
      return { ...state, phase: { ...phase, turn: undefined } };
    case 'running':
    case 'passing':
    case 'waiting':
      return { ...state, phase: { is: 'waiting' } };
    case 'over':
      return state;
  }
}

/** The phase with this turn while anything may be sent. */
export function opened(turn: Turn | undefined): Phase {
  if (turn === undefined) return { is: 'waiting' };
  return turn.kind === 'pass' ? { is: 'passing', turn } : { is: 'running', turn };
}

/** Nothing more begins. */
export function over(state: State, end: End, effects: Effect[]): State {
  effects.push({ do: 'end', end });
  return { ...state, phase: { is: 'over' }, latestMs: undefined };
}
