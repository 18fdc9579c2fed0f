import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latest, plusMs, steadyMs } from '../../src/core/clock.js';
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
        let now = steadyMs(0);
        for (const s of steps) {
          if (s.do === 'wait') now = plusMs(now, s.ms);
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
          now = latest(now, pending.nextMs ?? now);
          const ready = pending.ready(now, 3);
          expect(ready.length).toBeGreaterThan(0);
          for (const name of ready) pending.settle(name);
        }
      }),
      { numRuns: 500 },
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
