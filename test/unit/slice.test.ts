import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { OutputLine } from '../../src/core/rsync/output.js';
import { atOnce, type Steps } from '../../src/core/steps.js';
import { LinesInSlices } from '../../src/rsync/read-lines.js';
import { eachInSlices, inSlices } from '../../src/slice.js';

/** Takes 2 ms, or longer on a busy machine: then a slice is over the sooner. */
function work(): void {
  for (const until = performance.now() + 2; performance.now() < until; );
}

/** Calls it in every turn of the event loop, until what it is beside is over. */
async function eachTurn(beside: Promise<unknown>, what: () => void): Promise<void> {
  let isOver = false;
  void beside.then(() => (isOver = true));
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    what();
  }
}

describe('work in slices', () => {
  it('leaves the event loop to others after 8 ms, however many there are of it at once', async () => {
    let done = 0;
    let most = 0;
    const things = Array.from({ length: 60 }, (_, i) => i);
    const works = [1, 2, 3].map(() =>
      eachInSlices(things, () => {
        work();
        done++;
      }),
    );
    done = 0; // the first slices were in one turn
    await eachTurn(Promise.all(works), () => {
      most = Math.max(most, done);
      done = 0;
    });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2 * 5); // two turns of theirs may fall between two of ours
  });

  it('gives what the steps give, all at once too', async () => {
    function* sum(of: readonly number[]): Steps<number> {
      let all = 0;
      for (const each of of) {
        yield;
        all += each;
      }
      return all;
    }
    const numbers = Array.from({ length: 1_000 }, (_, i) => i);
    expect(atOnce(sum(numbers))).toBe(499_500);
    expect(await inSlices(sum(numbers))).toBe(499_500);
  });
});

describe('what rsync prints', () => {
  const item = (n: number): string => `<f+++++++++ ${n} d/f${n}\n`;
  const read = (onLine: (line: OutputLine) => void = () => {}) => {
    const stdout = new PassThrough();
    return { stdout, lines: new LinesInSlices(stdout, onLine) };
  };

  it('is read to its end, in slices, whatever the chunks', async () => {
    const got: string[] = [];
    let sinceTurn = 0;
    let most = 0;
    const { stdout, lines } = read((line) => {
      if (line.kind === 'item') got.push(line.name);
      work();
      sinceTurn++;
    });
    const text = Array.from({ length: 100 }, (_, n) => item(n)).join('');
    for (let from = 0; from < text.length; from += 777) stdout.write(text.slice(from, from + 777));
    stdout.end();
    await eachTurn(lines.end(), () => {
      most = Math.max(most, sinceTurn);
      sinceTurn = 0;
    });
    expect(got).toEqual(Array.from({ length: 100 }, (_, n) => `d/f${n}`));
    expect(most).toBeLessThanOrEqual(2 * 5); // two turns of theirs may fall between two of ours
  });

  it('is taken for whole where the pipe never closes and nothing more comes', async () => {
    let count = 0;
    const { stdout, lines } = read(() => count++);
    stdout.write(item(1));
    const ending = lines.end();
    setTimeout(() => stdout.write(item(2)), 20); // late, but it comes
    await ending;
    expect(count).toBe(2);
  });

  it('is read as it comes, without waiting for anything: rsync would wait where its pipe is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const got: number[] = [];
    const { stdout, lines } = read((line) => void (line.kind === 'item' && got.push(line.bytes)));
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    for (const i of numbers) {
      stdout.write(item(i));
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(got.slice(0, 199)).toEqual(numbers.slice(0, 199));
    stdout.end();
    await lines.end();
    expect(got).toEqual(numbers);
  });

  it('is nothing where there was nothing', async () => {
    const { stdout, lines } = read();
    stdout.end();
    stdout.resume();
    await lines.end();
  });
});
