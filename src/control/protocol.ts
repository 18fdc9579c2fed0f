import { isObject } from '../core/json.js';
import type { Reach } from '../core/remote-command.js';
import type { Status } from '../core/status.js';

/** Raised when a message changes its meaning. A client and a server of different versions do not talk. */
export const PROTOCOL = 1;

/** The longest question, in bytes: what is longer is none of ours. */
export const LONGEST_QUESTION = 4_096;

/** What a running syncwatch can be asked: one JSON object on one line. */
export type Question =
  /** Who are you? */
  | { readonly ask: 'who' }
  | { readonly ask: 'status' }
  /** How to run a command in the target. */
  | { readonly ask: 'reach' }
  /** Answers when every change made before this is there. */
  | { readonly ask: 'flush' }
  | { readonly ask: 'pause' }
  | { readonly ask: 'resume' }
  /** Answers when what waited is delivered and it is about to end. */
  | { readonly ask: 'stop' };

/** Which syncwatch it is. */
export interface Who {
  readonly pid: number;
  /** DIR, absolute, symlinks resolved. */
  readonly root: string;
  /** Its name, or as it was given. */
  readonly target: string;
  /** As it was given, or as its name stands for. */
  readonly place: string;
}

/** A path that could not be synced. */
export interface FailedPath {
  readonly path: string;
  readonly message: string;
}

/** What came of a flush. */
export type Flushed =
  | { readonly end: 'flushed' }
  | { readonly end: 'failed'; readonly paths: readonly FailedPath[] }
  | { readonly end: 'paused' }
  /** syncwatch ends before it is done. */
  | { readonly end: 'stopped' };

/** What it answers: one JSON object on one line, with its version in `v`. */
export type Answer =
  | { readonly answer: 'who'; readonly who: Who }
  | { readonly answer: 'status'; readonly status: Status }
  | { readonly answer: 'flush'; readonly flushed: Flushed }
  | { readonly answer: 'reach'; readonly reach: Reach }
  | { readonly answer: 'done' }
  /** The question was not understood; nothing was done. */
  | { readonly answer: 'error'; readonly message: string };

const ASKS: readonly Question['ask'][] = ['who', 'status', 'reach', 'flush', 'pause', 'resume', 'stop'];

/** A question in a line of text, or what is wrong with it. */
export function readQuestion(line: string): Question | string {
  const message = parsed(line);
  if (message === undefined) return 'this is no JSON object';
  if (message['v'] !== PROTOCOL)
    return `this syncwatch speaks version ${PROTOCOL} of its protocol, not ${String(message['v'])}`;
  const ask = ASKS.find((each) => each === message['ask']);
  return ask === undefined ? `unknown question ${JSON.stringify(message['ask'])}` : { ask };
}

/** An answer in a line of text; undefined for what is none. */
export function readAnswer(line: string): Answer | undefined {
  const message = parsed(line);
  if (message?.['v'] !== PROTOCOL || typeof message['answer'] !== 'string') return undefined;
  return message as unknown as Answer;
}

export const written = (message: Question | Answer): string => `${JSON.stringify({ v: PROTOCOL, ...message })}\n`;

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
