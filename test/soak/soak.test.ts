import { expect, it } from 'vitest';
import { storm } from '../support/storm.js';

/** Storms, every second one with faults, until the time is over: see soak.mjs. */
const MINUTES = Number(process.env['SYNCWATCH_SOAK_MINUTES']);
const FIRST = Number(process.env['SYNCWATCH_SOAK_SEED']);
const MS = 20_000;

it('storms for as long as was asked for: both sides are always equal in the end', async () => {
  const end = Date.now() + MINUTES * 60_000;
  let changes = 0;
  for (let seed = FIRST; Date.now() < end; seed++) {
    const withFaults = seed % 2 === 0;
    const { running, faults, toEqualMs } = await storm(seed, MS, withFaults);
    const told = running.events.filter(({ event }) => event === 'started').length;
    changes += told;
    process.stdout.write(
      `seed ${seed}: equal ${(toEqualMs / 1000).toFixed(1)} s after the end, ${told} changes told, ${withFaults ? faults.join(', ') : 'no faults'}\n`,
    );
    await running.stop();
  }
  process.stdout.write(`${changes} changes told, 0 differences\n`);
  expect(changes).toBeGreaterThan(0);
});
