/**
 * What a pattern is made of, one character per byte:
 * - `char`: itself.
 * - `set`: one of several bytes (`?`, `[…]`), as ranges of them.
 * - `gap`: any number of bytes, without a slash (`part`) or with any (`path`), or whole directories, none or more, each
 *   with the slash behind it (`dirs`). A `part` may follow `dirs`; else there are never two in a row.
 */
export type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'set'; readonly ranges: readonly Range[] }
  | { readonly kind: 'gap'; readonly over: 'part' | 'path' | 'dirs' };

/** The first and the last of some bytes. */
export type Range = readonly [from: number, to: number];

/** What is wrong with a pattern, in a few words. */
export interface Problem {
  readonly problem: string;
}

const SLASH = 0x2f;

const CHARS: readonly Token[] = Array.from({ length: 256 }, (_, byte) => ({
  kind: 'char',
  char: String.fromCharCode(byte),
}));

/** One byte that stands for itself. */
export const charOf = (char: string): Token => CHARS[char.charCodeAt(0)] ?? { kind: 'char', char };

/** `?` */
export const ANY_BUT_SLASH: Token = setOf([[SLASH, SLASH]], true);

/**
 * What any text that these tokens match has in it, where such a text stands between two slashes: each run of characters
 * between wildcards.
 */
export function runsOf(tokens: readonly Token[]): string[] {
  const runs = ['/'];
  for (const token of tokens) {
    if (token.kind === 'char') runs[runs.length - 1] += token.char;
    else if (runs.at(-1) !== '') runs.push('');
  }
  runs[runs.length - 1] += '/';
  return runs;
}

/** The characters of tokens that are all of them themselves. */
export function literalOf(tokens: readonly Token[]): string | undefined {
  let text = '';
  for (const token of tokens) {
    if (token.kind !== 'char') return undefined;
    text += token.char;
  }
  return text;
}

const DIGITS: Range = [0x30, 0x39];
const UPPER: Range = [0x41, 0x5a];
const LOWER: Range = [0x61, 0x7a];

/** The named classes of POSIX in the "C" locale. */
const NAMED: Readonly<Record<string, readonly Range[]>> = {
  alnum: [DIGITS, UPPER, LOWER],
  alpha: [UPPER, LOWER],
  blank: [
    [0x20, 0x20],
    [0x09, 0x09],
  ],
  cntrl: [
    [0x00, 0x1f],
    [0x7f, 0x7f],
  ],
  digit: [DIGITS],
  graph: [[0x21, 0x7e]],
  lower: [LOWER],
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [0x20, 0x20],
    [0x09, 0x0d],
  ],
  upper: [UPPER],
  xdigit: [DIGITS, [0x41, 0x46], [0x61, 0x66]],
};

/** The bytes that are in these ranges, or that are not; a slash never is. */
function setOf(members: readonly Range[], isNegated: boolean): Token {
  const has = new Uint8Array(257);
  for (const [from, to] of members) has.fill(1, from, to + 1);
  const ranges: Range[] = [];
  let from: number | undefined;
  for (let byte = 0; byte <= 256; byte++) {
    const isIn = byte < 256 && byte !== SLASH && (has[byte] === 1) !== isNegated;
    if (isIn) from ??= byte;
    else if (from !== undefined) {
      ranges.push([from, byte - 1]);
      from = undefined;
    }
  }
  return { kind: 'set', ranges };
}

/** A `[…]` that begins at `start`, and where it ends. It never matches a slash. */
export function readSet(text: string, start: number): { readonly token: Token; readonly end: number } | Problem {
  const unterminated: Problem = { problem: 'a [ has no closing ]' };
  let i = start + 1;
  const negated = text[i] === '!' || text[i] === '^';
  if (negated) i++;
  const members: Range[] = [];
  let previous: number | undefined;
  for (let first = true; first || text[i] !== ']'; first = false) {
    if (i >= text.length) return unterminated;
    if (text[i] === '[' && text[i + 1] === ':') {
      const end = text.indexOf(']', i + 2);
      if (end < 0) return unterminated;
      const known = text[end - 1] === ':' && end - 1 >= i + 2 ? NAMED[text.slice(i + 2, end - 1)] : undefined;
      if (known === undefined) return { problem: `unknown character class ${text.slice(i, end + 1)}` };
      members.push(...known);
      previous = undefined;
      i = end + 1;
      continue;
    }
    if (text[i] === '-' && previous !== undefined && i + 1 < text.length && text[i + 1] !== ']') {
      i++;
      if (text[i] === '\\') i++;
      if (i >= text.length) return unterminated;
      members.push([previous, text.charCodeAt(i++)]);
      previous = undefined;
      continue;
    }
    if (text[i] === '\\') i++;
    if (i >= text.length) return unterminated;
    previous = text.charCodeAt(i++);
    members.push([previous, previous]);
  }
  return { token: setOf(members, negated), end: i + 1 };
}
