import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KEEP_MS, keepInPlace } from '../../src/sync/keep.js';
import { Lifetime } from '../../src/sync/life.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What is kept in place is noted, in order. */
function bench() {
  const kept: string[] = [];
  const keep = (what: string) => async (): Promise<void> => void kept.push(what);
  const live = {
    prepared: {
      ledger: { keepInPlace: keep('memory') },
      lock: { keep: keep('lock') },
      link: { ensureReachable: keep('link') },
    },
  };
  const lifetime = new Lifetime<typeof live>();
  const control = { keep: keep('socket') };
  const guard = { isThere: () => true };
  return { kept, live, lifetime, control, guard };
}

it('has the socket in place from the beginning on, and all of it once the target was reached', async () => {
  const { kept, live, lifetime, control, guard } = bench();
  keepInPlace(control, { guard }, lifetime);
  await vi.advanceTimersByTimeAsync(KEEP_MS);
  expect(kept.splice(0)).toEqual(['socket']);
  lifetime.take({ kind: 'arrived', live });
  await vi.advanceTimersByTimeAsync(KEEP_MS);
  expect(kept).toEqual(['socket', 'memory', 'lock', 'link']);
});

it('leaves alone what is remembered while the root is gone', async () => {
  const { kept, live, lifetime, control } = bench();
  lifetime.take({ kind: 'arrived', live });
  keepInPlace(control, { guard: { isThere: () => false } }, lifetime);
  await vi.advanceTimersByTimeAsync(KEEP_MS);
  expect(kept).toEqual(['socket', 'lock', 'link']);
});

it('does it once at a time, however long that takes, and no more once that is ended', async () => {
  const { kept, lifetime, guard } = bench();
  let through: () => void = () => {};
  const keep = (): Promise<void> => {
    kept.push('socket');
    return new Promise((resolve) => (through = resolve));
  };
  const end = keepInPlace({ keep }, { guard }, lifetime);
  await vi.advanceTimersByTimeAsync(5 * KEEP_MS);
  expect(kept).toEqual(['socket']);
  through();
  await vi.advanceTimersByTimeAsync(KEEP_MS);
  expect(kept).toEqual(['socket', 'socket']);
  through();
  end();
  await vi.advanceTimersByTimeAsync(5 * KEEP_MS);
  expect(kept).toEqual(['socket', 'socket']);
});
