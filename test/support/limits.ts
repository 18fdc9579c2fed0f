import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';

/** A command prefix with inotify limits of its own (user namespaces count them apart), so that nobody else notices.
 * `later`: another limit, from when that file is there. */
export function withLimit(
  name: 'max_inotify_watches' | 'max_inotify_instances',
  value: number,
  later?: { readonly whenThere: string; readonly value: number },
): string[] {
  const file = `/proc/sys/user/${name}`;
  const raise =
    later === undefined
      ? ''
      : `{ while [ -d /proc/$$ ] && ! [ -e '${later.whenThere}' ]; do sleep 0.1; done; echo ${later.value} > ${file}; } </dev/null >/dev/null 2>&1 & `;
  const script = `echo ${value} > ${file} && { ${raise}exec "$@"; }`;
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'];
}

/** Whether such a limit can be set here. */
export function canLimit(): boolean {
  const [file = '', ...args] = [...withLimit('max_inotify_watches', 100), 'true'];
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** How many events the kernel keeps for one watcher before it drops them, for every watcher that starts in this test. */
export function limitQueue(events: number): void {
  const file = '/proc/sys/fs/inotify/max_queued_events';
  const before = readFileSync(file, 'utf8');
  onTestFinished(() => writeFileSync(file, before));
  writeFileSync(file, String(events));
}
