import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type RemoteReach, sessionFrom } from '../core/reach.js';
import { remoteCommand } from '../core/ssh/remote-command.js';
import type { RemoteTarget } from '../core/target.js';
import type { Programs } from '../programs.js';
import { say } from '../spawn.js';
import { type SshOptions, sessionArgs } from '../ssh/command.js';
import { askConfig } from '../ssh/config.js';
import { findUsersMaster } from '../ssh/users-master.js';

/** How long each question to ssh may take where somebody waits at a key, in milliseconds. */
const PEEK_MS = 2_000;

/** For a look at what is there, nothing of the user's goes along. */
const BARE = sessionFrom('escapechar none');

/** The directories in the directory `folder` there, through a connection that is open already: without one it fails at once. */
export async function directoriesThere(
  way: Omit<RemoteReach, 'session'>,
  folder: string,
  { ssh }: Pick<Programs, 'ssh'>,
): Promise<readonly string[]> {
  if (ssh.file === undefined) return [];
  const command = remoteCommand(folder, ['ls', '-1ap']);
  const args = sessionArgs({ ...way, session: BARE }, { isTerminal: false, isQuiet: false }, command);
  const { ended, stdout } = await say(ssh, args, { ownSession: true, patienceMs: PEEK_MS });
  if (ended.kind !== 'exited' || ended.code !== 0) return [];
  return stdout.split('\n').filter((name) => name.endsWith('/') && !/^\.\.?\/$/.test(name) && !name.includes('\ufffd'));
}

export interface PeekOptions {
  readonly programs: Programs;
  readonly target: RemoteTarget;
  readonly ssh: SshOptions;
  readonly uid: number;
  readonly home: string;
  /** What the user's config says of `ControlPath`, as it is written. */
  readonly controlPaths: readonly string[];
}

/** A connection that the user has opened by hand, where it may be trusted. ssh is not started where there is no socket for one. */
export async function wayOfUser(options: PeekOptions): Promise<Omit<RemoteReach, 'session'> | undefined> {
  const { programs, target, ssh, uid, controlPaths, home } = options;
  if (!controlPaths.some((path) => hasSocket(path, home))) return undefined;
  const config = await askConfig(programs, target, ssh, PEEK_MS);
  if (!config.ok) return undefined;
  const found = await findUsersMaster({ programs, target, ssh, config: config.value, uid, withinMs: PEEK_MS });
  if (found.kind !== 'there') return undefined;
  const { host, user, path } = target;
  return { kind: 'remote', host, user, path, controlPath: found.client.controlPath };
}

/** Whether there is any socket where a `ControlPath` may be: in its folder, or as far as that has no tokens (`%h`). */
function hasSocket(path: string, home: string): boolean {
  let folder = dirname(path.replace(/^~(?=\/)|%d|\$\{HOME\}/g, home));
  while (/[%$]/.test(folder)) folder = dirname(folder);
  try {
    return folder.startsWith('/') && readdirSync(folder).some((name) => isSocketOrFolder(join(folder, name), path));
  } catch {
    return false;
  }
}

/** A folder may hold it where the way to it has tokens. */
function isSocketOrFolder(path: string, pattern: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isSocket() === true || (stats?.isDirectory() === true && /%[^d].*\//.test(pattern));
}
