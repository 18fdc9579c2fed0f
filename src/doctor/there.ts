import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { msSince, steadyNow } from '../clock.js';
import { type PlaceOptions, refusalOf } from '../core/place/guard.js';
import type { Extra } from '../core/rsync/extras.js';
import type { There } from '../core/rsync/there.js';
import type { RsyncHere } from '../core/rsync/version.js';
import type { SshAim } from '../core/ssh/exit.js';
import type { Target } from '../core/target.js';
import { transportTo } from '../link/adapters.js';
import type { Connection } from '../link/transport.js';
import { aroundDir } from '../place/here.js';
import type { Programs } from '../programs.js';
import { timeInWords } from '../report/words.js';
import type { SshOptions } from '../ssh/command.js';
import { askConfig } from '../ssh/config.js';
import { findUsersMaster } from '../ssh/users-master.js';
import { error, type Finding, ok, warning } from './finding.js';
import type { Tree } from './here.js';
import { lookAtPlace, place, room } from './room.js';
import { lookAtShell, sessions } from './shell.js';

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

/** From how long on a login is slow, in milliseconds. */
const SLOW_LOGIN_MS = 3_000;

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

/** The same through a connection; closes that. */
export async function lookAtRemote(
  connection: Pick<Connection, 'run' | 'probe' | 'close'>,
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
      ...(await lookAtPlace(connection, target, there.ok ? there.value.look : undefined, options.tree, there.ok)),
      await sessions(connection),
      ...(await ownMaster(target, options)),
    ];
  } finally {
    await connection.close();
  }
}

/** Its version, and what it does not take. */
export function rsyncThere({ version, takes, look }: There): Finding {
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
