import { randomBytes } from 'node:crypto';
import { readOwn, writeOwn } from './own-file.js';

/**
 * A random word that stands for this user on this machine, kept in a file of the state folder: machines may have the same name, and
 * users the same number. Where it can't be kept it is another one each time.
 */
export function machineId(path: string, uid: number): string {
  const known = read(path, uid);
  if (known !== undefined) return known;
  const id = randomBytes(16).toString('hex');
  try {
    writeOwn(path, `${id}\n`);
  } catch {
    // for this time only
  }
  return id;
}

function read(path: string, uid: number): string | undefined {
  try {
    const text = readOwn(path, uid)?.toString('latin1').trim() ?? '';
    return /^[0-9a-f]{32}$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
