import { resolve } from 'node:path';
import * as v from 'valibot';
import { wallMs } from '../core/clock.js';
import { ESCAPE_CHAR, type Reach, SENT_NAME } from '../core/reach.js';
import type { FailedNow, FailedPath, Status, WaitingNow } from '../core/status.js';

/** Raised when a message changes its meaning. A client and a server of different versions do not talk. */
export const PROTOCOL = 1;

/** The longest question and answer, in bytes: what is longer is none of ours. */
export const LONGEST_QUESTION = 4_096;
export const LONGEST_ANSWER = 1_048_576;

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
  /** A full pass, as soon as may be. */
  | { readonly ask: 'pass' }
  /** What failed and why. */
  | { readonly ask: 'failed' }
  /** What waits. */
  | { readonly ask: 'waiting' }
  /** Answers when the settings as they are now have been read, and it is about to begin anew with them. */
  | { readonly ask: 'restart' }
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

/** What came of a flush. */
export type Flushed =
  | { readonly end: 'flushed' }
  /** `paths`: the first of them; `more`: how many there are beside. */
  | { readonly end: 'failed'; readonly paths: readonly FailedPath[]; readonly more: number }
  | { readonly end: 'paused' }
  /** syncwatch ends before it is done. */
  | { readonly end: 'stopped' };

/** What it answers: one JSON object on one line, with its version in `v`. */
export type Answer =
  | { readonly answer: 'who'; readonly who: Who }
  | { readonly answer: 'status'; readonly status: Status }
  | { readonly answer: 'flush'; readonly flushed: Flushed }
  | { readonly answer: 'reach'; readonly reach: Reach }
  | { readonly answer: 'failed'; readonly failed: FailedNow }
  | { readonly answer: 'waiting'; readonly waiting: WaitingNow }
  | { readonly answer: 'done' }
  /** The question was not understood; nothing was done. */
  | { readonly answer: 'error'; readonly message: string };

const ASKS = [
  'who',
  'status',
  'reach',
  'flush',
  'pause',
  'resume',
  'pass',
  'failed',
  'waiting',
  'restart',
  'stop',
] as const;

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Time = v.pipe(v.number(), v.finite(), v.minValue(0), v.transform(wallMs));
const Text = v.pipe(v.string(), v.nonEmpty());
const Path = v.pipe(
  v.string(),
  v.check((path) => path.startsWith('/') && resolve(path) === path && !path.includes('\0'), 'an absolute path'),
);

/** Between a client and ssh there is no shell, but ssh has its own ways with what begins with a dash, and with some signs. */
const HostPart = v.pipe(v.string(), v.regex(/^[^-\s\p{Cc}][^\s\p{Cc}]*$/u), v.maxLength(1_000));
/** ssh expands `%`, `$` and `~` in it, and splits it at spaces (ssh_config(5)). */
const SocketPath = v.pipe(Path, v.regex(/^[\w@+=:,./-]+$/));
const NoControls = v.pipe(v.string(), v.regex(/^\P{Cc}*$/u));

const WHO = { pid: v.pipe(Count, v.minValue(1)), root: Path, target: Text, place: Text };

const StateSchema = v.variant('kind', [
  v.object({ kind: v.picklist(['connecting', 'sending', 'inSync', 'pausing', 'paused', 'rootGone']) }),
  v.object({ kind: v.literal('reconnecting'), untilMs: v.optional(Time) }),
  v.object({ kind: v.literal('halted'), message: v.string() }),
]);

const StatusSchema = v.object({
  ...WHO,
  sinceMs: Time,
  state: StateSchema,
  waiting: Count,
  waitingSinceMs: v.optional(Time),
  failed: v.optional(Count),
  sent: Count,
  bytes: Count,
  deleted: Count,
  lastDeliveredMs: v.optional(Time),
  lastPassMs: v.optional(Time),
  lastError: v.optional(v.object({ ms: Time, path: v.optional(v.string()), message: v.string() })),
  directories: v.optional(Count),
  rules: v.optional(v.string()),
});

const PathsSchema = v.array(v.object({ path: v.string(), message: v.string() }));

const FlushedSchema = v.variant('end', [
  v.object({ end: v.picklist(['flushed', 'paused', 'stopped']) }),
  v.object({
    end: v.literal('failed'),
    paths: PathsSchema,
    more: Count,
  }),
]);

const FailedSchema = v.object({ paths: PathsSchema, more: Count, trouble: v.optional(v.string()) });

const WaitingSchema = v.object({ paths: v.array(v.string()), more: Count, pass: v.boolean() });

const ReachSchema = v.variant('kind', [
  v.object({ kind: v.literal('none') }),
  v.object({ kind: v.literal('local'), path: Path }),
  v.object({
    kind: v.literal('remote'),
    host: HostPart,
    user: v.optional(HostPart),
    path: NoControls,
    controlPath: SocketPath,
    session: v.object({
      forwardAgent: v.boolean(),
      x11: v.picklist(['no', 'untrusted', 'trusted']),
      sendEnv: v.array(v.pipe(v.string(), v.regex(SENT_NAME))),
      escapeChar: v.pipe(v.string(), v.regex(ESCAPE_CHAR)),
    }),
    waits: v.optional(v.boolean()),
  }),
]);

const WhoSchema: v.GenericSchema<unknown, Who> = v.object(WHO);

const V = v.literal(PROTOCOL);

const QuestionSchema = v.object({ v: V, ask: v.picklist(ASKS) });

const AnswerSchema: v.GenericSchema<unknown, Answer> = v.pipe(
  v.variant('answer', [
    v.object({ v: V, answer: v.literal('who'), who: v.object(WHO) }),
    v.object({ v: V, answer: v.literal('status'), status: StatusSchema }),
    v.object({ v: V, answer: v.literal('flush'), flushed: FlushedSchema }),
    v.object({ v: V, answer: v.literal('reach'), reach: ReachSchema }),
    v.object({ v: V, answer: v.literal('failed'), failed: FailedSchema }),
    v.object({ v: V, answer: v.literal('waiting'), waiting: WaitingSchema }),
    v.object({ v: V, answer: v.literal('done') }),
    v.object({ v: V, answer: v.literal('error'), message: v.string() }),
  ]),
);

const VersionSchema = v.object({ v: v.optional(v.unknown()), ask: v.optional(v.unknown()) });

/** A question in a line of text, or what is wrong with it. */
export function readQuestion(line: string): Question | string {
  const message = parsed(line);
  const question = v.safeParse(QuestionSchema, message);
  if (question.success) return { ask: question.output.ask };
  const any = v.safeParse(VersionSchema, message);
  if (!any.success || Array.isArray(message)) return 'this is no JSON object';
  return any.output.v === PROTOCOL
    ? `unknown question ${shown(any.output.ask)}`
    : `this syncwatch speaks version ${PROTOCOL} of its protocol, not ${shown(any.output.v)}`;
}

/** An answer in a line of text, with all its parts as they must be; undefined for what is none. */
export function readAnswer(line: string): Answer | undefined {
  const answer = v.safeParse(AnswerSchema, parsed(line));
  return answer.success ? answer.output : undefined;
}

/** Who a syncwatch is, in a line of text; undefined where that says nothing of the kind. */
export function readWho(line: string): Who | undefined {
  const who = v.safeParse(WhoSchema, parsed(line));
  return who.success ? who.output : undefined;
}

export const written = (message: Question | Answer): string => `${JSON.stringify({ v: PROTOCOL, ...message })}\n`;

/** So much of what is not understood is repeated. */
const SHOWN = 40;

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'undefined').slice(0, SHOWN);

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
