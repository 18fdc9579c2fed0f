import type { Event, Item } from '../core/event.js';
import { bytesOf, type Name, textOf } from '../core/name.js';
import { jsonLine, type Printable } from '../core/printable.js';
import type { Summary } from '../core/summary.js';

/** Raised when something documented changes its meaning; additions do not count (README, "JSON events"). */
const VERSION = 1;

/** One JSON object a line on stdout: an API for programs, documented in the README, additive changes only. */
export function jsonPrinter(out: (text: Printable) => void, now: () => Date): (event: Event) => void {
  return (event) => {
    if (event.kind === 'note' && event.level === 'debug') return;
    const { kind, ...rest } = event;
    const fields = Object.entries(rest).map(([key, value]) => [key === 'name' ? 'path' : key, plain(key, value)]);
    const about = { v: VERSION, time: now().toISOString(), event: kind };
    out(jsonLine({ ...about, ...Object.fromEntries(fields), ...rawOf(event) }));
  };
}

function plain(key: string, value: unknown): unknown {
  if (key === 'name') return textOf(value as Name);
  if (key === 'items') return (value as readonly Item[]).map(({ name, ...item }) => ({ path: textOf(name), ...item }));
  if (key === 'summary') {
    const { unsent, ...summary } = value as Summary;
    return { ...summary, unsent: unsent.map(([name, failure]) => ({ path: textOf(name), failure })) };
  }
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}

/** The bytes of a name that is no plain text. */
function rawOf(event: Event): { pathBase64: string } | undefined {
  if (!('name' in event) || event.name === (textOf(event.name) as string)) return undefined;
  return { pathBase64: bytesOf(event.name).toString('base64') };
}
