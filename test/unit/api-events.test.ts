import { describe, expect, it } from 'vitest';
import { EventStream } from '../../src/api/events.js';

/** Reads `count` of them. */
async function read<T>(events: AsyncIterator<T>, count: number): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) {
    const { done, value } = await events.next();
    if (done === true) break;
    all.push(value);
  }
  return all;
}

const upTo = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('events for programs', () => {
  it('come in order, before and while they are read, until the end', async () => {
    const events = new EventStream<number>();
    events.push(0);
    const reader = events[Symbol.asyncIterator]();
    expect(await read(reader, 1)).toEqual([0]);
    const next = read(reader, 10);
    for (const n of [1, 2]) events.push(n);
    events.end();
    expect(await next).toEqual([1, 2]);
    expect(await read(events[Symbol.asyncIterator](), 1)).toEqual([]);
  });

  it('are kept for the first reader, and for others from when they come', async () => {
    const events = new EventStream<number>();
    events.push(0);
    const [first, second] = [events[Symbol.asyncIterator](), events[Symbol.asyncIterator]()];
    events.push(1);
    expect(await read(first, 2)).toEqual([0, 1]);
    expect(await read(second, 1)).toEqual([1]);
  });

  it('of more than may wait the oldest go, and it is said how many', async () => {
    const events = new EventStream<number>(10);
    for (const n of upTo(0, 1000)) events.push(n);
    const reader = events[Symbol.asyncIterator]();
    expect(await read(reader, 5)).toEqual([{ event: 'missed', events: 990 }, ...upTo(990, 994)]);
    for (const n of upTo(1000, 1006)) events.push(n);
    expect(await read(reader, 11)).toEqual([{ event: 'missed', events: 2 }, ...upTo(996, 1006)]);
    events.end();
    expect(await read(reader, 1)).toEqual([]);
  });

  it('takes no more room, whoever does not read', async () => {
    const events = new EventStream<object>(10);
    const broken = events[Symbol.asyncIterator]();
    await broken.return?.();
    for (let i = 0; i < 1000; i++) events.push({ i });
    expect(await read(broken, 1)).toEqual([]);
    const slow = events[Symbol.asyncIterator]();
    for (let i = 0; i < 1000; i++) events.push({ i });
    expect(await read(slow, 1)).toEqual([{ event: 'missed', events: 990 }]);
  });

  it('ends for whoever waits when somebody breaks off', async () => {
    const events = new EventStream<number>();
    const reader = events[Symbol.asyncIterator]();
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
