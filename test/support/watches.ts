import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running } from './cli.js';
import { processesOf, WATCHER } from './faulty.js';

/** The inodes of every directory that this syncwatch or its watcher watches: /proc/PID/fdinfo, proc(5). */
export function watchedInodes(running: Running): Set<number> {
  const found = new Set<number>();
  for (const pid of [running.child.pid ?? 0, ...processesOf(running, WATCHER)]) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
        const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
        for (const [, ino = ''] of info.matchAll(/^inotify .*\bino:([0-9a-f]+)/gm)) found.add(Number.parseInt(ino, 16));
      }
    } catch {
      // the process or the descriptor is gone
    }
  }
  return found;
}

/** A directory and all those below it. */
export const directories = (root: string): string[] => [
  root,
  ...readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name)),
];

/** The directories without a watch. */
export function unwatched(running: Running, root: string): string[] {
  const watched = watchedInodes(running);
  return directories(root).filter((dir) => !watched.has(lstatSync(dir).ino));
}
