import type { RawRule, RuleSource } from './filter.js';

/** What one line of a gitignore file is made of: one character that stands for itself, a wildcard, or a `[…]`. */
type Atom = { readonly kind: 'char' | 'wild' | 'set'; readonly text: string } | { readonly kind: 'stars' };

/** With more `**` between slashes than this a line is refused: each one doubles the rules it becomes. */
const MOST_STARS = 4;

/**
 * The rules of a file in gitignore notation (man gitignore, PATTERN FORMAT), as rsync has them: first match wins, so the
 * last line comes first. Relative to the directory that the file is in. `sourceOf` says where a line (from 1 on) is from.
 *
 * A line that git would never match anything with, because it is damaged, becomes a rule with a problem.
 */
export function rulesFromIgnoreFile(content: string, sourceOf: (line: number) => RuleSource): RawRule[] {
  return content
    .replace(/^\xef\xbb\xbf/, '') // a byte order mark
    .split('\n')
    .flatMap((text, i) => rulesFromLine(text.replace(/\r$/, ''), sourceOf(i + 1)))
    .reverse();
}

function rulesFromLine(text: string, source: RuleSource): RawRule[] {
  if (text.startsWith('#')) return [];
  const trimmed = withoutTrailingSpaces(text);
  const isNegated = trimmed.startsWith('!');
  const body = isNegated ? trimmed.slice(1) : trimmed;
  const dirOnly = body.endsWith('/');
  const pattern = dirOnly ? body.slice(0, -1) : body;
  if (pattern === '') return [];
  const rule = (found: string): RawRule => ({
    action: isNegated ? 'include' : 'exclude',
    pattern: `${found}${dirOnly ? '/' : ''}`,
    text: trimmed,
    source,
  });
  const atoms = atomsOf(pattern);
  if (typeof atoms === 'string') return [{ ...rule(pattern), problem: atoms }];
  if (!pattern.includes('/')) return [rule(written(atoms.map((a) => (a.kind === 'stars' ? STAR : a))))];
  const ways = waysOf(pattern.startsWith('/') ? atoms.slice(1) : atoms);
  return ways === undefined
    ? [{ ...rule(pattern), problem: `it has more than ${MOST_STARS} ** between slashes` }]
    : ways.map((way) => rule(way));
}

/** Trailing spaces do not count unless a backslash is before them (dir.c, trim_trailing_spaces). */
function withoutTrailingSpaces(text: string): string {
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && i + 1 < text.length) i++;
    else if (text[i] === ' ') continue;
    end = i + 1;
  }
  return text.slice(0, end);
}

const STAR: Atom = { kind: 'wild', text: '*' };

/** Or what is wrong with it. */
function atomsOf(pattern: string): Atom[] | string {
  const atoms: Atom[] = [];
  for (let i = 0; i < pattern.length; ) {
    const c = pattern.charAt(i);
    const stars = /^\*+/.exec(pattern.slice(i))?.[0].length ?? 0;
    if (c === '\\') {
      if (i + 1 >= pattern.length) return 'it ends with a lone backslash';
      atoms.push({ kind: 'char', text: pattern.charAt(i + 1) });
      i += 2;
    } else if (stars > 1) {
      const after = pattern[i + stars];
      const isPart = (i === 0 || pattern[i - 1] === '/') && (after === undefined || after === '/');
      atoms.push(isPart ? { kind: 'stars' } : STAR);
      i += stars;
    } else if (c === '[') {
      const end = endOfSet(pattern, i);
      if (end === undefined) return 'a [ has no closing ]';
      atoms.push({ kind: 'set', text: pattern.slice(i, end) });
      i = end;
    } else {
      atoms.push({ kind: c === '*' || c === '?' ? 'wild' : 'char', text: c });
      i++;
    }
  }
  return atoms;
}

/** Where a `[…]` that begins at `start` ends. */
function endOfSet(pattern: string, start: number): number | undefined {
  let i = start + 1;
  if (pattern[i] === '!' || pattern[i] === '^') i++;
  for (let first = true; i < pattern.length; first = false) {
    if (pattern[i] === ']' && !first) return i + 1;
    const named = /^\[:[^\]]*:\]/.exec(pattern.slice(i))?.[0].length;
    i += named ?? (pattern[i] === '\\' ? 2 : 1);
  }
  return undefined;
}

/**
 * The patterns of rsync that say the same together. `**` and a slash at the beginning is any directory: not anchored.
 * Between slashes it is none or more of them, where rsync's is one or more: two patterns.
 */
function waysOf(atoms: readonly Atom[]): string[] | undefined {
  const parts: Atom[][] = [[]];
  for (const atom of atoms) {
    if (atom.kind === 'char' && atom.text === '/') parts.push([]);
    else parts.at(-1)?.push(atom);
  }
  const isStars = (part: readonly Atom[] | undefined): boolean => part?.[0]?.kind === 'stars';
  const plain = parts.filter((part, i) => !isStars(part) || !isStars(parts[i - 1]));
  const isAnywhere = isStars(plain[0]) && plain.length > 1;
  const rest = isAnywhere ? plain.slice(1) : plain;
  const inner = rest.flatMap((part, i) => (isStars(part) && i < rest.length - 1 ? [i] : []));
  if (inner.length > MOST_STARS) return undefined;
  const ways: string[] = [];
  for (let chosen = 0; chosen < 2 ** inner.length; chosen++) {
    const left = rest.filter((_, i) => !inner.includes(i) || (chosen & (1 << inner.indexOf(i))) === 0);
    const flat = left.flatMap((part, i): Atom[] => (i === 0 ? part : [{ kind: 'char', text: '/' }, ...part]));
    ways.push(`${isAnywhere ? '' : '/'}${written(flat)}`);
  }
  return ways;
}

/** As rsync reads it: there a backslash escapes only where a wildcard is. */
function written(atoms: readonly Atom[]): string {
  const isWild = atoms.some((atom) => atom.kind !== 'char' || /[*?[]/.test(atom.text));
  return atoms
    .map((atom) => {
      if (atom.kind === 'stars') return '**';
      return atom.kind === 'char' && isWild ? atom.text.replace(/[*?[\\]/, '\\$&') : atom.text;
    })
    .join('');
}
