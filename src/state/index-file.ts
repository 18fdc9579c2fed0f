import { createHash } from 'node:crypto';
import { isObject } from '../core/json.js';
import { isName } from '../core/name.js';
import { begun, type Entry } from '../core/sync/entry.js';
import { NameIndex } from '../core/sync/name-index.js';
import { Slice } from '../slice.js';
import { readOwn, writeAllSlowly } from './own-file.js';

/** Raised whenever the layout of the file changes; another version's file is not read. */
const VERSION = 5;

/** Whose index a file holds. An index of anything else is foreign. */
export interface IndexOwner {
  readonly root: string;
  /** Which directory the root is (watch/identity): one made anew under the same path is another one. */
  readonly identity: string;
  readonly target: string;
}

/** Which saved index: how many were saved before it, and its checksum. */
export interface Edition {
  readonly number: number;
  readonly checksum: string;
}

/** What became of reading an index: `none` was saved, or it can't be used and why. */
export type LoadedIndex =
  | { readonly kind: 'loaded'; readonly index: NameIndex; readonly edition: Edition }
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly why: string };

const TYPES: readonly Entry['type'][] = ['file', 'dir', 'link'];

/** So much text is written at once, in characters. */
const CHUNK = 500_000;

/**
 * Writes an index into an empty file, in slices: what changes meanwhile may be in it or not. One JSON line per name, those
 * that are left alone last, below a header with version, number and owner; the last line is the SHA-256 of all before it.
 * Throws where it can't be written.
 */
export async function writeIndex(fd: number, owner: IndexOwner, number: number, index: NameIndex): Promise<Edition> {
  const hash = createHash('sha256');
  const slice = new Slice();
  let chunk = `${JSON.stringify({ version: VERSION, number, ...owner })}\n`;
  const flush = async (): Promise<void> => {
    hash.update(chunk);
    await writeAllSlowly(fd, chunk);
    chunk = '';
  };
  for (const line of linesOf(index)) {
    chunk += `${JSON.stringify(line)}\n`;
    if (chunk.length > CHUNK) await flush();
    if (slice.isOver) await slice.next();
  }
  await flush();
  const checksum = hash.digest('hex');
  await writeAllSlowly(fd, `${checksum}\n`);
  return { number, checksum };
}

function* linesOf(index: NameIndex): Generator<ReadonlyArray<string | number>> {
  for (const [name, { type, mode, size, mtimeS, mtimeNs, ino, born, ctime, link }] of index.entries())
    yield [name, TYPES.indexOf(type), mode, size, mtimeS, mtimeNs, ino, born, ctime, link];
  for (const [name, { type }] of index.aside.entries()) yield [name, TYPES.indexOf(type)];
}

const DAMAGED = { kind: 'unusable', why: 'it is damaged' } as const;

/** So much is read into the index, or into its checksum, at once, in bytes. */
const BLOCK = 65_536;

const LINE_BREAK = 10;

/** Reads a saved index, in slices. Never throws: what can't be trusted is unusable, and a full pass makes a new one. */
export async function loadIndex(path: string, owner: IndexOwner, uid: number): Promise<LoadedIndex> {
  let bytes: Buffer | undefined;
  try {
    bytes = readOwn(path, uid);
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
  if (bytes === undefined) return { kind: 'none' };
  const slice = new Slice();
  const end = bytes.lastIndexOf('\n', -2) + 1;
  const hash = createHash('sha256');
  for (let from = 0; from < end; from += BLOCK) {
    hash.update(bytes.subarray(from, Math.min(from + BLOCK, end)));
    if (slice.isOver) await slice.next();
  }
  const checksum = hash.digest('hex');
  if (bytes.toString('latin1', end) !== `${checksum}\n`) return DAMAGED;
  try {
    const headEnd = bytes.indexOf(LINE_BREAK);
    const head: unknown = JSON.parse(bytes.toString('utf8', 0, headEnd));
    if (!isObject(head)) return DAMAGED;
    const { version, number, ...saved } = head;
    if (version !== VERSION) return { kind: 'unusable', why: 'another version wrote it' };
    if (typeof number !== 'number') return DAMAGED;
    if (JSON.stringify(saved) !== JSON.stringify(owner))
      return { kind: 'unusable', why: 'it belongs to another directory' };
    const index = new NameIndex();
    for (let from = headEnd + 1, to = 0; from < end; from = to + 1) {
      to = bytes.indexOf(LINE_BREAK, Math.min(from + BLOCK, end - 1));
      for (const line of bytes.toString('utf8', from, to).split('\n'))
        if (!add(index, JSON.parse(line))) return DAMAGED;
      if (slice.isOver) await slice.next();
    }
    return { kind: 'loaded', index, edition: { number, checksum } };
  } catch {
    return DAMAGED;
  }
}

/** Adds what a line says; false for what is no entry. By hand, for there may be a million of them. */
function add(index: NameIndex, line: unknown): boolean {
  if (!Array.isArray(line)) return false;
  if (line.length === 2) return addAside(index, line);
  if (line.length !== 10) return false;
  const [name, kind, mode, size, mtimeS, mtimeNs, ino, born, ctime, link]: readonly unknown[] = line;
  const type = isWhole(kind) ? TYPES[kind] : undefined;
  const isEntry =
    type !== undefined &&
    isName(name) &&
    isWhole(mode) &&
    isWhole(size) &&
    isWhole(mtimeS) &&
    isWhole(mtimeNs) &&
    isWhole(ino) &&
    isWhole(born) &&
    isWhole(ctime) &&
    typeof link === 'string';
  if (isEntry) index.set(name, { type, mode, size, mtimeS, mtimeNs, ino, born, ctime, link });
  return isEntry;
}

/** Of what is left alone there only the kind is kept. */
function addAside(index: NameIndex, [name, kind]: readonly unknown[]): boolean {
  const type = isWhole(kind) ? TYPES[kind] : undefined;
  if (type === undefined || !isName(name)) return false;
  index.setAside(name, begun(type === 'dir' ? 'dir' : 'file'));
  return true;
}

/** Inode numbers may be larger than what is exact, times before 1970 are negative. */
const isWhole = (value: unknown): value is number => Number.isInteger(value);
