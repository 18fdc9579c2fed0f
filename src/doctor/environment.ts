import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readChecked, SETTINGS_LIMIT } from '../read-checked.js';
import { type Finding, ok, warning } from './finding.js';

/** Where popt keeps the aliases of all users (popt(3)): Linux, Homebrew. */
const POPT_FOLDERS: readonly string[] = ['/etc', '/usr/local/etc', '/opt/homebrew/etc'];

/** What is passed over in PATH. Nothing to mend: by hand other programs may run there. */
export function lookAtPath(unused: readonly string[]): Finding[] {
  if (unused.length === 0) return [];
  const parts = unused.map((part) => (part === '' ? '(empty)' : part)).join(', ');
  return [ok('PATH', `nothing is started from its parts that are relative or in DIR: ${parts}`)];
}

/**
 * Aliases for rsync that the administrator has made for all: they may turn an option into others, and no user can do without
 * them. Those in `~/.popt` are not read.
 */
export function lookAtPopt(folders: readonly string[] = POPT_FOLDERS): Finding[] {
  const files = folders.flatMap((folder) => [join(folder, 'popt'), ...filesIn(join(folder, 'popt.d'))]);
  const found = files.filter((file) => {
    const read = readChecked(file, { limit: SETTINGS_LIMIT });
    // The program's name may be a pattern.
    return (
      read.kind === 'read' && /^[ \t]*(rsync|\S*[*?[]\S*)[ \t]+(alias|exec)[ \t]/m.test(read.bytes.toString('latin1'))
    );
  });
  if (found.length === 0) return [];
  return [
    warning(
      'rsync’s aliases',
      `${found.join(', ')} may turn options of rsync into others, for all users`,
      'Take what begins with rsync out of it, or give it a name that is no option of rsync.',
    ),
  ];
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((base) => join(folder, base));
  } catch {
    return []; // none
  }
}
