import { it } from 'vitest';
import { amount } from '../support/amount.js';
import { churn } from '../support/churn.js';
import { faultyPlace, timed, took } from '../support/faulty.js';
import { fill } from '../support/tree.js';

/** A kill for each. */
const SEEDS = [101, 102, 103, 104, 105, 106].slice(0, amount(1, 6));

it('killed with -9 in the middle of a burst: equal after the next start', async () => {
  const { local, startWired, same } = await faultyPlace();
  fill(local, { a: 'a' });
  let running = startWired(['--no-default-excludes']);
  for (const seed of SEEDS) {
    await running.inSync();
    const from = running.events.length;
    const changing = churn(local, seed, 1_500);
    await running.event('started', () => true, from);
    await running.stop('SIGKILL');
    await changing;
    running = startWired(['--no-default-excludes']);
    took('kill -9 in the middle of a burst', undefined, await timed(same(running)));
  }
});
