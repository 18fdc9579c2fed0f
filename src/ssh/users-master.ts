import { lstatSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../core/failure.js';
import { hostFrom } from '../core/place/place.js';
import { sessionFrom } from '../core/reach.js';
import type { RemoteTarget } from '../core/target.js';
import type { Programs } from '../programs.js';
import { stampOf } from '../scan/stamp.js';
import { whySocketOfOthers } from '../state/ours.js';
import {
  answers,
  argsOf,
  type Client,
  type Master,
  PATIENCE,
  type Patience,
  runThrough,
  startThrough,
} from './client.js';
import { commandForRsync, type SshOptions, valueIn } from './command.js';
import { askConfig } from './config.js';

/** How often the other side is asked for a sign of life, and how long that may take, in milliseconds: their ssh need not do so. */
const ALIVE_MS = 15_000;
const ALIVE_WITHIN_MS = 12_000;

/** A host that there is not (RFC 2606), to see what the config says of any other. */
const OTHER_HOST = 'another.invalid';

export interface UsersMasterOptions {
  readonly programs: Programs;
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  /** What `ssh -G` says of the target. */
  readonly config: string;
  /** Us. */
  readonly uid: number;
  readonly patience?: Patience | undefined;
  /** How long each question to ssh here may take, in milliseconds. */
  readonly withinMs?: number;
}

/** Whether the user has a master of their own for a target: `set up` is one that the config speaks of, and that is not there. */
export type UsersMaster =
  | { readonly kind: 'none' }
  | { readonly kind: 'setUp'; readonly path: string }
  /** There is something, but it is not to be trusted; `why` goes on "the ssh connection at PATH is not used: …". */
  | { readonly kind: 'unfit'; readonly path: string; readonly why: string }
  | { readonly kind: 'there'; readonly path: string; readonly client: Client };

/**
 * Looks for a master that the user has opened, where their config says (`ControlPath`): it lives, belongs to them, nobody else can
 * put another in its place, and that path is this host's and this login's alone. Nothing is done to it.
 */
export async function findUsersMaster(options: UsersMasterOptions): Promise<UsersMaster> {
  const { programs, target, ssh, config, uid, withinMs } = options;
  const given = valueIn(config, 'controlpath');
  const program = programs.ssh;
  if (given === undefined || given === 'none' || program.file === undefined) return { kind: 'none' };
  const path = realSocket(given);
  if (path === undefined) return { kind: 'setUp', path: given };
  const unfit = (why: string): UsersMaster => ({ kind: 'unfit', path: given, why });
  const why = whySocketOfOthers(path, uid);
  if (why !== undefined) return unfit(why);
  const client: Client = { program, target, ssh, controlPath: path, config, whose: 'users' };
  if (!(await answers(client, withinMs))) return { kind: 'setUp', path: given };
  const said = async (of: RemoteTarget, by: SshOptions): Promise<string> => {
    const asked = await askConfig(programs, of, by, withinMs);
    return asked.ok ? asked.value : '';
  };
  const [another, plain] = await Promise.all([
    said({ ...target, host: OTHER_HOST }, ssh),
    said({ ...target, user: undefined }, { ...ssh, port: undefined }),
  ]);
  const advice = `(ControlPath with %C in it is one for each)`;
  if (valueIn(another, 'controlpath') === given)
    return unfit(`other hosts have the same ControlPath, so it may lead to any of them ${advice}`);
  if (
    valueIn(plain, 'controlpath') === given &&
    ['user', 'hostname', 'port'].some((key) => differs(plain, config, key))
  )
    return unfit(`other logins on ${target.host} have the same ControlPath ${advice}`);
  return { kind: 'there', path: given, client };
}

const differs = (a: string, b: string, key: string): boolean => valueIn(a, key) !== valueIn(b, key);

/** Where a socket really is, where there is one. */
function realSocket(path: string): string | undefined {
  try {
    const real = join(realpathSync(dirname(path)), basename(path));
    return lstatSync(real).isSocket() ? real : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Goes through a master that {@link findUsersMaster} has found, without a login. Closed, or given up, it goes on as before: only what
 * we have started through it ends.
 */
export function rideOn(client: Client, patience: Patience = PATIENCE): Master {
  const { controlPath, config, target } = client;
  const stamp = stampOf(controlPath);
  let isOver = false;
  let tellLost: (why: Failure) => void = () => {};
  const lost = new Promise<Failure>((resolve) => {
    tellLost = resolve;
  });
  // Nothing is said through it: it takes no session there, and ends when the master does.
  const watching = connect(controlPath);
  const finish = (message?: string): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(asking);
    watching.destroy();
    if (message !== undefined)
      tellLost({ kind: 'connection', message, hint: 'syncwatch logs in by itself now, as it does without one.' });
  };
  watching.on('error', () => {}); // what follows is `close`
  watching.on('close', () => finish(`your own ssh connection to ${target.host} has ended`));
  watching.resume();
  const prove = async (withinMs: number): Promise<void> => {
    const answer = await Promise.race([runThrough(client, patience, ['true']), sleep(withinMs)]);
    if (answer === undefined) finish(`your own ssh connection to ${target.host} does not answer any more`);
  };
  const asking = setInterval(() => void prove(ALIVE_WITHIN_MS), ALIVE_MS);
  return {
    session: sessionFrom(config),
    host: hostFrom(config, target),
    clientForRsync: commandForRsync(client.program, argsOf(client)),
    patience,
    controlPath,
    isReachable: () => stampOf(controlPath) === stamp,
    lost,
    start: (words) => startThrough(client, words),
    run: (words, input) => runThrough(client, patience, words, input),
    prove,
    close: async () => finish(),
  };
}
