import { expect, it } from 'vitest';
import { LONG_AGO, plusMs, steadyMs, wallMs } from '../../src/core/clock.js';
import { nameFromText } from '../../src/core/name.js';
import { begun } from '../../src/core/sync/entry.js';
import { Listed, mayHideChanges } from '../../src/scan/listed.js';

const dir = nameFromText('d');
const other = nameFromText('other');
const self = begun('dir');
const NOW = steadyMs(1_000_000);
const in_ = (ms: number) => plusMs(NOW, ms);

it('a listing counts for 5 s at least, and for 10 s at most; one that may hide changes never does', () => {
  const listed = new Listed();
  listed.note(dir, self, false, NOW, 1);
  listed.note(other, self, true, NOW, 1);
  expect([listed.asOf(dir, in_(4_999)), listed.asOf(other, in_(4_999))]).toEqual([self, undefined]);
  expect(listed.asOf(dir, in_(5_000))).toEqual(self);
  expect(listed.asOf(dir, in_(10_000))).toBeUndefined();
});

it('a directory is listed for a twentieth of the time, however long its listing has taken', () => {
  const listed = new Listed();
  expect(listed.notBeforeMs(dir)).toBe(LONG_AGO);
  listed.note(dir, self, false, NOW, 1_000);
  expect(listed.notBeforeMs(dir)).toBe(in_(20_000));
  for (const ms of [6_000, 12_000, 18_000]) listed.asOf(other, in_(ms)); // what counts no longer is forgotten, but not that
  expect([listed.notBeforeMs(dir), listed.asOf(dir, in_(18_000))]).toEqual([in_(20_000), undefined]);
  for (const ms of [24_000, 30_000]) listed.asOf(other, in_(ms));
  expect(listed.notBeforeMs(dir)).toBe(LONG_AGO);
});

it('a directory may change unseen in the tick in which its listing began', () => {
  const changed = { ...self, mtimeS: 100, mtimeNs: 0 };
  expect(mayHideChanges(changed, wallMs(100_000), 0)).toBe(true);
  expect(mayHideChanges(changed, wallMs(100_001), 0)).toBe(false);
  expect(mayHideChanges(changed, wallMs(100_004), 4)).toBe(true);
  expect(mayHideChanges(changed, wallMs(100_005), 4)).toBe(false);
});
