import { mkdtempSync, rmSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { geteuid, kill, pid } from 'node:process';
import { wallNow } from './clock.js';
import { msBetween, wallMs } from './core/clock.js';
import { errnoOf, type Failure, failed, type Result, success } from './core/failure.js';
import { type TEMPORARY, TEMPORARY_TOO } from './state/folders.js';
import { isWayOurs } from './state/ours.js';

/** Whom what we make belongs to. Not from the user database, which need not have everybody. */
export const ownUid = (): number => geteuid?.() ?? userInfo().uid;

/** What this user is called; a number where the user database has no name. */
export function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

/**
 * The user's home. From the user database where HOME is no absolute path: it would be in the working directory. Who is not in there
 * either (a number without a name, in a container) has `/`, as Docker has it.
 */
export function userHome(): string {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : userInfo().homedir;
  } catch {
    return '/';
  }
}

/** A path on this machine as a shell would have it. */
export const expandHome = (path: string): string => (path.startsWith('~/') ? userHome() + path.slice(1) : path);

/** Where temporary things go. A TMPDIR that is no absolute path does not count, nor one in which others decide what is there. */
export function temporaryFolder(): string {
  const folder = tmpdir();
  return isAbsolute(folder) && isWayOurs(join(folder, 'x'), ownUid()) ? folder : '/tmp';
}

/** Where folders may be that are made for a moment. */
export const temporaryPlaces = (): ReadonlySet<string> => new Set([temporaryFolder(), ...TEMPORARY_TOO]);

/** Makes a folder for a moment, with what `fill` puts into it. Fails where no place takes it. */
export function makeTemporary(
  prefix: (typeof TEMPORARY)[number],
  fill: (folder: string) => void = () => {},
): Result<string> {
  const why: string[] = [];
  for (const place of temporaryPlaces()) {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(join(place, `${prefix}${pid}-`));
      fill(folder);
      return success(folder);
    } catch (error) {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      why.push(`${place}: ${errnoOf(error)}`);
    }
  }
  return failed(noPlace(why));
}

/** After so long nothing reads an empty folder any more, in milliseconds: not the rsync of one that was killed, nor one whose pid means nothing here. */
const LEFT_MS = 600_000;

const EMPTY = 'syncwatch-empty-' satisfies (typeof TEMPORARY)[number];

/** Removes the empty folders of ours that a syncwatch which was killed has left there. */
export async function removeLeft(places: Iterable<string>): Promise<void> {
  for (const place of places) {
    const names = await readdir(place).catch(() => []);
    for (const name of names) {
      const owner = name.startsWith(EMPTY) ? /^(\d+)-\w{6}$/.exec(name.slice(EMPTY.length))?.[1] : undefined;
      if (owner === undefined || isRunning(Number(owner))) continue;
      const folder = join(place, name);
      if (await isLeft(folder)) await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  }
}

/** Nobody but us can have put anything into it, or another one in its place. */
async function isLeft(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined);
  if (stats?.isDirectory() !== true || stats.uid !== ownUid() || (stats.mode & 0o777) !== 0o700) return false;
  return isWayOurs(folder, ownUid()) && msBetween(wallMs(stats.mtimeMs), wallNow()) > LEFT_MS;
}

function isRunning(id: number): boolean {
  try {
    return kill(id, 0);
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

const noPlace = (why: readonly string[]): Failure => ({
  kind: 'start',
  message: `no folder takes what is temporary (${why.join(', ')})`,
  hint: 'Set TMPDIR to one that you may write to.',
});
