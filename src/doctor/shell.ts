import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow } from '../clock.js';
import type { Connection } from '../link/transport.js';
import { timeInWords } from '../report/words.js';
import { error, type Finding, ok, warning } from './finding.js';

/** From how long on a command there is slow, in milliseconds. */
const SLOW_SHELL_MS = 500;

/** How long a command there may take, in milliseconds, before its shell is said to hang. */
export const HANGS_MS = 20_000;

/** What syncwatch may hold at once: three standbys, a run for small and one for large files, a command of the user's. */
const SESSIONS = 6;

/** How fast the shell there runs a command, and whether it keeps quiet: rsync takes what it prints for its own. */
export async function lookAtShell(connection: Pick<Connection, 'run'>): Promise<Finding[]> {
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const begun = steadyNow();
    const said = await Promise.race([connection.run(['true']), sleep(HANGS_MS)]);
    if (said === undefined)
      return [
        error(
          'shell there',
          `does not run a command within ${timeInWords(HANGS_MS)}`,
          'Its start files (~/.bashrc, ~/.profile) may wait for something: end them early where the shell is not interactive.',
        ),
      ];
    if (said.stdout !== '')
      return [
        error(
          'shell there',
          `prints at login, which breaks rsync: ${JSON.stringify(said.stdout.slice(0, 60))}`,
          'Silence its start files (~/.bashrc) for shells that are not interactive.',
        ),
      ];
    times.push(msSince(begun));
  }
  const [, ms = 0] = times.sort((a, b) => a - b);
  const what = `a command takes ${timeInWords(ms)} to start`;
  return [
    ms < SLOW_SHELL_MS
      ? ok('shell there', what)
      : warning(
          'shell there',
          what,
          'Its start files (~/.bashrc) are slow: end them early where it is not interactive.',
        ),
  ];
}

/** Whether sshd there lets as many sessions into one connection as there may be. */
export async function sessions(connection: Pick<Connection, 'run'>): Promise<Finding> {
  const tried = await Promise.all(Array.from({ length: SESSIONS }, () => connection.run(['sleep', '1'])));
  const allowed = tried.filter(({ ended }) => ended.kind === 'exited' && ended.code === 0).length;
  const what = `${allowed < SESSIONS ? `only ${allowed}` : `${SESSIONS} and more`} at once over one connection`;
  if (allowed >= SESSIONS) return ok('sessions', what);
  return warning(
    'sessions',
    what,
    `syncwatch makes do with less, but is slower: set MaxSessions 10 in sshd_config there (${SESSIONS} are used).`,
  );
}
