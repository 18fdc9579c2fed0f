import { type WallMs, wallMs } from '../../src/core/clock.js';
import {
  ancestorsOf,
  baseOf,
  bytesOf,
  childOf,
  isBelow,
  type Name,
  nameFromText,
  parentOf,
  ROOT,
} from '../../src/core/name.js';
import type { Entry, Seen } from '../../src/core/sync/entry.js';
import type { ListedType, TreeOnDisk } from '../../src/scan/disk.js';
import { Mounts } from '../../src/scan/mounts.js';
import { OwnFiles } from '../../src/scan/own-files.js';

/** What stands under a name, and what is in it: equal numbers are equal contents. */
interface Node {
  readonly seen: Entry | 'blocked' | 'unreadable';
  readonly content: number;
}

type Kind = Entry['type'];

/** So much of a second is microseconds in {@link Entry.ctime}. */
const CTIME_RANGE = 2 ** 30;

/**
 * A directory in memory, as lstat tells of it: what is done to a name moves its times and those of its directory as a kernel
 * does, on a clock that goes on by a second with each step.
 */
export class FakeDisk implements TreeOnDisk {
  tickMs = 0;
  readonly mounts = new Mounts();
  readonly own = new OwnFiles('/r');
  /** Why no directory can be listed just now. */
  shortage: string | undefined;
  /** Directories that nobody may look into. */
  readonly closed = new Set<Name>();
  /** Directories of so many names that they are not listed for every hint. */
  readonly large = new Set<Name>();
  /** Paths that are too long for the system. */
  readonly tooLong = new Set<Name>();
  /** To be replaced: a directory is being read. */
  onRead: (dir: Name) => void = () => {};
  /** What was looked at, in order. */
  readonly looks: Name[] = [];
  readonly #nodes = new Map<Name, Node>();
  #clock = 1_000_000_000;
  #inodes = 0;

  constructor() {
    this.#nodes.set(ROOT, { seen: this.#entry('dir', 0), content: 0 });
  }

  isHeld(name: Name): boolean {
    return this.mounts.isHeld(name) || this.own.has(name);
  }

  /** Makes it, or writes to it: the same inode. `keepsTime`: as `touch -r` after that. */
  write(text: string, size = 10, keepsTime = false): Name {
    const name = nameFromText(text);
    const was = this.get(name);
    if (was?.type !== 'file') return this.#make(name, this.#entry('file', size));
    const time = this.#tick();
    const { mtimeS, mtimeNs } = keepsTime ? was : time;
    this.#nodes.set(name, { seen: { ...was, size, mtimeS, mtimeNs, ctime: time.ctime }, content: this.#clock });
    return name;
  }

  /** An atomic save: another inode. */
  replace(text: string, size = 10): Name {
    const name = nameFromText(text);
    this.remove(name);
    return this.#make(name, this.#entry('file', size));
  }

  mkdir(text: string): Name {
    return this.#make(nameFromText(text), this.#entry('dir', 0));
  }

  symlink(text: string, link = 'x'): Name {
    return this.#make(nameFromText(text), { ...this.#entry('link', 0), link });
  }

  /** A FIFO, or what can't be read. */
  block(text: string, as: 'blocked' | 'unreadable' = 'blocked'): Name {
    return this.#make(nameFromText(text), as);
  }

  chmod(text: string, mode: number): void {
    const { seen, content } = this.#nodeOf(nameFromText(text));
    if (typeof seen === 'object')
      this.#nodes.set(nameFromText(text), { seen: { ...seen, mode, ctime: this.#tick().ctime }, content });
  }

  /** This very entry, as a file that comes back; its content goes by its inode. */
  put(name: Name, entry: Entry): void {
    this.#parents(name);
    this.#nodes.set(name, { seen: entry, content: entry.ino });
    this.#changed(parentOf(name));
  }

  /** With what is in it. Gives what it was. */
  remove(text: string): Entry | undefined {
    const name = nameFromText(text);
    const was = this.get(name);
    if (!this.#nodes.has(name)) return undefined;
    for (const each of [...this.#nodes.keys()]) if (each === name || isBelow(each, name)) this.#nodes.delete(each);
    this.#changed(parentOf(name));
    return was;
  }

  /** With what is in it, over what is there. */
  rename(from: string, to: string): void {
    const [old, fresh] = [nameFromText(from), nameFromText(to)];
    const moved = [...this.#nodes].filter(([name]) => name === old || isBelow(name, old));
    this.remove(old);
    this.remove(fresh);
    this.#parents(fresh);
    for (const [name, { seen, content }] of moved) {
      const isIt = name === old && typeof seen === 'object';
      const now = isIt ? { ...seen, ctime: this.#tick().ctime } : seen;
      this.#nodes.set((name === old ? fresh : `${fresh}${name.slice(old.length)}`) as Name, { seen: now, content });
    }
    this.#changed(parentOf(fresh));
  }

  /** What can be synced, by name; without the root. */
  *entries(): Generator<[Name, Entry]> {
    for (const [name, { seen }] of this.#nodes) if (name !== ROOT && typeof seen === 'object') yield [name, seen];
  }

  get(name: Name): Entry | undefined {
    const seen = this.#nodes.get(name)?.seen;
    return typeof seen === 'object' ? seen : undefined;
  }

  has(name: Name): boolean {
    return this.#nodes.has(name);
  }

  contentOf(name: Name): number {
    return this.#nodeOf(name).content;
  }

  see(name: Name): Seen {
    for (const dir of ancestorsOf(name)) {
      const seen = this.look(dir);
      if (typeof seen === 'string') return seen;
      if (seen.type !== 'dir') return 'blocked';
    }
    return this.look(name);
  }

  look(name: Name): Seen {
    this.looks.push(name);
    if (this.tooLong.has(name)) return 'unreadable';
    return this.#nodes.get(name)?.seen ?? 'missing';
  }

  isTooLong(name: Name): boolean {
    return this.tooLong.has(name);
  }

  isLarge(name: Name): boolean {
    return this.large.has(name);
  }

  *names(dir: Name): Generator<readonly string[] | 'short' | undefined> {
    this.onRead(dir);
    if (this.shortage !== undefined) yield 'short';
    else if (this.get(dir)?.type !== 'dir' || this.closed.has(dir)) yield undefined;
    else yield this.#childrenOf(dir).map(baseOf);
  }

  *types(dir: Name): Generator<ReadonlyArray<readonly [string, ListedType]> | 'short' | undefined> {
    for (const part of this.names(dir))
      yield typeof part === 'object' ? part.map((base) => [base, this.get(childOf(dir, base))?.type ?? 'other']) : part;
  }

  canList(dir: Name): boolean {
    return !this.closed.has(dir);
  }

  isDirectory(name: Name): boolean {
    const seen = this.see(name);
    return typeof seen === 'object' && seen.type === 'dir';
  }

  changedMs(name: Name): WallMs | undefined {
    const entry = this.get(name);
    return entry === undefined ? undefined : wallMs(entry.mtimeS * 1_000);
  }

  groundOf(name: Name): Entry | undefined {
    for (const dir of [...ancestorsOf(name).reverse(), ROOT]) {
      const seen = this.see(dir);
      if (typeof seen === 'object') return seen;
    }
    return undefined;
  }

  path(name: Name): Buffer {
    return Buffer.concat([Buffer.from('/fake/'), bytesOf(name)]);
  }

  #childrenOf(dir: Name): Name[] {
    return [...this.#nodes.keys()].filter((name) => name !== ROOT && parentOf(name) === dir);
  }

  #nodeOf(name: Name): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`nothing is at ${name}`);
    return node;
  }

  #make(name: Name, seen: Node['seen']): Name {
    this.#parents(name);
    if (this.#nodes.has(name)) this.remove(name);
    this.#nodes.set(name, { seen, content: this.#clock });
    this.#changed(parentOf(name));
    return name;
  }

  #parents(name: Name): void {
    for (const dir of ancestorsOf(name)) if (this.get(dir)?.type !== 'dir') this.mkdir(dir);
  }

  /** Something came or went in it. */
  #changed(dir: Name): void {
    const node = this.#nodes.get(dir);
    if (typeof node?.seen === 'object') this.#nodes.set(dir, { ...node, seen: { ...node.seen, ...this.#tick() } });
  }

  #entry(type: Kind, size: number): Entry {
    const time = this.#tick();
    return { type, mode: 0o644, size, ...time, ino: ++this.#inodes, born: time.ctime, link: '' };
  }

  #tick(): Pick<Entry, 'mtimeS' | 'mtimeNs' | 'ctime'> {
    this.#clock++;
    return this.#now();
  }

  #now(): Pick<Entry, 'mtimeS' | 'mtimeNs' | 'ctime'> {
    return { mtimeS: this.#clock, mtimeNs: 0, ctime: (this.#clock * 1_000_000) % CTIME_RANGE };
  }
}
