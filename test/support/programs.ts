import { homedir } from 'node:os';
import type { Program } from '../../src/core/environment.js';
import type { UsersGit } from '../../src/git/git.js';
import type { RuleRest } from '../../src/ignores/followed-files.js';
import { findPrograms, type NoProgram, type Programs } from '../../src/programs.js';

/** The programs of this machine, as for a DIR that is not there. */
export const PROGRAMS: Programs = findPrograms(
  { env: process.env, home: homedir(), nodePath: process.execPath },
  '/there/is/no/such/directory',
);

/** One that the tests can't do without. */
export function there(program: Program | NoProgram): Program {
  if (program.file === undefined) throw new Error('a program is missing here');
  return program;
}

/** git, for a user without files of their own. */
export const USERS_GIT: UsersGit = { git: PROGRAMS.git, home: '/nowhere', configHome: '/nowhere' };

/** For files of rules that nobody writes at the same time. */
export const NO_REST: RuleRest = { quietMs: 0, lessMs: 0 };
