import { Buffer } from 'node:buffer';
import type { Entry } from './entry.js';

/**
 * What an index has in one directory, in a string of one character per byte: 41 of them and the name for each, where an object and its
 * place in a map take 200. In order, in each:
 *
 * ```
 *   type 1   mode 2   size 8   mtimeS 8   mtimeNs 4   ino 8   born 4   ctime 4   length of the name 2   name
 *   of a link: length of where it points 2, where it points
 * ```
 */
export type Packed = string & { readonly packed: true };

const TYPES: readonly Entry['type'][] = ['file', 'dir', 'link'];
const FILE = TYPES.indexOf('file');
const DIR = TYPES.indexOf('dir');
const LINK = TYPES.indexOf('link');

/** Where things are in an entry. */
const AT = { mode: 1, size: 3, mtimeS: 11, mtimeNs: 19, ino: 23, born: 31, ctime: 35, length: 39, name: 41 } as const;

/** Added to what may be negative. */
const SECONDS = 2 ** 40;
const NANOSECONDS = 1_000_000_000;
const ONE = 1;

const HIGH = 2 ** 32;

/** How many entries there are, and whether one of them was only begun ({@link begun}: it has no inode). */
export interface Counted {
  readonly count: number;
  readonly hasBegun: boolean;
}

let scratch = Buffer.alloc(65_536);

/** Packs them. */
export function pack(children: Iterable<readonly [string, Entry]>): Packed {
  let at = 0;
  for (const [base, entry] of children) {
    const longest = AT.name + base.length + 2 + entry.link.length;
    if (at + longest > scratch.length) {
      const larger = Buffer.alloc(Math.max(scratch.length * 2, at + longest));
      scratch.copy(larger, 0, 0, at);
      scratch = larger;
    }
    at = write(scratch, at, base, entry);
  }
  return scratch.toString('latin1', 0, at) as Packed;
}

function write(to: Buffer, at: number, base: string, entry: Entry): number {
  const type = TYPES.indexOf(entry.type);
  to[at] = type;
  to.writeUInt16LE(entry.mode, at + AT.mode);
  writeLarge(to, at + AT.size, entry.size);
  writeLarge(to, at + AT.mtimeS, entry.mtimeS + SECONDS);
  to.writeUInt32LE(entry.mtimeNs + NANOSECONDS, at + AT.mtimeNs);
  writeLarge(to, at + AT.ino, entry.ino);
  to.writeUInt32LE(entry.born + ONE, at + AT.born);
  to.writeUInt32LE(entry.ctime + ONE, at + AT.ctime);
  to.writeUInt16LE(base.length, at + AT.length);
  const end = at + AT.name + to.write(base, at + AT.name, 'latin1');
  if (type !== LINK) return end;
  to.writeUInt16LE(entry.link.length, end);
  return end + 2 + to.write(entry.link, end + 2, 'latin1');
}

/** A whole number, also one that is larger than what is exact. */
function writeLarge(to: Buffer, at: number, value: number): void {
  const high = Math.floor(value / HIGH);
  to.writeUInt32LE(high, at);
  to.writeUInt32LE(value - high * HIGH, at + 4);
}

/** What is packed. */
export function unpack(packed: Packed): Map<string, Entry> {
  const children = new Map<string, Entry>();
  for (let at = 0; at < packed.length; ) {
    const name = at + AT.name;
    let end = name + read16(packed, at + AT.length);
    const base = packed.slice(name, end);
    const type = TYPES[packed.charCodeAt(at)] ?? 'file';
    let link = '';
    if (type === 'link') {
      const from = end + 2;
      end = from + read16(packed, end);
      link = packed.slice(from, end);
    }
    children.set(base, {
      type,
      mode: read16(packed, at + AT.mode),
      size: readLarge(packed, at + AT.size),
      mtimeS: readLarge(packed, at + AT.mtimeS) - SECONDS,
      mtimeNs: read32(packed, at + AT.mtimeNs) - NANOSECONDS,
      ino: readLarge(packed, at + AT.ino),
      born: read32(packed, at + AT.born) - ONE,
      ctime: read32(packed, at + AT.ctime) - ONE,
      link,
    });
    at = end;
  }
  return children;
}

/** The names in what is packed, and whether each is a directory: a fraction of what {@link unpack} takes. */
export function kindsOf(packed: Packed): Map<string, boolean> {
  const kinds = new Map<string, boolean>();
  for (let at = 0; at < packed.length; ) {
    const type = packed.charCodeAt(at);
    const name = at + AT.name;
    at = name + read16(packed, at + AT.length);
    kinds.set(packed.slice(name, at), type === DIR);
    if (type === LINK) at += 2 + read16(packed, at);
  }
  return kinds;
}

/** The files in what is packed that it is not sure of (their nanoseconds are below zero). */
export function unsureFilesIn(packed: Packed): string[] {
  const bases: string[] = [];
  for (let at = 0; at < packed.length; ) {
    const type = packed.charCodeAt(at);
    const name = at + AT.name;
    const end = name + read16(packed, at + AT.length);
    if (type === FILE && read32(packed, at + AT.mtimeNs) < NANOSECONDS) bases.push(packed.slice(name, end));
    at = type === LINK ? end + 2 + read16(packed, end) : end;
  }
  return bases;
}

const read16 = (from: string, at: number): number => from.charCodeAt(at) | (from.charCodeAt(at + 1) << 8);

const read32 = (from: string, at: number): number => read16(from, at) + read16(from, at + 2) * 65_536;

const readLarge = (from: string, at: number): number => read32(from, at) * HIGH + read32(from, at + 4);

/** Looks through what may have been packed: undefined where it was not, or not with such names. */
export function counted(bytes: Buffer, isBase: (base: string) => boolean): Counted | undefined {
  let count = 0;
  let hasBegun = false;
  let at = 0;
  while (at < bytes.length) {
    const name = at + AT.name;
    const type = bytes[at] ?? TYPES.length;
    if (type >= TYPES.length || name > bytes.length) return undefined;
    let end = name + bytes.readUInt16LE(at + AT.length);
    if (end > bytes.length || !isBase(bytes.toString('latin1', name, end))) return undefined;
    if (bytes.readUInt32LE(at + AT.ino) === 0 && bytes.readUInt32LE(at + AT.ino + 4) === 0) hasBegun = true;
    if (type === LINK) {
      if (end + 2 > bytes.length) return undefined;
      end += 2 + bytes.readUInt16LE(end);
      if (end > bytes.length) return undefined;
    }
    count++;
    at = end;
  }
  return { count, hasBegun };
}
