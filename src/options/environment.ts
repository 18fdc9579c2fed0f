import { failed, type Result, success } from '../core/failure.js';
import { allHookVariables } from '../core/hook-kinds.js';
import { closest } from './closest.js';
import { fromText, problemOfKind } from './kinds.js';
import type { Layer } from './layer.js';
import { usage } from './parsed.js';
import type { Row } from './row.js';
import { namesOf, rowOf } from './table.js';

const PREFIX = 'SYNCWATCH_';

/**
 * The settings in the environment: `SYNCWATCH_ON_SYNC` is --on-sync. Lists have one value a line. Empty is not set; what is not
 * known may be for another version, or for a script of the user's: it is only told of.
 */
export function environmentLayer(
  env: Readonly<Record<string, string | undefined>>,
  warn: (text: string) => void,
): Result<Layer> {
  const values: Record<string, unknown> = {};
  // Set by syncwatch itself for the commands that it runs, which may run syncwatch.
  const ours = allHookVariables();
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === '' || ours.has(variable)) continue;
    const key = variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-');
    const row = rowOf(key);
    if (row === undefined || !isInEnvironment(row)) {
      const best = closest(key, namesOf(isInEnvironment));
      const hint = best === undefined ? 'there is no such setting' : `did you mean ${variableOf(best)}?`;
      warn(`${variable} in the environment is not used: ${hint}`);
      continue;
    }
    const value = fromText(row.value, text);
    const problem = problemOfKind(row.value, value);
    if (problem !== undefined) return failed(usage(`${variable} in the environment ${problem}`));
    values[key] = value;
  }
  return success({ source: 'the environment', values });
}

/** Those of the environment that say how to log in. */
export const loginFrom = (env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> =>
  Object.fromEntries(['port', 'identity', 'ssh-config', 'ssh-option'].map(variableOf).map((name) => [name, env[name]]));

const variableOf = (key: string): string => PREFIX + key.toUpperCase().replaceAll('-', '_');

const isInEnvironment = ({ where }: Row): boolean => where === 'everywhere' || where === 'settings';
