import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Environment,
  type Ground,
  gitEnvironment,
  nodeEnvironment,
  type Program,
  rsyncEnvironment,
  searchPath,
  toolEnvironment,
  unusedPath,
} from './core/environment.js';
import type { Failure } from './core/failure.js';
import { wayTo } from './way.js';

/** A program that is not there, or only where nothing is started from. */
export interface NoProgram {
  readonly file: undefined;
  readonly passedOver: readonly string[];
}

/** What syncwatch starts. Looked up once, and started by absolute path from then on. */
export interface Programs {
  readonly rsync: Program | NoProgram;
  readonly ssh: Program | NoProgram;
  readonly git: Program | NoProgram;
  /** util-linux, see ssh/master.ts. */
  readonly setpriv: Program | NoProgram;
  /** The shell for what we start ourselves. */
  readonly shell: Program;
  /** The same for commands of the user's: with all of the user's environment. */
  readonly usersShell: Program;
  /** For a child of our own. */
  readonly node: Program;
  /** Looks up another program of the system's. */
  readonly find: (name: string) => Program | NoProgram;
  /** The parts of PATH where none of them is looked for. */
  readonly unusedPath: readonly string[];
}

/** What the programs are looked up by. */
export interface LookUp {
  readonly env: Environment;
  /** Absolute. */
  readonly home: string;
  /** The node that runs us. */
  readonly nodePath: string;
}

/** POSIX leaves its place open, but every system that we know has it here. */
const SH = '/bin/sh';

/**
 * Looks the programs up in PATH: in its absolute parts only, and never in `root` (DIR) or by a way that leads through it,
 * for what is in there may be anybody's. `root` need not be there.
 */
export function findPrograms({ env, home, nodePath }: LookUp, root: string): Programs {
  const ground: Ground = { env, home, isOutside: outsideOf(root) };
  const tools = toolEnvironment(ground);
  const find = (name: string, its: Environment): Program | NoProgram => lookUp(name, its, ground);
  return {
    rsync: find('rsync', rsyncEnvironment(ground)),
    ssh: find('ssh', tools),
    git: find('git', gitEnvironment(ground)),
    setpriv: find('setpriv', tools),
    shell: { file: SH, env: tools },
    usersShell: { file: SH, env },
    node: { file: nodePath, env: nodeEnvironment(ground) },
    find: (name) => find(name, tools),
    unusedPath: unusedPath(ground),
  };
}

/** Of these, what commands of the user's in a target's directory are run with. Looked up much sooner than all. */
export function findForCommands({ env, home }: LookUp, root: string): Pick<Programs, 'ssh' | 'usersShell'> {
  const ground: Ground = { env, home, isOutside: outsideOf(root) };
  return { ssh: lookUp('ssh', toolEnvironment(ground), ground), usersShell: { file: SH, env } };
}

/** What is said beside "there is no …" where there is one that is not started. */
export const passedOverInWords = ({ passedOver: [first] }: NoProgram): string =>
  first === undefined ? '' : ` (${first} is not started: nothing in DIR is, and nothing by a relative part of PATH)`;

/** ssh is not installed on this machine. */
export const noSsh = (missing: NoProgram): Failure => ({
  kind: 'start',
  message: `there is no ssh here${passedOverInWords(missing)}`,
  hint: 'Install it: apt install openssh-client',
});

function lookUp(name: string, env: Environment, ground: Ground): Program | NoProgram {
  for (const folder of searchPath(ground)) {
    const file = join(folder, name);
    if (isProgram(file) && ground.isOutside(file)) return { file, env };
  }
  const candidates = (ground.env['PATH'] ?? '').split(':').map((folder) => `${folder === '' ? '.' : folder}/${name}`);
  return { file: undefined, passedOver: candidates.filter(isProgram) };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Whether a path is absolute and no step of the way to it, links followed, is the directory `root`. By what it is, not by its
 * name: it may have several.
 */
function outsideOf(root: string): (path: string) => boolean {
  const self = statSync(root, { throwIfNoEntry: false, bigint: true });
  const known = new Map<string, boolean>(); // each part of PATH is asked about for each program
  const looked = (path: string): boolean => {
    if (!path.startsWith('/')) return false;
    for (const step of wayTo(path)) {
      if (step.kind === 'missing') return true; // it is not there, or nobody can go on from here
      if (step.kind === 'lost') return false;
      if (self !== undefined && step.stats.dev === self.dev && step.stats.ino === self.ino) return false;
    }
    return true;
  };
  return (path) => {
    const is = known.get(path) ?? looked(path);
    known.set(path, is);
    return is;
  };
}
