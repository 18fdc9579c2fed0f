import { closeSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseOf, childOf, type Name, nameFromText, parentOf, ROOT } from '../../src/core/name.js';
import { atOnce } from '../../src/core/steps.js';
import { begun, type Entry, unsure } from '../../src/core/sync/entry.js';
import { MOST_PACKED, NameIndex } from '../../src/core/sync/name-index.js';
import { counted, kindsOf, pack, unpack, unsureFilesIn } from '../../src/core/sync/packed.js';
import { loadIndex, writeIndex } from '../../src/state/index-file.js';
import { beginFresh } from '../../src/state/own-file.js';
import { temporaryDir } from '../support/tree.js';

const bytes = (maxLength: number) =>
  fc.uint8Array({ minLength: 1, maxLength }).map((all) => Buffer.from(all).toString('latin1'));

/** All that lstat may give, and what stands for what is not sure. */
const anEntry: fc.Arbitrary<Entry> = fc
  .record({
    type: fc.constantFrom('file' as const, 'dir' as const, 'link' as const),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    size: fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(2 ** 63)),
    mtimeS: fc.oneof(fc.integer(), fc.constantFrom(-9_223_372_036, 9_223_372_036, 0, -1)),
    mtimeNs: fc.integer({ min: -999_999_999, max: 999_999_999 }),
    ino: fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(2 ** 63, 2 ** 64 - 2_048, 0)),
    born: fc.integer({ min: -1, max: 2 ** 30 - 1 }),
    ctime: fc.integer({ min: -1, max: 2 ** 30 - 1 }),
    link: bytes(30),
  })
  .map((entry) => ({ ...entry, link: entry.type === 'link' ? entry.link : '' }));

const aBase = bytes(20).filter((base) => !/[/\0]/.test(base) && base !== '.' && base !== '..');

describe('what is packed', () => {
  it('comes back as it was, whatever lstat gives, and is counted as that', () => {
    const someChildren = fc.uniqueArray(fc.tuple(aBase, anEntry), { selector: ([base]) => base, maxLength: 20 });
    fc.assert(
      fc.property(someChildren, (children) => {
        const packed = pack(children);
        expect([...unpack(packed)]).toEqual(children);
        expect(counted(Buffer.from(packed, 'latin1'), () => true)).toEqual({
          count: children.length,
          hasBegun: children.some(([, { ino }]) => ino === 0),
        });
        expect([...kindsOf(packed)]).toEqual(children.map(([base, { type }]) => [base, type === 'dir']));
        const unsureFiles = children.filter(([, { type, mtimeNs }]) => type === 'file' && mtimeNs < 0);
        expect(unsureFilesIn(packed)).toEqual(unsureFiles.map(([base]) => base));
      }),
    );
    for (const odd of [begun('file'), begun('dir')]) expect(unpack(pack([['a', odd]])).get('a')).toEqual(odd);
  });
});

const aName = fc
  .array(fc.constantFrom('a', 'b', 'c', '\xff'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/') as Name);

const aStep = fc.oneof(
  fc.record({ do: fc.constant('set' as const), name: aName, entry: anEntry }),
  fc.record({ do: fc.constant('delete' as const), name: aName }),
  fc.record({ do: fc.constant('setAside' as const), name: aName }),
  fc.record({ do: fc.constant('takeUp' as const), name: aName }),
  fc.record({ do: fc.constant('pack' as const), most: fc.nat(3) }),
  fc.record({ do: fc.constant('save' as const) }),
);

const owner = { root: '/r', identity: '1:2', target: 'h:p' };

async function savedAndLoaded(index: NameIndex): Promise<NameIndex> {
  const path = join(temporaryDir(), 'i');
  const file = beginFresh(path);
  const edition = await writeIndex(file.fd, owner, 1, index);
  file.settle();
  closeSync(file.fd);
  const loaded = await loadIndex(path, owner, userInfo().uid);
  if (loaded.kind !== 'loaded') throw new Error(loaded.kind);
  expect(loaded.edition).toEqual(edition);
  expect(loaded.hasBegun).toBe([...index.entries()].some(([, { ino }]) => ino === 0));
  return loaded.index;
}

describe('the index', () => {
  it('is a map of names, however it was packed, saved and loaded in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { maxLength: 40 }), async (steps) => {
        let index = new NameIndex();
        const model = new Map<Name, Entry>();
        const aside = new Map<Name, Entry>();
        for (const step of steps) {
          switch (step.do) {
            case 'set':
              index.set(step.name, step.entry);
              model.set(step.name, step.entry);
              break;
            case 'delete':
              index.delete(step.name);
              model.delete(step.name);
              aside.delete(step.name);
              break;
            case 'setAside': {
              index.setAside(step.name);
              const entry = model.get(step.name);
              if (entry !== undefined) aside.set(step.name, entry);
              model.delete(step.name);
              break;
            }
            case 'takeUp': {
              index.takeUp(step.name);
              const entry = aside.get(step.name);
              aside.delete(step.name);
              if (entry !== undefined && !model.has(step.name)) model.set(step.name, unsure(entry));
              break;
            }
            case 'pack': {
              let left = step.most;
              atOnce(index.packLoose(() => left-- > 0));
              break;
            }
            case 'save':
              index = await savedAndLoaded(index);
              for (const [name, { type }] of aside) aside.set(name, begun(type === 'dir' ? 'dir' : 'file'));
              break;
          }
        }
        expect(new Map(index.entries())).toEqual(model);
        expect(new Map(index.aside.entries())).toEqual(aside);
        expect([index.size, index.aside.size]).toEqual([model.size, aside.size]);
        for (const [name, entry] of model) {
          expect(index.get(name)).toEqual(entry);
          expect(index.children(parentOf(name)).get(baseOf(name))).toEqual(entry);
        }
        for (const dir of index.directories()) {
          expect(index.children(dir).size).toBeGreaterThan(0);
          const kinds = [...index.children(dir)].map(([base, { type }]) => [base, type === 'dir']);
          expect([...index.kinds(dir)]).toEqual(kinds);
          expect([...index.kinds(dir).keys()].map((base) => [base, index.kinds(dir).get(base)])).toEqual(kinds);
          expect([index.kinds(dir).size, index.kinds(dir).get('none')]).toEqual([kinds.length, undefined]);
        }
        const unsureFiles = [...model].filter(([, { type, mtimeNs }]) => type === 'file' && mtimeNs < 0);
        expect(new Set([...index.unsureFiles()].filter((name) => name !== undefined))).toEqual(
          new Set(unsureFiles.map(([name]) => name)),
        );
        for (const name of ['a', 'a/b', 'a/b/c', 'c'] as Name[]) expect(index.get(name)).toEqual(model.get(name));
      }),
      { numRuns: 200 },
    );
  });

  it('unpacks no large directory for one name in it, and loads it in parts', async () => {
    const index = new NameIndex();
    const large = nameFromText('large');
    const entry = begun('file');
    for (let i = 0; i < 2 * MOST_PACKED + 5; i++) index.set(childOf(large, `f${i}`), { ...entry, ino: i + 1 });
    index.set(ROOT, begun('dir'));
    expect([...index.packed(large)].map((part) => unpack(part).size)).toEqual([MOST_PACKED, MOST_PACKED, 5]);
    const before = index.children(large);
    atOnce(index.packLoose(() => true));
    expect(index.children(large)).toBe(before);
    const loaded = await savedAndLoaded(index);
    expect([...loaded.entries()]).toEqual([...index.entries()]);
    const known = loaded.children(large);
    loaded.set(childOf(large, 'new'), entry);
    expect(loaded.children(large)).toBe(known); // it is added to, not made anew
  });
});
