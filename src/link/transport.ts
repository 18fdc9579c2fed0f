import type { Failure, Result } from '../core/failure.js';
import type { Asked } from '../core/place/script.js';
import type { Reach } from '../core/reach.js';
import type { Extra } from '../core/rsync/extras.js';
import type { There } from '../core/rsync/there.js';
import type { SshAim } from '../core/ssh/exit.js';
import type { Target } from '../core/target.js';
import type { Looked } from '../place/look.js';
import type { Child, Said } from '../spawn.js';

/**
 * The way to the machine that a target is on. Everything else is the same for all targets: what differs between ssh and this
 * machine, and later a container, is behind this, and nobody but an adapter asks which one it is.
 *
 * The contract, which every adapter is tested against (test/integration/transport.test.ts):
 * - {@link open} changes nothing there. What goes wrong is a value whose kind says whether it is worth trying again
 *   (core/failure.ts). It may ask somebody at the terminal, and takes as long as they do; the signal ends it soon, and leaves
 *   nothing running.
 * - A connection is there until it is lost or closed. {@link Connection.lost} tells of a loss by itself, soon and once, even
 *   where nothing is sent; of {@link Connection.close} it says nothing.
 * - What is started through a connection that is gone fails at once. It never logs in anew, and never asks anybody.
 * - Nothing of it outlives us, not even when we are killed (as far as the system can do that).
 * - Several may be open at once, each on its own, as when one takes the place of another.
 */
export interface Transport {
  readonly target: Target;
  /**
   * Whom it reaches, in words, by which rsync's ends are read too (core/rsync/exit.ts): with somebody in between, an rsync
   * that was cut off is the connection's failure. Undefined where there is nobody: then it is rsync's own.
   */
  readonly aim: SshAim | undefined;
  /** Logs in. */
  open(signal: AbortSignal): Promise<Result<Connection>>;
}

/** One login to that machine, until it is lost or closed; see the contract of {@link Transport}. */
export interface Connection {
  /** What the machine is remembered by, however it was spelled, see placeKey; undefined: this one. */
  readonly host: string | undefined;
  /** For rsync's `-e`, which adds host and command; undefined: rsync does both sides itself. */
  readonly remoteShell: string | undefined;
  /** How long a command there may take with the shell that starts it, in milliseconds, before it is ended. */
  readonly patienceMs: number;
  /** Resolves with the reason when it is gone, unless it was closed. */
  readonly lost: Promise<Failure>;
  /** Whether something new can go through. Where not, what goes through already may go on all the same. */
  isReachable(): boolean;
  /** Runs a command there, in the login directory, given as words that any shell leaves alone. `input`: for its stdin. */
  run(words: readonly string[], input?: string): Promise<Said>;
  /** Starts a command there in the same way, for as long as it takes; it ends with the connection. */
  session(words: readonly string[]): Child;
  /** Looks where the target is, changing nothing: one command, in the login directory. */
  look(asked: Omit<Asked, 'marks'>): Promise<Looked>;
  /** Checks the rsync there, what it takes, and the target's place; changes nothing. */
  probe(options: ProbeOptions): Promise<Result<There>>;
  /** How others run something in a target's directory: data, with which link/command.ts makes a command. `at`: where it really is. */
  reach(at: Target): Reach;
  /** Asks the other side for a sign of life, for at most `withinMs`; without one the connection is given up as lost. */
  prove(withinMs: number): Promise<void>;
  /** Ends it; resolves when nothing of it is left. To be called twice is fine. */
  close(): Promise<void>;
}

/** What is asked beside a target's path. */
export interface ProbeOptions {
  readonly extras: readonly Extra[];
  readonly trash: string | undefined;
}
