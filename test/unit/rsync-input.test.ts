import { expect, it } from 'vitest';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import { inputOf, type Run } from '../../src/rsync/run.js';

const namesRun = (names: readonly Name[]): Run => ({
  kind: 'names',
  names,
  comparesContent: false,
  deleteMissing: true,
});

const textOf = (run: Run): string => Buffer.concat([...inputOf(run, 'marks')]).toString('latin1');

it('names are written in parts that the system takes as one, each with whole names, so that no kill makes another name of one', () => {
  const names = Array.from({ length: 2_000 }, (_, i) => nameFromText(`d/${'x'.repeat(i % 300)}${i}`));
  const longest = nameFromText('y'.repeat(20_000));
  const parts = [...inputOf(namesRun([...names, longest, ...names]), 'marks')];
  for (const part of parts) {
    expect(part.length <= 16_384 || part.length === longest.length + 3).toBe(true);
    expect([part.subarray(0, 2).toString(), part.at(-1)]).toEqual(['./', 0]);
  }
  expect(Buffer.concat(parts).toString('latin1')).toBe(
    [...names, longest, ...names].map((name) => `./${name}\0`).join(''),
  );
});

it('a full pass has the names of its walk, but for the root, which comes along; and of none a name that is never there', () => {
  const [a, b] = [nameFromText('a'), nameFromText('#b')];
  const pass = (names: Iterable<Name>): Run => ({ kind: 'pass', dryRun: false, rules: ['- x'], names });
  expect(textOf(pass(new Set([ROOT, a, b])))).toBe('./a\0./#b\0');
  expect(textOf(pass([ROOT]))).toBe('./.syncwatch-nothing\0');
  expect(textOf({ kind: 'pass', dryRun: true, wouldDelete: 'nothing', rules: ['- x', '+ y'] })).toBe('- x\0+ y\0');
});
