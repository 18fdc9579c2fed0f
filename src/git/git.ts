import { type Said, type SpawnOptions, say } from '../spawn.js';
import { GIT_PATIENCE_MS } from './waits.js';

/** Set in a hook or by a wrapper these would lead to another repository (`git rev-parse --local-env-vars`). */
const NOT_OURS = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_PREFIX',
  'GIT_COMMON_DIR',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_NAMESPACE',
  'GIT_CONFIG',
  'GIT_CONFIG_PARAMETERS',
  'GIT_CONFIG_COUNT',
];

/** How git is started everywhere: only to read. */
export const gitOptions = (cwd: string): SpawnOptions => ({
  cwd,
  ownSession: true,
  env: { GIT_OPTIONAL_LOCKS: '0', ...Object.fromEntries(NOT_OURS.map((name) => [name, undefined])) },
});

/** Runs git to its end; whatever it says, in full. One that keeps silent is ended: `signalled`. */
export const sayGit = (cwd: string, args: readonly string[]): Promise<Said> =>
  say('git', args, { ...gitOptions(cwd), patienceMs: GIT_PATIENCE_MS }, Number.POSITIVE_INFINITY);
