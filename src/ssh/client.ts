import type { Program } from '../core/environment.js';
import type { Failure } from '../core/failure.js';
import type { Session } from '../core/reach.js';
import { loginOf, type RemoteTarget } from '../core/target.js';
import { type Child, type Said, say, spawn } from '../spawn.js';
import { clientArgs, type SshOptions } from './command.js';

/** How long somebody there may take, in milliseconds. */
export interface Patience {
  /** For a login, without the time in which ssh asks somebody here for a password and the like. */
  readonly loginMs: number;
  /** For a command, with the shell that starts it. */
  readonly commandMs: number;
}

/**
 * A login may take a little longer than sshd gives it (LoginGraceTime, 120 s); while nothing at all comes from the other side
 * ssh ends it much earlier (ConnectTimeout, ServerAlive…). A shell may wait for a lock for a minute (~/.bashrc with pyenv).
 */
export const PATIENCE: Patience = { loginMs: 150_000, commandMs: 120_000 };

/** How long a master here may take to answer, in milliseconds: a stopped one never does. */
export const CONTROL_MS = 5_000;

/** One master connection to one host. Every rsync of that host goes through it. */
export interface Master {
  /** What a session for a command of the user's takes along. */
  readonly session: Session;
  /** Where ssh went, however it was spelled: see hostFrom (core/place/place.ts). */
  readonly host: string;
  /** ssh as a client of this connection, for rsync's `-e`; rsync adds user, host and command. */
  readonly clientForRsync: readonly string[];
  /** Resolves with the reason when the connection is gone, unless {@link Master.close} was called. */
  readonly lost: Promise<Failure>;
  readonly patience: Patience;
  /** Its socket, and whether that is still there: without it nothing new can go through; what goes through already goes on. */
  readonly controlPath: string;
  readonly isReachable: () => boolean;
  /**
   * Runs a command there, given as words that any shell leaves alone. It may take {@link Patience.commandMs}. `input`: for its
   * stdin.
   */
  run(words: readonly string[], input?: string): Promise<Said>;
  /** Starts one there, for as long as it takes. */
  start(words: readonly string[]): Child;
  /** Asks the other side for a sign of life, for at most `withinMs`; without one the connection is given up as lost. */
  prove(withinMs: number): Promise<void>;
  /** Ends it; nothing of it is left afterwards. */
  close(): Promise<void>;
}

/** What it takes to speak to a master. */
export interface Client {
  readonly program: Program;
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  readonly controlPath: string;
  /** What `ssh -G` says of its host. */
  readonly config: string;
  /** Who made the master. To one of the user's nothing is done, not even where its socket is a dead one. */
  readonly whose: 'ours' | 'users';
}

/** ssh as a client of a master. */
export const argsOf = ({ ssh, controlPath, config, whose }: Client): string[] =>
  clientArgs(ssh, { controlPath, config, mayTidy: whose === 'ours' });

/** Runs a command through a master, see {@link Master.run}. */
export const runThrough = (
  client: Client,
  { commandMs }: Patience,
  words: readonly string[],
  input = '',
): Promise<Said> =>
  say(client.program, [...argsOf(client), '--', loginOf(client.target), ...words], {
    ownSession: true,
    patienceMs: commandMs,
    input,
  });

/** Starts a command through a master, see {@link Master.start}. */
export const startThrough = (client: Client, words: readonly string[]): Child =>
  spawn(client.program, [...argsOf(client), '--', loginOf(client.target), ...words], { ownSession: true });

/** Asks a master on this machine for something: ssh(1), -O. */
export const control = (request: 'check' | 'exit', client: Client, withinMs = CONTROL_MS): Promise<Said> =>
  say(client.program, [...argsOf(client), '-O', request, '--', loginOf(client.target)], {
    ownSession: true,
    patienceMs: withinMs,
  });

/** Whether a master answers on the control socket. */
export async function answers(client: Client, withinMs = CONTROL_MS): Promise<boolean> {
  const { ended } = await control('check', client, withinMs);
  return ended.kind === 'exited' && ended.code === 0;
}
