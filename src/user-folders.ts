import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isWayOurs } from './state/ours.js';

/** The user's home. From the user database where HOME is no absolute path: it would be in the working directory. */
export const userHome = (): string => (isAbsolute(homedir()) ? homedir() : userInfo().homedir);

/** Where temporary things go. A TMPDIR that is no absolute path does not count, nor one in which others decide what is there. */
export function temporaryFolder(): string {
  const folder = tmpdir();
  return isAbsolute(folder) && isWayOurs(join(folder, 'x'), ownUid()) ? folder : '/tmp';
}

/** Not everybody is in the user database; nothing belongs to nobody. */
function ownUid(): number {
  try {
    return userInfo().uid;
  } catch {
    return -1;
  }
}
