import { lstatSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Program } from '../core/environment.js';
import { type BytePath, bytePathOf, bytesOfPath } from '../core/name.js';
import { passedOverInWords } from '../programs.js';
import { isFine, reasonOf, sayGit, type UsersGit } from './git.js';
import { whyRepositoryWaits } from './waits.js';

/** Why a directory's git can't be asked. */
export type NoRepository =
  | { readonly kind: 'noGit'; readonly why: string }
  /** It is in no work tree. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly why: string };

/** The files of a repository that have a say in what is ignored in it, those in its tree below the directory left out. */
export interface FilesOfGit {
  /** Those that hold nothing but patterns for all of the work tree, the one that wins first. */
  readonly excludes: readonly BytePath[];
  readonly configs: readonly BytePath[];
  /** The .gitignore files above it. */
  readonly above: readonly BytePath[];
  /** Its .git, and what must be in there: without them it is no repository. */
  readonly itself: readonly [BytePath, ...BytePath[]];
  readonly index: BytePath;
}

export interface FoundRepository {
  readonly kind: 'found';
  readonly git: Program;
  /** The top of its work tree, absolute. */
  readonly top: BytePath;
  readonly files: FilesOfGit;
}

/** The repository that a directory (absolute, symlinks resolved) is in the work tree of. */
export async function findRepository(
  path: BytePath,
  { git, home, configHome }: UsersGit,
): Promise<FoundRepository | NoRepository> {
  if (git.file === undefined) return { kind: 'noGit', why: `git is not installed${passedOverInWords(git)}` };
  const waits = whyRepositoryWaits(path);
  if (waits !== undefined) return { kind: 'refused', why: waits };
  const where = ['index', 'info/exclude', 'config', 'HEAD'].flatMap((file) => ['--git-path', file]);
  const { ended, stdout, stderr } = await sayGit(git, path, ['rev-parse', '--show-toplevel', ...where]);
  const [top, index, exclude, config, head] = stdout.split('\n');
  if (!isFine(ended) || top === undefined || index === undefined || exclude === undefined || head === undefined)
    return /^fatal: not a git repository/m.test(stderr) || (NO_WORK_TREE.test(stderr) && !hasOwnGit(path))
      ? { kind: 'none' }
      : { kind: 'refused', why: reasonOf(ended, stderr) };
  const [found, listed] = await Promise.all([
    sayGit(git, path, ['config', '--type=path', '--get', 'core.excludesFile']),
    sayGit(git, path, ['config', '--list', '-z', '--show-origin', '--name-only']),
  ]);
  const global = found.stdout.trim() || bytePathOf(join(configHome, 'git/ignore'));
  const at = (file: BytePath): BytePath => resolve(path, file);
  const own = git.env['GIT_CONFIG_GLOBAL'];
  const usual = own === undefined ? [join(home, '.gitconfig'), join(configHome, 'git/config')] : [own];
  const files: FilesOfGit = {
    excludes: [exclude, global].map(at),
    configs: [...new Set([config ?? '', ...usual.map(bytePathOf), ...originsIn(listed.stdout)].map(at))],
    above: pathsAbove(path, top).map((dir) => join(dir, '.gitignore')),
    itself: [join(top, '.git'), at(head)],
    index: at(index),
  };
  return { kind: 'found', git, top, files };
}

/** The files that `git config --list -z --show-origin` names. */
const originsIn = (listed: string): BytePath[] => [
  ...new Set(listed.split('\0').flatMap((field) => /^file:(.*)$/s.exec(field)?.[1] ?? [])),
];

const NO_WORK_TREE = /^fatal: this operation must be run in a work tree/m;

/** Whether it is a work tree after all, by the `.git` directory in it or above: its settings call it bare by mistake. */
function hasOwnGit(path: BytePath): boolean {
  if (path.split('/').includes('.git')) return false;
  const isDirectory = (dir: BytePath): boolean =>
    lstatSync(bytesOfPath(join(dir, '.git')), { throwIfNoEntry: false })?.isDirectory() === true;
  return [path, ...pathsAbove(path, '/')].some(isDirectory);
}

/** The directories above `path` up to `top`, the nearest one first. */
export function pathsAbove(path: BytePath, top: BytePath): BytePath[] {
  const above: BytePath[] = [];
  for (let dir = path; dir !== top && dir !== dirname(dir); dir = dirname(dir)) above.push(dirname(dir));
  return above;
}
