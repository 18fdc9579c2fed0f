import { readFileSync } from 'node:fs';
import type { Failure } from '../core/failure.js';

/** Whether a path that is too long is what a subscription failed of. */
export const isPathTooLong = (message: string): boolean => /File name too long/.test(message);

/** Why a subscription failed, by what @parcel/watcher said. `directories`: how many there are in `root`. */
export function whyNotWatched(message: string, root: string, directories: number): Failure {
  if (/No space left on device|ENOSPC/.test(message)) return watchLimit(root, directories);
  if (isPathTooLong(message))
    return {
      kind: 'start',
      message: `a path in ${root} is too long to be watched, and with it the rest can't be either`,
      hint: 'Until it is shorter or excluded, changes are found by looking at everything again and again.',
      isPassing: true,
    };
  if (/EMFILE|too many open files/i.test(message))
    return {
      kind: 'start',
      message: `all inotify instances are in use (limit ${sysctl('max_user_instances')})`,
      hint: 'End other watchers, or: sudo sysctl fs.inotify.max_user_instances=1024',
    };
  return { kind: 'start', message: `${root} can't be watched: ${message}` };
}

function watchLimit(root: string, directories: number): Failure {
  const limit = Number(sysctl('max_user_watches'));
  const enough = 2 ** Math.ceil(Math.log2(Math.max(65_536, directories * 2 + (limit || 0))));
  return {
    kind: 'watchLimit',
    message: `the limit of inotify watches is reached: ${root} has ${directories} directories, the limit for all programs together is ${limit || 'unknown'}`,
    hint: `Exclude what need not be synced, or raise it: sudo sysctl fs.inotify.max_user_watches=${enough} (to keep it: echo fs.inotify.max_user_watches=${enough} | sudo tee /etc/sysctl.d/60-syncwatch.conf)`,
  };
}

function sysctl(name: string): string {
  try {
    return readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
