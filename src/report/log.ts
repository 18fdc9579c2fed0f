import { steadyNow } from '../clock.js';
import { msBetween } from '../core/clock.js';
import type { Event } from '../core/event.js';
import { joined, own } from '../core/printable.js';
import type { Verbosity } from '../settings.js';
import type { Paint } from './paint.js';
import type { Outlets } from './plain.js';
import { Teller, type Told } from './teller.js';
import { dateAndTime } from './words.js';

/** So long may a line of a log be before names are left out of it, in characters. */
const COLUMNS = 160;

export interface Log extends Outlets {
  readonly paint: Paint;
  readonly paintError: Paint;
}

/** For logs, pipes and terminals that can't do more: whole lines, one for what was done at once, with date and time. */
export function logPrinter(
  { out, err, now, paint, paintError }: Log,
  verbosity: Verbosity,
  targets: readonly string[] = [''],
): (event: Event) => void {
  const tell = ({ text, error, agoMs }: Told): void => {
    const stamp = agoMs === undefined ? own`` : own`${dateAndTime(new Date(now().getTime() - agoMs))} `;
    (error ? err : out)(joined(stamp, text, own`\n`));
  };
  const teller = new Teller({ verbosity, targets, paint, paintError, columns: () => COLUMNS, tell });
  let timer: NodeJS.Timeout | undefined;
  const due = (): void => {
    clearTimeout(timer);
    teller.due(steadyNow());
    const { nextMs } = teller;
    if (nextMs !== undefined) timer = setTimeout(due, Math.max(1, msBetween(steadyNow(), nextMs))).unref();
  };
  return (event) => {
    teller.take(event, steadyNow());
    due();
  };
}
