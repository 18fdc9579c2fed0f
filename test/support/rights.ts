import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';

/**
 * A command prefix under which even root may not read or write what file modes forbid, so that tests of permission
 * errors run as root too. Empty for other users.
 */
export function withoutOverride(): string[] {
  if (userInfo().uid !== 0 || process.platform !== 'linux') return [];
  const caps = '-dac_override,-dac_read_search';
  return ['setpriv', `--inh-caps=${caps}`, `--bounding-set=${caps}`];
}

/**
 * Makes a file unchangeable for everyone (`chattr +i`), which rsync can't repair as it does a mode. False where that
 * is not to be had: without root, or on a file system that does not know it.
 */
export function setImmutable(path: string, on: boolean): boolean {
  const command = ['chattr', on ? '+i' : '-i', path];
  const [file = '', ...args] = userInfo().uid === 0 ? command : ['sudo', '-n', ...command];
  return spawnSync(file, args, { stdio: 'ignore' }).status === 0;
}
