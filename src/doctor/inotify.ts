import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Check, error, type Finding, ok, warning } from './finding.js';

/** From this share of a limit on it gets tight: editors and others take some too. */
const TIGHT = 0.8;

/** What a running syncwatch holds: its watcher, and for a moment the next one. */
const INSTANCES = 2;

/** Of what the kernel counts for watching. */
interface Inotify {
  readonly watches: number;
  readonly instances: number;
}

/** The kernel's limits on watching (inotify(7)), and what our processes hold of that. */
export interface WatchLimits {
  readonly limits: Inotify;
  readonly used: Inotify;
}

/** Undefined on other systems, which have no limits that matter. */
export function watchLimits(): WatchLimits | undefined {
  const watches = limitOf('max_user_watches');
  const instances = limitOf('max_user_instances');
  if (watches === undefined || instances === undefined) return undefined;
  return { limits: { watches, instances }, used: inotifyInUse() };
}

/** Whether so many directories more can be watched. */
export function judgeWatches(directories: number, found: WatchLimits | undefined): Finding[] {
  if (found === undefined) return [ok('watches', 'no limit on this system')];
  const { limits, used } = found;
  return [
    against('watches', limits.watches, used.watches, directories, 'max_user_watches', 524_288),
    against('inotify instances', limits.instances, used.instances, INSTANCES, 'max_user_instances', 1_024),
  ];
}

function against(check: Check, limit: number, used: number, more: number, key: string, better: number): Finding {
  const what = `${more} needed, ${used} of ${limit} in use`;
  const sysctl = `fs.inotify.${key}=${Math.max(better, 2 * (used + more))}`;
  const hint = `sudo sysctl ${sysctl}, and for always: echo ${sysctl} | sudo tee /etc/sysctl.d/40-inotify.conf`;
  if (used + more > limit) return error(check, what, hint);
  return used + more > TIGHT * limit ? warning(check, what, hint) : ok(check, what);
}

/** The lower of the system's limit and the one of this user namespace. */
function limitOf(name: 'max_user_watches' | 'max_user_instances'): number | undefined {
  const files = [`/proc/sys/fs/inotify/${name}`, `/proc/sys/user/${name.replace('max_user_', 'max_inotify_')}`];
  const limits = files.flatMap((path) => {
    try {
      return [Number(readFileSync(path, 'utf8'))];
    } catch {
      return [];
    }
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** What our processes hold, as far as /proc shows it (proc(5), fdinfo). */
function inotifyInUse(): Inotify {
  let [watches, instances] = [0, 0];
  for (const pid of namesIn('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      try {
        if (!readlinkSync(`/proc/${pid}/fd/${fd}`).includes('inotify')) continue;
        instances++;
        watches += readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').split('\ninotify ').length - 1;
      } catch {
        // it has just gone
      }
    }
  }
  return { watches, instances };
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // somebody else's, or gone
  }
}
