import type { RawRule, RuleSource } from './rule.js';

/**
 * The rules of a file in gitignore notation (man gitignore, PATTERN FORMAT), first match first: as the last matching line
 * wins there, the last one comes first. `sourceOf` says where a line (from 1 on) is from.
 */
export function rulesFromIgnoreFile(content: string, sourceOf: (line: number) => RuleSource): RawRule[] {
  return content
    .replace(/^\xef\xbb\xbf/, '') // a byte order mark
    .split('\n')
    .flatMap((text, i): RawRule[] => {
      if (text.startsWith('#')) return [];
      // To git a line ends at a NUL; rsync, which is told the pattern, would take what follows for one more rule.
      const line = withoutTrailingSpaces(text.replace(/\r$/, '').replace(/\0.*$/s, ''));
      const isNegated = line.startsWith('!');
      const pattern = isNegated ? line.slice(1) : line;
      if (pattern === '' || pattern === '/') return [];
      const action = isNegated ? 'include' : 'exclude';
      return [{ action, pattern, notation: 'gitignore', text: line, source: sourceOf(i + 1) }];
    })
    .reverse();
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
