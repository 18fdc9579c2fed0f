import { describe, expect, it } from 'vitest';
import { plusMs, wallMs } from '../../src/core/clock.js';
import { nameFromText } from '../../src/core/name.js';
import { leftoversIn } from '../../src/core/rsync/leftover.js';
import { parseListed } from '../../src/core/rsync/output.js';

const SINCE = wallMs(Date.parse('2026-11-24T12:00:00Z'));
const HOUR = 3_600_000;

/** What is taken for a leftover of a run that was sending `name` when it broke. */
function found(name: string, listed: string, { mtimeMs = SINCE, isPrivate = true } = {}): boolean {
  const file = { name: nameFromText(listed), isPrivate, mtimeMs };
  return leftoversIn([file], new Map([[nameFromText(name), SINCE]]), plusMs(SINCE, HOUR)).length === 1;
}

describe('leftoversIn', () => {
  it.each([
    ['a/big', 'a/.big.Ab12Cd'],
    ['big', '.big.wWwUUk'],
    ['.env', '.env.a1b2c3'],
    ['a/b.c', 'a/.b.c.ABCDE1'],
  ])('%s: %s', (name, listed) => {
    expect(found(name, listed)).toBe(true);
  });

  it.each([
    ['big', '.big.backup'],
    ['big', '.big.BACKUP'],
    ['big', '.big.202611'],
    ['big', '.big.Ab12C'],
    ['big', '.big.Ab12Cde'],
    ['big', '.big.Ab-2Cd'],
    ['big', 'big.Ab12Cd'],
    ['big', '.bigger.Ab12Cd'],
    ['a/big', '.big.Ab12Cd'],
    ['big', 'a/.big.Ab12Cd'],
    ['.env', '..env.Ab12Cd'],
  ])('%s: not %s', (name, listed) => {
    expect(found(name, listed)).toBe(false);
  });

  it('not what others may read, nor what is much older or newer', () => {
    expect(found('big', '.big.Ab12Cd', { isPrivate: false })).toBe(false);
    expect(found('big', '.big.Ab12Cd', { mtimeMs: plusMs(SINCE, -25 * HOUR) })).toBe(false);
    expect(found('big', '.big.Ab12Cd', { mtimeMs: plusMs(SINCE, 26 * HOUR) })).toBe(false);
    expect(found('big', '.big.Ab12Cd', { mtimeMs: plusMs(SINCE, -13 * HOUR) })).toBe(true);
  });
});

describe('parseListed', () => {
  it('reads a file', () => {
    expect(parseListed('>f+++++++++ rwx------ 2026/11/24-23:04:03 a/.x y.abcDE1')).toEqual({
      name: 'a/.x y.abcDE1',
      isPrivate: true,
      mtimeMs: Date.parse('2026-11-24T23:04:03'),
    });
    expect(parseListed('>f+++++++++ rw-r----- 2026/11/24-23:04:03 \\#303\\#274')).toMatchObject({
      name: '\xc3\xbc',
      isPrivate: false,
    });
  });

  it.each(['cd+++++++++ rwxr-xr-x 2026/11/24-23:04:03 a/', 'sending incremental file list', ''])('not %j', (line) => {
    expect(parseListed(line)).toBeUndefined();
  });
});
