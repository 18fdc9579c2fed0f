import { regularly } from '../clock.js';
import type { Control } from '../control/server.js';
import type { Directory } from '../watch/directory.js';
import type { Ledger } from './ledger.js';
import { type Lifetime, liveOf } from './life.js';

/**
 * How often it is looked whether its sockets and what it remembers are still where others look for them, in milliseconds: systemd
 * removes the runtime folder when the user logs out, and what cleans up /tmp old sockets.
 */
export const KEEP_MS = 1_000;

/** What of a target that was reached is kept in place. */
export interface Keeps {
  readonly ledger: Pick<Ledger, 'keepInPlace'>;
  readonly lock: Pick<Control, 'keep'>;
  readonly link: { readonly ensureReachable: () => Promise<void> };
}

/** Has what somebody removed from the runtime folder, or of what is remembered, made again every {@link KEEP_MS}. Gives what ends that. */
export function keepInPlace(
  control: Pick<Control, 'keep'>,
  { guard }: { readonly guard: Pick<Directory['guard'], 'isThere'> },
  lifetime: Lifetime<{ readonly prepared: Keeps }>,
): () => void {
  let isKeeping = false;
  const keep = async (): Promise<void> => {
    if (isKeeping) return;
    isKeeping = true;
    await control.keep();
    const live = liveOf(lifetime.now);
    if (live !== undefined) {
      const { ledger, lock, link } = live.prepared;
      if (guard.isThere()) await ledger.keepInPlace();
      await lock.keep();
      await link.ensureReachable();
    }
    isKeeping = false;
  };
  return regularly(KEEP_MS, () => void keep());
}
