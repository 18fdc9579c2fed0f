import { Buffer } from 'node:buffer';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { platform } from 'node:os';

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
  const pid = ownersOf(namesTaken(name), uid).get(name);
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

/** Who has said who it is: its pid, and for what (see {@link takeLock}), as far as the name of its socket says so. */
export interface Answered {
  readonly pid: number;
  readonly key: string;
}

/** Whether some of ours can't be asked at the moment, although it runs: more of its sockets should be there than have `answered`. */
export function isSomeMissing(folder: string, answered: readonly Answered[], uid: number): boolean {
  if (platform() !== 'linux') return false;
  const prefix = presenceOf(uid, folder);
  const keys = new Set(answered.map(({ key }) => `${prefix}${key}`));
  const names = namesTaken(prefix);
  // Whose names they are takes a look at each descriptor of each process of ours.
  if ([...names.values()].every((name) => keys.has(name))) return false;
  const owners = [...ownersOf(names, uid).values()];
  const count = (pids: readonly number[], pid: number): number => pids.filter((each) => each === pid).length;
  const said = answered.map(({ pid }) => pid);
  return owners.some((pid) => count(owners, pid) > count(said, pid));
}

const presenceOf = (uid: number, folder: string): string => nameOf(uid, `at-${shortOf(folder)}/`);

/** FNV-1a with 64 bits, in hex. Nobody is kept from anything by it, and node:crypto takes a tenth of a `flush` to load. */
function shortOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

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
function ownersOf(nameByInode: ReadonlyMap<string, string>, uid: number): Map<string, number> {
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
