import { LONG_AGO, type SteadyMs } from '../clock.js';
import type { Failure } from '../failure.js';
import type { Name } from '../name.js';
import { MOST_WAITING } from './policy.js';

/** What may begin, and why not; see the picture in schedule.ts. */
export type Phase =
  | { readonly is: 'offline'; readonly turn: Turn | undefined }
  | { readonly is: 'paused'; readonly turn: Turn | undefined; readonly isUp: boolean }
  | { readonly is: 'waiting' }
  | { readonly is: 'running'; readonly turn: Exclude<Turn, PassTurn> }
  | { readonly is: 'passing'; readonly turn: PassTurn }
  | Draining
  | { readonly is: 'over' };

export interface Draining {
  readonly is: 'draining';
  readonly turn: Turn | undefined;
  readonly stage: 'ending' | 'looking' | 'sending';
  /** `stop`: no new passes, and no patience with silence. `finish`: of `--once`; what failed gets one more try. */
  readonly how: 'stop' | 'finish';
  /** When this stage, or its last turn, began. */
  readonly sinceMs: SteadyMs;
  /** The least that has waited, and how many batches have ended since. */
  readonly least: number;
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

/** `quick`: with a quick pass where that will do. `rescan`: nothing should be to do; it is tried once. */
export type PassKind = 'full' | 'quick' | 'rescan';

/** What stays the same. */
export interface Policy {
  readonly oneByOne: boolean;
  /** How often a rescan is made, in milliseconds; 0: never. */
  readonly rescanMs: number;
}

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
  /** The last run broke because nothing came from the other side for as long as that may be. */
  readonly wasSilent: boolean;
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
  /** The pending set: how many names wait, and when the next of them may go. */
  readonly waits: { readonly size: number; readonly nextMs: SteadyMs | undefined };
  /** When the rsync that is under way said something last, or began; undefined where there is none. */
  readonly lastOutputMs: SteadyMs | undefined;
}

/** How a batch ended. Names that are not done are still pending. */
export type BatchOver =
  /**
   * `delivered`: whether rsync had anything to do. `bulk`: large files that were left for a run of their own. `restMs`: when
   * to look again at what was left because it is not at rest, in milliseconds from now; 0 where nothing was.
   */
  | { readonly kind: 'done'; readonly delivered: boolean; readonly bulk: readonly Name[]; readonly restMs: number }
  | { readonly kind: 'rootGone' }
  | { readonly kind: 'broken'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** How a full pass ended. `found`: whether there was anything to do. */
export type PassOver =
  | { readonly kind: 'done'; readonly found: boolean }
  | { readonly kind: 'rootGone' }
  | { readonly kind: 'broken'; readonly failure: Failure }
  | { readonly kind: 'halted'; readonly failure: Failure }
  | { readonly kind: 'stopped' };

export type Input =
  /** A name waits that did not. */
  | { readonly kind: 'noted' }
  /** Nothing was noted for JOIN_MS. */
  | { readonly kind: 'quiet' }
  /** It is {@link State.wakeMs}. */
  | { readonly kind: 'due' }
  | { readonly kind: 'up' }
  | { readonly kind: 'down' }
  /** Another connection has taken over: what was started ahead goes through the old one. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'batchEnded'; readonly end: BatchOver }
  | { readonly kind: 'bulkEnded'; readonly end: BatchOver }
  | { readonly kind: 'passEnded'; readonly end: PassOver }
  | { readonly kind: 'rulesFollowed' }
  | { readonly kind: 'passWanted'; readonly pass: 'full' | 'quick'; readonly tries: number }
  /** Something of ours is not there any more, and it was not us. */
  | { readonly kind: 'removedThere'; readonly name: Name }
  | { readonly kind: 'rulesChanged' }
  /** Another root, or the same again. */
  | { readonly kind: 'rootBack' }
  /** The machine was asleep; and it is known by now whether the link has survived it. */
  | { readonly kind: 'woke' }
  | { readonly kind: 'probed' }
  /** The start is over: from now on the next rsync is started ahead, and there are rescans. */
  | { readonly kind: 'settledIn' }
  /** The next time that nothing waits is to be told, even if nothing was sent. */
  | { readonly kind: 'inSyncWanted' }
  /** Somebody waits: what waits for its time goes now. */
  | { readonly kind: 'hurry' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'finish' }
  /** The last look at the disk is over. */
  | { readonly kind: 'looked' }
  | { readonly kind: 'halt'; readonly failure: Failure }
  | { readonly kind: 'cut' };

/** Why it is over. */
export type End =
  | { readonly kind: 'drained' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'halted'; readonly failure: Failure };

export type Effect =
  /** Tell that it is `quiet` when that is so; begin anew if that was asked before. */
  | { readonly do: 'join' }
  /** Tell that it is `due` then; forget what was asked before. */
  | { readonly do: 'wait'; readonly untilMs: SteadyMs | undefined }
  | ({ readonly do: 'batch' } & BatchLimits)
  | { readonly do: 'bulk'; readonly name: Name }
  | { readonly do: 'pass'; readonly pass: PassKind }
  | { readonly do: 'followRules' }
  /** These large files are without a run of their own again. */
  | { readonly do: 'giveBack'; readonly names: readonly Name[] }
  /** Look at the whole disk once more. */
  | { readonly do: 'look' }
  /** Let everything that backs off have its turn, and tell that it `hurry`s. */
  | { readonly do: 'hurry' }
  | { readonly do: 'probe' }
  | { readonly do: 'standbys'; readonly how: 'open' | 'close' | 'renew' }
  /** A full pass that was wanted (no rescan) is done, or given up. */
  | { readonly do: 'passed'; readonly failure: Failure | undefined }
  | { readonly do: 'tell'; readonly what: Notice }
  /** Nothing more begins; what is under way is cut. Once, and last. */
  | { readonly do: 'end'; readonly end: End };

export type Notice =
  | { readonly kind: 'inSync'; readonly ms: number }
  | { readonly kind: 'trouble'; readonly failure: Failure; readonly retryMs: number }
  | { readonly kind: 'removedThere'; readonly name: Name }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' };

/** What may become of the names of a batch, apart from being brought at once. */
export interface BatchOptions {
  /** What is not at rest may be left for later. */
  readonly mayRest: boolean;
  /** Large files may be left for a run of their own. */
  readonly mayPart: boolean;
  /** So many of the names that are at rest are sent, the first ones; all where not given. */
  readonly most?: number;
}

/** A batch of what is ready. */
export interface BatchLimits extends BatchOptions {
  /** So many of the names that are ready are looked at. */
  readonly ofNames: number;
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
  wasSilent: false,
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

/** Whether a full pass reads the disk by itself: it may take along what nobody has told of. */
export function isPassing(phase: Phase): boolean {
  const turn = turnOf(phase);
  return turn?.kind === 'pass' && turn.isBegun;
}

/** Whether anything runs, or is about to. */
export const isBusy = ({ phase, bulk }: State): boolean => turnOf(phase) !== undefined || bulk.running !== undefined;

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
