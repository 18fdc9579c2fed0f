import { LONGEST_PATTERN, Pattern, problemOfLength } from './pattern.js';
import { ANY_BUT_SLASH, charOf, literalOf, type Problem, readSet, type Token } from './wildcards.js';

/** With more `**` between slashes than this, rsync can't be told what a line says: each one doubles the patterns it takes. */
const MOST_FOR_RSYNC = 4;

/** A token, and how rsync has it where anything in the pattern is wild. */
interface Atom {
  readonly token: Token;
  readonly written: string;
}

const SLASH: Atom = { token: charOf('/'), written: '/' };
const STAR: Atom = { token: { kind: 'gap', over: 'part' }, written: '*' };
/** Of a pattern with two slashes in a row: no path has them. */
const NEVER = { literal: '//', dirOnly: false } as const;

/** `**` between slashes: none or more directories; at the end, all that is inside. */
const DIRS: Atom = { token: { kind: 'gap', over: 'dirs' }, written: '**' };
const INSIDE: Atom = { token: { kind: 'gap', over: 'path' }, written: '**' };

/**
 * Compiles the pattern of one line, relative to the directory that its file is in; or says in a few words why git would never
 * match anything with it.
 */
export function compileIgnorePattern(text: string): Pattern | string {
  const tooLong = problemOfLength(text);
  if (tooLong !== undefined) return tooLong;
  const dirOnly = text.endsWith('/');
  const body = dirOnly ? text.slice(0, -1) : text;
  const atoms = atomsOf(body);
  if ('problem' in atoms) return atoms.problem;
  const isBase = !body.includes('/');
  const parts = isBase ? [atoms.map((atom) => (atom === DIRS ? STAR : atom))] : partsOf(atoms);
  // `**` and a slash at the beginning: in any directory.
  const isAnywhere = isBase || (isDirs(parts[0]) && parts.length > 1);
  const rest = isBase || !isAnywhere ? parts : parts.slice(1);
  if (rest.some((part) => part.length === 0)) return new Pattern(text, NEVER, []);
  const tokens = joined(rest).map(({ token }) => token);
  const literal = literalOf(tokens);
  const begin = isBase ? 1 : isAnywhere ? 'anywhere' : 'path';
  return new Pattern(
    text,
    literal === undefined
      ? { tokens, begin, dirOnly, dirSlash: false }
      : { literal: `${isAnywhere ? '' : '/'}${literal}`, dirOnly },
    waysOf(rest, isAnywhere ? '' : '/', dirOnly ? '/' : ''),
  );
}

function atomsOf(text: string): Atom[] | Problem {
  const atoms: Atom[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '*') {
      const begin = i;
      while (text[i + 1] === '*') i++;
      const isPart = (begin === 0 || text[begin - 1] === '/') && (i + 1 === text.length || text[i + 1] === '/');
      atoms.push(i > begin && isPart ? DIRS : STAR);
    } else if (char === '[') {
      const set = readSet(text, i);
      if ('problem' in set) return set;
      atoms.push({ token: set.token, written: text.slice(i, set.end) });
      i = set.end - 1;
    } else if (char === '?') atoms.push({ token: ANY_BUT_SLASH, written: '?' });
    else {
      if (char === '\\') i++;
      if (i === text.length) return { problem: 'it ends with a lone backslash' };
      const meant = text.charAt(i);
      atoms.push({ token: charOf(meant), written: meant.replace(/[*?[\\]/, '\\$&') });
    }
  }
  return atoms;
}

type Part = readonly Atom[];
const isDirs = (part: Part | undefined): boolean => part?.[0] === DIRS;

/** What is between the slashes, without one at the beginning; of several `**` in a row only one. */
function partsOf(atoms: readonly Atom[]): Part[] {
  const parts: Atom[][] = [[]];
  for (const atom of atoms) {
    if (atom.token.kind === 'char' && atom.token.char === '/') parts.push([]);
    else parts.at(-1)?.push(atom);
  }
  if (parts[0]?.length === 0) parts.shift();
  return parts.filter((part, i) => !isDirs(part) || !isDirs(parts[i - 1]));
}

/** The parts with the slashes between them. */
const joined = (parts: readonly Part[]): Atom[] =>
  parts.flatMap((part, i): readonly Atom[] => {
    const isLast = i === parts.length - 1;
    if (!isDirs(part)) return isLast ? part : [...part, SLASH];
    return [isLast ? INSIDE : DIRS];
  });

/** The patterns of rsync that say the same together: there, `**` between slashes is one or more directories, not none. */
function waysOf(parts: readonly Part[], begin: string, end: string): string[] | undefined {
  const inner = parts.flatMap((part, i) => (isDirs(part) && i < parts.length - 1 ? [i] : []));
  if (inner.length > MOST_FOR_RSYNC) return undefined;
  // A slash in a set matches nothing, but rsync counts it as one between parts.
  if (parts.some((part) => part.some(({ token, written }) => token.kind === 'set' && written.includes('/'))))
    return undefined;
  const ways: string[] = [];
  for (let chosen = 0; chosen < 2 ** inner.length; chosen++) {
    const left = parts.filter((_, i) => !inner.includes(i) || (chosen & (1 << inner.indexOf(i))) === 0);
    ways.push(`${begin}${asRsync(left.flatMap((part, i) => (i === 0 ? part : [SLASH, ...part])))}${end}`);
  }
  return ways.every((way) => way.length <= LONGEST_PATTERN) ? ways : undefined;
}

/** As rsync reads it: there a backslash escapes only where a wildcard is. */
function asRsync(atoms: readonly Atom[]): string {
  const literal = literalOf(atoms.map(({ token }) => token));
  return literal === undefined || /[*?[]/.test(literal) ? atoms.map(({ written }) => written).join('') : literal;
}
