import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { Entry } from '../core/entry.js';
import { NameIndex } from '../core/name-index.js';

/** Raised whenever the layout of the file changes; another version's file is not read. */
const VERSION = 1;

/** Whose index a file holds. An index of anything else is foreign. */
export interface IndexOwner {
  readonly root: string;
  /** Device and inode of the root: a directory made anew under the same path is another one. */
  readonly identity: string;
  readonly target: string;
}

/** What became of reading an index: `none` was saved, or it can't be used and why. */
export type LoadedIndex =
  | { readonly kind: 'loaded'; readonly index: NameIndex; readonly checksum: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly why: string };

const TYPES: readonly Entry['type'][] = ['file', 'dir', 'link'];

/**
 * Saves an index, atomically: a temporary file, flushed, renamed. One JSON line per name below a header with version
 * and owner; the last line is the SHA-256 of all before it, which is given back.
 */
export function saveIndex(path: string, owner: IndexOwner, index: NameIndex): string {
  const temporary = `${path}.tmp`;
  let checksum: string;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    const hash = createHash('sha256');
    let chunk = `${JSON.stringify({ version: VERSION, ...owner })}\n`;
    const flush = (): void => {
      hash.update(chunk);
      writeSync(fd, chunk);
      chunk = '';
    };
    for (const [name, entry] of index.entries()) {
      const { type, mode, size, mtimeS, mtimeNs, ino, link } = entry;
      chunk += `${JSON.stringify([name, TYPES.indexOf(type), mode, size, mtimeS, mtimeNs, ino, link])}\n`;
      if (chunk.length > 1_000_000) flush();
    }
    flush();
    checksum = hash.digest('hex');
    writeSync(fd, `${checksum}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  return checksum;
}

/** Reads a saved index. Never throws: what can't be trusted is unusable, and a full pass makes a new one. */
export function loadIndex(path: string, owner: IndexOwner): LoadedIndex {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return missing
      ? { kind: 'none' }
      : { kind: 'unusable', why: error instanceof Error ? error.message : String(error) };
  }
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  const sum = createHash('sha256').update(text.slice(0, end)).digest('hex');
  if (text.slice(end) !== `${sum}\n`) return { kind: 'unusable', why: 'it is damaged' };
  try {
    const [header = '', ...lines] = text.slice(0, end - 1).split('\n');
    const saved: unknown = JSON.parse(header);
    if (typeof saved !== 'object' || saved === null) return { kind: 'unusable', why: 'it is damaged' };
    if (!('version' in saved) || saved.version !== VERSION)
      return { kind: 'unusable', why: 'another version wrote it' };
    if (JSON.stringify(saved) !== JSON.stringify({ version: VERSION, ...owner })) {
      return { kind: 'unusable', why: 'it belongs to another directory' };
    }
    const index = new NameIndex();
    for (const line of lines) {
      const [name, type, mode, size, mtimeS, mtimeNs, ino, link] = JSON.parse(line);
      index.set(name, { type: TYPES[type] ?? 'file', mode, size, mtimeS, mtimeNs, ino, ctime: 0, link });
    }
    return { kind: 'loaded', index, checksum: sum };
  } catch {
    return { kind: 'unusable', why: 'it is damaged' };
  }
}
