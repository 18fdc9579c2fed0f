import { expect, it } from 'vitest';
import { judgeWatches } from '../../src/doctor/inotify.js';

const NONE = { watches: 0, instances: 0 };

it.each([
  [790, 10, 'ok'],
  [790, 11, 'warning'],
  [990, 10, 'warning'],
  [990, 11, 'error'],
] as const)('with %i of 1000 watches in use, %i more: %s', (used, more, state) => {
  const limits = { watches: 1_000, instances: 100 };
  const [watches, instances] = judgeWatches(more, { limits, used: { ...NONE, watches: used } });
  expect(watches).toMatchObject({ check: 'watches', state, message: `${more} needed, ${used} of 1000 in use` });
  expect(instances).toMatchObject({ check: 'inotify instances', state: 'ok' });
});

it.each([
  [6, 'ok'],
  [7, 'warning'],
  [8, 'warning'],
  [9, 'error'],
] as const)('with %i of 10 instances in use: %s', (instances, state) => {
  const limits = { watches: 1_000, instances: 10 };
  expect(judgeWatches(1, { limits, used: { ...NONE, instances } })[1]).toMatchObject({ state });
});

it('says how to raise a limit to what is surely enough, for now and for always', () => {
  const at = (more: number): string | undefined =>
    judgeWatches(more, { limits: { watches: 1, instances: 9 }, used: NONE })[0]?.hint;
  expect(at(10)).toContain('sudo sysctl fs.inotify.max_user_watches=524288');
  expect(at(1_000_000)).toContain('sudo sysctl fs.inotify.max_user_watches=2000000');
  expect(at(10)).toContain('/etc/sysctl.d/');
});

it('where there are no such limits there is nothing to judge', () => {
  expect(judgeWatches(1_000_000, undefined)).toMatchObject([{ check: 'watches', state: 'ok' }]);
});
