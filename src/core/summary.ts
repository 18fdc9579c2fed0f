import type { ItemAction } from './action.js';
import type { Failure } from './failure.js';
import type { Name } from './name.js';

/** What one target got since the start. */
export interface Summary {
  /** Files and links whose content went over. */
  readonly sent: number;
  /** Their sizes added up, in bytes (what went over the wire is less: rsync sends differences). */
  readonly bytes: number;
  readonly deleted: number;
  /** What is not there yet, and why the last try failed; no failure: its turn had not come. */
  readonly unsent: ReadonlyArray<readonly [Name, Failure | undefined]>;
}

export const EMPTY_SUMMARY: Summary = { sent: 0, bytes: 0, deleted: 0, unsent: [] };

/** Adds what a run delivered. */
export function addDelivered(
  summary: Summary,
  items: ReadonlyArray<{ readonly action: ItemAction; readonly bytes: number }>,
): Summary {
  let { sent, bytes, deleted } = summary;
  for (const item of items) {
    if (item.action === 'send') sent++;
    if (item.action === 'delete') deleted++;
    bytes += item.bytes;
  }
  return { ...summary, sent, bytes, deleted };
}
