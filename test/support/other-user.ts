import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { userInfo } from 'node:os';
import { onTestFinished } from 'vitest';

/** An unprivileged user who is not us: nobody's number everywhere that we know. */
export const OTHER_UID = 65_534;

const { uid, gid } = userInfo();

/** A command prefix for what only root may do; the environment stays. */
const AS_ROOT: readonly string[] = uid === 0 ? [] : ['sudo', '-nE'];

const become = (user: number, group: number): string[] => [
  ...AS_ROOT,
  ...['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups'],
];

/**
 * A command prefix under which root is an ordinary user, the other one: may write only where they may, and start only so much. They may
 * read everything: this clone may be in a folder of root's alone (`mktemp -d`).
 */
export const asOrdinary: readonly string[] =
  uid === 0 ? [...become(OTHER_UID, OTHER_UID), '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'] : [];

/** Runs a program as the other user. */
export function asOther(file: string, ...args: readonly string[]): void {
  const [first = '', ...more] = [...become(OTHER_UID, OTHER_UID), file, ...args];
  execFileSync(first, more, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' });
}

/** Makes a file, a directory or a link the other user's, until the test has finished. */
export function giveAway(path: string): void {
  own(path, OTHER_UID, OTHER_UID);
  onTestFinished(() => takeBack(path));
}

/** Makes it ours, where it still is. */
export function takeBack(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) own(path, uid, gid);
}

function own(path: string, user: number, group: number): void {
  const [file = '', ...args] = [...AS_ROOT, 'chown', '-h', `${user}:${group}`, path];
  execFileSync(file, args);
}

/**
 * A command prefix under which the directory `at` is the directory `instead`, for what is started so and for nobody else. Linux.
 */
export const withInstead = (at: string, instead: string): string[] => [
  ...AS_ROOT,
  ...['unshare', '--mount', 'sh', '-c', 'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh', instead, at],
  ...(uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups']),
];

/**
 * A command prefix under which we are in no user database, as in a container that is run under some number. Linux. root may have
 * a name without any database.
 */
export const withoutName: readonly string[] =
  uid === 0
    ? ['unshare', '--user', '--map-user=12345', '--map-group=12345']
    : [
        ...['sudo', '-nE', 'unshare', '--mount', 'sh', '-c', 'mount --bind /dev/null /etc/passwd && exec "$@"', 'sh'],
        ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'],
      ];
