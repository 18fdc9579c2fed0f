import { plusMs } from '../clock.js';
import { dispositionOf, type Failure } from '../failure.js';
import type { Effect } from './effects.js';
import type { BatchOver } from './inputs.js';
import { delayMs, ROOT_AWAY_MS, RUN_BACKOFF } from './retry.js';
import { type Now, over, type State } from './state.js';

/** What came of a batch, or of a large file. */
export function batchEnded(state: State, end: BatchOver, now: Now, effects: Effect[]): State {
  switch (end.kind) {
    case 'done': {
      const queue = [...state.bulk.queue, ...end.bulk];
      const isInSyncDue = state.isInSyncDue || end.delivered;
      return {
        ...wentThrough(state),
        isInSyncDue,
        restedMs: plusMs(now.ms, end.restMs),
        bulk: { ...state.bulk, queue },
      };
    }
    case 'broken':
      return broke(state, end.failure, now, effects);
    case 'rootGone':
      return { ...state, resumeMs: plusMs(now.ms, ROOT_AWAY_MS) };
    case 'refused':
      return over(state, { kind: 'halted', failure: end.failure }, effects);
  }
}

/** A run got through: whatever broke those before is over. */
export const wentThrough = (state: State): State => ({ ...state, breaks: 0, reported: undefined });

/** A run broke: backs off, or halts. */
export function broke(state: State, failure: Failure, now: Now, effects: Effect[]): State {
  if (dispositionOf(failure) === 'halt') return over(state, { kind: 'halted', failure }, effects);
  const breaks = state.breaks + 1;
  const retryMs = delayMs(RUN_BACKOFF, breaks, now.random);
  // The first time a lost connection is the link's to tell: it hears it from the master.
  // Nor is what may pass worth a word: rsync gives up a whole run over what changes under it.
  const isOurs = (failure.kind !== 'connection' && failure.isPassing !== true) || breaks > 1;
  const isNews = isOurs && failure.message !== state.reported;
  if (isNews) effects.push({ do: 'tell', what: { kind: 'trouble', failure, retryMs } });
  const reported = isNews ? failure.message : state.reported;
  return { ...state, breaks, reported, resumeMs: plusMs(now.ms, retryMs) };
}
