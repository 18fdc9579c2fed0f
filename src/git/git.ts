import { isUtf8 } from 'node:buffer';
import { closeSync, constants, openSync } from 'node:fs';
import type { Program } from '../core/environment.js';
import { type BytePath, bytesOfPath } from '../core/name.js';
import type { NoProgram } from '../programs.js';
import { type Child, type Ended, type Said, type SpawnOptions, say, spawn } from '../spawn.js';
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

/** The git of a user, and where its files are. */
export interface UsersGit {
  readonly git: Program | NoProgram;
  readonly home: string;
  readonly configHome: string;
  /** How long git may think about what it ignores, in milliseconds; ANSWER_PATIENCE_MS where not given. */
  readonly patienceMs?: number;
}

/** Starts git. */
export const startGit = (git: Program, cwd: BytePath, args: readonly string[]): Child =>
  within(cwd, (dir) => spawn(git, [...OPTIONS, ...args], IN(dir)));

/** Runs git to its end; whatever it says, in full. One that keeps silent is ended: `signalled`. */
export const sayGit = (
  git: Program,
  cwd: BytePath,
  args: readonly string[],
  patienceMs = GIT_PATIENCE_MS,
): Promise<Said> =>
  within(cwd, (dir) => say(git, [...OPTIONS, ...args], { ...IN(dir), patienceMs }, Number.POSITIVE_INFINITY));

/**
 * Starts something in a directory. node takes only text for one: where the path is no UTF-8, it goes by an open descriptor
 * of it, which the child has until it has become another program (Linux, proc(5); macOS has no such names).
 */
function within<T>(path: BytePath, start: (dir: string) => T): T {
  const bytes = bytesOfPath(path);
  if (isUtf8(bytes)) return start(bytes.toString('utf8'));
  let fd: number;
  try {
    fd = openSync(bytes, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return start(bytes.toString('utf8')); // it has gone: so the child will find
  }
  try {
    return start(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

/** Whether it did what it was asked for. */
export const isFine = (ended: Ended): boolean => ended.kind === 'exited' && ended.code === 0;

/** Why git gave no answer, in its own words where it has any. */
export function reasonOf(ended: Ended, stderr: string): string {
  switch (ended.kind) {
    case 'notFound':
      return 'git is not there any more';
    case 'notStarted':
      return `git can't be started: ${ended.why}`;
    case 'signalled':
      return ended.signal === 'SIGKILL' || ended.signal === 'SIGTERM'
        ? `git was ended (${ended.signal}), or gave no answer within ${GIT_PATIENCE_MS / 1_000} s`
        : `git died (${ended.signal})`;
    case 'exited': {
      const said = stderr.split('\n').findLast((line) => line.startsWith('fatal: ')) ?? stderr.trim();
      const text = Buffer.from(said, 'latin1')
        .toString('utf8')
        .replace(/^fatal: /, '');
      return text === '' ? `git ended with exit code ${ended.code}` : text;
    }
  }
}
