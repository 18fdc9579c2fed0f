import { accessSync, type BigIntStats, constants, lstatSync, readdirSync, readlinkSync, statfsSync } from 'node:fs';
import { platform, release } from 'node:os';
import type { Entry, Seen } from '../core/entry.js';
import { shortageInWords } from '../core/failure.js';
import { bytesOf, childOf, type Name, parentOf, ROOT } from '../core/name.js';
import { evenIfFull, isShortage } from '../descriptors.js';

/** What a directory holds, as the disk says. */
export interface DirectoryContent {
  readonly entries: ReadonlyMap<string, Entry>;
  /** FIFOs, sockets and devices: not synced. */
  readonly others: readonly string[];
}

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
  readonly #root: Buffer;
  #shortage: string | undefined;

  constructor(root: string) {
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
    if (name !== ROOT) {
      const parent = this.#directory(parentOf(name), dirs);
      if (typeof parent === 'string') return parent;
      if (!parent) return 'blocked';
    }
    const stats = this.#lstat(name);
    return typeof stats === 'string' ? stats : (this.#entry(name, stats) ?? 'blocked');
  }

  /** What `dir` holds, by name and type alone; undefined where it can't be read, or the file system tells no types. */
  types(dir: Name): Map<string, Entry['type'] | 'other'> | undefined {
    try {
      const found = new Map<string, Entry['type'] | 'other'>();
      const dirents = evenIfFull(() => readdirSync(this.path(dir), { encoding: 'buffer', withFileTypes: true }));
      for (const dirent of dirents) {
        const type = dirent.isFile()
          ? 'file'
          : dirent.isDirectory()
            ? 'dir'
            : dirent.isSymbolicLink()
              ? 'link'
              : dirent.isFIFO() || dirent.isSocket() || dirent.isCharacterDevice() || dirent.isBlockDevice()
                ? 'other'
                : undefined;
        if (type === undefined) return undefined;
        found.set(dirent.name.toString('latin1'), type);
      }
      return found;
    } catch {
      return undefined;
    }
  }

  /** Whether what a directory holds may be read. */
  canList(dir: Name): boolean {
    try {
      accessSync(this.path(dir), constants.R_OK | constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }

  /** When anything about `name` was changed last, in milliseconds since 1970. */
  changedMs(name: Name): number | undefined {
    try {
      return lstatSync(this.path(name)).ctimeMs;
    } catch {
      return undefined;
    }
  }

  /** The nearest directory above `name` that is there. */
  groundOf(name: Name): Entry | undefined {
    for (let dir = name; dir !== ROOT; ) {
      dir = parentOf(dir);
      const seen = this.see(dir);
      if (typeof seen !== 'string') return seen;
    }
    return undefined;
  }

  /** True for a real directory, false for anything else; or why it or one above it can't be seen. */
  #directory(name: Name, known: Ways): Way {
    if (name === ROOT) return true;
    const before = known.get(name);
    if (before !== undefined) return before;
    const parent = this.#directory(parentOf(name), known);
    const stats = parent === true ? this.#lstat(name) : 'missing';
    const answer = parent !== true ? parent : typeof stats === 'string' ? stats : stats.isDirectory();
    known.set(name, answer);
    return answer;
  }

  /**
   * What `dir` holds, or undefined where it can't be read: gone, no directory, or no permission; `short`: it may be there
   * as it was, but no more files may be opened on this machine. `trust` may give an entry from memory instead of looking.
   */
  list(dir: Name, trust: (base: string, count: number) => Entry | undefined): DirectoryContent | 'short' | undefined {
    let bases: string[];
    try {
      const found = evenIfFull(() => readdirSync(this.path(dir), { encoding: 'buffer' }));
      bases = found.map((base) => base.toString('latin1'));
    } catch (error) {
      if (!isShortage(error)) return undefined;
      this.#shortage = shortageInWords(error.code);
      return 'short';
    }
    this.#shortage = undefined;
    const entries = new Map<string, Entry>();
    const others: string[] = [];
    for (const base of bases) {
      const name = childOf(dir, base);
      const trusted = trust(base, bases.length);
      if (trusted !== undefined) {
        entries.set(base, trusted);
        continue;
      }
      const stats = this.#lstat(name);
      if (typeof stats === 'string') continue;
      const entry = this.#entry(name, stats);
      if (entry === undefined) others.push(base);
      else entries.set(base, entry);
    }
    return { entries, others };
  }

  #lstat(name: Name): BigIntStats | 'missing' | 'unreadable' {
    try {
      return lstatSync(this.path(name), { bigint: true, throwIfNoEntry: false }) ?? 'missing';
    } catch {
      return 'unreadable'; // no permission on the way, a loop of links, an error of the disk
    }
  }

  #entry(name: Name, stats: BigIntStats): Entry | undefined {
    const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'dir' : stats.isSymbolicLink() ? 'link' : undefined;
    if (type === undefined) return undefined;
    let link = '';
    if (type === 'link') {
      try {
        link = readlinkSync(this.path(name), { encoding: 'buffer' }).toString('latin1');
      } catch {
        return undefined;
      }
    }
    return {
      type,
      mode: Number(stats.mode) & 0o7777,
      size: type === 'file' ? Number(stats.size) : 0,
      mtimeS: Number(stats.mtimeNs / 1_000_000_000n),
      mtimeNs: Number(stats.mtimeNs % 1_000_000_000n),
      ino: Number(stats.ino),
      born: stats.birthtimeNs === 0n ? -1 : microsOf(stats.birthtimeNs),
      ctime: microsOf(stats.ctimeNs),
      link,
    };
  }
}

/** A time as {@link Entry.ctime} has it. */
const microsOf = (ns: bigint): number => Number((ns / 1000n) & 0x3fffffffn);

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
