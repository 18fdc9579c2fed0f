import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Name, nameFromBytes, nameFromText } from '../../src/core/name.js';
import { begun, type Entry } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { inSlices } from '../../src/slice.js';
import { type Believed, type Deed, headOf, lineOf, replay } from '../../src/state/journal.js';

const EDITION = { number: 3, checksum: 'abc' };
const ENTRY: Entry = { ...begun('file'), mtimeNs: 5, ino: 7, size: 10 };
const n = nameFromText;

type Line = readonly [Deed, Name];
const textOf = (lines: readonly Line[]): string =>
  headOf(EDITION) + lines.map(([deed, name], i) => lineOf(i + 1, deed, name)).join('');

/** An index in which these are delivered: `a` a file, `d` a directory with `d/x` in it. */
function known(): NameIndex {
  const index = new NameIndex();
  index.set(n('a'), ENTRY);
  index.set(n('d'), { ...ENTRY, type: 'dir' });
  index.set(n('d/x'), ENTRY);
  return index;
}

async function replayed(text: string, edition = EDITION): Promise<{ believed: Believed; index: NameIndex }> {
  const index = known();
  return { believed: await inSlices(replay(text, index, edition)), index };
}

const inWords = (index: NameIndex): string[] =>
  [...index.entries()].map(([name, { type, mtimeNs }]) => `${name} ${type}${mtimeNs < 0 ? ' unsure' : ''}`).sort();
const KNOWN = ['a file', 'd dir', 'd/x file'];
const ALL_UNSURE = ['a file unsure', 'd dir unsure', 'd/x file unsure'];

describe('a journal that is whole', () => {
  it.each<[string, readonly Line[], readonly string[]]>([
    ['nothing in it', [], KNOWN],
    ['a new file that may be there', [['file', n('b')]], [...KNOWN, 'b file unsure']],
    ['a new directory', [['dir', n('e')]], [...KNOWN, 'e dir unsure']],
    ['a link, which is as a file', [['link', n('b')]], [...KNOWN, 'b file unsure']],
    ['a known file that was sent again', [['file', n('a')]], ['a file unsure', 'd dir', 'd/x file']],
    ['a file that became a directory', [['dir', n('a')]], ['a dir unsure', 'd dir', 'd/x file']],
    ['a file that is gone', [['gone', n('a')]], ['d dir', 'd/x file']],
    [
      'one that came and went',
      [
        ['file', n('b')],
        ['gone', n('b')],
      ],
      KNOWN,
    ],
    [
      'one that went and came',
      [
        ['gone', n('a')],
        ['file', n('a')],
      ],
      ['a file unsure', 'd dir', 'd/x file'],
    ],
    ['what is gone without having been known', [['gone', n('none')]], KNOWN],
    [
      'a name with whatever bytes',
      [['file', nameFromBytes(Buffer.from([10, 34, 92, 255]))]],
      [...KNOWN, '\n"\\\xff file unsure'],
    ],
  ])('has %s', async (_, lines, expected) => {
    const { believed, index } = await replayed(textOf(lines));
    expect(believed).toEqual({ isWhole: true });
    expect(inWords(index)).toEqual([...expected].sort());
  });

  it('keeps what was known of a file that is only unsure by it', async () => {
    const { index } = await replayed(textOf([['file', n('a')]]));
    expect(index.get(n('a'))).toEqual({ ...ENTRY, mtimeNs: -1 });
  });

  it('of an older index says nothing that the index does not have', async () => {
    const { believed, index } = await replayed(textOf([['gone', n('a')]]), { number: 4, checksum: 'other' });
    expect([believed, inWords(index)]).toEqual([{ isWhole: true }, KNOWN]);
  });

  it('is so wherever its last line was cut short, and that line counts only as a whole', async () => {
    const before = textOf([['file', n('b"\\')]]);
    const last = lineOf(2, 'gone', n('a'));
    for (let chars = 0; chars < last.length - 1; chars++) {
      const { believed, index } = await replayed(before + last.slice(0, chars));
      expect(believed, `${chars} characters of ${last}`).toEqual({ isWhole: true });
      expect(inWords(index), `${chars} characters of ${last}`).toEqual([...KNOWN, 'b"\\ file unsure'].sort());
    }
    const { index } = await replayed(before + last.slice(0, -1)); // but for its line break
    expect(inWords(index)).toEqual(['b"\\ file unsure', 'd dir', 'd/x file']);
  });
});

describe('a journal that is not', () => {
  it.each<[string, string, RegExp]>([
    ['is empty', '', /from the beginning/],
    ['has no head', lineOf(1, 'gone', n('a')), /from the beginning/],
    ['has a head that nobody can read', `x${textOf([])}`, /from the beginning/],
    ['belongs to another index', headOf({ ...EDITION, checksum: 'other' }), /another index/],
    ['is of a newer index', headOf({ number: 4, checksum: 'other' }), /another index/],
  ])('%s is about anything', async (_, text, why) => {
    const { believed, index } = await replayed(text);
    expect(believed).toMatchObject({ isWhole: false, why: expect.stringMatching(why), mayHaveLostDeletions: true });
    expect(inWords(index)).toEqual(ALL_UNSURE);
  });

  it('takes away after the damage, and adds no more', async () => {
    const text = `${headOf(EDITION)}damage\n${lineOf(2, 'file', n('b'))}${lineOf(3, 'gone', n('a'))}`;
    const { believed, index } = await replayed(text);
    expect(believed).toMatchObject({
      isWhole: false,
      why: 'its log is damaged in line 2 of 4',
      mayHaveLostDeletions: true,
    });
    expect(inWords(index)).toEqual(['d dir unsure', 'd/x file unsure']);
  });

  it('tells where no deletion can have been lost: the bad line surely said that something began', async () => {
    const line = lineOf(1, 'file', n('b'));
    const { believed } = await replayed(`${headOf(EDITION)}${line.replace('"b"', '"c"')}`);
    expect(believed).toMatchObject({ isWhole: false, mayHaveLostDeletions: false });
  });

  it('has a line missing, or in another order', async () => {
    const [one, two, three] = [lineOf(1, 'file', n('b')), lineOf(2, 'gone', n('b')), lineOf(3, 'file', n('c'))];
    for (const text of [one + three, two + one + three, one + one + two + three]) {
      const { believed } = await replayed(headOf(EDITION) + text);
      expect(believed).toMatchObject({ isWhole: false, mayHaveLostDeletions: true });
    }
  });
});

describe('whatever a journal says', () => {
  const line = fc.tuple(
    fc.constantFrom<Deed>('file', 'dir', 'link', 'gone'),
    fc.constantFrom('a', 'b', 'd', 'd/x', 'd/y').map(n),
  );

  it('is there after it, and never for sure', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
        const { believed, index } = await replayed(textOf(lines));
        expect(believed).toEqual({ isWhole: true });
        const last = new Map(lines.map(([deed, name]) => [name, deed]));
        for (const [name, deed] of last) {
          const entry = index.get(name);
          if (deed === 'gone') expect(entry).toBeUndefined();
          else expect([entry?.type === 'dir', (entry?.mtimeNs ?? 0) < 0]).toEqual([deed === 'dir', true]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a flipped bit in its head, or in a line that is not the last, is seen, and nothing that was known is lost by it or sure after it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 2, maxLength: 6 }),
        fc.nat(),
        fc.integer({ min: 0, max: 6 }),
        async (lines, at, bit) => {
          const text = textOf(lines);
          const where = at % text.lastIndexOf('\n', text.length - 2);
          const flipped = String.fromCharCode(text.charCodeAt(where) ^ (1 << bit));
          const { believed, index } = await replayed(text.slice(0, where) + flipped + text.slice(where + 1));
          expect(believed.isWhole).toBe(false);
          const gone = new Set(lines.filter(([deed]) => deed === 'gone').map(([, name]) => name));
          for (const [name] of known().entries()) expect(gone.has(name) || index.get(name) !== undefined).toBe(true);
          for (const [, { mtimeNs }] of index.entries()) expect(mtimeNs).toBe(-1);
        },
      ),
      { numRuns: 500 },
    );
  });
});
