import { failed, type Result, success } from '../core/failure.js';
import { allHookVariables } from '../core/hook-kinds.js';
import { type Layer, problemOf } from './layer.js';
import { closest, usage } from './parsed.js';
import { SETTING_KEYS } from './table.js';

const PREFIX = 'SYNCWATCH_';

/** The settings in the environment: `SYNCWATCH_ON_SYNC` is --on-sync. Lists have one value a line. Empty is not set. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): Result<Layer> {
  const values: Record<string, unknown> = {};
  // Set by syncwatch itself for the commands that it runs, which may run syncwatch.
  const ours = allHookVariables();
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === '' || ours.has(variable)) continue;
    const key = variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-');
    if (!isKnown(key)) {
      const best = closest(key, Object.keys(SETTING_KEYS).filter(isKnown));
      const hint = best === undefined ? `Unset it, or see syncwatch --help.` : `Did you mean ${variableOf(best)}?`;
      return failed(usage(`there is no setting for ${variable} in the environment`, hint));
    }
    const value = valueFrom(key, text);
    const problem = problemOf(key, value);
    if (problem !== undefined) return failed(usage(`${variable} in the environment ${problem}`));
    values[key] = value;
  }
  return success({ source: 'the environment', values });
}

const variableOf = (key: string): string => PREFIX + key.toUpperCase().replaceAll('-', '_');

/** Names for targets, and what DIR is, are a file's to say. */
const isKnown = (key: string): boolean => Object.hasOwn(SETTING_KEYS, key) && key !== 'targets' && key !== 'dir';

function valueFrom(key: string, text: string): unknown {
  switch (SETTING_KEYS[key]?.value.kind) {
    case 'flag':
      return /^(1|true|yes|on)$/i.test(text) ? true : /^(0|false|no|off)$/i.test(text) ? false : text;
    case 'number':
      return Number.isNaN(Number(text)) ? text : Number(text);
    case 'texts':
      return text.split('\n').filter((line) => line !== '');
    default:
      return text;
  }
}
