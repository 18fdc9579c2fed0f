import type { Event } from '../core/event.js';
import { jsonLine, type Printable } from '../core/printable.js';
import { toWire } from './wire.js';

/** One JSON object a line on stdout: an API for programs, documented in docs/manual.md, additive changes only. */
export function jsonPrinter(out: (text: Printable) => void, now: () => Date): (event: Event) => void {
  return (event) => {
    const wire = toWire(event, now());
    if (wire !== undefined) out(jsonLine(wire));
  };
}
