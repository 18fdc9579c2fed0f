import { fstatSync, readlinkSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Environment } from './core/environment.js';
import type { Io, OwnStream } from './io.js';
import { findPrograms, type LookUp } from './programs.js';
import type { Surroundings } from './state/folders.js';
import { ownUid, temporaryFolder, userHome } from './user-folders.js';

/** XDG base directory specification: an empty or relative path counts as not set. */
function folderFrom(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** All that is known of the user and the machine. `env`: of this process. */
export const surroundings = (env: Environment): Surroundings => ({
  home: userHome(),
  uid: ownUid(),
  runtimeDir: folderFrom(env['XDG_RUNTIME_DIR']),
  stateHome: folderFrom(env['XDG_STATE_HOME']),
  tmpDir: temporaryFolder(),
  configHome: folderFrom(env['XDG_CONFIG_HOME']) ?? join(userHome(), '.config'),
});

/** What programs are looked up by. */
export const lookUpBy = ({ env, execPath }: Pick<NodeJS.Process, 'env' | 'execPath'>): LookUp => ({
  env,
  home: userHome(),
  nodePath: execPath,
});

/** What syncing needs of this process. */
export const worldOf = (
  own: Pick<NodeJS.Process, 'env' | 'execPath' | 'pid' | 'cpuUsage'>,
): Omit<Io, 'report' | 'keys' | 'confirm' | 'signals'> => ({
  around: surroundings(own.env),
  programs: (root) => findPrograms(lookUpBy(own), root),
  pid: own.pid,
  cpuMs: () => {
    const { user, system } = own.cpuUsage();
    return (user + system) / 1_000;
  },
  streams: ownStreams(),
});

/** Where stdout and stderr go, if those are files: a shell's `> sync.log`, nohup's. */
function ownStreams(): OwnStream[] {
  return [1, 2].flatMap((fd) => {
    try {
      const stats = fstatSync(fd, { bigint: true });
      return stats.isFile() ? [{ identity: `${stats.dev}:${stats.ino}`, path: pathOf(fd) }] : [];
    } catch {
      return []; // closed
    }
  });
}

/** Where it was opened (Linux). */
function pathOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
