import type { Token } from './wildcards.js';

/** A pattern with wildcards, and which part of a path it is held against. */
export interface Wild {
  readonly tokens: readonly Token[];
  /**
   * Where a match begins: at the path's beginning, at a slash in front of that (`slash`), there and after any slash
   * (`anywhere`), or so many parts before the end.
   */
  readonly begin: 'path' | 'slash' | 'anywhere' | number;
  /** Only directories. */
  readonly dirOnly: boolean;
  /** A directory is held against it with a slash at its end. */
  readonly dirSlash: boolean;
}

const SLASH = 0x2f;
const BITS = 32;

/**
 * Holds paths against patterns, all at the same time, and in time that grows with the length of the path and of all patterns
 * together, whatever is in them: every way to match is followed at once, one bit each (the "shift-and" automaton). A
 * pattern has a bit more than it has tokens that are no gaps; the n-th stands for: so many of them have been read. A gap
 * keeps its bit alive.
 *
 * Tables are made when they are needed first: for 32 bits 128 bytes for each byte that there is in paths.
 */
export class Automaton {
  readonly #patterns: readonly Wild[];
  #tables: Tables | undefined;

  constructor(patterns: readonly Wild[]) {
    this.#patterns = patterns;
  }

  /** Which of the patterns is the first to match; undefined if none does. */
  first(path: string, isDir: boolean): number | undefined {
    const tables = (this.#tables ??= new Tables(this.#patterns));
    const { words } = tables;
    let parts = 1;
    for (let i = path.indexOf('/'); i >= 0; i = path.indexOf('/', i + 1)) parts++;
    let { now, next } = tables;
    const { resting } = tables;
    now.set(tables.slash);
    resting.fill(0);
    let isAlive = tables.hasSlash;
    const read = (byte: number): void => {
      const row = tables.rowOf(byte);
      const stays = byte === SLASH ? tables.staysOnSlash : tables.stays;
      let carry = 0;
      let alive = 0;
      for (let word = 0; word < words; word++) {
        const here = now[word] ?? 0;
        const rests = (resting[word] ?? 0) | (here & (tables.dirs[word] ?? 0));
        resting[word] = rests;
        const taken = here & (row[word] ?? 0);
        const after = (taken << 1) | carry | (here & (stays[word] ?? 0)) | (byte === SLASH ? rests : 0);
        carry = taken >>> (BITS - 1);
        next[word] = after;
        alive |= after | rests;
      }
      [now, next] = [next, now];
      isAlive = alive !== 0;
    };
    const begin = (bits: Int32Array | undefined): void => {
      if (bits === undefined) return;
      for (let word = 0; word < words; word++) now[word] = (now[word] ?? 0) | (bits[word] ?? 0);
      isAlive = true;
    };
    if (isAlive) read(SLASH);
    begin(tables.path);
    for (let i = 0; ; i++) {
      begin(tables.anywhere);
      begin(tables.parts.get(parts--));
      for (; i < path.length && path.charCodeAt(i) !== SLASH; i++) if (isAlive) read(path.charCodeAt(i));
      if (i >= path.length) break;
      if (isAlive) read(SLASH);
    }
    if (!isAlive) return undefined;
    if (!isDir) return tables.firstOf(now, tables.ends.file);
    const plain = tables.firstOf(now, tables.ends.dir);
    if (!tables.hasDirSlash) return plain;
    read(SLASH);
    const slashed = tables.firstOf(now, tables.ends.dirSlash);
    return plain === undefined || (slashed !== undefined && slashed < plain) ? slashed : plain;
  }
}

/** The bits of patterns, one behind the other. */
class Tables {
  readonly words: number;
  /** For one question after the other: where a match is now and next, and what waits for a slash. */
  readonly now: Int32Array;
  readonly next: Int32Array;
  readonly resting: Int32Array;
  /** The bits that stay: on a byte that is no slash, on one that is; and those that come back after each slash. */
  readonly stays: Int32Array;
  readonly staysOnSlash: Int32Array;
  readonly dirs: Int32Array;
  /** The bits that matches begin with. */
  readonly slash: Int32Array;
  readonly path: Int32Array;
  readonly anywhere: Int32Array | undefined;
  readonly parts = new Map<number, Int32Array>();
  readonly hasSlash: boolean;
  readonly hasDirSlash: boolean;
  /** The bits that matches end with. */
  readonly ends: { readonly file: Int32Array; readonly dir: Int32Array; readonly dirSlash: Int32Array };
  readonly #patterns: readonly Wild[];
  /** For each byte the bits of the tokens that take it. */
  readonly #rows: Array<Int32Array | undefined> = [];
  /** The last bit of each pattern. */
  readonly #lastBits: Int32Array;

  constructor(patterns: readonly Wild[]) {
    this.#patterns = patterns;
    this.#lastBits = new Int32Array(patterns.length);
    let bits = 0;
    patterns.forEach(({ tokens }, i) => {
      for (const { kind } of tokens) if (kind !== 'gap') bits++;
      this.#lastBits[i] = bits++;
    });
    this.words = Math.ceil(bits / BITS);
    const none = (): Int32Array => new Int32Array(this.words);
    [this.stays, this.staysOnSlash, this.dirs, this.slash, this.path] = [none(), none(), none(), none(), none()];
    [this.now, this.next, this.resting] = [none(), none(), none()];
    this.ends = { file: none(), dir: none(), dirSlash: none() };
    this.anywhere = patterns.some(({ begin }) => begin === 'anywhere') ? none() : undefined;
    this.hasSlash = patterns.some(({ begin }) => begin === 'slash');
    this.hasDirSlash = patterns.some(({ dirSlash }) => dirSlash);
    let bit = 0;
    for (const { tokens, begin, dirOnly, dirSlash } of patterns) {
      set(this.#beginOf(begin), bit);
      for (const token of tokens) {
        if (token.kind !== 'gap') bit++;
        else {
          set(token.over === 'dirs' ? this.dirs : this.stays, bit);
          if (token.over === 'path') set(this.staysOnSlash, bit);
        }
      }
      if (!dirOnly) set(this.ends.file, bit);
      set(dirSlash ? this.ends.dirSlash : this.ends.dir, bit);
      bit++;
    }
  }

  rowOf(byte: number): Int32Array {
    const known = this.#rows[byte];
    if (known !== undefined) return known;
    const row = new Int32Array(this.words);
    let bit = 0;
    for (const { tokens } of this.#patterns) {
      for (const token of tokens) {
        if (token.kind === 'gap') continue;
        if (takes(token, byte)) set(row, bit);
        bit++;
      }
      bit++;
    }
    this.#rows[byte] = row;
    return row;
  }

  /** The first pattern whose last bit is in both. */
  firstOf(now: Int32Array, ends: Int32Array): number | undefined {
    for (let word = 0; word < this.words; word++) {
      const ended = (now[word] ?? 0) & (ends[word] ?? 0);
      if (ended !== 0) return this.#patternOf(word * BITS + BITS - 1 - Math.clz32(ended & -ended));
    }
    return undefined;
  }

  #beginOf(begin: Wild['begin']): Int32Array {
    if (begin === 'slash') return this.slash;
    if (begin === 'path') return this.path;
    if (begin === 'anywhere') return this.anywhere ?? this.path;
    let bits = this.parts.get(begin);
    if (bits === undefined) this.parts.set(begin, (bits = new Int32Array(this.words)));
    return bits;
  }

  #patternOf(lastBit: number): number {
    let [low, high] = [0, this.#lastBits.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#lastBits[middle] ?? 0) < lastBit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function set(bits: Int32Array, bit: number): void {
  bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
}

const takes = (token: Exclude<Token, { kind: 'gap' }>, byte: number): boolean =>
  token.kind === 'char'
    ? token.char.charCodeAt(0) === byte
    : token.ranges.some(([from, to]) => byte >= from && byte <= to);
