import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { platform } from 'node:os';
import { keyOf } from '../state/key.js';

/**
 * A name that this process holds as long as it lives, whatever is removed from the disk. `none`: there is no such thing here
 * (it is of Linux), or another user sits on it: then the socket in the runtime folder is all there is.
 */
export type Lock =
  | { readonly kind: 'held'; readonly release: () => void }
  | { readonly kind: 'taken'; readonly pid: number }
  | { readonly kind: 'none' };

/** An abstract socket (unix(7)): it has no file, and the kernel gives it back with its process. */
const nameOf = (uid: number, key: string): string => `syncwatch/${uid}/${key}`;

/** Takes the lock of one DIR and target. `key`: its, for file names. */
export async function takeLock(key: string, uid: number): Promise<Lock> {
  if (platform() !== 'linux') return { kind: 'none' };
  const name = nameOf(uid, key);
  const held = await listen(`\0${name}`);
  if (held !== undefined) return held;
  // Anybody may take such a name. Only a process of ours counts.
  const pid = ownersOf(name, uid).get(name);
  return pid === undefined ? { kind: 'none' } : { kind: 'taken', pid };
}

/**
 * Lets others know that there is a socket of ours, or should be. `folder`: where those look first who have our environment. Gives
 * what ends that.
 */
export async function showPresence(folder: string, key: string, uid: number): Promise<() => void> {
  const held = platform() === 'linux' ? await listen(`\0${presenceOf(uid, folder)}${key}`) : undefined;
  return held?.kind === 'held' ? held.release : () => {};
}

/**
 * Whether some of ours can't be asked at the moment, although it runs: more of its sockets should be there than `answered` (pids,
 * one for each socket; undefined for one that does not say).
 */
export function isSomeMissing(folder: string, answered: ReadonlyArray<number | undefined>, uid: number): boolean {
  if (platform() !== 'linux') return false;
  const prefix = presenceOf(uid, folder);
  if (namesTaken(prefix).size === 0) return false;
  const owners = [...ownersOf(prefix, uid).values()];
  const count = (pids: ReadonlyArray<number | undefined>, pid: number): number =>
    pids.filter((each) => each === pid).length;
  return owners.some((pid) => count(owners, pid) > count(answered, pid));
}

const presenceOf = (uid: number, folder: string): string => nameOf(uid, `at-${keyOf(folder, '')}/`);

function listen(path: string): Promise<Lock | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy()); // nobody has anything to say here
    server.once('error', () => resolve(undefined));
    server.listen(path, () => {
      server.unref();
      resolve({ kind: 'held', release: () => server.close() });
    });
  });
}

/** The names that are taken and begin so, whoever has them, by the inodes of their sockets. */
function namesTaken(prefix: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of lines('/proc/net/unix')) {
    // Num RefCount Protocol Flags Type St Inode Path; the end of a name is filled with NUL, which is shown as @.
    const [, inode, name] = /^(?:\S+\s+){6}(\d+)\s+@([^@]+)@*$/.exec(line) ?? [];
    if (inode !== undefined && name?.startsWith(prefix) === true) names.set(inode, name);
  }
  return names;
}

/** Which process of ours holds which of these names. */
function ownersOf(prefix: string, uid: number): Map<string, number> {
  const nameByInode = namesTaken(prefix);
  const owners = new Map<string, number>();
  if (nameByInode.size === 0) return owners;
  for (const pid of entries('/proc')) {
    if (!/^\d+$/.test(pid) || ownerOf(`/proc/${pid}`) !== uid) continue;
    for (const fd of entries(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkAt(`/proc/${pid}/fd/${fd}`))?.[1];
      const name = inode === undefined ? undefined : nameByInode.get(inode);
      if (name !== undefined) owners.set(name, Number(pid));
    }
  }
  return owners;
}

const lines = (path: string): string[] => tried(() => readFileSync(path, 'utf8').split('\n')) ?? [];
const entries = (path: string): string[] => tried(() => readdirSync(path)) ?? [];
const linkAt = (path: string): string => tried(() => readlinkSync(path)) ?? '';
const ownerOf = (path: string): number | undefined => tried(() => statSync(path).uid);

/** Processes come and go while they are looked at. */
function tried<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
