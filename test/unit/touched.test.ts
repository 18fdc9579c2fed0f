import { expect, it } from 'vitest';
import { wallMs } from '../../src/core/clock.js';
import { touchedSince } from '../../src/scan/touched.js';
import { n } from '../support/fake-work.js';

/** When something was done last to what can be seen. */
const CHANGED = new Map(
  Object.entries({ old: 1_000, d: 50_000, 'd/in': 1_000, e: 1_000, 'e/in': 50_000, 'e/old': 1_000 }),
);

const touched = (name: string, sinceMs: number): boolean =>
  touchedSince(
    {
      changedMs: (each) => {
        const ms = CHANGED.get(each);
        return ms === undefined ? undefined : wallMs(ms);
      },
    },
    wallMs(sinceMs),
  )(n(name));

it('what was done to a name, or to a directory above it, shows; so does all that can’t be seen', () => {
  const names = ['old', 'd/in', 'e/in', 'e/old', 'never', 'gone/old'];
  expect(names.filter((name) => touched(name, 20_000))).toEqual(['d/in', 'e/in', 'never', 'gone/old']);
});

it('what was done up to a second before may have been done since: clocks of file servers differ', () => {
  expect([51_000, 51_001].map((ms) => touched('e/in', ms))).toEqual([true, false]);
});
