import { Buffer } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import type { Program } from '../core/environment.js';
import { failed, type Result, success } from '../core/failure.js';
import type { Reach, RemoteReach } from '../core/reach.js';
import { localCommand, remoteCommand, signalCommand, type Word } from '../core/ssh/remote-command.js';
import { noSsh, type Programs } from '../programs.js';
import { checkArgs, sessionArgs } from '../ssh/command.js';

/** What the user wants to run in a target's directory: a program with its arguments, or a line for a shell. */
export type Wanted =
  | {
      readonly kind: 'words';
      readonly words: readonly Word[];
      readonly isTerminal: boolean;
      readonly mark?: Mark | undefined;
      /** There it waits until the mark comes on stdin, in a line of its own. */
      readonly waits?: boolean | undefined;
    }
  | {
      readonly kind: 'line';
      readonly line: string;
      readonly env: Readonly<Record<string, string>>;
      readonly mark?: Mark | undefined;
    };

/** By which what runs there is found again, see {@link signalCall}. */
export type Mark = string;

/** Nobody there can know it before. */
export const newMark = (): Mark => `syncwatch-${Buffer.from(randomBytes()).toString('hex')}`;

/** From the kernel (random(4)): node's own way to it takes 2 to 6 ms to load, of which `exec` has none to spare. */
function randomBytes(): Uint8Array {
  const bytes = new Uint8Array(12);
  try {
    const file = openSync('/dev/urandom', 'r');
    try {
      if (readSync(file, bytes) === bytes.length) return bytes;
    } finally {
      closeSync(file);
    }
  } catch {
    // a place without it, as a chroot may be
  }
  return crypto.getRandomValues(bytes);
}

/** What to start here for that. `env`: variables beside the program's own. */
export interface Call {
  readonly program: Program;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * How to run something in a target's directory, by the way that is open to it: on this machine the user's own program with the
 * user's own environment, else a client of the connection that is there. `way` is data: where to, nothing of what to run.
 * It loads no more than that takes: `exec` is to be fast.
 */
export function callIn(
  way: Exclude<Reach, { kind: 'none' }>,
  wanted: Wanted,
  { ssh, usersShell }: Pick<Programs, 'ssh' | 'usersShell'>,
): Result<Call> {
  switch (way.kind) {
    case 'local': {
      if (wanted.kind === 'line')
        return success({ program: usersShell, args: ['-c', wanted.line], cwd: way.path, env: wanted.env });
      const [file, ...args] = localCommand(wanted.words, usersShell.file);
      return success({ program: { file, env: usersShell.env }, args, cwd: way.path });
    }
    case 'remote': {
      if (ssh.file === undefined) return failed(noSsh(ssh));
      const isTerminal = wanted.kind === 'words' && wanted.isTerminal;
      const waits = wanted.kind === 'words' && wanted.waits === true;
      const command = remoteCommand(way.path, wordsOf(wanted), wanted.mark, waits);
      return success({ program: ssh, args: sessionArgs(way, { isTerminal, isQuiet: waits }, command) });
    }
  }
}

/** What to start here so that what runs there with this mark gets a signal: see {@link signalCommand} for its exit code. */
export const signalCall = (way: RemoteReach, mark: Mark, signal: string, ssh: Program): Call => ({
  program: ssh,
  args: sessionArgs(way, { isTerminal: false, isQuiet: false }, signalCommand(mark, signal)),
});

/** What to start here to see whether there is still a connection: it ends with 0 then. */
export const checkCall = (way: RemoteReach, ssh: Program): Call => ({ program: ssh, args: checkArgs(way) });

function wordsOf(wanted: Wanted): readonly Word[] {
  if (wanted.kind === 'words') return wanted.words;
  const sets = Object.entries(wanted.env).map(([name, value]) => `${name}=${value}`);
  return ['env', ...sets, 'sh', '-c', wanted.line];
}
