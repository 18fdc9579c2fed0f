import type { Environment } from '../core/environment.js';
import type { OutputSettings } from '../settings.js';

/**
 * Whether a stream gets colours. What was asked for (`--color`, the settings) counts before FORCE_COLOR (0 and false: none), that before
 * NO_COLOR, and those before whether it is a terminal that has any. An empty variable counts as not set (no-color.org, force-color.org).
 */
export function isColored(when: OutputSettings['color'], isTerminal: boolean, env: Environment): boolean {
  if (when !== 'auto') return when === 'always';
  const { FORCE_COLOR: forced = '', NO_COLOR: none = '', TERM } = env;
  if (forced !== '') return forced !== '0' && forced !== 'false';
  return none === '' && isTerminal && TERM !== 'dumb';
}
