import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { geteuid } from 'node:process';
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

/** Makes a folder for a moment, with what `fill` puts into it. Fails where no place takes it. */
export function makeTemporary(
  prefix: (typeof TEMPORARY)[number],
  fill: (folder: string) => void = () => {},
): Result<string> {
  const why: string[] = [];
  for (const place of new Set([temporaryFolder(), ...TEMPORARY_TOO])) {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(join(place, prefix));
      fill(folder);
      return success(folder);
    } catch (error) {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      why.push(`${place}: ${errnoOf(error)}`);
    }
  }
  return failed(noPlace(why));
}

const noPlace = (why: readonly string[]): Failure => ({
  kind: 'start',
  message: `no folder takes what is temporary (${why.join(', ')})`,
  hint: 'Set TMPDIR to one that you may write to.',
});
