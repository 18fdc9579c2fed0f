import type { FailedNow, WaitingNow } from '../core/status.js';
import { count } from './words.js';

// What a running syncwatch answers, in words.

/** What failed and why, in lines. */
export function failedInWords(target: string, { paths, more, trouble }: FailedNow): string[] {
  const connection = trouble === undefined ? [] : [`${target}: not connected: ${trouble}`];
  const failed = paths.length + more;
  if (failed === 0) return connection.length > 0 ? connection : [`${target}: nothing failed`];
  return [
    ...connection,
    `${target}: ${count(failed, 'path')} failed, and ${failed === 1 ? 'is' : 'are'} tried again:`,
    ...paths.map(({ path, message }) => `  ${path}: ${message}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}

/** What waits, in lines. */
export function waitingInWords(target: string, { paths, more, pass }: WaitingNow): string[] {
  const waiting = paths.length + more;
  const full = pass ? [`${target}: a full sync is to be done: it finds what there is to send`] : [];
  if (waiting === 0) return pass ? full : [`${target}: nothing waits`];
  return [
    ...full,
    `${target}: ${count(waiting, 'path waits', 'paths wait')}:`,
    ...paths.map((path) => `  ${path}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}
