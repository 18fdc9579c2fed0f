import { createHash } from 'node:crypto';
import { begun, type Entry } from '../core/entry.js';
import { isObject } from '../core/json.js';
import { isName } from '../core/name.js';
import { NameIndex } from '../core/name-index.js';
import { type Fresh, readOwn, writeAll, writeFresh } from './own-file.js';

/** Raised whenever the layout of the file changes; another version's file is not read. */
const VERSION = 5;

/** Whose index a file holds. An index of anything else is foreign. */
export interface IndexOwner {
  readonly root: string;
  /** Device and inode of the root: a directory made anew under the same path is another one. */
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

/**
 * Writes an index as a whole; it has still to take its name. One JSON line per name, those that are left alone last, below a header with version, number
 * and owner; the last line is the SHA-256 of all before it. Throws where it can't be written.
 */
export function writeIndex(
  path: string,
  owner: IndexOwner,
  number: number,
  index: NameIndex,
): { readonly file: Fresh; readonly edition: Edition } {
  let checksum = '';
  const file = writeFresh(path, (fd) => {
    const hash = createHash('sha256');
    let chunk = `${JSON.stringify({ version: VERSION, number, ...owner })}\n`;
    const flush = (): void => {
      hash.update(chunk);
      writeAll(fd, chunk);
      chunk = '';
    };
    for (const [name, entry] of index.entries()) {
      const { type, mode, size, mtimeS, mtimeNs, ino, born, ctime, link } = entry;
      chunk += `${JSON.stringify([name, TYPES.indexOf(type), mode, size, mtimeS, mtimeNs, ino, born, ctime, link])}\n`;
      if (chunk.length > 1_000_000) flush();
    }
    for (const [name, { type }] of index.aside.entries()) {
      chunk += `${JSON.stringify([name, TYPES.indexOf(type)])}\n`;
      if (chunk.length > 1_000_000) flush();
    }
    flush();
    checksum = hash.digest('hex');
    writeAll(fd, `${checksum}\n`);
  });
  return { file, edition: { number, checksum } };
}

const DAMAGED = { kind: 'unusable', why: 'it is damaged' } as const;

/** Reads a saved index. Never throws: what can't be trusted is unusable, and a full pass makes a new one. */
export function loadIndex(path: string, owner: IndexOwner, uid: number): LoadedIndex {
  let bytes: Buffer | undefined;
  try {
    bytes = readOwn(path, uid);
  } catch (error) {
    return { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
  if (bytes === undefined) return { kind: 'none' };
  const end = bytes.lastIndexOf('\n', -2) + 1;
  const checksum = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
  if (bytes.toString('latin1', end) !== `${checksum}\n`) return DAMAGED;
  try {
    const text = bytes.toString('utf8', 0, end);
    const headEnd = text.indexOf('\n');
    const head: unknown = JSON.parse(text.slice(0, headEnd));
    if (!isObject(head)) return DAMAGED;
    const { version, number, ...saved } = head;
    if (version !== VERSION) return { kind: 'unusable', why: 'another version wrote it' };
    if (typeof number !== 'number') return DAMAGED;
    if (JSON.stringify(saved) !== JSON.stringify(owner))
      return { kind: 'unusable', why: 'it belongs to another directory' };
    const index = new NameIndex();
    for (let from = headEnd + 1, to = 0; from < text.length; from = to + 1) {
      to = text.indexOf('\n', from);
      if (!add(index, JSON.parse(text.slice(from, to)))) return DAMAGED;
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
