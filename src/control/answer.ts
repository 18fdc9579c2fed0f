import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { textOf } from '../core/name.js';
import type { Status, Told } from '../core/status.js';
import type { Parts } from '../main.js';
import type { Answer, Flushed, Who } from './protocol.js';
import type { Answerer } from './server.js';

/** More paths than these are not named. */
const NAMED = 10;

/** So much of a message is told, in characters: an answer has its bounds. */
const MESSAGE_CHARS = 2_000;

const cut = (message: string): string =>
  message.length > MESSAGE_CHARS ? `${message.slice(0, MESSAGE_CHARS)} …` : message;

/** How often to look whether there is a connection, in milliseconds. */
const LINK_MS = 50;

export interface AnswerOptions {
  readonly who: Who;
  readonly sinceMs: number;
  readonly report: Report;
  /** Undefined until it has logged in. */
  readonly parts: () => Parts | undefined;
  /** What events have told so far. */
  readonly told: () => Told;
  /** Why it has ended, where others have not. */
  readonly halted: () => Failure | undefined;
  /** Ends it; resolves when what waited is delivered. */
  readonly stop: () => Promise<void>;
  readonly isStopping: () => boolean;
}

/** What a running syncwatch answers about one target. */
export const answererFor =
  (options: AnswerOptions): Answerer =>
  async (question, gone): Promise<Answer> => {
    if (question.ask === 'status') return { answer: 'status', status: statusOf(options) };
    const failure = options.halted();
    if (failure !== undefined && question.ask === 'stop') return { answer: 'done' };
    if (failure !== undefined) return { answer: 'error', message: `it has ended: ${cut(failure.message)}` };
    const parts = options.parts();
    switch (question.ask) {
      case 'reach':
        return { answer: 'reach', reach: parts?.reach() ?? { kind: 'none' } };
      case 'flush':
        return flush(options, gone);
      case 'pause':
      case 'resume':
        if (parts === undefined) return { answer: 'error', message: 'it is still connecting: try again in a moment' };
        if (question.ask === 'pause') pause(parts, options.report);
        else resume(parts, options.report);
        return { answer: 'done' };
      case 'stop':
        await options.stop();
        return { answer: 'done' };
    }
  };

function pause({ line }: Parts, report: Report): void {
  line.pause();
  report({ kind: 'paused', target: line.target });
}

function resume({ line }: Parts, report: Report): void {
  report({ kind: 'resumed', target: line.target, waiting: line.pending.size });
  line.unpause();
}

/**
 * Waits until every change made before now is there. Exact without any marker in DIR: the whole tree is looked at, from now
 * on, so that it does not matter which events are still on their way or lost (100,000 files: 0.8 s). Where a full pass is due (at the start, after a new login), it comes first: before
 * it nobody knows what is there.
 */
async function flush(options: AnswerOptions, gone: AbortSignal): Promise<Answer> {
  const sinceMs = Date.now();
  const ended = (flushed: Flushed): Answer => ({ answer: 'flush', flushed });
  for (;;) {
    const failure = options.halted();
    if (failure !== undefined) return { answer: 'error', message: `it has ended: ${cut(failure.message)}` };
    if (options.isStopping() || gone.aborted) return ended({ end: 'stopped' });
    const parts = options.parts();
    if (parts?.line.paused === true) return ended({ end: 'paused' });
    parts?.session.hurryPass();
    const isKnown = parts?.line.held === false && !parts.session.owesPass;
    if (isKnown && (await parts.scanner.lookOnce())) return ended(await delivered(parts, sinceMs, gone));
    await sleep(LINK_MS);
  }
}

async function delivered({ line }: Parts, sinceMs: number, gone: AbortSignal): Promise<Flushed> {
  const end = await line.flush(sinceMs, gone);
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

function statusOf({ who, sinceMs, told, parts, halted }: AnswerOptions): Status {
  const { rootIsGone, lastError, rules, ...facts } = told();
  const line = parts()?.line;
  const { sent, bytes, deleted } = line?.sums ?? NOTHING_SENT;
  const oldestMs = line?.pending.oldestMs;
  const waitingSinceMs = oldestMs === undefined ? undefined : Math.round(Date.now() - (performance.now() - oldestMs));
  return {
    ...who,
    sinceMs,
    state: stateOf(parts(), halted(), rootIsGone),
    waiting: line?.pending.size ?? 0,
    waitingSinceMs,
    sent,
    bytes,
    deleted,
    ...facts,
    rules: rules && cut(rules),
    lastError: lastError && { ...lastError, message: cut(lastError.message) },
  };
}

function stateOf(parts: Parts | undefined, halted: Failure | undefined, rootIsGone: boolean): Status['state'] {
  if (halted !== undefined) return { kind: 'halted', message: cut(halted.message) };
  if (parts === undefined) return { kind: 'connecting' };
  const { line, link, session } = parts;
  if (rootIsGone) return { kind: 'rootGone' };
  if (line.paused) return { kind: 'paused' };
  if (line.held) return { kind: 'reconnecting', untilMs: link.nextTryMs };
  return line.pending.size > 0 || line.isBusy || session.owesPass ? { kind: 'sending' } : { kind: 'inSync' };
}
