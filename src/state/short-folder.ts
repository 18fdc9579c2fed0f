import { mkdtempSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { linkAt } from '../way.js';
import { isWayOurs, whyNotMade } from './ours.js';

/** Where a path is short everywhere. */
const SHORT = '/tmp/syncwatch-';

/** Their names are numbered, and never more than these: one is added when somebody has taken the last one's place. */
const MOST = 100;

/**
 * Runtime folders of last resort: in /tmp, under names that nobody can have guessed, which the state folder `state` has. They are
 * written as links that lead there (nobody goes by them: where they lead is looked at as any other folder), because a link is
 * made whole or not at all, and never over another one: all of ours agree on the last.
 */
export function shortFolders(state: string): string[] {
  const found: string[] = [];
  for (let n = 1; n <= MOST; n++) {
    const folder = folderAt(nameIn(state, n));
    if (folder === undefined) break;
    found.push(folder);
  }
  return found;
}

/** The last of them, or a new one where that is no longer ours; undefined where none can be made. `uid`: us. */
export function makeShortFolder(state: string, uid: number): string | undefined {
  if (!isWayOurs(SHORT, uid)) return undefined;
  for (let n = 1; n <= MOST; n++) {
    const folder = folderAt(nameIn(state, n)) ?? madeFor(nameIn(state, n), uid);
    if (folder === undefined) return undefined;
    if (folderAt(nameIn(state, n + 1)) === undefined && whyNotMade(folder, uid) === undefined) return folder;
  }
  return undefined;
}

/** Another of ours may be faster: then it is that one's. */
function madeFor(link: string, uid: number): string | undefined {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(`${SHORT}${uid}-`); // 0700
    symlinkSync(folder, link);
    return folder;
  } catch {
    if (folder !== undefined) rmdirSync(folder);
    return folderAt(link);
  }
}

const nameIn = (state: string, n: number): string => join(state, `run.${n}`);

function folderAt(link: string): string | undefined {
  const folder = linkAt(link);
  return folder?.startsWith(SHORT) === true ? folder : undefined;
}
