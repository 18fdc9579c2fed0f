import { type BigIntStats, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../core/failure.js';
import { lookAt, wayTo } from '../way.js';

/**
 * How a folder stands with us. `ours`: a directory that belongs to us, with rights for nobody else (0700), and nobody but us
 * and the system can put another one in its place. `foreign`: anything else; `why`, for people.
 */
export type Standing =
  | { readonly kind: 'ours' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'foreign'; readonly why: string };

/** Rights of the group and of others, and the part of them that lets somebody write. */
const OTHERS = 0o077n;
const OTHERS_WRITE = 0o022n;
/** In such a directory nobody can remove or rename what belongs to somebody else. */
const STICKY = 0o1000n;

const OURS: Standing = { kind: 'ours' };
const MISSING: Standing = { kind: 'missing' };
const foreign = (why: string): Standing => ({ kind: 'foreign', why });

/** What stands at the path of a folder. `uid`: us. */
export function standingOf(folder: string, uid: number): Standing {
  const path = resolve(folder);
  const way = standingOfWay(path, uid);
  if (way.kind !== 'ours') return way;
  const stats = lookAt(path);
  if (stats === undefined) return MISSING;
  if (stats.isSymbolicLink()) return foreign(`${path} is a symbolic link`);
  if (!stats.isDirectory()) return foreign(`${path} is no directory`);
  if (stats.uid !== BigInt(uid)) return foreign(`${path} belongs to another user (uid ${stats.uid})`);
  return (stats.mode & OTHERS) === 0n ? OURS : foreign(`${path} is open to other users (mode ${modeOf(stats)})`);
}

/** Whether there is a socket of ours that nobody else may use, in a folder that is ours. */
export function isOurSocket(path: string, uid: number): boolean {
  return standingOf(dirname(path), uid).kind === 'ours' && whyNotPrivate(path, uid) === undefined;
}

/**
 * Why a socket, in any folder, may be somebody else's; undefined where it is ours, nobody else may use it, and nobody else can put
 * another one in its place. ssh makes its own with mode 0600 (mux.c).
 */
export function whySocketOfOthers(path: string, uid: number): string | undefined {
  const why = whyNotPrivate(path, uid);
  if (why !== undefined || isWayOurs(path, uid)) return why;
  return `other users may write to ${dirname(path)}, or to a directory above it`;
}

/** Why what is at a path is no socket of ours that nobody else may use. */
function whyNotPrivate(path: string, uid: number): string | undefined {
  const stats = lookAt(path);
  if (stats?.isSocket() !== true) return 'it is no socket';
  if (stats.uid !== BigInt(uid)) return `it belongs to another user (uid ${stats.uid})`;
  return (stats.mode & OTHERS) === 0n ? undefined : 'other users may use it';
}

/** Makes a folder that is ours, where it is missing. Undefined where there is one then, or why there is none, for people. */
export function whyNotMade(folder: string, uid: number): string | undefined {
  let standing = standingOf(folder, uid);
  if (standing.kind === 'missing' && isWayOurs(folder, uid)) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      const code = errnoOf(error);
      // Somebody may have been faster: perhaps another syncwatch of ours.
      if (code !== 'EEXIST') return `${folder} can't be made (${code})`;
    }
    standing = standingOf(folder, uid);
  }
  if (standing.kind === 'ours') return undefined;
  return standing.kind === 'missing' ? `${folder} can't be made` : standing.why;
}

/** Removes what another user once put at a path in a folder of ours, and links: what is there then is ours, or nothing. */
export function removeForeign(path: string): void {
  const stats = lookAt(path);
  if (stats !== undefined && (stats.isSymbolicLink() || stats.uid !== lookAt(dirname(path))?.uid)) removeEntry(path);
}

/** Removes a file, a socket or the like. What is a directory stays, for it may hold anything. */
export function removeEntry(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // what then can't be made there says so
  }
}

/** Whether nobody but us and the system decides what is found at `path`, but for what we would find there ourselves. */
export const isWayOurs = (path: string, uid: number): boolean => standingOfWay(resolve(path), uid).kind === 'ours';

/**
 * The directories on the way to `path`. They may belong to us or to the system: root, and whoever `/` belongs to (in a user
 * namespace root has another number). The system's own links (`/var/run`; `/tmp` on macOS) are followed, where only the system
 * can have made them; nobody else's are.
 */
function standingOfWay(path: string, uid: number): Standing {
  const root = lstatSync('/', { bigint: true });
  const isSystems = ({ uid: owner }: BigIntStats): boolean => owner === 0n || owner === root.uid;
  const isClosed = ({ mode }: BigIntStats): boolean => (mode & OTHERS_WRITE) === 0n;
  /** All until here is the system's, and nobody else writes to it. */
  let isSystemOnly = isClosed(root);
  for (const step of wayTo(dirname(path))) {
    if (step.kind === 'missing') return MISSING;
    if (step.kind === 'lost') return foreign(`${step.path} leads nowhere`);
    const { path: at, stats } = step;
    if (stats.isSymbolicLink()) {
      if (isSystemOnly && isSystems(stats)) continue;
      return foreign(`${at} is a symbolic link`);
    }
    if (!stats.isDirectory()) return foreign(`${at} is no directory`);
    if (stats.uid !== BigInt(uid) && !isSystems(stats))
      return foreign(`${at} belongs to another user (uid ${stats.uid})`);
    if (!isClosed(stats) && (stats.mode & STICKY) === 0n)
      return foreign(`other users may write to ${at} (mode ${modeOf(stats)})`);
    isSystemOnly &&= isSystems(stats) && isClosed(stats);
  }
  return OURS;
}

const modeOf = ({ mode }: BigIntStats): string => (mode & 0o7777n).toString(8).padStart(4, '0');
