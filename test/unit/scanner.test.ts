import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Name, nameFromText, ROOT } from '../../src/core/name.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Disk } from '../../src/scan/disk.js';
import { Scanner, type ScannerOptions } from '../../src/scan/scanner.js';
import { filterOf } from '../support/settings.js';
import { fill, temporaryDir } from '../support/tree.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** What goes on is done, as far as it waits for no timer. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
}

/** A scanner of a small tree; `looks`: at which directories it has looked, `walks`: how often at the root with all below it. */
function scannerOf(more: Partial<ScannerOptions> = {}) {
  const root = temporaryDir();
  fill(root, { a: 'a', 'd/b': 'b' });
  const looks: Name[] = [];
  const scanner = new Scanner({
    disk: new Disk(root),
    filter: filterOf(),
    index: () => new NameIndex(),
    onListing: async ({ dir }) => void looks.push(dir),
    rootIsThere: () => true,
    refreshRules: async () => {},
    onShort: () => {},
    isHeld: () => false,
    ...more,
  });
  const walks = (): number => looks.filter((dir) => dir === ROOT).length;
  return { scanner, looks, walks };
}

const a = [nameFromText('d/b')];

it('looks at what is hinted at once, and at everything once nothing was hinted for half a second', async () => {
  const { scanner, looks, walks } = scannerOf();
  scanner.hint(a);
  await settled();
  expect(looks).toContain('d');
  const before = walks();
  await pass(499);
  scanner.hint(a);
  await pass(499);
  expect(walks()).toBe(before);
  await pass(1);
  expect(walks()).toBe(before + 1);
  await pass(60_000);
  expect(walks()).toBe(before + 1);
  scanner.stop();
});

it('spends a fiftieth of the time on such walks: after one of 100 ms there is none for 5 s', async () => {
  const { scanner, looks, walks } = scannerOf({
    onListing: async ({ dir }) => {
      looks.push(dir);
      vi.advanceTimersByTime(dir === ROOT ? 100 : 0);
    },
  });
  await scanner.walk();
  scanner.hint([nameFromText('d/none')]);
  await settled();
  const before = walks();
  await pass(4_899);
  expect(walks()).toBe(before);
  await pass(101);
  expect(walks()).toBe(before + 1);
  scanner.stop();
});

it('walks every second while there are directories that nobody watches', async () => {
  const { scanner, walks } = scannerOf();
  scanner.setBlind(true);
  scanner.setBlind(true);
  for (let i = 1; i <= 3; i++) {
    await pass(999);
    expect(walks()).toBe(i - 1);
    await pass(1);
    expect(walks()).toBe(i);
  }
  scanner.setBlind(false);
  await pass(60_000);
  expect(walks()).toBe(3);
  scanner.stop();
});

it('looks at nothing while the root is away, and at everything when it is back', async () => {
  let isThere = false;
  const { scanner, looks, walks } = scannerOf({ rootIsThere: () => isThere });
  const once = scanner.lookOnce();
  scanner.hint(a);
  await settled();
  expect(await once).toBe(false);
  await pass(10_000);
  expect(looks).toEqual([]);
  isThere = true;
  await pass(1_000);
  expect(walks()).toBe(1);
  scanner.stop();
});

it('gives up a walk during which the root goes: what it saw means nothing', async () => {
  let isThere = true;
  const { scanner } = scannerOf({
    rootIsThere: () => isThere,
    onListing: async () => {
      isThere = false;
    },
  });
  expect(await scanner.lookOnce()).toBe(false);
  scanner.stop();
});

it('looks at nothing while nothing can be sent', async () => {
  const { scanner, looks } = scannerOf({ isHeld: () => true });
  scanner.hint(a);
  expect(await scanner.lookOnce()).toBe(false);
  await pass(60_000);
  expect(looks).toEqual([]);
  scanner.stop();
});

it('brings the rules up to date before it looks', async () => {
  const did: string[] = [];
  const { scanner } = scannerOf({
    refreshRules: async () => void did.push('rules'),
    onListing: async () => void did.push('look'),
  });
  await scanner.walk();
  expect(did).toEqual(['rules', 'look', 'look']);
  scanner.stop();
});

it('looks at nothing any more when it is stopped, and says so to who waits', async () => {
  const { scanner, looks } = scannerOf();
  scanner.setBlind(true);
  scanner.sweepRegularly();
  scanner.hint(a);
  const once = scanner.lookOnce();
  scanner.stop();
  expect(await once).toBe(false);
  await pass(60_000);
  expect(looks).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
