import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Program } from '../core/environment.js';
import { nameFromText } from '../core/name.js';
import { type Mount, readMounts } from '../core/place/mounts.js';
import type { Here, Identity, Span } from '../core/place/place.js';
import type { Programs } from '../programs.js';
import { say } from '../spawn.js';

/** Looks at DIR (`root`: absolute, symlinks resolved) before and after `meanwhile`. */
export async function aroundDir<T>(
  { programs, root }: { readonly programs: Pick<Programs, 'shell'>; readonly root: string },
  meanwhile: () => Promise<T>,
): Promise<{ here: Here; value: T }> {
  const before = chainOf(root);
  const [boot, value] = await Promise.all([bootHere(programs.shell), meanwhile()]);
  const after = chainOf(root);
  const chain = before.flatMap((each, i): Span[] => {
    const later = after[i];
    return later === undefined ? [] : [{ before: each, after: later }];
  });
  const stats = statSync(root, { throwIfNoEntry: false });
  const mode = stats && stats.mode & 0o7777;
  return { here: { path: nameFromText(root), chain, mounts: mountsHere(), boot, mode }, value };
}

function chainOf(root: string): Identity[] {
  const chain = [root];
  for (let dir = root; dir !== dirname(dir); dir = dirname(dir)) chain.push(dirname(dir));
  return chain.flatMap(identityOf);
}

function identityOf(path: string): Identity[] {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return [];
  const isWhole = stats.ctimeNs % 1_000_000_000n === 0n;
  return [{ device: `${stats.dev}`, inode: `${stats.ino}`, changedNs: isWhole ? undefined : stats.ctimeNs }];
}

/** Linux only; elsewhere a directory has one place. */
function mountsHere(): Mount[] {
  try {
    const table = readFileSync('/proc/self/mountinfo', 'latin1');
    return readMounts(table.replace(/^\S+ \S+ (\S+ \S+ \S+) .*$/gm, '$1'));
  } catch {
    return [];
  }
}

/** Which kernel runs here, since when. */
async function bootHere(shell: Program): Promise<string | undefined> {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    const { stdout } = await say(shell, ['-c', 'sysctl -n kern.bootsessionuuid'], { ownSession: true });
    return stdout.trim() || undefined;
  }
}
