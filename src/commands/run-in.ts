import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Program } from '../core/environment.js';
import { EXIT } from '../core/failure.js';
import { line, type Printable } from '../core/printable.js';
import type { Reach, RemoteReach } from '../core/reach.js';
import { SSH_FAILED, type Word } from '../core/ssh/remote-command.js';
import { type Call, callIn, checkCall, type Mark, newMark } from '../link/command.js';
import type { Programs } from '../programs.js';
import { complaint } from '../report/words.js';
import { stampOf } from '../scan/stamp.js';
import {
  codeOf,
  type EndedHere,
  type Heard,
  type Hearing,
  type HereOptions,
  runBeside,
  spawnHere,
  spawnWaiting,
} from '../spawn-here.js';
import { SIGNAL_MS, SignalsThere } from './signals-there.js';

export interface RunIo {
  readonly err: (text: Printable) => void;
  readonly programs: Pick<Programs, 'ssh' | 'usersShell'>;
  /** Whether stdin and stdout are a terminal, so that the command has one. */
  readonly isTerminal: boolean;
  /** Whether any of ours is a terminal: a Ctrl-C there goes to all that was started from it. */
  readonly sharesTerminal: boolean;
}

/** What is begun waits for so long at the most, in milliseconds: it takes a session there, of which there may be few. */
const LONGEST_WAIT_MS = 2_000;

/** Exit codes of a command that did not run, as shells have them. */
const NOT_RUN = 126;
const NOT_FOUND = 127;

/**
 * Runs a command in a target's directory, in our place: in a local one the user's own program with the user's own environment,
 * else ssh, as this machine has it. `way` is data: where to, nothing of what to run. Gives the exit code.
 */
export async function runIn(
  way: Exclude<Reach, { kind: 'none' }>,
  words: readonly Word[],
  { err, programs, isTerminal, sharesTerminal }: RunIo,
): Promise<number> {
  // With a terminal ssh brings over what is typed, and the end of it all as a hang-up.
  const mark = isTerminal ? undefined : newMark();
  const call = callIn(way, { kind: 'words', words, isTerminal, mark }, programs);
  if (!call.ok) {
    err(complaint(call.failure));
    return EXIT.cannotStart;
  }
  const { program, args, cwd } = call.value;
  if (way.kind === 'local') {
    const untold = (signal: Heard): void =>
      err(line(`syncwatch: ${signal} did not get to ${program.file}: it runs as another user`));
    const ended = await spawnHere(program, args, { cwd, onSignal: handOn(sharesTerminal, untold) });
    return codeFrom(ended, call.value, err);
  }
  return runThere(way, call.value, mark, err, (hearing) => spawnHere(program, args, hearing));
}

/** A command that was begun there, and waits for a word before it is run. */
export interface BegunThere {
  /** Runs it now, and gives the exit code; undefined where it has ended without having been run. */
  run(): Promise<number> | undefined;
  /** Ends it; it is not run. */
  giveUp(): void;
}

/**
 * Begins a command in a target's directory, which is only run when that is said: until then the session through ssh and the start of
 * the login shell there take their time. Undefined where that can't be done, or goes wrong: {@link runIn} tells why. `stdin`: ours, for
 * the command; no terminal.
 */
export function beginThere(
  way: RemoteReach,
  words: readonly Word[],
  { err, programs, stdin }: Pick<RunIo, 'err' | 'programs'> & { readonly stdin: () => Readable },
): BegunThere | undefined {
  const mark = newMark();
  const call = callIn(way, { kind: 'words', words, isTerminal: false, mark, waits: true }, programs);
  if (!call.ok) return undefined;
  const waiting = spawnWaiting(call.value.program, call.value.args);
  if (waiting === undefined) return undefined;
  const timer = setTimeout(() => waiting.giveUp(), LONGEST_WAIT_MS);
  return {
    run: () => {
      clearTimeout(timer);
      if (waiting.isOver()) return undefined;
      return runThere(way, call.value, mark, err, (hearing) => waiting.go(`${mark}\n`, stdin(), hearing));
    },
    giveUp: () => {
      clearTimeout(timer);
      waiting.giveUp();
    },
  };
}

async function runThere(
  way: RemoteReach,
  call: Call,
  mark: Mark | undefined,
  err: RunIo['err'],
  start: (hearing: Hearing) => Promise<EndedHere>,
): Promise<number> {
  const { program: ssh } = call;
  const stamp = stampOf(way.controlPath);
  const signals = mark === undefined ? undefined : new SignalsThere(way, mark, ssh);
  const last: { untold?: Heard | undefined } = {};
  const hearing: Hearing =
    signals === undefined
      ? { onSignal: handOn(true) }
      : {
          onSignal: signals.heard,
          onEnd: async (ended) => {
            last.untold = await signals.untold(isCut(ended, signals.first));
          },
        };
  const ended = await start(hearing);
  const code = codeFrom(ended, call, err);
  const { untold } = last;
  if (untold !== undefined)
    err(line(`syncwatch: ${untold} did not get to the command on ${way.host}: it may still run there`));
  else if (signals?.first === undefined && ended.kind === 'exited' && ended.signal !== undefined)
    err(line(`syncwatch: ssh was ended by ${ended.signal}: the command may still run there`));
  else if (code === SSH_FAILED && (await isLost(way, ssh, stamp)))
    err(line(`syncwatch: the connection to ${way.host} was lost: the command may still run there`));
  return code === SSH_FAILED && signals?.first !== undefined ? codeOf(signals.first) : code;
}

/** Whether ssh has ended by a failure of its own, or a signal; a script in its place may give the one that came `first` as a code. */
const isCut = (ended: EndedHere, first: Heard | undefined): boolean =>
  ended.kind === 'exited' &&
  (ended.code === SSH_FAILED || ended.signal !== undefined || (first !== undefined && ended.code === codeOf(first)));

/** To a program here. A terminal's keys are for the program, which has them already. `untold`: it may not have it from us. */
const handOn =
  (sharesTerminal: boolean, untold: (signal: Heard) => void = () => {}): HereOptions['onSignal'] =>
  (signal, kill) => {
    if (!(sharesTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT')) && !kill(signal)) untold(signal);
  };

/** Whether the connection is another one by now, or gone. `stamp`: of its socket when it was there. */
async function isLost(way: RemoteReach, ssh: Program, stamp: string): Promise<boolean> {
  if (stampOf(way.controlPath) !== stamp) return true;
  const { program, args } = checkCall(way, ssh);
  return (await runBeside(program, args, SIGNAL_MS)) !== 0;
}

function codeFrom(ended: EndedHere, { program, cwd }: Call, err: RunIo['err']): number {
  if (ended.kind === 'exited') return ended.code;
  const isNowhere = cwd !== undefined && !existsSync(cwd);
  err(line(`syncwatch: ${isNowhere ? `there is no directory ${cwd}` : notStarted(program, ended.errno)}`));
  return ended.errno === 'ENOENT' && !isNowhere ? NOT_FOUND : NOT_RUN;
}

function notStarted({ file }: Program, errno: string): string {
  switch (errno) {
    case 'ENOENT':
      return `there is no program ${file === '' ? "''" : file}`;
    case 'EACCES':
      return `${file} may not be run: check its rights`;
    case 'E2BIG':
      return 'the command is too long: put it into a script, or hand long data over on stdin';
    default:
      return `${file} can't be started: ${errno}`;
  }
}
