import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';

/** Where syncwatch keeps things, from the environment of the user who runs it. */
export interface Surroundings {
  readonly home: string;
  readonly uid: number;
  /** `$XDG_RUNTIME_DIR`, where set. */
  readonly runtimeDir: string | undefined;
  /** `$XDG_STATE_HOME`, where set. */
  readonly stateHome: string | undefined;
  readonly tmpDir: string;
  /** `$XDG_CONFIG_HOME`, by default `~/.config`. */
  readonly configHome: string;
}

/** The longest control path that ssh takes: 104 bytes of a socket address less ssh's temporary suffix (macOS: 86). */
const LONGEST_CONTROL_PATH = 86;

/**
 * The folder for sockets: ours alone (0700), short, gone at the next boot. `$XDG_RUNTIME_DIR/syncwatch`, or
 * `/tmp/syncwatch-UID` where there is none or its path is too long.
 */
export function runtimeFolder(around: Surroundings): Result<string> {
  let why: Failure | undefined;
  for (const folder of runtimeFolders(around)) {
    if (folder.length + '/0123456789abcdef.ssh'.length > LONGEST_CONTROL_PATH) continue;
    const made = ownFolder(folder, around.uid);
    if (made === undefined) return success(folder);
    why = made;
  }
  return failed(
    why ?? { kind: 'start', message: 'no folder with a short enough path for sockets', hint: 'Set XDG_RUNTIME_DIR.' },
  );
}

/** Where a runtime folder may be, the first choice first: another shell may not know the same environment. */
export const runtimeFolders = (around: Surroundings): string[] => [
  ...(around.runtimeDir === undefined ? [] : [join(around.runtimeDir, 'syncwatch')]),
  join(around.tmpDir, `syncwatch-${around.uid}`),
  `/tmp/syncwatch-${around.uid}`,
];

/** The folder for what is kept between runs: `$XDG_STATE_HOME/syncwatch`, by default `~/.local/state/syncwatch`. */
export function stateFolder(around: Surroundings): Result<string> {
  const folder = join(around.stateHome ?? join(around.home, '.local', 'state'), 'syncwatch');
  const made = ownFolder(folder, around.uid);
  return made === undefined ? success(folder) : failed(made);
}

/** A folder in the runtime folder for the watcher's signs of life, symlinks resolved, empty. */
export function beatFolder(runtime: string, key: string): string {
  const folder = join(realpathSync(runtime), `${key}.beat`);
  rmSync(folder, { recursive: true, force: true }); // of a killed one
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

function ownFolder(folder: string, uid: number): Failure | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = lstatSync(folder);
    if (stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0) return undefined;
    return {
      kind: 'start',
      message: `${folder} is not a folder of yours alone`,
      hint: `Remove it, or: chmod 700 ${folder}`,
    };
  } catch (error) {
    return {
      kind: 'start',
      message: `can't make ${folder}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** A short name for one DIR and target, for file names. */
export const keyOf = (root: string, target: string): string =>
  createHash('sha256').update(`${root}\0${target}`).digest('hex').slice(0, 16);
