import type { Event } from '../core/event.js';
import { joined, jsonLine, type Printable } from '../core/printable.js';
import { toWire } from './wire.js';

/**
 * One JSON object a line on stdout: an API for programs, documented in docs/manual.md, additive changes only. A large run begins
 * thousands of files: of what it tells of at once the first is written at once, and the others together.
 */
export function jsonPrinter(out: (text: Printable) => void, now: () => Date): (event: Event) => void {
  let begun: Printable[] | undefined;
  const tellBegun = (): void => {
    const lines = begun ?? [];
    begun = undefined;
    if (lines.length > 0) out(joined(...lines));
  };
  return (event) => {
    const wire = toWire(event, now());
    if (wire === undefined) return;
    const text = jsonLine(wire);
    if (event.kind !== 'started') {
      tellBegun();
      out(text);
    } else if (begun !== undefined) begun.push(text);
    else {
      begun = [];
      queueMicrotask(tellBegun);
      out(text);
    }
  };
}
