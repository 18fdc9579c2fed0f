import { Pending } from '../../src/core/sync/pending.js';
import type { Outstanding } from '../../src/hooks/hooks.js';

/** Everything is there, always. */
export const NOTHING_WAITS: Outstanding = {
  pending: new Pending(),
  isUnknown: () => false,
  turnEnded: () => new Promise(() => {}),
  caughtUp: async () => true,
};
