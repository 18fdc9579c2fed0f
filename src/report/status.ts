import { msBetween, type WallMs } from '../core/clock.js';
import { type Printable, showControls } from '../core/printable.js';
import type { Status } from '../core/status.js';
import { bytesInWords, count, numberInWords, timeInWords } from './words.js';

/** What `syncwatch status` says of one target, in lines. */
export function statusInWords(status: Status, nowMs: WallMs): Printable[] {
  const { target, place, root, pid, sinceMs, waiting, waitingSinceMs, lastDeliveredMs, lastPassMs, lastError, rules } =
    status;
  const sinceInWords = (ms: WallMs): string => timeInWords(Math.max(0, msBetween(ms, nowMs)));
  const ago = (ms: WallMs): string => `${sinceInWords(ms)} ago`;
  const since = waitingSinceMs === undefined ? '' : `, the first since ${sinceInWords(waitingSinceMs)}`;
  const done = [
    ...(lastDeliveredMs === undefined ? [] : [`last delivery ${ago(lastDeliveredMs)}`]),
    ...(lastPassMs === undefined ? [] : [`last full sync ${ago(lastPassMs)}`]),
  ];
  const texts = [
    `${root} → ${target}${place === target ? '' : ` (${place})`}: ${stateInWords(status, nowMs)}`,
    ...(waiting > 0 ? [`  ${count(waiting, 'path')} waiting${ofThemFailed(status)}${since}`] : []),
    `  ${count(status.sent, 'file')} sent (${bytesInWords(status.bytes)}), ${numberInWords(status.deleted)} deleted since ${ago(sinceMs)} (pid ${pid})`,
    ...(done.length > 0 ? [`  ${done.join(', ')}`] : []),
    ...(status.directories === undefined ? [] : [`  ${count(status.directories, 'directory', 'directories')} watched`]),
    ...(rules === undefined ? [] : [`  ${rules}`]),
    ...(lastError === undefined
      ? []
      : [
          `  last error ${ago(lastError.ms)}: ${lastError.path === undefined ? '' : `${lastError.path}: `}${lastError.message}`,
        ]),
  ];
  return texts.map(showControls);
}

/** All that waits has failed: nothing is sent until the next try. */
const isFailing = ({ state, waiting, failed = 0 }: Status): boolean =>
  state.kind === 'sending' && failed > 0 && failed >= waiting;

/** Where that is not said as the state. */
const ofThemFailed = (status: Status): string =>
  status.failed === undefined || status.failed === 0 || isFailing(status)
    ? ''
    : ` (${numberInWords(status.failed)} failed)`;

/** The same in one line: what it is about, its state, and what waits or failed. */
export function statusInALine(status: Status, nowMs: WallMs): string {
  const { target, place, root, pid, sinceMs, waiting, lastError, lastDeliveredMs } = status;
  const since = timeInWords(Math.max(0, msBetween(sinceMs, nowMs)));
  const isOver = lastError === undefined || (lastDeliveredMs !== undefined && lastDeliveredMs > lastError.ms);
  const parts = [
    stateInWords(status, nowMs),
    ...(waiting > 0 && !isFailing(status) ? [`${count(waiting, 'path')} waiting${ofThemFailed(status)}`] : []),
    ...(isOver || waiting === 0 ? [] : [`last error: ${lastError.message}`]),
  ];
  return `${root} → ${target}${place === target ? '' : ` (${place})`}: ${parts.join(', ')} (pid ${pid}, for ${since})`;
}

function stateInWords(status: Status, nowMs: WallMs): string {
  const { state } = status;
  switch (state.kind) {
    case 'connecting':
      return 'connecting';
    case 'halted':
      return `has ended: ${state.message}`;
    case 'reconnecting':
      return state.untilMs === undefined || state.untilMs <= nowMs
        ? 'not connected, logging in'
        : `not connected, next try in ${timeInWords(msBetween(nowMs, state.untilMs))}`;
    case 'sending':
      return isFailing(status) ? `${count(status.failed ?? 0, 'path')} failed, to be tried again` : 'sending';
    case 'inSync':
      return 'in sync';
    case 'pausing':
      return 'about to pause: what is under way ends';
    case 'paused':
      return 'paused';
    case 'rootGone':
      return 'the directory is gone, waiting for it to come back';
  }
}
