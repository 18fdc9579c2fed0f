import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './core/environment.js';
import { errnoOf } from './core/failure.js';

/** How it ended: with an exit code (128 and its number for a `signal`), or it did not begin; `errno`: why, as `ENOENT`. */
export type EndedHere =
  | { readonly kind: 'exited'; readonly code: number; readonly signal?: string }
  | { readonly kind: 'failed'; readonly errno: string };

/** The signals that ask a program to end. */
const HEARD = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;
export type Heard = (typeof HEARD)[number];

export interface HereOptions {
  readonly cwd?: string | undefined;
  /**
   * We got a signal. The program has it too where a terminal or a whole group got it; `kill` sends it one, and gives false where it may
   * not have it from us: it runs as somebody else by now (sudo).
   */
  readonly onSignal: (signal: Heard, kill: (signal: Heard) => boolean) => void;
  /** It has ended: until this is over our signals are still heard. */
  readonly onEnd?: (ended: EndedHere) => Promise<void>;
}

/** What is done about our signals, and from when on it is not. */
export type Hearing = Pick<HereOptions, 'onSignal' | 'onEnd'>;

/** The exit code that shells give to a signal; 128 for one that is not known here. */
export const codeOf = (signal: string): number => 128 + (new Map(Object.entries(constants.signals)).get(signal) ?? 0);

/**
 * Runs a program in our place, with the environment that is its own: it has our terminal, stdin, stdout and stderr.
 *
 * Beside spawn.ts the only place that starts a process, because loading execa takes longer (60 to 100 ms) than all else
 * that `exec` does.
 */
export function spawnHere(
  { file, env }: Program,
  args: readonly string[],
  { cwd, ...hearing }: HereOptions,
): Promise<EndedHere> {
  if (file === '') return Promise.resolve({ kind: 'failed', errno: 'ENOENT' }); // node would throw
  // Before it begins: what it has said may bring a signal at once.
  const unhear = hear(hearing, () => child);
  let child: ChildProcess | undefined;
  try {
    child = spawn(file, [...args], { stdio: 'inherit', env, ...(cwd === undefined ? {} : { cwd }) });
  } catch (error) {
    return unhear({ kind: 'failed', errno: errnoOf(error) }); // what node tells by no event: E2BIG, ENOTDIR
  }
  return endOf(child).then(unhear);
}

/** A program that was started ahead of time: what it does waits for its stdin. Until then our signals end us, and so its stdin. */
export interface Waiting {
  /** Whether it has ended, or is about to: then it does not do what it was to do. */
  isOver(): boolean;
  /** Gives it this line and then our stdin; from now on it is as one of {@link spawnHere}. */
  go(line: string, stdin: Readable, hearing: Hearing): Promise<EndedHere>;
  /** Ends it, without a word. */
  giveUp(): void;
}

/** Starts a program in our place, but for its stdin, see {@link Waiting}. Undefined where it can't be started: {@link spawnHere} says why. */
export function spawnWaiting({ file, env }: Program, args: readonly string[]): Waiting | undefined {
  const child = waitingChild(file, args, env);
  if (child === undefined) return undefined;
  let isOver = false;
  const ended = endOf(child).finally(() => {
    isOver = true;
  });
  const input = child.stdin;
  input.on('error', () => {}); // it has ended, or takes no more
  return {
    isOver: () => isOver,
    go: (line, stdin, hearing) => {
      const unhear = hear(hearing, () => child);
      input.write(line);
      stdin.on('error', () => input.end()); // a directory, for example: whoever reads it finds no more either
      stdin.pipe(input);
      return ended.then(unhear);
    },
    giveUp: () => {
      isOver = true; // about to be
      input.destroy();
      child.kill();
    },
  };
}

function waitingChild(file: string, args: readonly string[], env: Program['env']) {
  try {
    return spawn(file, [...args], { stdio: ['pipe', 'inherit', 'inherit'], env });
  } catch {
    return undefined;
  }
}

/** How long after the end of a child by a signal ours is waited for, in milliseconds. */
const OURS_MS = 50;

/**
 * Hands our signals on, until the function that this gives is called with how the child ended. What is sent to all of a group, or to one
 * after the other, can have ended that (ssh with 255), and be heard of before our own.
 */
function hear(
  { onSignal, onEnd }: Hearing,
  child: () => ChildProcess | undefined,
): (ended: EndedHere) => Promise<EndedHere> {
  const kill = (other: Heard): boolean => {
    const to = child();
    return to === undefined || to.exitCode !== null || to.signalCode !== null || to.kill(other);
  };
  const listener = (signal: Heard): void => onSignal(signal, kill);
  for (const signal of HEARD) process.on(signal, listener);
  return async (ended) => {
    if (ended.kind === 'exited' && ended.code >= 128) await sleep(OURS_MS);
    await onEnd?.(ended);
    for (const signal of HEARD) process.off(signal, listener);
    return ended;
  };
}

const endOf = (child: ChildProcess): Promise<EndedHere> =>
  new Promise((resolve) => {
    // Also of one that could not be sent a signal, each time.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ kind: 'failed', errno: errnoOf(error) });
    });
    child.once('exit', (code, signal) =>
      resolve(
        signal === null ? { kind: 'exited', code: code ?? 128 } : { kind: 'exited', code: codeOf(signal), signal },
      ),
    );
  });

/**
 * Runs a short program beside that one, with nothing of ours, in a session of its own: what ends us all does not end it. Gives its
 * exit code; undefined where it did not begin, or not end within `patienceMs`.
 */
export function runBeside(
  { file, env }: Program,
  args: readonly string[],
  patienceMs: number,
): Promise<number | undefined> {
  const child = spawn(file, [...args], { stdio: 'ignore', env, detached: true });
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  return new Promise((resolve) => {
    const end = (code: number | undefined): void => {
      clearTimeout(timer);
      resolve(code);
    };
    child.once('error', () => end(undefined));
    child.once('exit', (code) => end(code ?? undefined));
  });
}
