import { homedir, tmpdir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';

/** The user's home. From the user database where HOME is no absolute path: it would be in the working directory. */
export const userHome = (): string => (isAbsolute(homedir()) ? homedir() : userInfo().homedir);

/** Where temporary things go; a TMPDIR that is no absolute path does not count. */
export const temporaryFolder = (): string => (isAbsolute(tmpdir()) ? tmpdir() : '/tmp');
