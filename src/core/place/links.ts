import { Buffer } from 'node:buffer';
import { bytesOf, type Name, nameFromBytes, nameFromText } from '../name.js';
import { word } from './script.js';

/** What to ask about. */
export interface AskedLinks {
  /** Of the target, absolute, without symlinks. */
  readonly path: string;
  /** Directories here, below it. */
  readonly dirs: readonly Name[];
  /** A random word: what the script says begins with it. */
  readonly mark: string;
}

/**
 * A script for `sh -s` that tells which of these are symbolic links there that lead to something that is not empty. Not told of: names
 * with line breaks, or that are no UTF-8.
 */
export function linksScript({ path, dirs, mark }: AskedLinks): string {
  const lines = dirs.flatMap((dir) => {
    const text = bytesOf(dir).toString('utf8');
    return text.includes('\n') || nameFromText(text) !== dir ? [] : [text];
  });
  return `exec 2>/dev/null
unset CDPATH; unalias -a; for f in cd ls head printf read; do unset -f $f; done
cd -P ${word(path)} || exit
while IFS= read -r x; do
  if [ -L "./$x" ] && [ -n "$(ls -A "./$x/" | head -n 1)" ]; then printf '%s%s\\0' ${mark} "$x"; fi
done <<'${mark}'
${lines.join('\n')}
${mark}
`;
}

/** Reads what it has said: latin1 text, with whatever else was printed around it. */
export const readLinks = (said: string, { dirs, mark }: Omit<AskedLinks, 'path'>): Set<Name> => {
  const asked = new Set(dirs);
  const told = said.split('\0').flatMap((part) => {
    const at = part.lastIndexOf(mark);
    return at < 0 ? [] : [nameFromBytes(Buffer.from(part.slice(at + mark.length), 'latin1'))];
  });
  return new Set(told.filter((name) => asked.has(name)));
};
