import type { Name } from './name.js';

/**
 * One rsync pattern (rsync(1), "PATTERN MATCHING RULES"), compiled to a regular expression over the bytes of a name.
 * The rules are rsync's own: exclude.c `rule_matches` decides what part of the path a pattern is held against,
 * lib/wildmatch.c what the wildcards mean. A property test compares this with rsync itself.
 */
export interface Pattern {
  /** As it was written, UTF-8 bytes as latin1. */
  readonly text: string;
  matches(name: Name, isDir: boolean): boolean;
}

/** Compiles `text` (one character per byte). Says in a few words what is wrong with it instead, if it can never match. */
export function compilePattern(text: string): Pattern | string {
  if (text === '' || text === '/') return 'the pattern is empty';
  if (/[\0\n\r]/.test(text)) return 'the pattern holds a line break or a NUL';
  const dirOnly = text.endsWith('/');
  const body = dirOnly ? text.slice(0, -1) : text;
  const wild = /[*?[]/.test(body);
  const wild2 = wild && body.includes('**');
  const wild2Prefix = wild2 && body.startsWith('**');
  const wild3Suffix = wild2 && body.length >= 3 && body.endsWith('***');
  const slashes = body.split('/').length - 1;
  const anchored = body.startsWith('/');
  const source = wild ? wildcards(anchored ? body.slice(1) : body) : quoteRegex(anchored ? body.slice(1) : body);
  if (typeof source !== 'string') return source.problem;

  // Where a match may begin: at the start; at the last `slashes + 1` parts (that is: the start or after a slash, with
  // so many slashes left); or after any slash.
  const regex = new RegExp(`^(?:${source})$`, 's');
  const lastParts = !anchored && slashes > 0 && !wild2 ? slashes + 1 : 0;
  const anyPart = !anchored && wild2 && !wild2Prefix;
  const wholePath = slashes > 0 || wild2;

  return {
    text,
    matches(name, isDir) {
      if (dirOnly && !isDir) return false;
      if (!wholePath) return regex.test(name.slice(name.lastIndexOf('/') + 1));
      const path = (wild2Prefix ? '/' : '') + name + (isDir && wild3Suffix ? '/' : '');
      if (lastParts > 0) {
        const tail = lastPartsOf(path, lastParts);
        return tail !== undefined && regex.test(tail);
      }
      if (regex.test(path)) return true;
      if (!anyPart) return false;
      for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
        if (regex.test(path.slice(slash + 1))) return true;
      }
      return false;
    },
  };
}

function lastPartsOf(path: string, count: number): string | undefined {
  let from = path.length;
  for (let i = 0; i < count; i++) {
    if (from < 0) return undefined;
    from = path.lastIndexOf('/', from - 1);
  }
  return path.slice(from + 1);
}

const quoteRegex = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

type Problem = { readonly problem: string };

function wildcards(text: string): string | Problem {
  let out = '';
  for (let i = 0; i < text.length; ) {
    const c = text.charAt(i);
    if (c === '\\') {
      if (i + 1 >= text.length) return { problem: 'it ends with a lone backslash' };
      out += quoteRegex(text.charAt(i + 1));
      i += 2;
    } else if (c === '?') {
      out += '[^/]';
      i++;
    } else if (c === '*') {
      const stars = /^\*+/.exec(text.slice(i))?.[0].length ?? 1;
      out += stars > 1 ? '.*' : '[^/]*';
      i += stars;
    } else if (c === '[') {
      const set = characterClass(text, i);
      if ('problem' in set) return set;
      out += set.source;
      i = set.end;
    } else {
      out += quoteRegex(c);
      i++;
    }
  }
  return out;
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: ' \\t\\n\\v\\f\\r',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** A `[…]` that begins at `start`: its regular expression and where it ends. Never matches a slash, as in rsync. */
function characterClass(text: string, start: number): { source: string; end: number } | Problem {
  const unterminated: Problem = { problem: 'a [ has no closing ]' };
  let i = start + 1;
  const negated = text[i] === '!' || text[i] === '^';
  if (negated) i++;
  const hex = (code: number): string => `\\x${code.toString(16).padStart(2, '0')}`;
  let members = '';
  let previous: number | undefined;
  for (let first = true; first || text[i] !== ']'; first = false) {
    if (i >= text.length) return unterminated;
    if (text[i] === '[' && text[i + 1] === ':') {
      const end = text.indexOf(']', i + 2);
      if (end < 0) return unterminated;
      const known = text[end - 1] === ':' && end - 1 >= i + 2 ? POSIX[text.slice(i + 2, end - 1)] : undefined;
      if (known === undefined) return { problem: `unknown character class ${text.slice(i, end + 1)}` };
      members += known;
      previous = undefined;
      i = end + 1;
      continue;
    }
    if (text[i] === '-' && previous !== undefined && i + 1 < text.length && text[i + 1] !== ']') {
      i++;
      if (text[i] === '\\') i++;
      if (i >= text.length) return unterminated;
      const to = text.charCodeAt(i++);
      if (to >= previous) members += `${hex(previous)}-${hex(to)}`;
      previous = undefined;
      continue;
    }
    if (text[i] === '\\') i++;
    if (i >= text.length) return unterminated;
    previous = text.charCodeAt(i++);
    members += hex(previous);
  }
  const set = members === '' ? (negated ? '[^]' : '[]') : `[${negated ? '^' : ''}${members}]`;
  return { source: `(?!/)${set}`, end: i + 1 };
}
