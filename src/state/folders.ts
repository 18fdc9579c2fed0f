import { Buffer } from 'node:buffer';
import { existsSync, lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { isWayOurs, standingOf, whyNotMade } from './ours.js';
import { makeShortFolder, shortFolders } from './short-folder.js';

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

/** The longest control path that ssh takes, in bytes: 104 of a socket address less ssh's temporary suffix (macOS: 86). */
const LONGEST_CONTROL_PATH = 86;

/** What goes into a runtime folder: {@link keyOf} and what it is. */
const LONGEST_NAME = '/0123456789abcdef.sock';

/**
 * The folder for sockets, made where it is missing: ours alone (0700), short, gone at the next boot. `$XDG_RUNTIME_DIR/syncwatch`,
 * or `/tmp/syncwatch-UID` where there is none or its path is too long. What somebody else has made there, or could, is as if not
 * there: then it is `run` in the state folder, and last a folder in /tmp of which the state folder has the name.
 */
export function runtimeFolder(around: Surroundings): Result<string> {
  const state = stateFolder(around);
  const why: string[] = [];
  for (const folder of fixedFolders(around)) {
    const unfit = whyUnfit(folder) ?? whyNotMade(folder, around.uid);
    if (unfit === undefined) return success(folder);
    why.push(unfit);
  }
  const short = state.ok ? makeShortFolder(state.value, around.uid) : undefined;
  if (short !== undefined) return success(short);
  return failed({
    kind: 'start',
    message: `there is no folder for sockets that is yours alone: ${why.join('; ')}`,
    hint: 'Set XDG_RUNTIME_DIR to one (chmod 700), with a short path.',
  });
}

/** Where a runtime folder may be: another shell may not know the same environment. */
export const runtimeFolders = (around: Surroundings): string[] => [
  ...fixedFolders(around),
  ...shortFolders(statePath(around)),
];

/** The folders that {@link runtimeFolder} passes over because of what somebody has made there, each with why, for people. */
export function takenFolders(around: Surroundings): string[] {
  const taken: string[] = [];
  for (const folder of fixedFolders(around)) {
    if (whyUnfit(folder) !== undefined || !isWayOurs(folder, around.uid)) continue;
    const standing = standingOf(folder, around.uid);
    if (standing.kind !== 'foreign') break;
    taken.push(standing.why);
  }
  return taken;
}

/** The first choice first. */
const fixedFolders = (around: Surroundings): string[] => [
  ...(around.runtimeDir === undefined ? [] : [join(around.runtimeDir, 'syncwatch')]),
  ...new Set([join(around.tmpDir, `syncwatch-${around.uid}`), `/tmp/syncwatch-${around.uid}`]),
  join(statePath(around), 'run'),
];

/** What the names of folders begin with that are made for a moment. */
export const TEMPORARY = ['syncwatch-hook-', 'syncwatch-empty-'] as const;

/** Where they may be too, if the folder for what is temporary takes nothing: it is full, or not ours to write to. */
export const TEMPORARY_TOO = ['/tmp', '/var/tmp'] as const;

/** What their paths begin with. */
export const temporaryBeginnings = ({ tmpDir }: Surroundings): string[] =>
  [...new Set([tmpDir, realOf(tmpDir), ...TEMPORARY_TOO])].flatMap((place) =>
    TEMPORARY.map((base) => join(place, base)),
  );

/** All folders that may be syncwatch's own, symlinks resolved as far as they are there. */
export const ownFolders = (around: Surroundings): string[] => [
  ...new Set([statePath(around), ...runtimeFolders(around)].flatMap((folder) => [folder, realOf(folder)])),
];

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realOf(dirname(path)), basename(path));
  }
}

/** ssh takes a path for its sockets in so many bytes, and reads `%`, `$`, quotes and spaces in it (ssh_config(5)). */
function whyUnfit(folder: string): string | undefined {
  if (!/^[\w@+=:,./-]+$/.test(folder)) return `ssh can't have its sockets in ${folder}`;
  const isShort = Buffer.byteLength(folder + LONGEST_NAME) <= LONGEST_CONTROL_PATH;
  return isShort ? undefined : `${folder} is too long`;
}

const statePath = ({ stateHome, home }: Surroundings): string =>
  join(stateHome ?? join(home, '.local', 'state'), 'syncwatch');

/** The folder for what is kept between runs: `$XDG_STATE_HOME/syncwatch`, by default `~/.local/state/syncwatch`. */
export function stateFolder(around: Surroundings): Result<string> {
  const folder = statePath(around);
  const made = ownFolder(folder, around.uid);
  return made === undefined ? success(folder) : failed(made);
}

/** A folder in the runtime folder for the watcher's signs of life, symlinks resolved, made where it is missing. */
export function beatFolder(runtime: string, key: string): string {
  const folder = beatPath(runtime, key);
  makeFolders(folder);
  return folder;
}

/** It goes, with all that is in it. */
export function removeBeatFolder(runtime: string, key: string): void {
  try {
    rmSync(beatPath(runtime, key), { recursive: true, force: true });
  } catch {
    // the runtime folder itself is gone
  }
}

const beatPath = (runtime: string, key: string): string => join(realpathSync(runtime), `${key}.beat`);

/**
 * Makes a folder and what it is in. One after the other, because Node's own `recursive` (20.20) never ends where a directory
 * that is there says that what should be made in it is not (`/proc`).
 */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolders(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

function ownFolder(folder: string, uid: number): Failure | undefined {
  try {
    makeFolders(folder);
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
      hint: 'Set XDG_STATE_HOME to a directory that you may write to.',
    };
  }
}
