import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { stampOf } from '../scan/stamp.js';
import { removeEntry, removeForeign } from '../state/ours.js';
import { askOnce } from './client.js';
import { firstLine } from './line.js';
import { showPresence, takeLock } from './lock.js';
import { type Answer, LONGEST_QUESTION, type Question, readQuestion, type Who, written } from './protocol.js';
import { noteWho, removeWho } from './who-file.js';

/** How long a live owner of the socket may take to say who it is, in milliseconds. */
const ANSWER_MS = 1_000;

/** How long somebody who connected may take to ask, in milliseconds. */
const QUESTION_MS = 5_000;

/** How long an answer may take to be fetched, in milliseconds. */
const LINGER_MS = 5_000;

/** Answers what is asked; `gone`: whoever asked does not wait any longer. */
export type Answerer = (question: Exclude<Question, { ask: 'who' }>, gone: AbortSignal) => Promise<Answer>;

/** The socket of one syncwatch. */
export interface Control {
  /** From now on everything is answered; before, only who it is. */
  serve(answerer: Answerer): void;
  /** To be called every so often: if the socket was removed it is made again, where that is by then. */
  keep(): Promise<void>;
  /** Resolves when nobody can ask any more. */
  release(): Promise<void>;
}

export interface ControlOptions {
  /**
   * Where the socket may be, the first choice first: not every file system has sockets. In folders that are there and ours alone
   * (0700); they may be others when one was removed.
   */
  readonly paths: () => readonly string[];
  /** Where others look for it first (see {@link showPresence}); undefined for one that nobody looks for. */
  readonly folder?: string;
  /** Its own for each thing that is locked by it, for file names. */
  readonly key: string;
  readonly uid: number;
  readonly who: Who;
  /** What is synced, for people. */
  readonly what: string;
}

/**
 * One syncwatch per DIR and target, and the way to talk to it: a local socket (0600) that only a live process can hold, so that a
 * dead one's is taken over without guessing by pid. What another user once put in its place is as if not there. A socket's
 * file may be removed while its process lives; so there is a {@link Lock} beside it, which can't be.
 */
export async function openControl(options: ControlOptions): Promise<Result<Control>> {
  const { key, uid, what } = options;
  const lock = await takeLock(key, uid);
  if (lock.kind === 'taken') return failed(taken(lock.pid, what));
  const releaseLock = (): void => {
    if (lock.kind === 'held') lock.release();
  };
  const talks: Talks = {
    sockets: new Set(),
    answerer: async () => ({ answer: 'error', message: 'it is just starting: try again in a moment' }),
  };
  const first = await takeSocket(options, talks);
  if (!first.ok) {
    releaseLock();
    return first;
  }
  const hide = options.folder === undefined ? () => {} : await showPresence(options.folder, key, uid);
  let listener = first.value;
  let isReleased = false;
  const note = ({ path }: Listener): void => {
    if (options.folder !== undefined) noteWho(path, options.who);
  };
  note(listener);
  return success({
    serve: (answerer) => {
      talks.answerer = answerer;
    },
    keep: async () => {
      if (isReleased || listener.isInPlace()) return;
      // Closed first, for that removes whatever is at its path. Who is being answered is not cut off.
      listener.stop();
      removeWho(listener.path);
      const next = await takeSocket(options, talks);
      if (!next.ok) return;
      listener = next.value;
      if (isReleased) listener.stop();
      else note(listener);
    },
    release: async () => {
      isReleased = true;
      hide();
      listener.stop();
      removeWho(listener.path);
      await talkedOut(talks.sockets);
      releaseLock();
    },
  });
}

/** Listens at the first of the paths that can have a socket, unless somebody alive does. */
async function takeSocket(options: ControlOptions, talks: Talks): Promise<Result<Listener>> {
  const paths = options.paths();
  for (const path of paths) {
    const listener = await listenAt(path, options, talks);
    if (listener !== undefined) return listener;
  }
  return failed({ kind: 'start', message: `can't take the lock ${paths[0]}`, hint: 'Try again, or remove it.' });
}

/** Undefined where there can be no socket. */
async function listenAt(
  path: string,
  { who, what }: ControlOptions,
  talks: Talks,
): Promise<Result<Listener> | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    removeForeign(path);
    const listener = await listen(path, who, talks);
    if (listener !== undefined) return success(listener);
    const answer = await askOnce(path, { ask: 'who' }, ANSWER_MS);
    if (answer.kind !== 'nobody')
      return failed(
        taken(answer.kind === 'answered' && answer.answer.answer === 'who' ? answer.answer.who.pid : undefined, what),
      );
    removeEntry(path);
  }
  return undefined;
}

const taken = (by: number | undefined, what: string): Failure => ({
  kind: 'start',
  message: `another syncwatch${by === undefined ? '' : ` (pid ${by})`} already syncs ${what}`,
  hint: by === undefined ? 'End that one first.' : `End that one first: kill ${by}`,
});

/** Who is being answered, and by whom. */
interface Talks {
  readonly sockets: Set<Socket>;
  answerer: Answerer;
}

interface Listener {
  readonly path: string;
  /** Whether its file is still there. */
  isInPlace(): boolean;
  /** Nobody new is let in, and what is at its path is removed. */
  stop(): void;
}

function listen(path: string, who: Who, talks: Talks): Promise<Listener | undefined> {
  const { sockets } = talks;
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      void converse(socket, who, (question, gone) => talks.answerer(question, gone));
    });
    server.once('error', () => resolve(undefined));
    server.listen(path, () => {
      server.unref();
      const stamp = madePrivate(path);
      resolve({
        path,
        isInPlace: () => stamp !== undefined && stampOf(path) === stamp,
        stop: () => void server.close(),
      });
    });
  });
}

/** Gives its stamp; undefined where it has just been removed. */
function madePrivate(path: string): string | undefined {
  try {
    chmodSync(path, 0o600);
    return stampOf(path);
  } catch {
    return undefined;
  }
}

/** One question, one answer; whoever says nothing, or too much, is cut off. */
async function converse(socket: Socket, who: Who, answerer: Answerer): Promise<void> {
  socket.on('error', () => {}); // whoever asked is gone
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const asked = await firstLine(socket, {
    maxBytes: LONGEST_QUESTION,
    withinMs: QUESTION_MS,
    onceBegunMs: QUESTION_MS,
  });
  let more = 0;
  socket.on('data', (chunk: Buffer) => {
    more += chunk.length;
    if (more > LONGEST_QUESTION) socket.destroy();
  });
  const question = asked.kind === 'line' ? readQuestion(asked.text) : 'no question came';
  const answer: Answer =
    typeof question === 'string'
      ? { answer: 'error', message: question }
      : question.ask === 'who'
        ? { answer: 'who', who }
        : await answerer(question, gone.signal);
  socket.end(written(answer));
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** What is being answered has until then to get out. */
async function talkedOut(sockets: ReadonlySet<Socket>): Promise<void> {
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, ANSWER_MS);
  await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  clearTimeout(timer);
}
