import { createHash } from 'node:crypto';
import { isObject } from '../core/json.js';
import { childOf, isName, ROOT } from '../core/name.js';
import { begun } from '../core/sync/entry.js';
import { NameIndex } from '../core/sync/name-index.js';
import { type Counted, counted, type Packed, pack, unpack } from '../core/sync/packed.js';
import { Slice } from '../slice.js';
import { readOwn, writeAllSlowly } from './own-file.js';

/** Raised whenever the layout of the file changes; another version's file is not read. */
const VERSION = 6;

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
  /** `hasBegun`: something in it was only begun. */
  | { readonly kind: 'loaded'; readonly index: NameIndex; readonly hasBegun: boolean; readonly edition: Edition }
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly why: string };

/** So much is written at once, in bytes. */
const CHUNK = 500_000;

/** A record's own length, the length of its directory's name, and the mark of those that are left alone. */
const HEAD_BYTES = 9;
const OURS = 0;
const ASIDE = 1;

/**
 * Writes an index into an empty file, in slices: what changes meanwhile may be in it or not. First a line, a JSON header with version,
 * number and owner; then a record for each directory, or several of a large one; those of what is left alone are last. A
 * record: how many bytes follow (4), the length of the directory's name (4), the mark (1), that name, what is in it as it is
 * {@link Packed}. At the end a line break, and the SHA-256 of all before as the last line. Throws where it can't be written.
 */
export async function writeIndex(fd: number, owner: IndexOwner, number: number, index: NameIndex): Promise<Edition> {
  const hash = createHash('sha256');
  const slice = new Slice();
  let length = 0;
  let parts: Buffer[] = [];
  const put = async (bytes: Buffer): Promise<void> => {
    hash.update(bytes);
    parts.push(bytes);
    length += bytes.length;
    if (length > CHUNK) await flush();
    if (slice.isOver) await slice.next();
  };
  const flush = async (): Promise<void> => {
    await writeAllSlowly(fd, Buffer.concat(parts));
    parts = [];
    length = 0;
  };
  await put(Buffer.from(`${JSON.stringify({ version: VERSION, number, ...owner })}\n`));
  for (const record of recordsOf(index)) await put(record);
  await put(Buffer.from('\n'));
  await flush();
  const checksum = hash.digest('hex');
  await writeAllSlowly(fd, Buffer.from(`${checksum}\n`));
  return { number, checksum };
}

function* recordsOf(index: NameIndex): Generator<Buffer> {
  const root = index.get(ROOT);
  if (root !== undefined) yield recordOf(NO_DIRECTORY, OURS, pack([[ROOT, root]]));
  for (const [mark, each] of [
    [OURS, index],
    [ASIDE, index.aside],
  ] as const)
    for (const dir of each.directories()) for (const part of each.packed(dir)) yield recordOf(dir, mark, part);
}

/** The root is in no directory. */
const NO_DIRECTORY = '';

function recordOf(dir: string, mark: number, packed: Packed): Buffer {
  const record = Buffer.alloc(HEAD_BYTES + dir.length + packed.length);
  record.writeUInt32LE(record.length - 4);
  record.writeUInt32LE(dir.length, 4);
  record[8] = mark;
  record.write(dir, HEAD_BYTES, 'latin1');
  record.write(packed, HEAD_BYTES + dir.length, 'latin1');
  return record;
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
    let hasBegun = false;
    for (let at = headEnd + 1; at < end - 1; ) {
      const next = at + 4 + bytes.readUInt32LE(at);
      const added = next < end ? add(index, bytes.subarray(at + 4, next)) : undefined;
      if (added === undefined) return DAMAGED;
      hasBegun ||= added.hasBegun;
      at = next;
      if (slice.isOver) await slice.next();
    }
    return { kind: 'loaded', index, hasBegun, edition: { number, checksum } };
  } catch {
    return DAMAGED;
  }
}

/** Adds what a record says, which may be any bytes; undefined for what is none. */
function add(index: NameIndex, record: Buffer): Counted | undefined {
  const nameEnd = HEAD_BYTES - 4 + record.readUInt32LE(0);
  const dir = record.toString('latin1', HEAD_BYTES - 4, nameEnd);
  const body = record.subarray(nameEnd);
  const found = nameEnd <= record.length ? counted(body, dir === NO_DIRECTORY ? isRoot : isBase) : undefined;
  if (found === undefined) return undefined;
  const packed = body.toString('latin1') as Packed;
  if (dir === NO_DIRECTORY) {
    const root = found.count === 1 ? unpack(packed).get(ROOT) : undefined;
    if (root !== undefined) index.set(ROOT, root);
    return root && found;
  }
  if (!isName(dir)) return undefined;
  if (record[4] === OURS) index.addPacked(dir, packed, found.count);
  else
    for (const [base, { type }] of unpack(packed))
      index.setAside(childOf(dir, base), begun(type === 'dir' ? 'dir' : 'file'));
  return record[4] === OURS ? found : { ...found, hasBegun: false };
}

/** One part of a name. */
const isBase = (base: string): boolean => base !== ROOT && !base.includes('/') && isName(base);

const isRoot = (base: string): boolean => base === ROOT;
