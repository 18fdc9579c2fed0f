import type { Environment } from '../core/environment.js';
import type { Report } from '../core/event.js';
import type { OutputSettings } from '../settings.js';
import { humanPrinter } from './human.js';
import { jsonPrinter } from './json.js';
import { type Outlets, plainPrinter } from './plain.js';

/** Where events are told. */
export interface Screen extends Outlets {
  /** The width of a line, in characters. */
  readonly columns: () => number;
  readonly isTerminal: boolean;
  readonly env: Environment;
}

/** What tells events there, as the settings have it. `targets`: the names of all of them. */
export function printerFor(
  { isTerminal, env, ...outlets }: Screen,
  settings: { readonly output: OutputSettings },
  targets?: readonly string[],
): Report {
  if (settings.output.json) return jsonPrinter(outlets.out, outlets.now);
  if (!isTerminal) return plainPrinter(outlets, settings.output.verbosity, targets);
  const color = settings.output.color && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb';
  return humanPrinter({ ...outlets, color }, settings.output.verbosity, targets);
}
