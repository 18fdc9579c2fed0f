import type { Reach } from '../core/reach.js';
import { callIn, newMark, signalCall } from '../link/command.js';
import type { Programs } from '../programs.js';
import { collectText, say, spawn } from '../spawn.js';
import { codeOf } from '../spawn-here.js';
import { SyncwatchError } from './error.js';
import type { Output } from './syncwatch.js';

/** So much of what a command says is kept, in characters. */
const MOST_CHARS = 10_000_000;

/** How long a signal may take to get there, in milliseconds. */
const SIGNAL_MS = 3_000;

/** Throws where a program without types has given something else: what is found too late would leave a command that waits for its stdin. */
export function checkCall(words: unknown, input: unknown): void {
  const isWord = (each: unknown): boolean => typeof each === 'string' && !each.includes('\0');
  if (!Array.isArray(words) || words.length === 0 || !words.every(isWord))
    throw wrong('the command must be a list: the program and its arguments, texts without NUL');
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) throw wrong('"input" must be a text or bytes');
}

const wrong = (text: string): SyncwatchError =>
  new SyncwatchError({ kind: 'usage', message: `exec(): ${text}`, hint: 'See docs/api.md.' });

/** Runs a command in a target's directory, by the way that is open to it. `input`: for its stdin. `gone`: it is ended. */
export async function execIn(
  way: Exclude<Reach, { kind: 'none' }>,
  words: readonly [string, ...string[]],
  programs: Pick<Programs, 'ssh' | 'usersShell'>,
  { input, gone }: { readonly input: string | Uint8Array; readonly gone: AbortSignal },
): Promise<Output> {
  const mark = newMark();
  const call = callIn(way, { kind: 'words', words, isTerminal: false, mark }, programs);
  if (!call.ok) throw new SyncwatchError(call.failure);
  const { program, args, ...where } = call.value;
  const child = spawn(program, args, { ...where, ownSession: true, isForUser: true });
  const stdout = collectText([child.stdout], MOST_CHARS);
  const stderr = collectText([child.stderr], MOST_CHARS);
  const end = (): void => {
    child.killAll('SIGTERM');
    if (way.kind === 'local') return;
    // That of ours ends only the ssh here.
    const sent = signalCall(way, mark, 'TERM', program);
    void say(sent.program, sent.args, { ownSession: true, patienceMs: SIGNAL_MS });
  };
  gone.addEventListener('abort', end, { once: true });
  child.stdin.end(input);
  const ended = await child.ended;
  gone.removeEventListener('abort', end);
  switch (ended.kind) {
    case 'exited':
      return { code: ended.code, stdout: stdout(), stderr: stderr() };
    case 'signalled':
      return { code: codeOf(ended.signal), stdout: stdout(), stderr: stderr() };
    case 'notFound':
      throw new SyncwatchError({ kind: 'start', message: `there is no program ${words[0]}` });
    case 'notStarted':
      throw new SyncwatchError({ kind: 'start', message: `${words[0]} could not be started: ${ended.why}` });
  }
}
