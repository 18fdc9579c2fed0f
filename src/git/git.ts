import type { Program } from '../core/environment.js';
import { type Child, type Said, type SpawnOptions, say, spawn } from '../spawn.js';
import { GIT_PATIENCE_MS } from './waits.js';

/**
 * A repository's config, which may come with what was cloned or unpacked, names programs that git starts; these settings
 * win over it. Of what we call (`rev-parse`, `config`, `ls-files`, `check-ignore`) only reading the index starts any (git's
 * read-cache.c, promisor-remote.c), and fetching, which the environment forbids, would start the others.
 */
const RUNS_NOTHING = [
  // A program, or a daemon, that says what has changed. Not `false`: before 2.36 that, too, was a program's name.
  'core.fsmonitor=',
  'core.hooksPath=/dev/null', // post-index-change
  'core.virtualFilesystem=', // the same as the first in Microsoft's git
  'core.sshCommand=false', // for fetching what a partial clone lacks
  'core.askPass=false',
  'credential.helper=',
  'submodule.recurse=false',
  // A directory that looks like a repository without a work tree is not obeyed as one: it may have come as plain files.
  'safe.bareRepository=explicit',
].flatMap((setting) => ['-c', setting]);

const OPTIONS = ['--no-pager', ...RUNS_NOTHING];

/** How git is started everywhere: only to read. Its environment is core/environment.ts's. */
const IN = (cwd: string): SpawnOptions => ({ cwd, ownSession: true });

/** Starts git. */
export const startGit = (git: Program, cwd: string, args: readonly string[]): Child =>
  spawn(git, [...OPTIONS, ...args], IN(cwd));

/** Runs git to its end; whatever it says, in full. One that keeps silent is ended: `signalled`. */
export const sayGit = (
  git: Program,
  cwd: string,
  args: readonly string[],
  patienceMs = GIT_PATIENCE_MS,
): Promise<Said> => say(git, [...OPTIONS, ...args], { ...IN(cwd), patienceMs }, Number.POSITIVE_INFINITY);
