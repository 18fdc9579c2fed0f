import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { evenIfFull } from './descriptors.js';

/** A file that was read, or why it was not: `why` goes after its path, as in `is a FIFO, not a file`. */
export type Read =
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly stats: Stats }
  | { readonly kind: 'missing' }
  /** The system does not let us. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** It is no file, or too large. */
  | { readonly kind: 'refused'; readonly why: string };

/** The most that a file of settings may hold, in bytes. */
export const SETTINGS_LIMIT = 1_048_576;

/** The most that a file of patterns may hold, in bytes and in lines: a pattern takes about a kilobyte of memory. */
export const PATTERNS_LIMIT = 16 * 1_048_576;
export const PATTERN_LINES = 200_000;

export interface ReadOptions {
  /** The most it may hold, in bytes. */
  readonly limit: number;
  /** The most lines it may have; any number by default. */
  readonly lines?: number;
  /** Whether the path may be a symbolic link; yes by default. */
  readonly follow?: boolean;
}

/**
 * Reads a whole file that somebody else may have put there, or may be swapping just now. It is opened without waiting,
 * looked at through the descriptor, and read from that very descriptor, never more than the limit: a FIFO, a device, what
 * grows without end is refused, and nothing here waits. Never throws.
 */
export function readChecked(path: string | Buffer, { limit, lines, follow = true }: ReadOptions): Read {
  let fd: number | undefined;
  try {
    // Merely opening some devices does something, so they are not even opened. What counts is the second look.
    const before = whyNoFile(follow ? statSync(path) : lstatSync(path), limit);
    if (before !== undefined) return { kind: 'refused', why: before };
    const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
    const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
    fd = evenIfFull(() => openSync(path, flags));
    const stats = fstatSync(fd);
    const why = whyNoFile(stats, limit);
    if (why !== undefined) return { kind: 'refused', why };
    const bytes = readAll(fd, stats.size, limit);
    if (bytes === undefined) return { kind: 'refused', why: tooLarge(limit) };
    if (lines !== undefined && hasMoreLines(bytes, lines))
      return { kind: 'refused', why: `has more than ${lines.toLocaleString('en-US')} lines` };
    return { kind: 'read', bytes, stats };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    return { kind: 'unreadable', why: `can't be read (${String(code ?? error)})` };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Why something on the disk is no file of at most so many bytes, in words that go after its path; undefined: it is one.
 * `/dev/null` counts as an empty file: it is the usual way to say that there is none.
 */
export function whyNoFile(stats: Stats, limit: number): string | undefined {
  if (stats.isCharacterDevice() && stats.rdev === statSync(devNull).rdev) return undefined;
  if (stats.isFile()) return stats.size > limit ? tooLarge(limit) : undefined;
  const what = stats.isDirectory()
    ? 'a directory'
    : stats.isFIFO()
      ? 'a FIFO'
      : stats.isSocket()
        ? 'a socket'
        : stats.isSymbolicLink()
          ? 'a symbolic link'
          : 'a device';
  return `is ${what}, not a file`;
}

/**
 * Why a file can't be taken for the user's own word: somebody else owns it, or may write to it. Root may. A group may
 * where it is the user's own, which has the user's number (`USERGROUPS_ENAB` in login.defs(5)): with umask 002 everything
 * is written so. The words go after its path. `uid`: who we are.
 */
export function whyNotOurs(
  { uid: owner, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  uid: number,
): string | undefined {
  if (owner !== uid && owner !== 0) return `belongs to another user (uid ${owner})`;
  const isOwnGroup = uid !== 0 && gid === uid;
  const byOthers = mode & (isOwnGroup ? 0o002 : 0o022);
  return byOthers === 0
    ? undefined
    : `may be written by other users (mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`;
}

const tooLarge = (limit: number): string => `is larger than ${limit / 1_048_576} MiB`;

function hasMoreLines(bytes: Buffer, most: number): boolean {
  let breaks = 0;
  for (let at = bytes.indexOf('\n'); at >= 0 && breaks <= most; at = bytes.indexOf('\n', at + 1)) breaks++;
  return breaks > most;
}

/** All of it; undefined where there is more than `limit` after all. `size`: what to expect, 0 for files of the kernel's. */
function readAll(fd: number, size: number, limit: number): Buffer | undefined {
  let buffer = Buffer.alloc(Math.min(size, limit) + 1);
  let length = 0;
  for (;;) {
    const got = readSync(fd, buffer, length, buffer.length - length, null);
    if (got === 0) return buffer.subarray(0, length);
    length += got;
    if (length > limit) return undefined;
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length + 4_096, limit + 1));
  }
}
