import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { childOf, type Name, nameFromText, ROOT } from '../../src/core/name.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { Disk } from '../../src/scan/disk.js';
import { Scanner, type ScannerOptions } from '../../src/scan/scanner.js';
import { sweepRegularly } from '../../src/scan/shared-sweep.js';
import { FakeDisk } from '../support/fake-disk.js';
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
    isSending: () => false,
    waiting: () => undefined,
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

it('walks then when what is being sent is there, at the latest after five seconds', async () => {
  let isSending = true;
  const { scanner, walks } = scannerOf({ isSending: () => isSending });
  scanner.hint(a);
  await settled();
  const before = walks();
  await pass(3_000);
  expect(walks()).toBe(before);
  isSending = false;
  await pass(50);
  expect(walks()).toBe(before + 1);
  isSending = true;
  scanner.hint(a);
  await pass(60_000); // for a while a walk costs its share
  expect(walks()).toBe(before + 2);
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

it('spends a tenth of it on the first one after a storm of hints', async () => {
  const { scanner, looks, walks } = scannerOf({
    onListing: async ({ dir }) => {
      looks.push(dir);
      vi.advanceTimersByTime(dir === ROOT ? 100 : 0);
    },
  });
  const storm = Array.from({ length: 101 }, (_, i) => nameFromText(`d/none${i}`));
  await scanner.walk();
  for (const [hints, waitMs] of [
    [storm, 1_000],
    [storm.slice(1), 5_000],
  ] as const) {
    scanner.hint(hints);
    await settled();
    const before = walks();
    await pass(waitMs - 101);
    expect(walks()).toBe(before);
    await pass(101);
    expect(walks()).toBe(before + 1);
  }
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

describe('a directory in which something was hinted', () => {
  /** A scanner of a directory in memory, of which everything was looked at once; `listed`: whole, `looked`: for single names. */
  async function knownScanner(more: Partial<ScannerOptions> = {}) {
    const disk = new FakeDisk();
    const index = new NameIndex();
    const [listed, looked]: [Name[], Name[]] = [[], []];
    const found = new Set<Name>();
    for (const name of ['a', 'd/b', 'd/e/c']) disk.write(name);
    const scanner = new Scanner({
      disk,
      filter: filterOf(),
      index: () => index,
      onListing: async ({ dir, self, entries, absent }) => {
        index.set(dir, self);
        for (const [base, entry] of entries) {
          index.set(childOf(dir, base), entry);
          found.add(childOf(dir, base));
        }
        (absent === undefined ? listed : looked).push(dir);
      },
      rootIsThere: () => true,
      refreshRules: async () => {},
      onShort: () => {},
      isHeld: () => false,
      isSending: () => false,
      waiting: () => undefined,
      ...more,
    });
    await scanner.walk();
    await pass(10_000); // long enough for its pace
    for (const all of [listed, looked]) all.length = 0;
    found.clear();
    return { disk, scanner, listed, looked, found };
  }
  const [D, DE] = [nameFromText('d'), nameFromText('d/e')];

  it('is listed where it has news, for other hints may be lost; what it holds is not, where it has none', async () => {
    const { disk, scanner, listed, found } = await knownScanner();
    disk.write('d/new');
    disk.write('d/other'); // nobody hints at this
    scanner.hint([nameFromText('d/new')]);
    await settled();
    expect(listed).toEqual([D]);
    expect(found).toContain('d/other');
    listed.length = 0;
    disk.write('d/b'); // no name came or went
    scanner.hint([nameFromText('d/b')]);
    await settled();
    expect(listed).toEqual([]);
    expect(found).toContain('d/b');
    scanner.stop();
  });

  it('is not looked at for what waits and would look the same: a hint and a listing look at the others', async () => {
    const waiting = nameFromText('d/waits');
    const { disk, scanner, listed, looked, found } = await knownScanner({
      waiting: (name) => (name === waiting ? disk.get(waiting) : undefined),
    });
    const looksAt = (name: string): number => disk.looks.filter((each) => each === name).length;
    disk.write('d/waits');
    disk.write('d/new');
    disk.looks.length = 0;
    scanner.hint([waiting]);
    await settled();
    expect([listed, looksAt('d/new'), looksAt('d/waits')]).toEqual([[D], 1, 0]);
    expect(found).toContain(waiting); // it is there
    disk.write('d/b');
    scanner.hint([waiting, nameFromText('d/b')]);
    await settled();
    expect([looked, looksAt('d/waits')]).toEqual([[D], 0]);
    await scanner.walk(); // of all targets together
    expect([looksAt('d/new'), looksAt('d/waits')]).toEqual([2, 1]);
    scanner.stop();
  });

  it('is listed during a twentieth of the time, whatever happens in it; single names are looked at meanwhile', async () => {
    const { disk, scanner, listed, found } = await knownScanner();
    disk.onRead = () => void vi.advanceTimersByTime(10);
    const news = async (name: string): Promise<void> => {
      disk.write(name);
      scanner.hint([nameFromText(name)]);
      await settled();
    };
    await news('d/1');
    expect(listed).toEqual([D]);
    await news('d/2');
    await news('d/3');
    expect(listed).toEqual([D]);
    expect(found).toContain('d/3');
    await pass(199);
    expect(listed).toEqual([D]);
    await pass(1);
    expect(listed).toEqual([D, D]);
    scanner.stop();
  });

  it('of thousands of names is not listed for a hint at once, but what was hinted is looked at', async () => {
    const { disk, scanner, listed, looked } = await knownScanner();
    disk.write('d/e/new');
    scanner.hint([nameFromText('d/e/new')]);
    await settled();
    expect([looked, listed]).toEqual([[], [DE]]);
    listed.length = 0;
    disk.large.add(D);
    disk.write('d/new');
    scanner.hint([nameFromText('d/new')]);
    await settled();
    expect([looked, listed]).toEqual([[D], [D]]); // in its own turn
    scanner.stop();
  });

  it('is listed where the name is none: bytes that are no text', async () => {
    const { disk, scanner, listed } = await knownScanner();
    disk.write('d/b');
    scanner.hint([nameFromText('d/\uFFFD')]);
    await settled();
    expect(listed).toEqual([D]);
    scanner.stop();
  });

  it('is listed for a turn only where it has news', async () => {
    const { disk, scanner, listed } = await knownScanner();
    disk.write('d/e/new');
    await scanner.relist([D, DE, nameFromText('none')]);
    expect(listed).toEqual([DE]);
    scanner.stop();
  });

  it('and of which nobody was told is found by its time, every 2 s', async () => {
    const { disk, scanner, listed, found } = await knownScanner();
    scanner.sweepRegularly();
    disk.write('d/e/new');
    await pass(1_999);
    expect(listed).toEqual([]);
    await pass(1);
    expect(listed).toEqual([DE]);
    expect(found).toContain('d/e/new');
    scanner.stop();
  });

  it.each<[string, (scanner: Scanner) => void]>([
    ['a hint', (scanner) => scanner.hint([nameFromText('a')])],
    ['a doubt', (scanner) => void scanner.walk()],
    ['somebody who asks', (scanner) => void scanner.lookOnce()],
  ])('is looked at again as often as ever once %s has ended a long quiet', async (_what, stir) => {
    const { disk, scanner } = await knownScanner();
    scanner.sweepRegularly();
    let sweeps = 0;
    const stop = sweepRegularly(disk, {
      begin: () => {
        sweeps++;
        vi.advanceTimersByTime(30); // as if it were a large tree
        return undefined;
      },
      end: () => {},
    });
    await pass(1_800_000);
    sweeps = 0;
    await pass(1_800_000);
    expect(sweeps).toBe(6);
    stir(scanner);
    await pass(2_000);
    expect(sweeps).toBe(7);
    await pass(31_000);
    expect(sweeps).toBe(8);
    stop();
    scanner.stop();
  });

  it('that can not be read for want of descriptors is read as soon as it can', async () => {
    const said: string[] = [];
    const { disk, scanner, found } = await knownScanner({ onShort: (why) => void said.push(why) });
    disk.write('new');
    disk.shortage = 'too many open files';
    let reads = 0;
    disk.onRead = () => {
      if (++reads === 2) disk.shortage = undefined;
    };
    await scanner.walk();
    expect([said, found.has(nameFromText('new'))]).toEqual([[], true]);
    scanner.stop();
  });

  it('has the rules looked at now for everything, at their pace for what is hinted, and waits for them', async () => {
    const asked: string[] = [];
    let read = (): void => {};
    const { scanner, looked } = await knownScanner({
      refreshRules: (how) => {
        asked.push(how);
        return how === 'now' ? Promise.resolve() : new Promise<void>((resolve) => void (read = resolve));
      },
    });
    scanner.hint([nameFromText('d/b')]);
    await settled();
    expect([asked, looked]).toEqual([['now', 'atPace'], []]);
    read();
    await settled();
    expect(looked).toEqual(['d']);
    scanner.stop();
  });
});
