import { describe, expect, it } from 'vitest';
import { nameFromBytes, nameFromText } from '../../src/core/name.js';
import { begun, type Seen } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Spellings, Twins } from '../../src/core/sync/twins.js';

const n = nameFromText;

const indexOf = (...names: readonly string[]): NameIndex => {
  const index = new NameIndex();
  for (const name of names) index.set(n(name), begun('file'));
  return index;
};

describe('names that may be one there', () => {
  it('differ in case or in composition; where it is known to be exact, in composition only', () => {
    const index = indexOf('Read', 'CAFE\u0301', 'other');
    expect(new Twins(index, 'unknown').of(n('read'))).toEqual([n('Read')]);
    expect(new Twins(index, 'folded').of(n('caf\u00e9'))).toEqual([n('CAFE\u0301')]);
    expect(new Twins(index, 'exact').of(n('read'))).toEqual([]);
    expect(new Twins(index, 'exact').of(n('CAF\u00c9'))).toEqual([n('CAFE\u0301')]);
    expect(new Twins(index, 'exact').of(n('caf\u00e9'))).toEqual([]);
  });

  it('are found below directories that may be one, and among those that were just seen', () => {
    const seen = new Map<ReturnType<typeof n>, Seen>([[n('d/B'), 'missing']]);
    expect(new Twins(indexOf('D', 'D/a'), 'unknown').of(n('d/A'))).toEqual([n('D/a')]);
    expect(new Twins(indexOf(), 'unknown', seen).of(n('d/b'))).toEqual([n('d/B')]);
    expect(new Twins(indexOf('a'), 'unknown').of(n('a'))).toEqual([]); // not itself
  });

  it('are none where the bytes are no text', () => {
    const [one, other] = [nameFromBytes(Buffer.from([0xff])), nameFromBytes(Buffer.from([0xfe]))];
    const index = new NameIndex();
    index.set(one, begun('file'));
    expect(new Twins(index, 'unknown').of(other)).toEqual([]);
  });
});

describe('how names are told apart there', () => {
  it('is known to be exact once two were apart that differ in case', () => {
    const spellings = new Spellings();
    expect(spellings.kind).toBe('unknown');
    spellings.tellApart(n('read'), n('Read'));
    expect([spellings.kind, spellings.isApart(n('read')), spellings.isApart(n('Read'))]).toEqual([
      'exact',
      true,
      false,
    ]);
  });

  it('stays unknown where two were apart that differ in composition, and folded where it is known to be', () => {
    const spellings = new Spellings();
    spellings.tellApart(n('caf\u00e9'), n('cafe\u0301'));
    expect(spellings.kind).toBe('unknown');
    const folded = new Spellings('folded');
    folded.tellApart(n('read'), n('Read'));
    expect(folded.kind).toBe('folded');
  });
});
