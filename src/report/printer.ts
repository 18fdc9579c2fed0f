import type { Environment } from '../core/environment.js';
import { lines, own } from '../core/printable.js';
import type { OutputSettings } from '../settings.js';
import { isColored } from './color.js';
import { Held } from './held.js';
import { humanPrinter, type Printer, type Terminal } from './human.js';
import { jsonPrinter } from './json.js';
import { logPrinter } from './log.js';
import { paintFor } from './paint.js';

/** Where events are told. */
export interface Screen extends Omit<Terminal, 'paint' | 'paintError'> {
  readonly isTerminal: boolean;
  readonly isErrorTerminal: boolean;
  readonly env: Environment;
}

/** What tells events there, as the settings have it. `targets`: the names of all of them; `onKey`: what is typed meanwhile. */
export function printerFor(
  { isTerminal, isErrorTerminal, env, ...terminal }: Screen,
  settings: { readonly output: OutputSettings },
  targets?: readonly string[],
  onKey?: (key: string) => void,
): Printer {
  const held = new Held();
  const { out, err } = terminal;
  const waiting = { ...terminal, out: held.through(out, isTerminal), err: held.through(err, isErrorTerminal) };
  const printer = plainPrinterFor({ ...waiting, isTerminal, isErrorTerminal, env }, settings, targets, onKey);
  return {
    ...printer,
    // It has to be off the terminal before that is held.
    away: (job) => printer.away(() => held.during(job)),
    close: () => {
      printer.close();
      held.end(() => out(own`\n`));
    },
  };
}

function plainPrinterFor(
  { isTerminal, isErrorTerminal, env, ...terminal }: Screen,
  settings: { readonly output: OutputSettings },
  targets?: readonly string[],
  onKey?: (key: string) => void,
): Printer {
  const { json, verbosity, color } = settings.output;
  if (json) return undrawn(jsonPrinter(terminal.out, terminal.now), terminal);
  const paint = paintFor(isColored(color, isTerminal, env));
  const paintError = paintFor(isColored(color, isErrorTerminal, env));
  // On a dumb one nothing that was written can be changed.
  if (!isTerminal || env['TERM'] === 'dumb')
    return undrawn(logPrinter({ ...terminal, paint, paintError }, verbosity, targets), terminal);
  return humanPrinter({ ...terminal, paint, paintError }, verbosity, targets, onKey);
}

const undrawn = (report: Printer['report'], { out }: Pick<Terminal, 'out'>): Printer => ({
  report,
  away: (job) => job(),
  clear: () => {},
  say: (texts) => out(lines(texts)),
  close: () => {},
});
