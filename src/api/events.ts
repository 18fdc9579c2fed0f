import type { Missed } from './syncwatch.js';

/** So many are kept for whoever reads more slowly than things happen: about a second of a storm, some 10 MB at the most. */
const MOST_KEPT = 10_000;

/**
 * Events for any number of readers, each at its own pace. The first reader has all of them from the beginning, later ones those that
 * come after them. Whoever is slow holds up nobody: of more than {@link MOST_KEPT} that wait for a reader the oldest go, and it is
 * told how many.
 */
export class EventStream<T> implements AsyncIterable<T | Missed> {
  readonly #readers = new Set<Reader<T>>();
  readonly #most: number;
  #first: Reader<T> | undefined;
  #isOver = false;

  constructor(most = MOST_KEPT) {
    this.#most = most;
    this.#first = this.#reader();
  }

  push(event: T): void {
    for (const reader of this.#readers) reader.push(event);
  }

  /** No more come: whoever has read the last one is done. */
  end(): void {
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<T | Missed, undefined> {
    const reader = this.#first ?? this.#reader();
    this.#first = undefined;
    return reader;
  }

  #reader(): Reader<T> {
    const reader = new Reader<T>(this.#most, () => this.#readers.delete(reader));
    if (this.#isOver) reader.end();
    else this.#readers.add(reader);
    return reader;
  }
}

type Read<T> = IteratorResult<T | Missed, undefined>;

class Reader<T> implements AsyncIterator<T | Missed, undefined> {
  readonly #most: number;
  readonly #leave: () => void;
  /** What waits, from {@link #at} on. */
  #waiting: T[] = [];
  #at = 0;
  #missed = 0;
  readonly #asked: Array<(read: Read<T>) => void> = [];
  #isOver = false;

  constructor(most: number, leave: () => void) {
    this.#most = most;
    this.#leave = leave;
  }

  push(event: T): void {
    const ask = this.#asked.shift();
    if (ask !== undefined) {
      ask({ done: false, value: event });
      return;
    }
    this.#waiting.push(event);
    if (this.#waiting.length - this.#at <= this.#most) return;
    this.#at++;
    this.#missed++;
    if (this.#at < this.#most) return;
    this.#waiting = this.#waiting.slice(this.#at);
    this.#at = 0;
  }

  end(): void {
    this.#isOver = true;
    for (const ask of this.#asked.splice(0)) ask({ done: true, value: undefined });
  }

  next(): Promise<Read<T>> {
    if (this.#missed > 0) {
      const events = this.#missed;
      this.#missed = 0;
      return Promise.resolve({ done: false, value: { event: 'missed', events } });
    }
    const [event] = this.#waiting.slice(this.#at, this.#at + 1);
    if (event !== undefined) {
      this.#at++;
      if (this.#at === this.#waiting.length) {
        this.#waiting = [];
        this.#at = 0;
      }
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  /** `break` in a `for await`. */
  return(): Promise<Read<T>> {
    this.#waiting = [];
    this.#at = 0;
    this.#missed = 0;
    this.end();
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }
}
