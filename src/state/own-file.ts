import { constants as limits } from 'node:buffer';
import { closeSync, constants, fsync, lstatSync, openSync, renameSync, rmSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { evenIfFull } from '../descriptors.js';
import { readChecked, whyNotOurs } from '../read-checked.js';

/** The longest text that V8 takes: an index of five million names. */
const LIMIT = limits.MAX_STRING_LENGTH;

/** Reads a file that must be the user's own, and no link. Undefined where there is none. Throws what is wrong with it. */
export function readOwn(path: string, uid: number): Buffer | undefined {
  const read = readChecked(path, { limit: LIMIT, follow: false });
  if (read.kind === 'missing') return undefined;
  const why = read.kind === 'read' ? whyNotOurs(read.stats, uid) : read.why;
  if (why !== undefined || read.kind !== 'read') throw new Error(`${path} ${why}`);
  return read.bytes;
}

/** A file that is being written and still has a temporary name. */
export interface Fresh {
  /** Open for reading and writing; the caller closes it. */
  readonly fd: number;
  /** It takes its name, in the place of what was there. */
  settle(): void;
  /** It goes again, closed. */
  drop(): void;
}

/** Begins a file beside `path`, empty. Throws where that can't be done. */
export function beginFresh(path: string): Fresh {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true }); // of a killed one, or a link
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  const fd = evenIfFull(() => openSync(temporary, flags, 0o600));
  return {
    fd,
    settle: () => renameSync(temporary, path),
    drop: () => {
      closeSync(fd);
      rmSync(temporary, { force: true });
    },
  };
}

/** Puts a file with this text in the place of whatever is at `path`. Throws where that can't be done; then nothing has changed. */
export function writeOwn(path: string, text: string): void {
  const file = beginFresh(path);
  try {
    writeAll(file.fd, text);
    file.settle();
  } catch (error) {
    file.drop();
    throw error;
  }
  closeSync(file.fd);
}

/** All that was written to it is on the disk then. Throws where that is not to be had. Others go on: a disk may be busy. */
export const flushed = promisify(fsync);

const writeSome = promisify(write);

/** {@link writeAll} at the end of a file, while others go on. */
export async function writeAllSlowly(fd: number, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await writeSome(fd, bytes, done, bytes.length - done, null)).bytesWritten;
}

/** Writes all of it: a full disk may take a part, and says so only at the next try. Gives how many bytes that was. */
export function writeAll(fd: number, data: string | Buffer, position?: number): number {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position === undefined ? null : position + done);
  return bytes.length;
}

/** What shows that another file has taken a path; nothing where none has. */
export function placeOf(path: string): string {
  try {
    const { dev, ino } = lstatSync(path);
    return `${dev}:${ino}`;
  } catch {
    return '';
  }
}
