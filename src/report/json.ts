import type { Event } from '../core/event.js';
import { jsonLine, type Printable } from '../core/printable.js';
import { toWire } from './wire.js';

/** Raised when something documented changes its meaning; additions do not count (docs/manual.md, "JSON events"). */
const VERSION = 1;

/** One JSON object a line on stdout: an API for programs, documented in docs/manual.md, additive changes only. */
export function jsonPrinter(out: (text: Printable) => void, now: () => Date): (event: Event) => void {
  return (event) => {
    const wire = toWire(event);
    if (wire !== undefined) out(jsonLine({ v: VERSION, time: now().toISOString(), ...wire }));
  };
}
