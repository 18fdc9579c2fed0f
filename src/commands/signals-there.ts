import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow } from '../clock.js';
import { LONG_AGO, msBetween, type SteadyMs } from '../core/clock.js';
import type { Program } from '../core/environment.js';
import type { RemoteReach } from '../core/reach.js';
import { NONE_FOUND } from '../core/ssh/remote-command.js';
import { signalCall } from '../link/command.js';
import { type Heard, type HereOptions, runBeside } from '../spawn-here.js';

/** How long a signal may take to get there, and how often it is tried where the command has not begun, in milliseconds. */
export const SIGNAL_MS = 3_000;
const AGAIN_MS = 200;

/** `timeout` sends each signal twice, and a terminal one to all: the same that comes sooner is that one, in milliseconds. */
const SAME_MS = 500;

/** So many signals are brought; at the next one ssh is ended, whatever the command does. */
const MOST = 3;

/**
 * Brings the signals that we get to the command that runs there with this mark: where it has no terminal ssh does not. `ssh`
 * itself may have got them too, and be gone.
 */
export class SignalsThere {
  readonly #way: RemoteReach;
  readonly #mark: string;
  readonly #ssh: Program;
  readonly #brought: Array<Promise<Heard | undefined>> = [];
  #first: Heard | undefined;
  /** The first one that was not to be brought any more. */
  #unsent: Heard | undefined;
  readonly #lastMs = new Map<Heard, SteadyMs>();
  /** How ssh has ended: with the command, or cut off, so that the command may only be about to begin. */
  #end: 'not' | 'with it' | 'cut off' = 'not';
  #wasFound = false;

  constructor(way: RemoteReach, mark: string, ssh: Program) {
    this.#way = way;
    this.#mark = mark;
    this.#ssh = ssh;
  }

  /** The first one that came. */
  get first(): Heard | undefined {
    return this.#first;
  }

  /** `kill`: for the ssh that runs the command. */
  readonly heard: HereOptions['onSignal'] = (signal, kill) => {
    const now = steadyNow();
    const isSame = msBetween(this.#lastMs.get(signal) ?? LONG_AGO, now) < SAME_MS;
    this.#lastMs.set(signal, now);
    if (isSame) return;
    this.#first ??= signal;
    if (this.#brought.length === MOST) {
      this.#unsent ??= signal;
      kill('SIGTERM');
      return;
    }
    const bringing = this.#bring(signal).then((isThere) => {
      if (!isThere) kill('SIGTERM');
      return isThere ? undefined : signal;
    });
    this.#brought.push(bringing);
  };

  /** That ssh has ended, by a failure of its own or a signal where `isCut`. Gives the first signal that did not get there, when that is known. */
  async untold(isCut: boolean): Promise<Heard | undefined> {
    this.#end = isCut ? 'cut off' : 'with it';
    let untold: Heard | undefined;
    // With those that come meanwhile.
    for (const bringing of this.#brought) {
      const signal = await bringing;
      untold ??= signal;
    }
    return untold ?? (isCut ? this.#unsent : undefined);
  }

  /** Whether the command has it, or there is none any more. It may not have begun yet. */
  async #bring(signal: Heard): Promise<boolean> {
    const { program, args } = signalCall(this.#way, this.#mark, signal.replace('SIG', ''), this.#ssh);
    const beganMs = steadyNow();
    for (;;) {
      const isOver = this.#end === 'with it' || this.#wasFound;
      const code = await runBeside(program, args, SIGNAL_MS - msSince(beganMs));
      this.#wasFound ||= code === 0;
      // Undefined, and early: what ended our ssh ended this one, too, before it had a session of its own. Late: nothing comes through.
      if (code !== NONE_FOUND && code !== undefined) return code === 0;
      if (isOver && (code === NONE_FOUND || this.#end === 'with it')) return true;
      if (msSince(beganMs) + AGAIN_MS > SIGNAL_MS) return false;
      await sleep(AGAIN_MS);
    }
  }
}
