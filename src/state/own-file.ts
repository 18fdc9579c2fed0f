import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/**
 * Reads a file that must be ours alone: opened without following a link or waiting for anybody, and looked at through the
 * descriptor. Undefined where there is none. Throws what is wrong with it.
 */
export function readOwn(path: string, uid: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ELOOP') throw new Error(`${path} is a link`);
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.uid !== uid || (stats.mode & 0o022) !== 0)
      throw new Error(`${path} is not a file of yours alone`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
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
  const fd = openSync(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
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

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
