import { existsSync } from 'node:fs';
import type { Program } from '../core/environment.js';
import { EXIT } from '../core/failure.js';
import { line, type Printable } from '../core/printable.js';
import type { Reach } from '../core/reach.js';
import type { Word } from '../core/ssh/remote-command.js';
import { type Call, callIn } from '../link/command.js';
import type { Programs } from '../programs.js';
import { complaint } from '../report/words.js';
import { spawnHere } from '../spawn-here.js';

export interface RunIo {
  readonly err: (text: Printable) => void;
  readonly programs: Pick<Programs, 'ssh' | 'usersShell'>;
  /** Whether stdin and stdout are a terminal. */
  readonly isTerminal: boolean;
}

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
  { err, programs, isTerminal }: RunIo,
): Promise<number> {
  const call = callIn(way, { kind: 'words', words, isTerminal }, programs);
  if (!call.ok) {
    err(complaint(call.failure));
    return EXIT.cannotStart;
  }
  return started(call.value, err);
}

async function started({ program, args, cwd }: Call, err: RunIo['err']): Promise<number> {
  const ended = await spawnHere(program, args, cwd);
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
