import type { Item } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { type Name, textOf } from '../core/name.js';
import { joined, lines, own, type Printable } from '../core/printable.js';
import type { Summary } from '../core/summary.js';

/** A number of bytes for people: `980 B`, `4.1 kB`, `12 MB`. */
export function bytesInWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A time for people: `4 ms`, `1.2 s`, `3 min`. */
export function timeInWords(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** A number for people, in whatever language they are: `2,005`. */
export const numberInWords = (n: number): string => n.toLocaleString('en-US');

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${numberInWords(n)} ${n === 1 ? one : many}`;

/** A path as it is shown; a directory with a slash at its end. */
export const pathInWords = (name: Name, item?: Item): Printable =>
  joined(textOf(name), item?.action === 'mkdir' ? own`/` : own``);

/** `HH:MM:SS`, local time. */
export const clockTime = (date: Date): string =>
  [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');

/** `YYYY-MM-DD HH:MM:SS`, local time: for logs, which are read on other days. */
export const dateAndTime = (date: Date): string =>
  `${date.getFullYear()}-${[date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-')} ${clockTime(date)}`;

/** What happened and what to do, in one or two lines. */
export const failureInWords = ({ message, hint }: Failure): readonly [string, ...string[]] =>
  hint === undefined ? [message] : [message, `  ${hint}`];

/** A failure that ends a command. */
export const complaint = (failure: Failure): Printable => {
  const [first, ...more] = failureInWords(failure);
  return lines([`syncwatch: ${first}`, ...more]);
};

/** How many of what could not be synced are named at the end. */
const NAMED_AT_END = 20;

/** The last lines: what was sent and what was not. */
export function summaryInWords(target: string, summary: Summary): string[] {
  const { sent, bytes, deleted, unsent } = summary;
  const done = `${target}: ${count(sent, 'file')} sent (${bytesInWords(bytes)}), ${numberInWords(deleted)} deleted`;
  if (unsent.length === 0) return [done];
  return [
    `${done}, ${unsent.length} NOT there yet:`,
    ...unsent
      .slice(0, NAMED_AT_END)
      .map(([name, failure]) => `  ${textOf(name)}${failure === undefined ? '' : `: ${failure.message}`}`),
    ...(unsent.length > NAMED_AT_END ? [`  and ${unsent.length - NAMED_AT_END} more`] : []),
  ];
}

/** Whether an item is worth a line without `-v`: not one of which only mode or time was set. */
export const isWorthALine = (item: Item): boolean => item.action !== 'attributes';
