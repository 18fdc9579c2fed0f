import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Event, LargeDirectory } from '../../src/core/event.js';
import { largeDirectories } from '../../src/core/filter/large.js';
import { type Name, nameFromBytes, nameFromText } from '../../src/core/name.js';
import { atOnce } from '../../src/core/steps.js';
import { SLOW_START_MS } from '../../src/core/sync/policy.js';
import { logPrinter } from '../../src/report/log.js';
import { paintFor } from '../../src/report/paint.js';
import { fullPass } from '../../src/sync/full-pass.js';
import { SlowStart } from '../../src/sync/slow-start.js';
import { passOptions } from '../support/deliver.js';
import { fakeWork } from '../support/fake-work.js';

type Files = ReadonlyArray<readonly [Name, { readonly size: number }]>;

/** So many files of so many bytes in all below this directory, and the directory itself. */
const files = (dir: string, paths: number, bytes: number): Files => [
  [nameFromText(dir), { size: 0 }],
  ...Array.from(
    { length: paths - 1 },
    (_, i) => [nameFromText(`${dir}/f${i}`), { size: bytes / (paths - 1) }] as const,
  ),
];

const large = (...parts: readonly Files[]) => atOnce(largeDirectories(parts.flat()));
const named = (...parts: readonly Files[]) => large(...parts).map(({ pattern }) => pattern);

const SOURCES = files('src', 1_000, 5_000_000);

describe('the directories that make up most of what is to be sent', () => {
  it('of a known name are named together, the outermost only, with how much is in them', () => {
    const found = large(
      SOURCES,
      files('a/node_modules', 5_000, 50_000_000),
      files('b/node_modules/x/node_modules', 9_000, 90_000_000),
    );
    expect(found).toEqual([
      {
        name: 'b/node_modules',
        count: 2,
        paths: 13_999,
        bytes: expect.closeTo(140_000_000, 0),
        pattern: 'node_modules/',
        hint: 'packages of npm',
      },
    ]);
  });

  it('are named by how much is in them: not those of a known name with little, nor sources', () => {
    expect(named(SOURCES, files('dist', 10, 1_000), files('docs', 900, 4_000_000))).toEqual([]);
    expect(named(SOURCES, files('dist', 10, 1_000_000))).toEqual(['dist/']);
    expect(named(SOURCES)).toEqual([]);
    expect(named([])).toEqual([]);
  });

  it('of any name where it is very much, by the directory that holds it and no other', () => {
    expect(named(SOURCES, files('a/raw/images', 3_000, 4e9), files('a/readme', 2, 10))).toEqual(['/a/raw/images/']);
    expect(named(SOURCES, files('a/x', 20_000, 1e9), files('a/y', 20_000, 1e9))).toEqual(['/a/']);
    const chain = [...files('a/b/c', 20_000, 1e9), ...files('a/b/d', 3_000, 1e8), ...files('a/e', 4_000, 2e8)];
    expect(named(SOURCES, chain)).toEqual(['/a/b/c/']);
  });

  it('are the largest five, each by a line that means it and nothing else', () => {
    const known = ['node_modules', 'target', '.venv', 'dist', 'build', 'coverage'].map((base, i) =>
      files(base, 1_000 + i * 100, 0),
    );
    expect(named(...known)).toEqual(['coverage/', 'build/', 'dist/', '.venv/', 'target/']);
    expect(named(SOURCES, files('raw [1]*', 20_000, 1e9))).toEqual(['/raw \\[1]\\*/']);
    const odd = files('x', 20_000, 1e9).map(
      ([name, entry]) => [nameFromBytes(Buffer.from(`\xff\n${name}`, 'latin1')), entry] as const,
    );
    expect(large(odd)).toMatchObject([{ pattern: undefined }]);
  });
});

describe('a first full sync', () => {
  const told: Event[] = [];
  beforeEach(() => {
    vi.useFakeTimers();
    told.length = 0;
  });
  afterEach(() => vi.useRealTimers());
  const start = () => new SlowStart((event) => told.push(event), 't');
  const differing = () => files('node_modules', 1_000, 1e6) as ReturnType<Parameters<SlowStart['begin']>[0]>;

  it('that takes a minute says so once, whatever breaks in between', async () => {
    const slow = start();
    slow.begin(differing);
    await vi.advanceTimersByTimeAsync(SLOW_START_MS - 10);
    slow.end(false);
    await vi.advanceTimersByTimeAsync(SLOW_START_MS);
    expect(told).toEqual([]);
    slow.begin(differing);
    await vi.advanceTimersByTimeAsync(10);
    expect(told).toMatchObject([{ kind: 'slowStart', target: 't', directories: [{ pattern: 'node_modules/' }] }]);
    slow.begin(differing);
    await vi.advanceTimersByTimeAsync(SLOW_START_MS * 2);
    expect(told.length).toBe(1);
  });

  it('that is faster says nothing, nor do those after it', async () => {
    const slow = start();
    slow.begin(differing);
    await vi.advanceTimersByTimeAsync(SLOW_START_MS - 1);
    slow.end(true);
    slow.begin(differing);
    await vi.advanceTimersByTimeAsync(SLOW_START_MS * 2);
    expect(told).toEqual([]);
  });

  it('says what it has to send, not what is there already', async () => {
    const { disk, work } = fakeWork();
    const known = disk.write('known');
    disk.write('new');
    const entry = disk.get(known);
    if (entry === undefined) throw new Error('it was written');
    work.ledger.delivered(known, entry);
    const sent: string[] = [];
    await fullPass(work, passOptions({ onBegun: (changed) => sent.push(...[...changed()].map(([name]) => name)) }));
    expect(sent).toEqual(['new']);
  });
});

it('is told with the line that leaves each out', () => {
  let said = '';
  const paint = paintFor(false);
  const out = (text: string): void => void (said += text);
  const print = logPrinter({ out, err: () => {}, now: () => new Date(0), paint, paintError: paint }, 'normal');
  const one: LargeDirectory = {
    ...{ name: nameFromText('a b'), count: 1, paths: 41_000, bytes: 8e8, pattern: '/a b/', hint: undefined },
  };
  const all = { ...one, count: 3, pattern: 'node_modules/', hint: 'packages of npm' };
  print({ kind: 'slowStart', target: 't', ms: 60_000, directories: [all, one, { ...one, pattern: undefined }] });
  expect(said.split('\n').slice(1)).toEqual([
    expect.stringMatching(/ {2}-x node_modules\/ {3}41,000 paths, 800 MB, in 3 directories \(packages of npm\)$/),
    expect.stringMatching(/ {2}-x '\/a b\/' {3}41,000 paths, 800 MB$/),
    expect.stringMatching(/ {2}a b\/ {3}41,000 paths, 800 MB$/),
    '',
  ]);
});
