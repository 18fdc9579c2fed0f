import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { parseTarget, type Target } from '../core/target.js';
import { usage } from './parsed.js';

/** A path on this machine as a shell would have it. */
export const expandHome = (path: string): string => (path.startsWith('~/') ? homedir() + path.slice(1) : path);

/** DIR, as it was given and as it really is. */
export function rootFrom(positional: readonly string[]): Result<{ dir: string; root: string }> {
  const [dir = '.', extra] = positional;
  if (extra !== undefined) {
    return failed(
      usage(
        `one DIR at most, but there are ${positional.length}: ${positional.join(' ')}`,
        'Quote patterns: -x "*.log".',
      ),
    );
  }
  try {
    const root = realpathSync(dir);
    if (!statSync(root).isDirectory())
      return failed(badDir(dir, 'is not a directory', 'Name the directory that holds it.'));
    if (root === '/') return failed(badDir(dir, 'is the whole file system', 'Name a directory below it.'));
    return success({ dir, root });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return failed(badDir(dir, 'is not there', 'Check the spelling.'));
    return failed(badDir(dir, `can't be read (${String(code)})`, 'Check its rights.'));
  }
}

const badDir = (dir: string, why: string, hint: string): Failure => ({ kind: 'start', message: `${dir} ${why}`, hint });

/** The target; a local one is made absolute, and refused inside DIR or around it. */
export function targetFrom(text: string, root: string): Result<Target> {
  const target = parseTarget(text);
  if (!target.ok || target.value.kind === 'remote') return target;
  const path = realOf(resolve(expandHome(target.value.path)));
  if (path === '/')
    return failed(usage(`--to ${text} is this machine's whole file system`, 'Name a directory below it.'));
  if (path === root) return failed(usage(`--to ${text} is DIR itself`, 'Name another directory.'));
  if (isInside(path, root))
    return failed(
      usage(`--to ${text} is inside DIR: it would sync itself into itself`, 'Name a directory outside it.'),
    );
  if (isInside(root, path))
    return failed(usage(`DIR is inside --to ${text}: it would be synced over itself`, 'Name a directory elsewhere.'));
  return success({ kind: 'local', path, label: text });
}

/** The real path of what may not be there yet. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = resolve(path, '..');
    return parent === path ? path : resolve(realOf(parent), relative(parent, path));
  }
}

function isInside(path: string, dir: string): boolean {
  const way = relative(dir, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
