import { EPOCH, msBetween, type WallMs, wallMs } from '../clock.js';
import type { Window } from '../window.js';

/**
 * What was seen of a name with lstat, as far as it matters on the remote. One shape for all types, so that a million
 * of them stay small (80 bytes each in V8).
 */
export interface Entry {
  readonly type: 'file' | 'dir' | 'link';
  /** Permission bits (07777). */
  readonly mode: number;
  /** Bytes of a file; 0 for the others. */
  readonly size: number;
  /** Modification time: whole seconds since 1970, and the nanoseconds of the last one. */
  readonly mtimeS: number;
  readonly mtimeNs: number;
  readonly ino: number;
  /**
   * When the inode was made, as {@link ctime} has it; -1 where the file system does not say. File systems hand out the numbers
   * of inodes again at once, so that a number alone tells nothing of which file it is.
   */
  readonly born: number;
  /**
   * Change time in microseconds, its lowest 30 bits (a small integer in V8): only ever compared for being the same. It moves
   * with everything that is done to a name, so also with what lstat does not show.
   */
  readonly ctime: number;
  /** Where a link points, one character per byte; empty for the others. */
  readonly link: string;
}

/** An inode, told from a later one that was given the same number, where the file system says when it was made. */
export type Inode = Pick<Entry, 'ino' | 'born'>;

/** Not where none is known. */
export const isSameInode = (known: Inode | undefined, now: Inode): boolean =>
  known !== undefined && known.ino === now.ino && known.born === now.born;

/**
 * What the disk says of a name: an entry; `missing`; `blocked`, when something stands in its place that can't be synced
 * or named to rsync: a FIFO, socket or device, or a parent that is no directory any more; `unreadable`, when the
 * disk does not say (no permission on the way, an error): then it may well be there; or `away`, with the file system
 * that it is on, or because it is what syncwatch itself writes: it is left alone.
 */
export type Seen = Entry | 'missing' | 'blocked' | 'unreadable' | 'away';

/**
 * Whether what is here now is what was delivered. The inode may differ: another file with the same face. `carriesMore`: what
 * goes along is not all in here (owner, group, ACLs, extended attributes), so the change time has to say that nothing was
 * done since; where it has moved, rsync compares.
 */
export const looksSame = (a: Entry, b: Entry, carriesMore: boolean): boolean =>
  a.type === b.type &&
  a.mtimeNs === b.mtimeNs &&
  a.mtimeS === b.mtimeS &&
  a.size === b.size &&
  a.link === b.link &&
  (a.mode === b.mode || a.type === 'link') &&
  (!carriesMore || a.ctime === b.ctime);

/**
 * Whether `now` is surely what was delivered as `was`: the same face, and for a file the same inode, to which nothing was done
 * since: size and times can be those of another content (`cp -p`, `tar x`, `touch -r`).
 */
export const isSettled = (was: Entry | undefined, now: Entry, carriesMore: boolean): boolean =>
  was !== undefined && looksSame(was, now, carriesMore) && (now.type !== 'file' || isSameContent(was, now));

/** Whether nobody can have written to the file since: everything that does moves the change time. */
const isSameContent = (was: Entry, now: Entry): boolean => isSameInode(was, now) && was.ctime === now.ctime;

/**
 * Whether nothing was done to a name between two looks: not even something that was undone again, such as another
 * file moved here and away, or a mode changed and changed back. Any such thing leaves a new change time.
 */
export const isUntouched = (before: Entry, after: Entry): boolean => isSettled(before, after, true);

/** Whether it is the very same directory, in which nothing came or went either: an entry of one does not say so by itself. */
export const isSameDirectory = (before: Entry, after: Entry): boolean =>
  isSameInode(before, after) && isUntouched(before, after);

/** The same for whatever was seen. What can't be read may have changed. */
export const wasLeftAlone = (before: Seen | undefined, after: Seen): boolean =>
  typeof before === 'object' && typeof after === 'object'
    ? isUntouched(before, after)
    : before === after && after !== 'unreadable' && after !== 'away';

/** How many values {@link Entry.ctime} has. */
const CTIME_RANGE = 2 ** 30;

/** The microseconds of a time stamp as {@link Entry.ctime} has them. */
const micros = (entry: Entry): number => (entry.mtimeS * 1_000_000 + Math.floor(entry.mtimeNs / 1_000)) % CTIME_RANGE;

/**
 * Whether a directory was surely not away in between, so that what is below it was always what is below it now: it is the
 * same one, and its last change, if there was one since, was that something came, went or was renamed in it. Being renamed
 * itself gives it a new change time but no new modification time (not POSIX, but so on Linux and macOS).
 */
export const stayedPut = (before: Entry, after: Seen | undefined): boolean =>
  typeof after === 'object' &&
  after.type === 'dir' &&
  isSameInode(before, after) &&
  (before.ctime === after.ctime || after.ctime === micros(after));

/**
 * What is on the remote, but not surely in this state: never equal to what is on the disk. For names that a run has
 * begun and that changed meanwhile, and for {@link isRacy} ones.
 */
export const unsure = (entry: Entry): Entry => ({ ...entry, mtimeNs: -1 });

/** A name that rsync has turned to, before it is known what came of it. */
export const begun = (type: 'file' | 'dir'): Entry => ({
  type,
  mode: 0,
  size: 0,
  mtimeS: 0,
  mtimeNs: -1,
  ino: 0,
  born: -1,
  ctime: 0,
  link: '',
});

/**
 * Whether rsync's quick check (size and time) could take `now` for what was delivered although it is not: another file of the
 * same size and time, one that was written to and given its old time, or an {@link unsure} one, whatever that was before: a run may
 * have brought a file. Such a name needs `--checksum`. `window`: how it compares times.
 */
export const foolsQuickCheck = (was: Entry | undefined, now: Entry, window: Window): boolean =>
  was !== undefined &&
  now.type === 'file' &&
  (was.mtimeNs < 0 || (was.type === 'file' && !isSameContent(was, now) && sameTimeAndSize(was, now, window)));

/**
 * Whether a full pass, which goes by the quick check, may have left something else there than what is here: what was delivered
 * is known and is of this size; or it is not ({@link begun}, {@link unsure}: a run that was cut off may have brought what was here
 * then), and `isTouched`: something was done to the name here since. What rsync itself brings has its size and time at once.
 */
export const foolsPass = (was: Entry | undefined, now: Entry, window: Window, isTouched: () => boolean): boolean =>
  was !== undefined &&
  foolsQuickCheck(was, now, window) &&
  ((was.ino !== 0 && was.type === 'file' && was.size === now.size) || (was.mtimeNs < 0 && isTouched()));

const sameTimeAndSize = (a: Entry, b: Entry, window: Window): boolean =>
  a.size === b.size &&
  (window === -1 ? a.mtimeS === b.mtimeS && a.mtimeNs === b.mtimeNs : Math.abs(a.mtimeS - b.mtimeS) <= window);

/**
 * Whether a file seen between these moments may change again without its size or time showing it. Git
 * calls such entries racily clean. `tickMs`: how coarse the time stamps are, see Disk.tickMs.
 */
export function isRacy(entry: Entry, fromMs: WallMs, toMs: WallMs, tickMs: number): boolean {
  const stampMs = writtenMs(entry);
  return tickMs > 0 && entry.type === 'file' && msBetween(fromMs, stampMs) > -tickMs && stampMs <= toMs;
}

/** The same for its attributes and the change time: see {@link looksSame}, `carriesMore`. */
export function hasRacyAttributes({ ctime }: Entry, fromMs: WallMs, toMs: WallMs, tickMs: number): boolean {
  const sinceUs = Math.floor((msBetween(EPOCH, fromMs) - tickMs) * 1_000);
  const agoUs = (ctime - (sinceUs % CTIME_RANGE) + CTIME_RANGE) % CTIME_RANGE;
  return tickMs > 0 && agoUs > 0 && agoUs <= msBetween(EPOCH, toMs) * 1_000 - sinceUs;
}

/** What is on the remote, but perhaps with other attributes: never equal to what is on the disk where those go along. */
export const unsureAttributes = (entry: Entry): Entry => ({ ...entry, ctime: -1 });

/** When a file was written last. */
export const writtenMs = (entry: Entry): WallMs => wallMs(entry.mtimeS * 1000 + entry.mtimeNs / 1e6);
