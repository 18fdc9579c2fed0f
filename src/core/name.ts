import { Buffer } from 'node:buffer';
import { type Printable, showControls } from './printable.js';
import type { Steps } from './steps.js';

declare const brand: unique symbol;

/**
 * The name of something below the watched root: its path relative to the root, without a leading `./`, parts joined
 * by `/`. The root itself is `.`.
 *
 * File names on Linux are bytes, not text. A Name keeps them exactly, one character per byte (latin1), so that it is
 * a cheap map key and never loses a byte; {@link textOf} is for people, {@link bytesOf} for the system.
 */
export type Name = string & { readonly [brand]: 'Name' };

/** The watched root itself. */
export const ROOT = '.' as Name;

/** The name whose UTF-8 spelling is `text`. */
export const nameFromText = (text: string): Name => nameFromBytes(Buffer.from(text, 'utf8'));

/** The name with exactly these bytes; an empty one is the root. */
export const nameFromBytes = (bytes: Buffer): Name => (bytes.length === 0 ? ROOT : (bytes.toString('latin1') as Name));

const NO_NAME = /^$|^\/|\/$|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|[\0\u0100-\uffff]/;

/** Whether what comes from outside is a {@link Name}: bytes, and no way out of the root. */
export const isName = (value: unknown): value is Name =>
  typeof value === 'string' && (value === ROOT || !NO_NAME.test(value));

/** A name as the system spells it. */
export const bytesOf = (name: Name): Buffer => Buffer.from(name, 'latin1');

/** Where a name is below a root, as the system spells it. */
export const pathIn = (root: string, name: Name): Buffer => Buffer.concat([Buffer.from(`${root}/`), bytesOf(name)]);

/** An absolute path, one character for each byte: it may be no UTF-8, as names may. */
export type BytePath = string;

export const bytePathOf = (path: string): BytePath => Buffer.from(path, 'utf8').toString('latin1');

/** The path of a name below a root. */
export const bytePathIn = (root: BytePath, name: Name): BytePath => (name === ROOT ? root : `${root}/${name}`);

/** A path as the system spells it. */
export const bytesOfPath = (path: BytePath): Buffer => Buffer.from(path, 'latin1');

/** The directory that holds `name`; the root's parent is the root. */
export function parentOf(name: Name): Name {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? ROOT : (name.slice(0, slash) as Name);
}

/** The last part of a name. */
export const baseOf = (name: Name): string => name.slice(name.lastIndexOf('/') + 1);

/** The name of `base` in the directory `dir`. */
export const childOf = (dir: Name, base: string): Name => (dir === ROOT ? base : `${dir}/${base}`) as Name;

/** `name`, which is below the directory `dir`, as seen from there. */
export const relativeTo = (dir: Name, name: Name): Name => (dir === ROOT ? name : (name.slice(dir.length + 1) as Name));

/** Every directory above `name`, outermost first, without the root. */
export function ancestorsOf(name: Name): Name[] {
  const found: Name[] = [];
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    found.push(name.slice(0, slash) as Name);
  }
  return found;
}

/** The directories above any of these names, without the root. */
export function* directoriesAbove(names: Iterable<Name>): Steps<Set<Name>> {
  const found = new Set<Name>();
  for (const name of names) {
    yield;
    for (let dir = parentOf(name); dir !== ROOT && !found.has(dir); dir = parentOf(dir)) found.add(dir);
  }
  return found;
}

/** Whether there are directories among these that hold others of them: marked as missing each level would take a run of its own. */
export function* isTree(names: ReadonlySet<Name>): Steps<boolean> {
  for (const name of names) {
    yield;
    if (ancestorsOf(name).some((dir) => names.has(dir))) return true;
  }
  return false;
}

/** Whether `name` lies below `dir` (a name is not below itself). */
export const isBelow = (name: Name, dir: Name): boolean =>
  dir === ROOT ? name !== ROOT : name.length > dir.length && name.startsWith(dir) && name[dir.length] === '/';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name as text, with U+FFFD for what is no UTF-8: what a regular expression is matched against. */
export const looseTextOf = (name: Name): string => (isAscii(name) ? name : bytesOf(name).toString('utf8'));

/**
 * The name for people: on one line, safe on a terminal. Control characters and bytes that are no UTF-8 are shown as
 * `\n` or `\xff`.
 */
export function textOf(name: Name): Printable {
  return showControls(isAscii(name) ? name : decode(name));
}

function decode(name: Name): string {
  try {
    return strict.decode(bytesOf(name));
  } catch {
    return [...name].map((c) => (c < '\x80' ? c : `\\x${c.charCodeAt(0).toString(16)}`)).join('');
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII
export const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);
