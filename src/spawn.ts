import { basename } from 'node:path';
import process, { kill } from 'node:process';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { Program } from './core/environment.js';
import { shortageInWords } from './core/failure.js';
import { whyNoRoom } from './descriptors.js';

/** How a child process ended. `notFound`: there is no such program; `notStarted`: the system does not let us, and why not. */
export type Ended =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'notStarted'; readonly why: string };

/** A running child. Its streams carry raw bytes. */
export interface Child {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process is gone, at most {@link PIPES_GRACE_MS} after its exit. Never rejects. */
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it and all that it has started; only one with a session of its own. */
  killAll(signal: NodeJS.Signals): void;
}

/**
 * How long after a child's exit its pipes may still deliver, in milliseconds. With a frozen peer the ssh master keeps
 * rsync's stderr, so that `close` never follows `exit` (docs/design.md#ssh).
 */
const PIPES_GRACE_MS = 500;

/** How long a short program may take, in milliseconds: one that waits for the network, or for a stopped process, may never end. */
const SAY_MS = 60_000;

export interface SpawnOptions {
  readonly cwd?: string;
  /** Its own session and process group: Ctrl-C on the terminal does not reach it, and it can't prompt there. */
  readonly ownSession: boolean;
  /** Environment variables to add. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it says is for the user, in their language. Otherwise it is read here, and in English (`LC_ALL=C`). */
  readonly isForUser?: boolean;
  /** For {@link say}: it is killed when it has not ended after so many milliseconds; {@link SAY_MS} where not given. */
  readonly patienceMs?: number;
}

export interface SayOptions extends SpawnOptions {
  /** For its stdin; nothing where not given. */
  readonly input?: string;
}

/**
 * Starts a program (see programs.ts) from an argument list, with the environment that is its own; no shell sees it. This
 * and {@link spawnNode} are the only places that start a process.
 */
export function spawn(program: Program, args: readonly string[], options: SpawnOptions): Child {
  const why = whyNoRoom(DESCRIPTORS);
  if (why !== undefined) return unstarted(why);
  try {
    return started(program, args, options);
  } catch (error) {
    // They ran out between the look and the start. Node tells of it once more, by an event that nobody hears: see isUnheardStart.
    if (whyNoRoom(2 * DESCRIPTORS) === undefined) throw error;
    return unstarted(shortageInWords('EMFILE'));
  }
}

/** Throws where {@link DESCRIPTORS} run out at this very moment. */
function started(program: Program, args: readonly string[], options: SpawnOptions): Child {
  const child = execa(program.file, [...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...program.env, ...(options.isForUser === true ? {} : { LC_ALL: 'C' }), ...options.env },
    extendEnv: false,
    argv0: basename(program.file), // as a shell calls it
    detached: options.ownSession,
    stdin: 'pipe',
    buffer: false,
    reject: false,
    encoding: 'buffer',
    cleanup: false, // which would hear signals, in a process that may not be ours
  });
  if (!options.ownSession) endWithUs(child);
  child.stdin.on('error', () => {}); // EPIPE: the exit code tells more
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: endOf(child),
    kill: (signal) => void child.kill(signal),
    killAll: (signal) => {
      if (options.ownSession && child.pid !== undefined && child.pid > 1) killGroup(child.pid, signal);
    },
  };
}

/** What has our terminal, and is to be ended with us. */
const ours = new Set<{ kill(): unknown }>();

function endWithUs(child: { kill(): unknown; once(event: 'exit', listener: () => void): unknown }): void {
  if (ours.size === 0) process.once('exit', endAll);
  ours.add(child);
  child.once('exit', () => {
    ours.delete(child);
    if (ours.size === 0) process.off('exit', endAll);
  });
}

function endAll(): void {
  for (const child of ours) child.kill();
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    kill(-pid, signal);
  } catch {
    // it has just gone
  }
}

/**
 * So many descriptors it takes for a moment to start a child: two for each pipe, and libuv's own. Without them node gives up
 * in a way that execa does not survive (9.6: no stdio, and an error that nobody hears).
 */
const DESCRIPTORS = 10;

const unstarted = (why: string): Child => ({
  pid: undefined,
  stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
  stdout: Readable.from([]),
  stderr: Readable.from([]),
  ended: Promise.resolve({ kind: 'notStarted', why }),
  kill: () => {},
  killAll: () => {},
});

/** A Node child with a message channel, both ways. */
export interface NodeChild {
  readonly ended: Promise<Ended>;
  send(message: object): void;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a Node program of ours in a process of its own. `onMessage` gets what it sends, unchecked. */
export function spawnNode(node: Program, script: string, onMessage: (message: unknown) => void): NodeChild {
  const why = whyNoRoom(DESCRIPTORS);
  if (why !== undefined) return { ended: unstarted(why).ended, send: () => {}, kill: () => {} };
  const child = execa(node.file, [script], {
    env: node.env,
    extendEnv: false,
    ipc: true,
    serialization: 'json',
    detached: true,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    buffer: false,
    reject: false,
    cleanup: true,
  });
  child.on('message', onMessage);
  return {
    ended: endOf(child),
    send: (message) => {
      if (child.connected) child.send(message, () => {}); // gone meanwhile: its end tells
    },
    kill: (signal) => void child.kill(signal),
  };
}

interface Ending
  extends Promise<{
    readonly code?: string | undefined;
    readonly exitCode?: number | undefined;
    readonly signal?: string | undefined;
  }> {
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
}

/** The end of `child`: when its pipes are closed too, or a moment after its exit at the latest. */
function endOf(child: Ending): Promise<Ended> {
  return new Promise((resolve) => {
    void child.then((result) => {
      if (result.code === 'ENOENT') resolve({ kind: 'notFound' });
      else if (result.exitCode !== undefined) resolve({ kind: 'exited', code: result.exitCode });
      else if (result.code !== undefined && result.signal === undefined)
        resolve({ kind: 'notStarted', why: shortageInWords(result.code) });
      else resolve({ kind: 'signalled', signal: result.signal ?? 'unknown' });
    });
    child.once('exit', (code, signal) => {
      const ended: Ended =
        code === null ? { kind: 'signalled', signal: signal ?? 'unknown' } : { kind: 'exited', code };
      setTimeout(() => resolve(ended), PIPES_GRACE_MS).unref();
    });
  });
}

/** What a short program said and how it ended. `isLate`: it was killed because it did not end in time. */
export interface Said {
  readonly ended: Ended;
  readonly isLate: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the system has too little of may be there in a moment: so often, and so long apart, in milliseconds. */
const START_TRIES = 5;
const START_AGAIN_MS = 200;

/** Runs a program to its end, with its output as latin1 text: the last `maxChars` of it. */
export async function say(...call: Parameters<typeof sayOnce>): Promise<Said> {
  for (let attempt = 1; ; attempt++) {
    const said = await sayOnce(...call);
    if (said.ended.kind !== 'notStarted' || attempt === START_TRIES) return said;
    await sleep(START_AGAIN_MS);
  }
}

async function sayOnce(
  program: Program,
  args: readonly string[],
  options: SayOptions,
  maxChars?: number,
): Promise<Said> {
  const child = spawn(program, args, options);
  const stdout = collect(child.stdout, maxChars);
  const stderr = collect(child.stderr);
  child.stdin.end(options.input ?? '');
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
    child.killAll('SIGKILL');
  }, options.patienceMs ?? SAY_MS);
  const ended = await child.ended;
  clearTimeout(timer);
  return { ended, isLate, stdout: stdout(), stderr: stderr() };
}

/** Collects the bytes of a stream as latin1 text; the returned function gives the last `maxChars` so far. */
export function collect(stream: Readable, maxChars = 1_000_000): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(-maxChars);
  });
  stream.on('error', () => {});
  return () => text;
}

/** Collects what streams say in UTF-8, as it comes, in whole characters; the returned function gives the last `maxChars` so far. */
export function collectText(streams: readonly Readable[], maxChars: number): () => string {
  let text = '';
  for (const stream of streams) {
    stream.setEncoding('utf8'); // a character may come in two chunks
    stream.on('data', (chunk: string) => {
      text = (text + chunk).slice(-maxChars);
    });
    stream.on('error', () => {});
  }
  return () => text.replace(/^[\udc00-\udfff]/, ''); // the second half of one
}
