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
