import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { isComplete, many } from '../support/complete.js';
import { faultyPlace } from '../support/faulty.js';
import { limitQueue } from '../support/limits.js';

it('a watcher that is overrun by events: nothing is missed', async ({ skip }) => {
  if (process.platform !== 'linux' || (process.env['CI'] === undefined && process.getuid?.() !== 0))
    skip('this needs root');
  limitQueue(20);
  const place = await faultyPlace();
  const { local, startWired } = place;
  many(join(local, 'old'), 50, 20);
  const running = startWired();
  await running.inSync();
  many(join(local, 'new'), 100, 20);
  for (let d = 0; d < 50; d++) writeFileSync(join(local, 'old', `g${d % 20}`, `d${d}`, 'f3'), 'changed in place');
  rmSync(join(local, 'old', 'g1'), { recursive: true });
  await isComplete(place, running, 'overflow of the event queue');
});
