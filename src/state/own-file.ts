import { constants as limits } from 'node:buffer';
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
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

/** A file that is written and still has a temporary name. */
export interface Fresh {
  /** Open for reading and writing; the caller closes it. */
  readonly fd: number;
  /** It takes its name, in the place of what was there. */
  settle(): void;
  /** It goes again, closed. */
  drop(): void;
}

/** Writes a file beside `path`, flushed to the disk. Throws where that can't be done, and leaves nothing then. */
export function writeFresh(path: string, write: (fd: number) => void): Fresh {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true }); // of a killed one, or a link
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  const fd = evenIfFull(() => openSync(temporary, flags, 0o600));
  const drop = (): void => {
    closeSync(fd);
    rmSync(temporary, { force: true });
  };
  try {
    write(fd);
    fsyncSync(fd);
  } catch (error) {
    drop();
    throw error;
  }
  return { fd, settle: () => renameSync(temporary, path), drop };
}

/** Writes all of it: a full disk may take a part, and says so only at the next try. Gives how many bytes that was. */
export function writeAll(fd: number, data: string | Buffer, position?: number): number {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position === undefined ? null : position + done);
  return bytes.length;
}
