import {
  accessSync,
  type BigIntStats,
  constants,
  type Dir,
  type Dirent,
  lstatSync,
  opendirSync,
  readdirSync,
  readlinkSync,
  statfsSync,
} from 'node:fs';
import { platform, release } from 'node:os';
import { type WallMs, wallMs } from '../core/clock.js';
import { shortageInWords } from '../core/failure.js';
import { bytesOf, type Name, parentOf, ROOT } from '../core/name.js';
import type { Entry, Seen } from '../core/sync/entry.js';
import { evenIfFull, isShortage } from '../descriptors.js';
import { bornNs } from './births.js';
import { Mounts } from './mounts.js';
import { OwnFiles } from './own-files.js';

/** What a name in a directory is, as its listing says without a look at it; undefined where it does not say. */
export type ListedType = Entry['type'] | 'other' | undefined;

/**
 * A directory of so many bytes holds thousands of names (ext4, XFS, Btrfs, tmpfs, APFS: 12 to 32 for each). Reading it at
 * once would hold up everything else.
 */
const LARGE_BYTES = 32_768n;

/** The same for one whose size says nothing (NFS, FUSE) and that was found to hold so many. */
const LARGE_NAMES = 2_000;

/** How many names of a directory are read at a time. */
const PART = 256;

/** Whether a directory on the way to a name is a real one, or why it can't be seen. */
type Way = boolean | 'missing' | 'unreadable';
/** Remembers such answers for a batch of names. */
export type Ways = Map<Name, Way>;

/**
 * Reads names below one root with lstat: raw bytes, links not followed. A path is looked at only where every
 * directory on the way is a real one, so that a link in the middle never leads out of the root.
 *
 * Synchronous, because a hundred thousand small system calls cost a third that way; callers yield between them.
 */
export class Disk {
  /**
   * How long after a write a second one may still carry the same time stamp, in milliseconds: kernels stamp with the
   * timer tick, 10 ms at the slowest (CONFIG_HZ=100). From Linux 6.13 on, the common file systems give a new stamp to
   * whatever is written after the last one was looked at (Documentation/filesystems/multigrain-ts.rst): 0.
   */
  readonly tickMs: number;
  /** What is mounted below the root, and is away. */
  readonly mounts = new Mounts();
  /** What syncwatch itself writes below the root. */
  readonly own: OwnFiles;
  readonly #root: Buffer;
  #shortage: string | undefined;
  /** Directories that were found to be large. */
  readonly #large = new Set<Name>();

  constructor(root: string, own: OwnFiles = new OwnFiles(root)) {
    this.own = own;
    this.#root = Buffer.from(`${root}/`, 'utf8');
    this.tickMs = hasFineStamps(root) ? 0 : 10;
  }

  /** Why the last directory could not be read although it may be there, in words. */
  get shortage(): string | undefined {
    return this.#shortage;
  }

  path(name: Name): Buffer {
    return Buffer.concat([this.#root, bytesOf(name)]);
  }

  /** What is at `name`. `dirs` remembers the answers about directories on the way, for a batch of names. */
  see(name: Name, dirs: Ways = new Map()): Seen {
    if (this.mounts.isAway(name)) return 'away';
    if (name !== ROOT) {
      const parent = this.#directory(parentOf(name), dirs);
      if (parent !== true) return this.#unlessItLeadsAway(name, parent === false ? 'blocked' : parent);
    }
    return this.look(name);
  }

  /** The same for a name whose directory was just seen to be one. */
  look(name: Name): Seen {
    if (this.mounts.isAway(name)) return 'away';
    const stats = this.#lstat(name);
    if (typeof stats === 'object' && this.own.meets(name, () => identityOf(stats))) return 'away';
    const seen: Seen =
      typeof stats === 'string'
        ? stats === 'missing'
          ? 'missing'
          : 'unreadable'
        : (this.#entry(name, stats) ?? 'blocked');
    return this.#unlessItLeadsAway(name, seen);
  }

  /** Whether it is left as it is there, whatever is here, and if there is nothing: see {@link Seen}, `away`. */
  isHeld(name: Name): boolean {
    return this.mounts.isHeld(name) || this.own.has(name);
  }

  /** A directory with a mount point in it may be removed here once that is away, but not there. */
  #unlessItLeadsAway(name: Name, seen: Seen): Seen {
    const isStill = seen === 'unreadable' || (typeof seen === 'object' && seen.type === 'dir');
    return !isStill && this.mounts.leadsToAway(name) ? 'away' : seen;
  }

  /** Whether the system takes no path as long as this one's: nobody can say more of it than the directory that it is in. */
  isTooLong(name: Name): boolean {
    return this.#lstat(name) === 'tooLong';
  }

  /** Whether it is a directory of thousands of names, as far as it was looked at. */
  isLarge(name: Name): boolean {
    return this.#large.has(name);
  }

  /**
   * The names in `dir`, some at a time, so that the caller may pause in between. Ends with undefined where it can't be read
   * (to its end): gone, no directory, or no permission; with `short`, where it may be there as it was, but no more files may
   * be opened on this machine. What comes or goes meanwhile may be among them or not.
   */
  *names(dir: Name): Generator<readonly string[] | 'short' | undefined> {
    try {
      if (this.#large.has(dir)) {
        for (const part of this.#parts(dir)) yield part.map(baseOfDirent);
      } else {
        const all = evenIfFull(() => readdirSync(this.path(dir), 'latin1'));
        if (all.length > LARGE_NAMES) this.#large.add(dir);
        for (let from = 0; from < all.length; from += PART) yield all.slice(from, from + PART);
      }
      this.#shortage = undefined;
    } catch (error) {
      yield this.#whyNotRead(error);
    }
  }

  /** {@link names} with their types, where the file system tells them. */
  *types(dir: Name): Generator<ReadonlyArray<readonly [string, ListedType]> | 'short' | undefined> {
    try {
      for (const part of this.#parts(dir)) yield part.map((dirent) => [baseOfDirent(dirent), typeOf(dirent)]);
      this.#shortage = undefined;
    } catch (error) {
      yield this.#whyNotRead(error);
    }
  }

  #whyNotRead(error: unknown): 'short' | undefined {
    if (!isShortage(error)) return undefined;
    this.#shortage = shortageInWords(error.code);
    return 'short';
  }

  /** Names as bytes: where the file system tells no types, Node looks at each of them by its path. */
  *#parts(dir: Name): Generator<readonly AnyDirent[]> {
    const open = this.#large.has(dir) ? this.#open(dir) : undefined;
    if (open === undefined) {
      const all = evenIfFull(() => readdirSync(this.path(dir), { encoding: 'buffer', withFileTypes: true }));
      if (all.length > LARGE_NAMES) this.#large.add(dir);
      for (let from = 0; from < all.length; from += PART) yield all.slice(from, from + PART);
      return;
    }
    try {
      let count = 0;
      for (let part: AnyDirent[] = [], isRead = false; !isRead; ) {
        const next = open.readSync();
        if (next === null) isRead = true;
        else part.push(next);
        if (part.length < PART && !isRead) continue;
        count += part.length;
        yield part;
        part = [];
      }
      if (count < LARGE_NAMES / 2) this.#large.delete(dir);
    } finally {
      open.closeSync();
    }
  }

  /** Undefined where it could not be left open while others need descriptors too: then it is read at once. */
  #open(dir: Name): Dir | undefined {
    try {
      return opendirSync(this.path(dir), { encoding: BYTES, bufferSize: PART });
    } catch (error) {
      if (isShortage(error)) return undefined;
      throw error;
    }
  }

  /** Whether what a directory holds may be read, if it is still there. */
  canList(dir: Name): boolean {
    try {
      const path = this.path(dir);
      accessSync(path, constants.R_OK | constants.X_OK);
      evenIfFull(() => opendirSync(path).closeSync()); // more than its mode may forbid that: macOS its user's own folders
      return true;
    } catch (error) {
      if (isShortage(error)) return true;
      return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    }
  }

  /** Whether `name` is a real directory below real ones. */
  isDirectory(name: Name, dirs: Ways): boolean {
    return this.#directory(name, dirs) === true;
  }

  /** When anything about `name` was changed last. */
  changedMs(name: Name): WallMs | undefined {
    try {
      return wallMs(lstatSync(this.path(name)).ctimeMs);
    } catch {
      return undefined;
    }
  }

  /** The nearest directory above `name` that is there. `known` remembers the answers, by directory, for a batch of names. */
  groundOf(name: Name, known: Map<Name, Entry | undefined> = new Map()): Entry | undefined {
    if (name === ROOT) return undefined;
    const dir = parentOf(name);
    if (known.has(dir)) return known.get(dir);
    const seen = this.see(dir);
    const ground = typeof seen === 'string' ? this.groundOf(dir, known) : seen;
    known.set(dir, ground);
    return ground;
  }

  /** True for a real directory, false for anything else; or why it or one above it can't be seen. */
  #directory(name: Name, known: Ways): Way {
    if (name === ROOT) return true;
    const before = known.get(name);
    if (before !== undefined) return before;
    const parent = this.#directory(parentOf(name), known);
    const answer = parent === true ? this.#isDir(name) : parent;
    known.set(name, answer);
    return answer;
  }

  #isDir(name: Name): Way {
    const stats = this.#lstat(name);
    if (typeof stats === 'string') return stats === 'missing' ? 'missing' : 'unreadable';
    return stats.isDirectory();
  }

  #lstat(name: Name): BigIntStats | 'missing' | 'tooLong' | 'unreadable' {
    try {
      return lstatSync(this.path(name), { bigint: true, throwIfNoEntry: false }) ?? 'missing';
    } catch (error) {
      const isTooLong = error instanceof Error && 'code' in error && error.code === 'ENAMETOOLONG';
      return isTooLong ? 'tooLong' : 'unreadable'; // no permission on the way, a loop of links, an error of the disk
    }
  }

  #entry(name: Name, stats: BigIntStats): Entry | undefined {
    const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'dir' : stats.isSymbolicLink() ? 'link' : undefined;
    if (type === undefined) return undefined;
    if (type === 'dir' && stats.size >= LARGE_BYTES) this.#large.add(name);
    let link = '';
    if (type === 'link') {
      try {
        link = readlinkSync(this.path(name), { encoding: 'buffer' }).toString('latin1');
      } catch {
        return undefined;
      }
    }
    const born = bornNs(stats);
    return {
      type,
      mode: Number(stats.mode) & 0o7777,
      size: type === 'file' ? Number(stats.size) : 0,
      mtimeS: Number(stats.mtimeNs / 1_000_000_000n),
      mtimeNs: Number(stats.mtimeNs % 1_000_000_000n),
      ino: Number(stats.ino),
      born: born === undefined ? -1 : microsOf(born),
      ctime: microsOf(stats.ctimeNs),
      link,
    };
  }
}

/** What a batch asks the disk: about single names, never for a listing. */
export type NamesOnDisk = Pick<Disk, 'see' | 'isTooLong' | 'canList' | 'groundOf' | 'tickMs' | 'mounts'>;

/** What walks, looks and passes ask: all of it. */
export type TreeOnDisk = Pick<Disk, keyof Disk>;

const identityOf = (stats: BigIntStats): string | undefined =>
  stats.isFile() ? `${stats.dev}:${stats.ino}` : undefined;

/** A time as {@link Entry.ctime} has it. */
const microsOf = (ns: bigint): number => Number((ns / 1000n) & 0x3fffffffn);

/** As readdir takes it, and opendir too; the types of Node 20 do not say so. */
const BYTES = 'buffer' as BufferEncoding;

type AnyDirent = Dirent<Buffer> | Dirent;

const baseOfDirent = ({ name }: AnyDirent): string => (typeof name === 'string' ? name : name.toString('latin1'));

const typeOf = (dirent: AnyDirent): ListedType =>
  dirent.isFile()
    ? 'file'
    : dirent.isDirectory()
      ? 'dir'
      : dirent.isSymbolicLink()
        ? 'link'
        : dirent.isFIFO() || dirent.isSocket() || dirent.isCharacterDevice() || dirent.isBlockDevice()
          ? 'other'
          : undefined;

/** statfs(2): ext4, XFS, Btrfs, tmpfs. */
const MULTIGRAIN: readonly number[] = [0xef53, 0x58465342, 0x9123683e, 0x01021994];

function hasFineStamps(root: string): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (platform() !== 'linux' || major < 6 || (major === 6 && minor < 13)) return false;
  try {
    return MULTIGRAIN.includes(statfsSync(root).type);
  } catch {
    return false;
  }
}
