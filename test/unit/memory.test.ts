import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Failure } from '../../src/core/failure.js';
import { type Name, nameFromText } from '../../src/core/name.js';
import { begun, type Entry, unsure } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Disk } from '../../src/scan/disk.js';
import type { Remembered } from '../../src/state/load.js';
import { Memory } from '../../src/state/memory.js';
import { remembered } from '../../src/state/remembered.js';
import { filterOf } from '../support/settings.js';

let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sw-')));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const owner = { root: '/r', identity: '1:2', target: 'h:p' };
const entry: Entry = {
  type: 'file',
  mode: 0o644,
  size: 7,
  mtimeS: 1_700_000_000,
  mtimeNs: 999_999_999,
  ino: 8,
  born: 7,
  ctime: 0,
  link: '',
};

const [a, b, c, d] = ['a', 'b\n"', 'c', 'd'].map(nameFromText) as [Name, Name, Name, Name];
const state = (): string => join(dir, 'state');
const log = (): string => join(state(), 'm.log');
const index = (): string => join(state(), 'm.index');

function makeFolder(): Failure | undefined {
  try {
    mkdirSync(state(), { recursive: true });
    return undefined;
  } catch (error) {
    return { kind: 'start', message: String(error) };
  }
}

const open = (onProblem: (text: string) => void = () => {}, make = makeFolder, at = state()): Memory =>
  new Memory({
    path: join(at, 'm'),
    uid: userInfo().uid,
    owner: () => owner,
    mounts: () => new Map(),
    makeFolder: make,
    onProblem,
  });

const indexOf = (...entries: ReadonlyArray<readonly [Name, Entry]>): NameIndex => {
  const made = new NameIndex();
  for (const [name, each] of entries) made.set(name, each);
  return made;
};

/** A memory that keeps this index, which was saved. */
async function keeping(kept: NameIndex): Promise<Memory> {
  const memory = open();
  memory.keep(() => kept);
  await memory.save();
  return memory;
}

const load = (): Promise<Remembered> => open().load();
const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

describe('what is remembered between runs', () => {
  it('is the saved index and what was begun since, even after a kill', async () => {
    const kept = indexOf([a, entry]);
    const memory = open();
    memory.keep(() => kept);
    const brings = [
      [a, 'file'],
      [b, 'file'],
      [d, 'dir'],
    ] as const;
    expect(await memory.writeAhead(brings)).toBeUndefined(); // the first time: the index is saved before
    memory.markGone(d);
    const { index: again, problem } = await load();
    expect(problem).toBeUndefined();
    expect(again.get(a)).toMatchObject({ size: entry.size, mtimeNs: -1 }); // in any state by now
    expect(again.get(b)).toMatchObject({ type: 'file', mtimeNs: -1 });
    expect(again.get(d)).toBeUndefined();
    await memory.save();
    expect([...(await load()).index.entries()]).toEqual([[a, entry]]);
  });

  it('is saved anew when the log has grown long, not before', async () => {
    const memory = await keeping(new NameIndex());
    const lines = (): number => linesOf(log()).length - 1;
    await memory.writeAhead([[a, 'file']]);
    await memory.tidy();
    expect(lines()).toBe(1);
    for (let n = 0; n < 10_000; n++) memory.markGone(b);
    expect(lines()).toBe(10_001);
    await memory.tidy();
    expect(lines()).toBe(0);
  });

  it('is whole where an older log is left: killed between two renames', async () => {
    const memory = await keeping(indexOf([a, entry]));
    await memory.writeAhead([[b, 'file']]);
    copyFileSync(log(), `${log()}.old`);
    await memory.save();
    renameSync(`${log()}.old`, log());
    expect(await load()).toMatchObject({ problem: undefined });
    expect([...(await load()).index.entries()]).toEqual([[a, entry]]);
  });
});

describe('while the index is being saved, in slices', () => {
  const many = Array.from({ length: 10_000 }, (_, n) => nameFromText(`f${n}`));
  const first = nameFromText('f0');
  const last = nameFromText('f9999');

  /** What the next start would find if it were killed now. */
  function asOfNow(): () => Promise<Remembered> {
    const there = mkdtempSync(join(dir, 'killed-'));
    for (const path of [index(), log()]) copyFileSync(path, path.replace(state(), there));
    return () => open(undefined, undefined, there).load();
  }

  it.each(['save', 'ready'] as const)(
    '%s: what is said is known after a kill at any moment, and when it is done',
    async (how) => {
      const kept = indexOf(...many.map((name) => [name, entry] as const));
      const memory = await keeping(kept);
      await memory.writeAhead([[a, 'file']]); // of a run that has ended, or (ready) goes on
      if (how === 'save') kept.set(a, entry);
      else rmSync(index());
      let isSaved = false;
      const saving = memory[how]().then(() => (isSaved = true));
      const kills: Array<readonly [Name, Name, () => Promise<Remembered>]> = [];
      for (let turns = 0; !isSaved; turns++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (turns >= 100) continue; // the disk may take its time
        const [fresh, gone] = [nameFromText(`new${turns}`), many[turns * 7] ?? first];
        memory.markInFlight(fresh, 'file');
        memory.markInFlight(last, 'file');
        kept.delete(gone);
        memory.markGone(gone);
        kills.push([fresh, gone, how === 'save' && turns % 5 === 0 ? asOfNow() : load]);
      }
      await saving;
      expect(kills.length).toBeGreaterThan(3);
      for (const [fresh, gone, loadThen] of kills) {
        const { index: loaded, problem } = await loadThen();
        expect(problem).toBeUndefined();
        expect([loaded.get(fresh), loaded.get(gone), loaded.get(last)]).toEqual([
          begun('file'),
          undefined,
          unsure(entry),
        ]);
      }
      expect((await load()).index.get(a)).toEqual(how === 'save' ? entry : begun('file'));
      expect(readdirSync(state()).sort()).toEqual(['m.index', 'm.log']);
    },
  );

  it('two at once come one after the other', async () => {
    const kept = indexOf(...many.map((name) => [name, entry] as const));
    const memory = await keeping(kept);
    const both = Promise.all([memory.save(), memory.save(), memory.tidy(), memory.ready()]);
    kept.set(a, entry);
    await both;
    expect((await load()).index.get(a)).toEqual(entry);
  });
});

describe('a log that is not as it was written', () => {
  const damaged = async (
    damage: (lines: string[]) => readonly string[],
    kept = indexOf([a, entry]),
  ): Promise<Remembered> => {
    const memory = await keeping(kept);
    await memory.writeAhead([[b, 'file']]);
    await memory.writeAhead([[c, 'file']]);
    await memory.writeAhead([[d, 'dir']]);
    memory.markGone(a);
    writeFileSync(log(), `${damage(linesOf(log())).join('\n')}\n`);
    return await load();
  };
  const names = ({ index: loaded }: Remembered): Name[] => [...loaded.entries()].map(([name]) => name);

  it('is believed up to the first bad line; what comes after it only takes away; and that is said', async () => {
    const loaded = await damaged((lines) => lines.with(2, lines[2]?.replace('"c"', '"x"') ?? ''));
    expect(loaded).toMatchObject({ problem: 'its log is damaged in line 3 of 5', mayHaveLostDeletions: false });
    expect(names(loaded)).toEqual([b]);
  });

  it('may be about what is gone there: then what is gone here must be left alone there', async () => {
    const flipped = await damaged((lines) => lines.with(4, lines[4]?.replace('"a"', '"x"') ?? ''));
    expect(flipped).toMatchObject({ problem: 'its log is damaged in line 5 of 5', mayHaveLostDeletions: true });
    expect(flipped.index.get(a)).toEqual(unsure(entry));
    // Neither mark alone makes it something else.
    for (const at of [2, 6]) {
      const mark = await damaged((lines) => lines.with(4, `${lines[4]?.slice(0, at)}f${lines[4]?.slice(at + 1)}`));
      expect(mark.mayHaveLostDeletions).toBe(true);
    }
  });

  it.each<readonly [string, (lines: string[]) => readonly string[]]>([
    ['a line is missing', (lines) => lines.toSpliced(1, 1)],
    ['a line is there twice', (lines) => lines.toSpliced(1, 0, lines[1] ?? '')],
    ['two lines have changed places', ([head = '', x = '', y = '', ...rest]) => [head, y, x, ...rest]],
    ['its end is NUL', (lines) => [...lines, '\0'.repeat(100)]],
    ['NUL in the middle of a line', (lines) => lines.with(3, `${lines[3]?.slice(0, 4)}${'\0'.repeat(20)}`)],
    ['a line of somebody else follows', (lines) => [...lines, '6 f"e"f00000000']],
    ['text follows', (lines) => [...lines, 'f"half']],
    ['its head is damaged', ([head = '', ...rest]) => [head.replace('"number":1', '"number":0'), ...rest]],
    ['it has no head', ([, ...rest]) => rest],
    ['it is empty', () => []],
    ['it leads out of the root', (lines) => lines.with(1, lines[1]?.replace('b\\n\\"', '../b') ?? '')],
  ])('%s: said, and nothing is certain', async (_what, damage) => {
    const loaded = await damaged(damage, indexOf([a, entry], [nameFromText('e'), entry]));
    expect(loaded.problem).toMatch(/log/);
    expect([...loaded.index.entries()].filter(([, { mtimeNs }]) => mtimeNs >= 0)).toEqual([]);
  });

  it('or is gone, or a link: said', async () => {
    await keeping(indexOf([a, entry]));
    renameSync(log(), `${log()}.away`);
    expect(await load()).toMatchObject({ problem: 'its log is gone', mayHaveLostDeletions: true });
    symlinkSync('m.log.away', log());
    expect(await load()).toMatchObject({
      problem: expect.stringMatching(/is a symbolic link/),
      mayHaveLostDeletions: true,
    });
    rmSync(index());
    expect((await load()).problem).toBe('the index to its log is gone');
  });

  it('that ends in the middle of a line is whole: that was not begun', async () => {
    const memory = await keeping(indexOf([a, entry]));
    await memory.writeAhead([[b, 'file']]);
    const whole = readFileSync(log()).length;
    memory.markGone(a);
    const text = readFileSync(log());
    for (let length = whole; length < text.length; length++) {
      writeFileSync(log(), text.subarray(0, length));
      const { problem, index: loaded } = await load();
      expect(problem).toBeUndefined();
      // Only its line break is missing: then it is all there.
      expect(loaded.get(a)).toEqual(length === text.length - 1 ? undefined : entry);
      expect(loaded.get(b)).toEqual(begun('file'));
    }
  });

  it('what is gone here is forgotten where the log may have lost what is gone there', async () => {
    mkdirSync(join(dir, 'root/c'), { recursive: true });
    writeFileSync(join(dir, 'root/a'), 'a');
    const memory = await keeping(indexOf([a, entry], [b, entry], [c, entry], [d, entry]));
    memory.markGone(d);
    writeFileSync(log(), `${readFileSync(log(), 'utf8').replace('"d"', '"e"')}`);
    const texts: string[] = [];
    const left = await remembered(open(), new Disk(join(dir, 'root')), filterOf(), (event) => {
      if (event.kind === 'note') texts.push(event.text);
    });
    expect([...left.index.entries()]).toEqual([[a, unsure(entry)]]); // b and d are not here, c is something else
    expect(left.isWhole).toBe(false);
    expect(texts).toEqual([expect.stringMatching(/can't be used.*log is damaged in line 2 of 2.*may stay there/)]);
  });
});

describe('whatever happens to one byte or line', () => {
  type Step = { readonly kind: 'begin' | 'deliver' | 'gone'; readonly name: Name };
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom<Step['kind']>('begin', 'begin', 'deliver', 'gone'),
      name: fc.constantFrom(...['a', 'b', 'c', 'd', 'e"', 'f\n', 'x'].map(nameFromText)),
    }),
    { minLength: 1, maxLength: 12 },
  );

  /** Does all that with a memory; gives what is ours there, and what surely is in the state of the index, after each line. */
  async function play(given: readonly Step[]): Promise<Array<{ ours: Set<Name>; sure: Map<Name, Entry> }>> {
    const kept = indexOf([a, entry], [nameFromText('e"'), entry], [nameFromText('x'), entry]);
    const memory = await keeping(kept);
    const ours = new Set([...kept.entries()].map(([name]) => name));
    const sure = new Map(kept.entries());
    const truth = [{ ours: new Set(ours), sure: new Map(sure) }];
    for (const [at, { kind, name }] of given.entries()) {
      if (kind === 'deliver') {
        // Only in memory: for the next start it is as unsure as it was.
        if (ours.has(name)) kept.set(name, { ...entry, size: at });
        continue;
      }
      sure.delete(name);
      if (kind === 'begin') {
        await memory.writeAhead([[name, 'file']]);
        ours.add(name);
      } else {
        kept.delete(name);
        memory.markGone(name);
        ours.delete(name);
      }
      truth.push({ ours: new Set(ours), sure: new Map(sure) });
    }
    memory.close();
    return truth;
  }

  /** As `remembered` does it, with nothing here: only what would be deleted there is of interest. */
  const believed = ({ index: loaded, mayHaveLostDeletions }: Remembered): Array<[Name, Entry]> =>
    mayHaveLostDeletions ? [] : [...loaded.entries()];

  it('the index has nothing that was not ours, and is sure of nothing that was not sure', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom('flip', 'drop', 'double', 'swap', 'zero', 'insert'),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (given, how, where, by) => {
          rmSync(state(), { recursive: true, force: true });
          const truth = (await play(given)).at(-1);
          const bytes = readFileSync(log());
          const at = where % bytes.length;
          const lines = bytes.toString('latin1').split('\n').slice(0, -1);
          const line = where % lines.length;
          const [one = '', next = one] = lines.slice(line);
          const changed = {
            flip: () => Buffer.from(bytes.map((byte, i) => (i === at ? byte ^ by : byte))),
            zero: () => Buffer.from(bytes.map((byte, i) => (i >= at ? 0 : byte))),
            insert: () => Buffer.concat([bytes.subarray(0, at), Buffer.from([by]), bytes.subarray(at)]),
            drop: () => lines.toSpliced(line, 1),
            double: () => lines.toSpliced(line, 0, one),
            swap: () => lines.toSpliced(line, 2, next, one),
          }[how]();
          const damaged = Buffer.isBuffer(changed) ? changed : Buffer.from(`${changed.join('\n')}\n`, 'latin1');
          writeFileSync(log(), damaged);
          const isLast = line === lines.length - 1;
          const loaded = await load();
          // Without its last line it is the log of a moment before; and doubling an only line leaves it as it was.
          if (!(how === 'drop' && isLast) && !damaged.equals(bytes)) expect(loaded.problem).toBeDefined();
          if (how === 'drop' && isLast) return;
          for (const [name] of believed(loaded)) expect(truth?.ours.has(name)).toBe(true);
          for (const [name, now] of loaded.index.entries())
            if (now.mtimeNs >= 0) expect(now).toEqual(truth?.sure.get(name));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('cut anywhere, it is what it was at some moment before', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (given, where) => {
        rmSync(state(), { recursive: true, force: true });
        const truth = await play(given);
        const text = readFileSync(log());
        const length = where % text.length;
        truncateSync(log(), length);
        const loaded = await load();
        const whole = text.subarray(0, text[length] === 10 ? length + 1 : length); // a line is whole without its break
        const lines = whole.toString('latin1').split('\n').length - 1;
        expect(loaded.problem === undefined).toBe(lines > 0 && length > text.indexOf('\n'));
        if (loaded.problem !== undefined) expect(believed(loaded)).toEqual([]);
        else expect(new Set([...loaded.index.entries()].map(([name]) => name))).toEqual(truth[lines - 1]?.ours);
      }),
      { numRuns: 200 },
    );
  });

  it('of the index itself: it is not used', async () => {
    const memory = await keeping(indexOf([a, entry], [b, entry]));
    await memory.writeAhead([[a, 'file']]);
    const bytes = readFileSync(index());
    for (const [at, byte] of bytes.entries()) {
      for (const other of new Set([byte ^ 1, byte ^ 0x80, byte === 0 ? 0x20 : 0])) {
        writeFileSync(index(), Buffer.from(bytes).fill(other, at, at + 1));
        expect(await load()).toMatchObject({ problem: expect.any(String), mayHaveLostDeletions: false });
        expect((await load()).index.size).toBe(0);
      }
      truncateSync(index(), at);
      expect((await load()).index.size).toBe(0);
    }
  });
});

describe('files that are removed while it runs', () => {
  const begin = async (): Promise<readonly [Memory, NameIndex]> => {
    const kept = indexOf([a, entry]);
    const memory = await keeping(kept);
    await memory.writeAhead([[b, 'file']]);
    kept.set(c, entry); // delivered since
    return [memory, kept];
  };

  it.each<readonly [string, () => unknown]>([
    ['the folder', () => rmSync(state(), { recursive: true })],
    ['the log', () => rmSync(log())],
    ['the index', () => rmSync(index())],
    ['the folder, moved away', () => renameSync(state(), `${state()}.away`)],
    ['the log, cut', () => truncateSync(log(), 0)],
    [
      'the log, replaced by another',
      () => {
        rmSync(log());
        writeFileSync(log(), 'something');
      },
    ],
  ])('%s: all of it is there again before the next run', async (_what, remove) => {
    const [memory] = await begin();
    remove();
    expect(await memory.ready()).toBeUndefined();
    const { index: loaded, problem } = await load();
    expect(problem).toBeUndefined();
    expect(loaded.get(a)).toEqual(entry);
    expect(loaded.get(c)).toEqual(entry);
    // What a run under way brings is in the log alone. Somebody who cuts it off has that on his conscience.
    if (_what !== 'the log, cut') expect(loaded.get(b)).toEqual(begun('file'));
    expect(await memory.writeAhead([[d, 'dir']])).toBeUndefined();
    expect((await load()).index.get(d)).toEqual(begun('dir'));
    expect(readdirSync(state()).sort()).toEqual(['m.index', 'm.log']);
  });

  it('and can not be made again: nothing is begun until they can, and nothing is lost', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const [memory] = await begin();
      rmSync(state(), { recursive: true });
      writeFileSync(state(), 'in the way');
      const failure = {
        kind: 'run',
        message: expect.stringMatching(/can't be noted in .*m\.log first: .*(EEXIST|ENOTDIR)/),
      };
      expect(await memory.writeAhead([[d, 'file']])).toMatchObject(failure);
      memory.markGone(a);
      expect(await memory.ready()).toMatchObject(failure);
      rmSync(state());
      vi.advanceTimersByTime(1_000);
      expect(await memory.ready()).toBeUndefined();
      const { index: loaded } = await load();
      expect([...loaded.entries()].map(([name]) => name).sort()).toEqual([b, c, d].sort());
    } finally {
      vi.useRealTimers();
    }
  });

  it('a folder that is not ours by then is not written to', async () => {
    const problems: string[] = [];
    const refuse = (): Failure => ({ kind: 'start', message: 'it is not a folder of yours alone' });
    const memory = open((text) => problems.push(text), refuse);
    expect((await memory.writeAhead([[a, 'file']]))?.message).toMatch(/not a folder of yours alone/);
    await memory.save();
    await memory.save();
    expect(problems).toEqual([expect.stringMatching(/can't write .*not a folder of yours alone/)]);
    chmodSync(dir, 0o700);
    expect(readdirSync(dir)).toEqual([]);
  });
});
