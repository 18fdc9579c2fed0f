import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../src/core/failure.js';
import { bytesOf, type Name, nameFromBytes, nameFromText, textOf } from '../../src/core/name.js';
import { parseOutputLine } from '../../src/core/rsync/output.js';
import type { Entry } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Pending } from '../../src/core/sync/pending.js';

const failure: Failure = { kind: 'path', message: 'no' };
const entry: Entry = { type: 'file', mode: 0, size: 0, mtimeS: 0, mtimeNs: 0, ino: 0, born: 0, ctime: 0, link: '' };

/** Names of a few letters, so that they meet. */
const aName = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
  .map((parts) => nameFromText(parts.join('/')));

describe('the pending set', () => {
  it('loses no name whatever happens in whatever order, and drains', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('note' as const), name: aName }),
      fc.record({ do: fc.constant('settle' as const), name: aName }),
      fc.record({ do: fc.constant('fail' as const), name: aName }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 100_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pending = new Pending();
        const model = new Set<Name>();
        let now = 0;
        for (const s of steps) {
          if (s.do === 'wait') now += s.ms;
          else if (s.do === 'note') {
            pending.note(s.name, now);
            model.add(s.name);
            expect(pending.ready(now, 1_000)).toContain(s.name); // a new change never waits for an old failure
          } else if (s.do === 'settle') {
            pending.settle(s.name);
            model.delete(s.name);
          } else {
            pending.fail(s.name, failure, now, 0.5);
            model.add(s.name);
          }
          expect(new Set([...pending].map(([name]) => name))).toEqual(model);
        }
        // Waiting for what `nextMs` says and settling what is ready always comes to an end.
        for (let guard = 0; pending.size > 0; guard++) {
          expect(guard).toBeLessThan(1_000);
          now = Math.max(now, pending.nextMs ?? now);
          const ready = pending.ready(now, 3);
          expect(ready.length).toBeGreaterThan(0);
          for (const name of ready) pending.settle(name);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** What {@link Line} does with the pending set, as a model: one queue and one for large files beside it. */
describe('the pending set under runs that go on beside each other', () => {
  const names = ['a', 'b', 'c', 'd'].map((text) => nameFromText(text));
  const step = fc.oneof(
    fc.record({ do: fc.constant('change' as const), name: fc.constantFrom(...names) }),
    fc.record({ do: fc.constant('walk' as const) }),
    fc.record({ do: fc.constant('begin' as const), bulk: fc.boolean(), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constant('end' as const), bulk: fc.boolean(), how: fc.constantFrom('ok', 'failed', 'broke') }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
    fc.record({ do: fc.constant('hurry' as const) }),
  );

  it('no change is lost, no name is in two runs at once, a failed one keeps its pace, and it always drains', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (steps, random) => {
          const pending = new Pending();
          /** The disk's version of each name, the delivered one, and what a run took along. */
          const here = new Map<Name, number>();
          const there = new Map<Name, number>();
          const runs: Record<'main' | 'bulk', Map<Name, number> | undefined> = { main: undefined, bulk: undefined };
          let now = 0;
          const dice = (): number => random.next().value ?? 0;
          const seen = (name: Name): Entry => ({ ...entry, size: here.get(name) ?? 0 });

          const begin = (kind: 'main' | 'bulk', count: number): void => {
            if (runs[kind] !== undefined) return;
            const taken = pending.ready(now, count).filter((name) => !runs.main?.has(name));
            if (taken.length === 0) return;
            runs[kind] = new Map(taken.map((name) => [name, here.get(name) ?? 0]));
            // The main queue never looks at what a bulk run has; a bulk run never begins with what the main one has.
            if (kind === 'bulk') for (const name of taken) pending.take(name);
          };
          const end = (kind: 'main' | 'bulk', how: string): void => {
            for (const [name, version] of runs[kind] ?? []) {
              if (kind === 'bulk') pending.giveBack(name);
              if (how === 'broke') continue;
              if (how === 'failed') pending.fail(name, failure, now, dice(), seen(name));
              else {
                there.set(name, version);
                if (here.get(name) === version) pending.settle(name);
                else pending.again(name, now);
              }
            }
            runs[kind] = undefined;
          };

          for (const s of steps) {
            switch (s.do) {
              case 'change':
                here.set(s.name, (here.get(s.name) ?? 0) + 1);
                pending.note(s.name, now, seen(s.name));
                // A change is ready at once, whatever failed before, unless a large file's run has it.
                expect(pending.ready(now, 9).includes(s.name) || runs.bulk?.has(s.name)).toBe(true);
                break;
              case 'walk': {
                const before = new Set(pending.ready(now, 9));
                const waited = new Set([...pending].map(([name]) => name));
                for (const name of names) if (here.get(name) !== there.get(name)) pending.note(name, now, seen(name));
                // It finds nothing new about what failed and has not changed since.
                for (const name of waited) expect(pending.ready(now, 9).includes(name)).toBe(before.has(name));
                break;
              }
              case 'begin':
                begin(s.bulk ? 'bulk' : 'main', s.bulk ? 1 : s.count);
                break;
              case 'end':
                end(s.bulk ? 'bulk' : 'main', s.how);
                break;
              case 'pass':
                now += s.ms;
                break;
              case 'hurry':
                pending.hurry();
                break;
            }
            for (const name of runs.main?.keys() ?? []) expect(runs.bulk?.has(name) ?? false).toBe(false);
            for (const name of names) if (here.get(name) !== there.get(name)) expect(pending.has(name)).toBe(true);
          }
          for (let guard = 0; pending.size > 0; guard++) {
            expect(guard).toBeLessThan(200);
            end('main', 'ok');
            end('bulk', 'ok');
            now = Math.max(now, pending.nextMs ?? now);
            begin('main', 2);
          }
          for (const name of names) expect(there.get(name)).toBe(here.get(name));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('the index', () => {
  it('is a map of names, with what is below a directory', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), aName), { maxLength: 60 }), (steps) => {
        const index = new NameIndex();
        const model = new Set<Name>();
        for (const [add, name] of steps) {
          if (add) {
            index.set(name, entry);
            model.add(name);
          } else {
            index.delete(name);
            model.delete(name);
          }
        }
        expect(index.size).toBe(model.size);
        for (const name of model) expect(index.get(name)).toBe(entry);
        for (const dir of ['a', 'a/b', 'c'] as Name[]) {
          const reachable = [...index.below(dir)].map(([name]) => name);
          for (const name of reachable) expect(model.has(name) && name.startsWith(`${dir}/`)).toBe(true);
          const direct = [...model].filter(
            (name) => name.startsWith(`${dir}/`) && !name.slice(dir.length + 1).includes('/'),
          );
          expect([...index.children(dir).keys()].sort()).toEqual(
            direct.map((name) => name.slice(dir.length + 1)).sort(),
          );
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('names', () => {
  it("keep any bytes, and rsync's spelling of them is read back", () => {
    fc.assert(
      fc.property(
        fc
          .uint8Array({ minLength: 1, maxLength: 40 })
          .filter((bytes) => !bytes.includes(0) && bytes[0] !== 0x2f && bytes.at(-1) !== 0x2f),
        (bytes) => {
          const name = nameFromBytes(Buffer.from(bytes));
          expect(Buffer.compare(bytesOf(name), bytes)).toBe(0);
          expect(textOf(name)).not.toMatch(/[\n\r\x1b]/);
          // rsync's own escaping (log.c, filtered_fwrite): a byte that is not plain, and a \# before three digits
          const raw = Buffer.from(bytes).toString('latin1');
          const printed = raw.replace(
            /\\(?=#\d{3})|[^\x20-\x7e\t]/g,
            (c) => `\\#${c.charCodeAt(0).toString(8).padStart(3, '0')}`,
          );
          expect(parseOutputLine(`<f+++++++++ 1 ${printed}`)).toMatchObject({ kind: 'item', name });
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
