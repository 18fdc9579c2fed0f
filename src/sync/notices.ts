import type { Event } from '../core/event.js';
import type { Notice } from '../core/sync/effects.js';
import type { Ledger } from './ledger.js';

/** What the schedule has to tell, with what it does not know of it. */
export function eventOf(notice: Notice, target: string, { index, pending }: Pick<Ledger, 'index' | 'pending'>): Event {
  switch (notice.kind) {
    case 'inSync':
      return { ...notice, target, names: index.size };
    case 'trouble':
    case 'waiting':
    case 'resumed':
      return { ...notice, target, waiting: pending.size };
    case 'removedThere':
    case 'paused':
      return { ...notice, target };
  }
}
