import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow, wallNow } from '../clock.js';
import { EPOCH, msBetween } from '../core/clock.js';
import { type PlaceOptions, refusalOf } from '../core/place/guard.js';
import { type Look, targetAt } from '../core/place/place.js';
import type { Extra } from '../core/rsync/extras.js';
import type { There } from '../core/rsync/there.js';
import type { RsyncHere } from '../core/rsync/version.js';
import type { SshAim } from '../core/ssh/exit.js';
import { remoteCommand } from '../core/ssh/remote-command.js';
import type { Target } from '../core/target.js';
import { transportTo } from '../link/adapters.js';
import type { Connection } from '../link/transport.js';
import { aroundDir } from '../place/here.js';
import type { Programs } from '../programs.js';
import { bytesInWords, timeInWords } from '../report/words.js';
import type { Said } from '../spawn.js';
import type { SshOptions } from '../ssh/command.js';
import { askConfig } from '../ssh/config.js';
import { findUsersMaster } from '../ssh/users-master.js';
import { error, type Finding, ok, warning } from './finding.js';
import type { Tree } from './here.js';

export interface ThereOptions extends Omit<PlaceOptions, 'target' | 'here'> {
  readonly programs: Programs;
  /** Us. */
  readonly uid: number;
  readonly here: RsyncHere;
  readonly ssh: SshOptions;
  /** DIR, absolute, symlinks resolved. */
  readonly root: string;
  readonly extras: readonly Extra[];
  /** For the socket of the connection that is made for this. */
  readonly controlPath: string;
  readonly tree: Tree;
}

/** From how long on a login, and a command there, are slow, in milliseconds. */
const SLOW_LOGIN_MS = 3_000;
const SLOW_SHELL_MS = 500;

/** How long a command there may take, in milliseconds, before its shell is said to hang. */
const HANGS_MS = 20_000;

/** From how much on the clocks differ, in seconds; they are read to the second. */
const CLOCK_S = 3;

/** Less room than this is little, in bytes. */
const LITTLE_ROOM = 100_000_000;

/** What syncwatch may hold at once: two standbys, a run for small and one for large files, a command of the user's. */
const SESSIONS = 5;

/** Looks at a target without changing anything there. */
export async function lookThere(target: Target, options: ThereOptions): Promise<Finding[]> {
  const controlPath = (): string => options.controlPath;
  const transport = transportTo(target, { ...options, controlPath, report: () => {} });
  const begun = steadyNow();
  const opened = await transport.open(new AbortController().signal);
  if (!opened.ok)
    return [error('login', opened.failure.message, opened.failure.hint), ...(await ownMaster(target, options))];
  const connection = opened.value;
  if (transport.aim === undefined) return lookAtLocal(connection, target, options);
  return lookAtRemote(connection, { target, aim: transport.aim, loginMs: msSince(begun) }, options);
}

interface LoggedIn {
  readonly target: Target;
  readonly aim: SshAim;
  readonly loginMs: number;
}

async function lookAtRemote(
  connection: Connection,
  { target, aim, loginMs }: LoggedIn,
  options: ThereOptions,
): Promise<Finding[]> {
  try {
    const login =
      loginMs < SLOW_LOGIN_MS
        ? ok('login', `takes ${timeInWords(loginMs)}`)
        : warning('login', `takes ${timeInWords(loginMs)}`, `See what it waits for: ${aim.byHand} -v`);
    const shell = await lookAtShell(connection);
    if (shell.some(({ state }) => state === 'error')) return [login, ...shell];
    const probed = await aroundDir(options, () => connection.probe(options));
    const there = probed.value;
    const rsync = there.ok
      ? rsyncThere(there.value)
      : error('rsync there or its path', there.failure.message, there.failure.hint);
    return [
      login,
      ...shell,
      rsync,
      ...(there.ok ? judge(there.value, { ...options, target, here: probed.here }) : []),
      ...(await lookAtPlace(connection, target, there.ok ? there.value.look : undefined, options.tree)),
      await sessions(connection),
      ...(await ownMaster(target, options)),
    ];
  } finally {
    await connection.close();
  }
}

/** How fast the shell there runs a command, and whether it keeps quiet: rsync takes what it prints for its own. */
async function lookAtShell(connection: Connection): Promise<Finding[]> {
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const begun = steadyNow();
    const said = await Promise.race([connection.run(['true']), sleep(HANGS_MS)]);
    if (said === undefined)
      return [
        error(
          'shell there',
          `does not run a command within ${timeInWords(HANGS_MS)}`,
          'Its start files (~/.bashrc, ~/.profile) may wait for something: end them early where the shell is not interactive.',
        ),
      ];
    if (said.stdout !== '')
      return [
        error(
          'shell there',
          `prints at login, which breaks rsync: ${JSON.stringify(said.stdout.slice(0, 60))}`,
          'Silence its start files (~/.bashrc) for shells that are not interactive.',
        ),
      ];
    times.push(msSince(begun));
  }
  const [, ms = 0] = times.sort((a, b) => a - b);
  const what = `a command takes ${timeInWords(ms)} to start`;
  return [
    ms < SLOW_SHELL_MS
      ? ok('shell there', what)
      : warning(
          'shell there',
          what,
          'Its start files (~/.bashrc) are slow: end them early where it is not interactive.',
        ),
  ];
}

/** Of the path there, or else of what it will be made in; in words that every sh knows. */
const LOOK = `p=$1; [ -e "$p" ] && echo exists=1
while [ ! -d "$p" ]; do n=$(dirname -- "$p"); [ "$n" != "$p" ] || break; p=$n; done
[ -w "$p" ] && [ -x "$p" ] && echo writable=1
echo "room=$(df -Pk "$p" 2>/dev/null | tail -n 1)"
echo "inodes=$(df -Pi "$p" 2>/dev/null | tail -n 1)"
echo "now=$(date +%s)"`;

/** Its version, and what it does not take. */
function rsyncThere({ version, takes, look }: There): Finding {
  const what = version?.join('.') ?? 'of an unknown version';
  if (takes.deletions === 'none')
    return warning(
      'rsync there',
      `${what}: it takes no deletions`,
      'What is deleted here stays there. It may be rrsync with -no-del.',
    );
  const lacks = [
    ...(takes.deletions === 'rules' ? ['no marks for what is missing (it is deleted by rules)'] : []),
    ...(takes.window === -1 || (look.kind === 'place' && look.place.window !== -1)
      ? []
      : ['no --modify-window=-1 (contents are compared instead)']),
  ];
  return ok('rsync there', `${what}${lacks.length === 0 ? '' : `: it takes ${lacks.join(', ')}`}`);
}

/** What speaks against the place itself. */
function judge({ look }: There, options: PlaceOptions): Finding[] {
  const refusal = refusalOf(look, options);
  if (refusal !== undefined) return [error('place', refusal.message, refusal.hint)];
  if (look.kind !== 'unknown' || !options.isMirror) return [];
  return [warning('place', `where it is can't be seen: ${look.why}`, 'A mirror has to be confirmed on a terminal.')];
}

async function lookAtPlace(
  connection: Connection,
  target: Target,
  look: Look | undefined,
  tree: Tree,
): Promise<Finding[]> {
  const real = look === undefined ? target : targetAt(target, look);
  // Somebody else's home directory only the login shell could find.
  if (/^~[^/]/.test(real.path)) return [ok('place', 'not looked at: it is in the home directory of another user')];
  const path = real.path.replace(/^~\/?/, '').replace(/^(?=-)/, './');
  const beganMs = wallNow();
  const said = await connection.run([remoteCommand('', ['sh', '-c', LOOK, 'sh', path === '' ? '.' : path])]);
  const middleS = (msBetween(EPOCH, beganMs) + msBetween(EPOCH, wallNow())) / 2_000;
  const sayOf = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(said.stdout)?.[1];
  const exists = sayOf('exists') !== undefined;
  const [, , , freeKiB] = sayOf('room')?.split(/\s+/) ?? [];
  const [, , , freeInodes] = sayOf('inodes')?.split(/\s+/) ?? [];
  const inodes = /^\d+$/.test(freeInodes ?? '') ? Number(freeInodes) : undefined;
  return [
    place(inWords(target, real), exists, sayOf('writable') !== undefined),
    ...(freeKiB === undefined ? [] : [room(Number(freeKiB) * 1_024, inodes, exists ? 0 : tree.bytes)]),
    clock(Number(sayOf('now')) + 0.5 - middleS),
  ];
}

/** The path as it was given, and where that really is. */
const inWords = (given: Target, real: Target): string =>
  given.path === real.path ? given.path : `${given.path === '' ? '~' : given.path} (${real.path})`;

function place(path: string, exists: boolean, isWritable: boolean): Finding {
  const what = exists ? `${path} is there` : `${path} will be made`;
  if (isWritable) return ok('place', what);
  return error('place', `${what}, but it may not be written to`, 'Change its rights there, or take another path.');
}

/** `needed`: how much is sent at the start, as far as that is known, in bytes. */
function room(free: number, inodes: number | undefined, needed: number): Finding {
  const what = `${bytesInWords(free)} free`;
  const hint = 'Make room there, or leave more out.';
  if (free < needed) return error('room', `${what}, and ${bytesInWords(needed)} to send`, hint);
  // Some file systems have no limit and say 0.
  if (inodes !== undefined && inodes > 0 && inodes < 1_000) return warning('room', `only ${inodes} inodes free`, hint);
  return free - needed < LITTLE_ROOM ? warning('room', what, hint) : ok('room', what);
}

function clock(seconds: number): Finding {
  if (Number.isNaN(seconds)) return ok('clock', 'not known: date there does not say');
  const ms = Math.abs(seconds) * 1_000;
  if (ms < CLOCK_S * 1_000) return ok('clock', 'the same there as here');
  return warning(
    'clock',
    `${timeInWords(ms)} ${seconds > 0 ? 'ahead' : 'behind'} there`,
    'Nothing is lost by it, but make and its like compare times: set both clocks by NTP.',
  );
}

/** Whether sshd there lets as many sessions into one connection as there may be. */
async function sessions(connection: Connection): Promise<Finding> {
  const tried = await Promise.all(Array.from({ length: SESSIONS }, () => connection.run(['sleep', '1'])));
  const allowed = tried.filter(({ ended }: Said) => ended.kind === 'exited' && ended.code === 0).length;
  const what = `${allowed < SESSIONS ? `only ${allowed}` : `${SESSIONS} and more`} at once over one connection`;
  if (allowed >= SESSIONS) return ok('sessions', what);
  return warning(
    'sessions',
    what,
    `syncwatch makes do with less, but is slower: set MaxSessions 10 in sshd_config there (${SESSIONS} are used).`,
  );
}

/** An ssh connection that the user has opened by hand, or would, and whether it is used. */
async function ownMaster(target: Target, { programs, ssh, uid }: ThereOptions): Promise<Finding[]> {
  if (target.kind !== 'remote') return [];
  const config = await askConfig(programs, target, ssh);
  if (!config.ok) return [ok('own master', 'none: syncwatch has its own connection')];
  const found = await findUsersMaster({ programs, target, ssh, config: config.value, uid });
  switch (found.kind) {
    case 'none':
      return [ok('own master', 'none: syncwatch has its own connection')];
    case 'setUp':
      return [ok('own master', `set up but not running (${found.path}): syncwatch logs in by itself`)];
    case 'unfit':
      return [
        warning('own master', `the one at ${found.path} is not used: ${found.why}`, 'syncwatch logs in by itself.'),
      ];
    case 'there':
      return [
        ok(
          'own master',
          ssh.ownMaster
            ? `one is running (${found.path}): with --own-master syncwatch leaves it alone and logs in by itself`
            : `one is running (${found.path}): syncwatch goes through it, without a login of its own`,
        ),
      ];
  }
}

async function lookAtLocal(connection: Connection, target: Target, options: ThereOptions): Promise<Finding[]> {
  const { path } = target;
  const { value: there, here } = await aroundDir(options, () => connection.probe(options));
  if (!there.ok) return [error('place', there.failure.message, there.failure.hint)];
  const { exists } = there.value;
  const at = existsSync(path) ? path : dirname(path);
  let isWritable = true;
  try {
    accessSync(at, constants.W_OK | constants.X_OK);
  } catch {
    isWritable = false;
  }
  const { bavail, bsize, ffree, files } = statfsSync(at);
  return [
    ...judge(there.value, { ...options, target, here }),
    place(path, exists, isWritable),
    room(bavail * bsize, files === 0 ? undefined : ffree, exists ? 0 : options.tree.bytes),
  ];
}
