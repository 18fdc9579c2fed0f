import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { removeEntry, removeForeign } from '../state/ours.js';
import { askOnce } from './client.js';
import { firstLine } from './line.js';
import { type Answer, LONGEST_QUESTION, type Question, readQuestion, type Who, written } from './protocol.js';

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
  /** Resolves when nobody can ask any more. */
  release(): Promise<void>;
}

/**
 * One syncwatch per DIR and target, and the way to talk to it: a local socket that only a live process can hold, so that a
 * dead one's is taken over without guessing by pid. The folder it is in is ours alone (0700), and so is the socket (0600).
 * What another user once put in its place is as if not there.
 */
export async function openControl(path: string, who: Who, what: string): Promise<Result<Control>> {
  return (await tryControl(path, who, what)) ?? cantTake(path);
}

/**
 * Such a socket as a lock alone, on what `what` says: at the first of these paths that can have one. Not every file system
 * has sockets.
 */
export async function openLock(
  paths: readonly [string, ...string[]],
  who: Who,
  what: string,
): Promise<Result<Control>> {
  for (const path of paths) {
    const control = await tryControl(path, who, what);
    if (control !== undefined) return control;
  }
  return cantTake(paths[0]);
}

const cantTake = (path: string): Result<Control> =>
  failed({ kind: 'start', message: `can't take the lock ${path}`, hint: 'Try again, or remove it.' });

/** Undefined where there can be no socket. */
async function tryControl(path: string, who: Who, what: string): Promise<Result<Control> | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    removeForeign(path);
    const control = await listen(path, who);
    if (control !== undefined) return success(control);
    const answer = await askOnce(path, { ask: 'who' }, ANSWER_MS);
    if (answer.kind !== 'nobody')
      return failed(
        taken(who, answer.kind === 'answered' && answer.answer.answer === 'who' ? answer.answer.who : undefined, what),
      );
    removeEntry(path);
  }
  return undefined;
}

function taken(us: Who, by: Who | undefined, what: string): Failure {
  if (by?.pid === us.pid)
    return { kind: 'start', message: `${us.target} is the same place as ${by.target}`, hint: 'Name it once.' };
  return {
    kind: 'start',
    message: `another syncwatch${by === undefined ? '' : ` (pid ${by.pid})`} already syncs ${what}`,
    hint: by === undefined ? 'End that one first.' : `End that one first: kill ${by.pid}`,
  };
}

function listen(path: string, who: Who): Promise<Control | undefined> {
  let answerer: Answerer = async () => ({ answer: 'error', message: 'it is just starting: try again in a moment' });
  const sockets = new Set<Socket>();
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      void converse(socket, who, (question, gone) => answerer(question, gone));
    });
    server.once('error', () => resolve(undefined));
    server.listen(path, () => {
      server.unref();
      chmodSync(path, 0o600);
      resolve({
        serve: (given) => {
          answerer = given;
        },
        release: () => release(server, sockets),
      });
    });
  });
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
async function release(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, ANSWER_MS);
  await closed;
  clearTimeout(timer);
}
