import { existsSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import { looksLikeHost, noColon, parseTarget, type Target } from '../core/target.js';
import { expandHome } from '../user-folders.js';
import { closest } from './closest.js';
import { usage } from './parsed.js';

/** What may be the name of a target: nothing that could be a place on another host, or a path. */
export const TARGET_NAME = /^\w[\w.-]*$/;

/** DIR, as it was given and as it really is. */
export interface Place {
  readonly dir: string;
  readonly root: string;
}

/** DIR from what was given beside options: at most one, by default the working directory. */
export function rootFrom(positional: readonly string[]): Result<Place> {
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

/** The targets, by name or as `--to` takes them; none twice. */
export function targetsFrom(
  texts: readonly string[],
  named: ReadonlyMap<string, string>,
  root: string,
): Result<readonly [Target, ...Target[]]> {
  const [only, ...others] = named.keys();
  // One can be meant only; of several the wrong one may be production.
  const wanted = texts.length === 0 && only !== undefined && others.length === 0 ? [only] : texts;
  const targets: Target[] = [];
  for (const text of wanted) {
    const target = targetFrom(text, named, root);
    if (!target.ok) return target;
    const twice = targets.find(({ place }) => place === target.value.place);
    if (twice !== undefined) return failed(usage(`${target.value.label} is the same target as ${twice.label}`));
    targets.push(target.value);
  }
  const [first, ...more] = targets;
  if (first !== undefined) return success([first, ...more]);
  const hint =
    only === undefined
      ? 'For example: syncwatch --to user@host:/path/to/dir. syncwatch init writes it into a settings file.'
      : `Say which: ${[only, ...others].map((name) => `--to ${name}`).join(' or ')}; or put "to" into the settings.`;
  return failed(usage('no target: --to is missing', hint));
}

/** One target; a local one is made absolute, and refused inside DIR or around it. */
function targetFrom(text: string, named: ReadonlyMap<string, string>, root: string): Result<Target> {
  const meant = named.get(text);
  if (meant === undefined && named.size > 0 && TARGET_NAME.test(text)) {
    const best = closest(text, [...named.keys()]);
    const names = best === undefined ? `There is ${[...named.keys()].join(', ')}.` : `Did you mean ${best}?`;
    return failed(usage(`no target is named ${text}`, `${names} For a local directory write ./${text}.`));
  }
  // A directory that is there is meant as such, whatever it is called.
  const isHere = meant === undefined && /^[^/:]+$/.test(text) && !text.startsWith('-') && existsSync(text);
  const parsed = parseTarget(meant ?? (isHere ? `./${text}` : text));
  if (!parsed.ok) return parsed;
  const target = meant === undefined ? parsed.value : { ...parsed.value, label: text };
  if (target.kind !== 'local') return success(target);
  if (!isHere && looksLikeHost(target.path)) return failed(noColon(text));
  const path = realOf(resolve(expandHome(target.path)));
  if (path === '/')
    return failed(usage(`--to ${text} is this machine's whole file system`, 'Name a directory below it.'));
  if (path === root) return failed(usage(`--to ${text} is DIR itself`, 'Name another directory.'));
  if (isInside(path, root)) {
    const isHost = TARGET_NAME.test(text) && !existsSync(path);
    const hint = isHost ? ` If a host is meant, write ${text}:PATH.` : '';
    return failed(
      usage(`--to ${text} is inside DIR: it would sync itself into itself`, `Name a directory outside it.${hint}`),
    );
  }
  if (isInside(root, path))
    return failed(usage(`DIR is inside --to ${text}: it would be synced over itself`, 'Name a directory elsewhere.'));
  return success({ ...target, path, label: meant === undefined ? text : target.label, place: path });
}

/** The real path of what may not be there yet. */
export function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = resolve(path, '..');
    return parent === path ? path : resolve(realOf(parent), relative(parent, path));
  }
}

/** Whether an absolute path is below a directory; it is not below itself. */
export function isInside(path: string, dir: string): boolean {
  const way = relative(dir, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
