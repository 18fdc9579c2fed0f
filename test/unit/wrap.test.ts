import { expect, it } from 'vitest';
import { brokenAtWords, brokenFurtherIn } from '../../src/report/wrap.js';

it('a line that fits stays as it is', () => {
  expect(brokenFurtherIn('  a line', 20, 4)).toEqual(['  a line']);
});

it('what does not fit goes on below, as far in as the first, without breaking a word', () => {
  expect(brokenAtWords('  one two three four five six', 20)).toEqual(['  one two three four', '  five six']);
});

it('or further in, where there is less room', () => {
  const said = '  ok       place: the directory is there, and more of it';
  expect(brokenFurtherIn(said, 30, 11)).toEqual([
    '  ok       place: the',
    '           directory is there,',
    '           and more of it',
  ]);
  expect(brokenFurtherIn('12345678901234567890123 45', 20, 4)).toEqual(['12345678901234567890', '    123 45']);
});

it('a wide character takes two columns', () => {
  expect(brokenFurtherIn(`${'語'.repeat(12)}`, 20, 2)).toEqual(['語'.repeat(10), `  ${'語'.repeat(2)}`]);
});
