import type { Name } from '../name.js';
import { Automaton, type Wild } from './automaton.js';
import { ANY_BUT_SLASH, charOf, literalOf, type Problem, readSet, type Token } from './wildcards.js';

/** The longest pattern, in bytes: rsync drops what is longer (exclude.c; MAXPATHLEN). No path is longer either. */
export const LONGEST_PATTERN = 4_095;

/** A pattern, ready to be held against names. */
export class Pattern {
  /** As it was written, UTF-8 bytes as latin1. */
  readonly text: string;
  /** What it matches. Without wildcards: the end of paths (`a/b`), or with a slash in front one path (`/a/b`). */
  readonly what: Wild | { readonly literal: string; readonly dirOnly: boolean };
  /** The patterns that tell rsync the same together; undefined where rsync can't be told. */
  readonly forRsync: readonly string[] | undefined;
  #automaton: Automaton | undefined;

  constructor(text: string, what: Pattern['what'], forRsync: Pattern['forRsync']) {
    this.text = text;
    this.what = what;
    this.forRsync = forRsync;
  }

  matches(name: Name, isDir: boolean): boolean {
    if (!isDir && this.what.dirOnly) return false;
    if ('literal' in this.what) {
      const { literal } = this.what;
      return `/${name}` === literal || lastParts(name, partsIn(literal)) === literal;
    }
    this.#automaton ??= new Automaton([this.what]);
    return this.#automaton.first(name, isDir) !== undefined;
  }
}

/** The last parts of a path, so many of them; undefined where there are fewer. */
export function lastParts(path: string, count: number): string | undefined {
  let from = path.length;
  for (let i = 0; i < count; i++) {
    if (from < 0) return undefined;
    from = path.lastIndexOf('/', from - 1);
  }
  return path.slice(from + 1);
}

export const partsIn = (path: string): number => path.split('/').length;

/** Why a pattern of this length can't be taken, or undefined where it can. */
export const problemOfLength = (text: string): string | undefined =>
  text.length > LONGEST_PATTERN
    ? `it is ${text.length.toLocaleString('en-US')} bytes long, and no path is longer than ${LONGEST_PATTERN.toLocaleString('en-US')}`
    : undefined;

/**
 * Compiles one rsync pattern (rsync(1), "PATTERN MATCHING RULES"; one character per byte). Says in a few words what is wrong
 * with it instead, if it can never match. Where nothing is wild, not even a backslash means anything but itself.
 *
 * The rules are rsync's own: exclude.c `rule_matches` decides what part of the path a pattern is held against,
 * lib/wildmatch.c what the wildcards mean. A property test compares this with rsync itself.
 */
export function compilePattern(text: string): Pattern | string {
  if (text === '' || text === '/') return 'the pattern is empty';
  const tooLong = problemOfLength(text);
  if (tooLong !== undefined) return tooLong;
  if (/[\0\n\r]/.test(text)) return 'the pattern holds a line break or a NUL';
  const dirOnly = text.endsWith('/');
  const body = dirOnly ? text.slice(0, -1) : text;
  const anchored = body.startsWith('/');
  const path = anchored ? body.slice(1) : body;
  const tokens = /[*?[]/.test(body) ? tokensOf(path) : path;
  if (typeof tokens !== 'string' && 'problem' in tokens) return tokens.problem;
  const literal = typeof tokens === 'string' ? tokens : literalOf(tokens);
  if (typeof tokens === 'string' || literal !== undefined)
    return new Pattern(text, { literal: `${anchored ? '/' : ''}${literal}`, dirOnly }, [text]);
  return new Pattern(text, { tokens, begin: beginOf(body), dirOnly, dirSlash: body.endsWith('***') }, [text]);
}

/** At the start; at the last parts, as many as the pattern has; or, with a `**` further down, after any slash, too. */
function beginOf(body: string): Wild['begin'] {
  if (body.startsWith('/')) return 'path';
  if (body.startsWith('**')) return 'slash';
  return body.includes('**') ? 'anywhere' : partsIn(body);
}

function tokensOf(text: string): Token[] | Problem {
  const tokens: Token[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '*') {
      const begin = i;
      while (text[i + 1] === '*') i++;
      tokens.push({ kind: 'gap', over: i > begin ? 'path' : 'part' });
    } else if (char === '[') {
      const set = readSet(text, i);
      if ('problem' in set) return set;
      tokens.push(set.token);
      i = set.end - 1;
    } else if (char === '\\') {
      i++;
      if (i === text.length) return { problem: 'it ends with a lone backslash' };
      tokens.push(charOf(text.charAt(i)));
    } else tokens.push(char === '?' ? ANY_BUT_SLASH : charOf(char));
  }
  return tokens;
}
