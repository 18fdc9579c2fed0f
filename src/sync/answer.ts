import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, wallNow } from '../clock.js';
import type { Answer, Flushed, Who } from '../control/protocol.js';
import type { Answerer } from '../control/server.js';
import { plusMs, type WallMs } from '../core/clock.js';
import type { Failure } from '../core/failure.js';
import { textOf } from '../core/name.js';
import type { Reach } from '../core/reach.js';
import type { FailedNow, Status, StatusFacts, WaitingNow } from '../core/status.js';
import type { ReadonlyPending } from '../core/sync/pending.js';
import { isUp, owesPass } from '../core/sync/state.js';
import type { LinkState } from '../link/link.js';
import type { Engine } from './engine.js';
import type { Ledger } from './ledger.js';
import { endOf, haltedBy, type Life, liveOf } from './life.js';

/** More paths than these are not named. */
const NAMED = 10;

/** So much of a message is told, in characters: an answer has its bounds. */
const MESSAGE_CHARS = 2_000;

const cut = (message: string): string =>
  message.length > MESSAGE_CHARS ? `${message.slice(0, MESSAGE_CHARS)} …` : message;

/** How often to look whether there is a connection, or whether what is under way has ended, in milliseconds. */
const LINK_MS = 50;

/** What of a target that was reached is asked. */
export interface Asks {
  readonly engine: Pick<Engine, 'state' | 'isBusy' | 'take' | 'giveWay' | 'lookOnce' | 'flush' | 'summary'>;
  readonly prepared: {
    readonly link: { readonly state: Pick<LinkState, 'kind'>; readonly nextTryMs: WallMs | undefined };
    readonly ledger: {
      readonly sums: Ledger['sums'];
      readonly failedCount: number;
      readonly pending: Pick<ReadonlyPending, 'size' | 'oldestMs' | typeof Symbol.iterator>;
    };
    readonly reach: () => Reach;
  };
}

export interface AnswerOptions {
  readonly who: Who;
  readonly sinceMs: WallMs;
  readonly life: () => Life<Asks>;
  /** What events have told so far. */
  readonly facts: () => StatusFacts;
  /** Ends it; resolves when what waited is delivered. */
  readonly stop: () => Promise<void>;
  /** Reads the settings anew and begins anew with them; gives why not. */
  readonly restart: () => Promise<Failure | undefined>;
}

/** What a running syncwatch answers about one target. */
export const answererFor =
  (options: AnswerOptions): Answerer =>
  async (question, gone): Promise<Answer> => {
    if (question.ask === 'status') return { answer: 'status', status: statusOf(options) };
    const failure = haltedBy(options.life());
    if (failure !== undefined && question.ask === 'stop') return { answer: 'done' };
    if (failure !== undefined) return { answer: 'error', message: `it has ended: ${cut(failure.message)}` };
    const live = liveOf(options.life());
    switch (question.ask) {
      case 'reach':
        live?.engine.giveWay();
        return { answer: 'reach', reach: live?.prepared.reach() ?? { kind: 'none' } };
      case 'flush':
        return flush(options, gone);
      case 'pause':
      case 'resume':
        if (live === undefined) return { answer: 'error', message: 'it is still connecting: try again in a moment' };
        live.engine.take({ kind: question.ask });
        return question.ask === 'pause' ? paused(live.engine, gone) : { answer: 'done' };
      case 'pass':
        // Without a live one: it begins with one anyway.
        live?.engine.take({ kind: 'passWanted', pass: 'full', tries: Number.POSITIVE_INFINITY });
        return { answer: 'done' };
      case 'failed':
        return { answer: 'failed', failed: failedNow(live, options.facts()) };
      case 'waiting':
        return { answer: 'waiting', waiting: waitingNow(live) };
      case 'restart': {
        const refused = await options.restart();
        if (refused === undefined) return { answer: 'done' };
        const { message, hint } = refused;
        return { answer: 'error', message: cut(hint === undefined ? message : `${message}. ${hint}`) };
      }
      case 'stop':
        await options.stop();
        return { answer: 'done' };
    }
  };

/** What has failed, and why there is no connection, where there is none. */
function failedNow(live: Asks | undefined, { lastError }: StatusFacts): FailedNow {
  const failed = (live?.engine.summary.unsent ?? []).flatMap(([name, failure]) =>
    failure === undefined ? [] : [{ path: textOf(name), message: cut(failure.message) }],
  );
  const paths = failed.slice(0, NAMED);
  const trouble = live?.prepared.link.state.kind === 'up' ? undefined : lastError?.message;
  return { paths, more: failed.length - paths.length, ...(trouble === undefined ? {} : { trouble: cut(trouble) }) };
}

/** What waits, the first of it by name. */
function waitingNow(live: Asks | undefined): WaitingNow {
  if (live === undefined) return { paths: [], more: 0, pass: true };
  const { pending } = live.prepared.ledger;
  const paths: string[] = [];
  for (const [name] of pending) {
    if (paths.length === NAMED) break;
    paths.push(textOf(name));
  }
  return { paths, more: pending.size - paths.length, pass: owesPass(live.engine.state) };
}

/** Waits until what was under way has ended: what is changed from then on stays here. */
async function paused(engine: Asks['engine'], gone: AbortSignal): Promise<Answer> {
  for (;;) {
    const { phase } = engine.state;
    if (phase.is !== 'paused')
      return { answer: 'error', message: 'it goes on: it was resumed meanwhile, or is about to end' };
    if (phase.isTold || gone.aborted) return { answer: 'done' };
    await sleep(LINK_MS);
  }
}

/**
 * Waits until every change made before now is there. Exact without any marker in DIR: the whole tree is looked at, from now
 * on, so that it does not matter which events are still on their way or lost (100,000 files: 0.8 s). Where a full pass is due (at the start, after a new login), it comes first: before
 * it nobody knows what is there.
 */
async function flush(options: AnswerOptions, gone: AbortSignal): Promise<Answer> {
  const sinceMs = wallNow();
  const ended = (flushed: Flushed): Answer => ({ answer: 'flush', flushed });
  for (;;) {
    const life = options.life();
    const failure = haltedBy(life);
    if (failure !== undefined) return { answer: 'error', message: `it has ended: ${cut(failure.message)}` };
    if (endOf(life) !== undefined || gone.aborted) return ended({ end: 'stopped' });
    const engine = liveOf(life)?.engine;
    if (engine?.state.phase.is === 'paused') return ended({ end: 'paused' });
    engine?.take({ kind: 'hurry' });
    const isKnown = engine !== undefined && isUp(engine.state.phase) && !owesPass(engine.state);
    if (isKnown && (await engine.lookOnce())) return ended(await delivered(engine, sinceMs, gone));
    await sleep(LINK_MS);
  }
}

async function delivered(engine: Asks['engine'], sinceMs: WallMs, gone: AbortSignal): Promise<Flushed> {
  const end = await engine.flush(sinceMs, gone);
  switch (end.kind) {
    case 'flushed':
      return { end: 'flushed' };
    case 'failed':
      return {
        end: 'failed',
        paths: end.names.slice(0, NAMED).map(([name, { message }]) => ({ path: textOf(name), message: cut(message) })),
        more: Math.max(0, end.names.length - NAMED),
      };
    case 'paused':
      return { end: 'paused' };
    case 'gone':
      return { end: 'stopped' };
  }
}

const NOTHING_SENT = { sent: 0, bytes: 0, deleted: 0 };

function statusOf({ who, sinceMs, facts, life }: AnswerOptions): Status {
  const { rootIsGone, lastError, rules, ...others } = facts();
  const ledger = liveOf(life())?.prepared.ledger;
  const { sent, bytes, deleted } = ledger?.sums ?? NOTHING_SENT;
  const oldestMs = ledger?.pending.oldestMs;
  const waitingSinceMs = oldestMs === undefined ? undefined : plusMs(wallNow(), -Math.round(msSince(oldestMs)));
  return {
    ...who,
    sinceMs,
    state: stateOf(life(), rootIsGone),
    waiting: ledger?.pending.size ?? 0,
    waitingSinceMs,
    failed: ledger?.failedCount,
    sent,
    bytes,
    deleted,
    ...others,
    rules: rules && cut(rules),
    lastError: lastError && { ...lastError, message: cut(lastError.message) },
  };
}

function stateOf(life: Life<Asks>, rootIsGone: boolean): Status['state'] {
  const halted = haltedBy(life);
  const live = liveOf(life);
  if (halted !== undefined) return { kind: 'halted', message: cut(halted.message) };
  if (live === undefined) return { kind: 'connecting' };
  const { link, ledger } = live.prepared;
  const { engine } = live;
  const { state } = engine;
  if (rootIsGone) return { kind: 'rootGone' };
  if (state.phase.is === 'paused') return { kind: state.phase.isTold ? 'paused' : 'pausing' };
  if (link.state.kind !== 'up') return { kind: 'reconnecting', untilMs: link.nextTryMs };
  // Before the first pass nothing waits, and nobody knows what is there.
  const isBegun = isUp(state.phase);
  return ledger.pending.size === 0 && !engine.isBusy && !owesPass(state) && isBegun
    ? { kind: 'inSync' }
    : { kind: 'sending' };
}
