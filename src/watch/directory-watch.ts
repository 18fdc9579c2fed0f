import { watch } from 'node:fs';
import { msSince, steadyNow } from '../clock.js';
import { childOf, type Name, nameFromBytes } from '../core/name.js';
import type { Disk } from '../scan/disk.js';

/** With more events than this within {@link STORM_MS} it is a storm, and the watcher's batches are what is wanted. */
const STORM_EVENTS = 100;
const STORM_MS = 500;

/** Watches one directory, not what is below it, by ourselves: in this process, without any delay. */
export interface DirectoryWatch {
  close(): void;
}

/**
 * Begins to; undefined where that is not possible: it is gone, or a limit is reached. `onEnd`: it has ended by itself,
 * because it failed or because of a storm.
 */
export function watchDirectory(
  disk: Disk,
  dir: Name,
  onHint: (name: Name) => void,
  onEnd: () => void,
): DirectoryWatch | undefined {
  let countFromMs = steadyNow();
  let count = 0;
  const isStorm = (): boolean => {
    if (msSince(countFromMs) > STORM_MS) {
      countFromMs = steadyNow();
      count = 0;
    }
    return ++count > STORM_EVENTS;
  };
  try {
    const watcher = watch(disk.path(dir), { persistent: false, encoding: 'buffer' });
    const end = (): void => {
      watcher.close();
      onEnd();
    };
    watcher.on('change', (_kind, base: Buffer | null) => {
      if (isStorm()) end();
      else if (base !== null) onHint(childOf(dir, nameFromBytes(base)));
    });
    watcher.on('error', end);
    return { close: () => watcher.close() };
  } catch {
    return undefined;
  }
}
