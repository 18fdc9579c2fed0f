import { earliest, msBetween, plusMs, type SteadyMs } from '../core/clock.js';
import type { BroughtItem, EventOf } from '../core/event.js';
import type { Name } from '../core/name.js';
import { type Renamed, renamesIn } from './renames.js';

/** What comes so soon after everything was in sync still belongs to what was done before: a checkout, a build. In milliseconds. */
const AFTER_SYNC_MS = 300;

/** Where something goes on waiting (a path that fails, a large file), it is told when nothing more has come for so long. */
const AFTER_LAST_MS = 2_000;

/** And where something comes all the time, at the latest after so long. */
const LONGEST_MS = 60_000;

/** So many of what is under way are known by name; the others are only on their way. */
const MOST_UNDER_WAY = 100;

/** So many names are told of a batch. */
const NAMES_TOLD = 3;

/** What was brought together, in values: how it is told is a matter of width. */
export interface Told {
  /** When the first of it was begun, and how long it took, in milliseconds. */
  readonly sinceMs: SteadyMs;
  readonly ms: number;
  readonly renames: readonly Renamed[];
  /** All else, in numbers, and the first of it. */
  readonly counts: Readonly<Record<'fresh' | 'changed' | 'moved' | 'deleted', number>>;
  readonly bytes: number;
  readonly first: readonly BroughtItem[];
  /** Of a full sync: whether there was one, and how many paths are the same by now, where all are. */
  readonly isPass: boolean;
  readonly inSync: { readonly names: number; readonly ms: number } | undefined;
}

/**
 * What happens to one target until it is told as one: from the first upload after everything was in sync until everything is in
 * sync again, and a moment longer. Knows no clock: it is told what time it is.
 */
export class Fold {
  readonly #isTold: (item: BroughtItem) => boolean;
  readonly #underWay = new Map<Name, BroughtItem>();
  readonly #items = new Map<Name, BroughtItem>();
  #bytes = 0;
  #isPass: boolean;
  #runs = 0;
  #runMs = 0;
  #sinceMs: SteadyMs | undefined;
  /** When something last began, and when something was last there. */
  #begunMs: SteadyMs | undefined;
  #deliveredMs: SteadyMs | undefined;
  #inSync: { readonly atMs: SteadyMs; readonly names: number; readonly ms: number } | undefined;

  /** `isTold`: whether an item is worth a word. */
  constructor(isTold: (item: BroughtItem) => boolean, isPass = false) {
    this.#isTold = isTold;
    this.#isPass = isPass;
  }

  get isPass(): boolean {
    return this.#isPass;
  }

  /** What rsync has turned to last and is not there yet. */
  get current(): BroughtItem | undefined {
    return [...this.#underWay.values()].at(-1);
  }

  /** How many are there, and their size. */
  get sums(): { readonly paths: number; readonly bytes: number; readonly sinceMs: SteadyMs | undefined } {
    return { paths: this.#items.size, bytes: this.#bytes, sinceMs: this.#sinceMs };
  }

  started(item: BroughtItem, nowMs: SteadyMs): void {
    if (!this.#isTold(item)) return;
    this.#sinceMs ??= nowMs;
    this.#begunMs = nowMs;
    this.#inSync = undefined;
    this.#underWay.delete(item.name);
    this.#underWay.set(item.name, item);
    if (this.#underWay.size <= MOST_UNDER_WAY) return;
    const [first] = this.#underWay.keys();
    if (first !== undefined) this.#underWay.delete(first);
  }

  delivered({ items, more, ms }: Pick<EventOf<'delivered'>, 'items' | 'more' | 'ms'>, nowMs: SteadyMs): void {
    for (const item of items) {
      this.#underWay.delete(item.name);
      if (!this.#isTold(item)) continue;
      const was = this.#items.get(item.name);
      this.#items.set(item.name, was === undefined ? item : together(was, item));
      this.#bytes += item.bytes;
      this.#sinceMs ??= plusMs(nowMs, -ms);
      this.#deliveredMs = nowMs;
    }
    if (more !== undefined) return;
    this.#runs++;
    this.#runMs = ms;
    // Of a run that has ended nothing is under way any more; only a large file's goes on beside it.
    if (items.length > 1) this.#underWay.clear();
  }

  failed(name: Name): void {
    this.#underWay.delete(name);
    this.#forgetBeginning();
  }

  /** Nothing is under way any more: all that waits has failed. */
  idle(): void {
    this.#underWay.clear();
    this.#forgetBeginning();
  }

  /** A run broke, or the connection is gone. */
  broke(): void {
    this.idle();
    this.#isPass = false;
  }

  #forgetBeginning(): void {
    if (this.#underWay.size > 0 || this.#items.size > 0) return;
    this.#sinceMs = undefined;
    this.#begunMs = undefined;
  }

  inSync({ names, ms }: { readonly names: number; readonly ms: number }, nowMs: SteadyMs): void {
    this.#inSync = { atMs: nowMs, names, ms };
    this.#underWay.clear();
  }

  /** From when on it is to be told, if nothing more comes; undefined: not yet. */
  get overMs(): SteadyMs | undefined {
    if (this.#inSync !== undefined) return this.#isPass ? this.#inSync.atMs : plusMs(this.#inSync.atMs, AFTER_SYNC_MS);
    if (this.#deliveredMs === undefined || this.#sinceMs === undefined) return undefined;
    const atLastMs = plusMs(this.#sinceMs, LONGEST_MS);
    const isMoreUnderWay = this.#underWay.size > 0 && this.#begunMs !== undefined && this.#begunMs > this.#deliveredMs;
    return isMoreUnderWay ? atLastMs : earliest(plusMs(this.#deliveredMs, AFTER_LAST_MS), atLastMs);
  }

  /** Whether all of it is there, and it only waits for whether more comes. */
  get isThere(): boolean {
    return this.#inSync !== undefined;
  }

  /** What it came to; undefined where that is nothing. */
  told(): Told | undefined {
    const sinceMs = this.#sinceMs ?? this.#inSync?.atMs;
    if (sinceMs === undefined || (this.#items.size === 0 && !(this.#isPass && this.isThere))) return undefined;
    const { renames, others } = renamesIn(this.#items);
    const count = (is: (item: BroughtItem) => boolean): number => others.filter(is).length;
    const sends = others.filter(({ action }) => action === 'send');
    return {
      sinceMs,
      ms: this.#runs === 1 ? this.#runMs : this.#lastedMs(),
      renames,
      counts: {
        fresh: count(({ isNew, action }) => isNew && (action === 'send' || action === 'mkdir')),
        changed: count(({ isNew, action }) => !isNew && action !== 'delete' && action !== 'move'),
        moved: count(({ action }) => action === 'move'),
        deleted: count(({ action }) => action === 'delete'),
      },
      bytes: sends.reduce((sum, { bytes }) => sum + bytes, 0),
      first: mostTelling(others).slice(0, NAMES_TOLD),
      isPass: this.#isPass,
      inSync: this.#inSync,
    };
  }

  /** The next one: with what is still under way. */
  next(): Fold {
    const fold = new Fold(this.#isTold);
    if (this.#inSync !== undefined) return fold;
    for (const [name, item] of this.#underWay) fold.#underWay.set(name, item);
    if (fold.#underWay.size > 0) fold.#sinceMs = this.#sinceMs;
    fold.#begunMs = this.#begunMs;
    return fold;
  }

  #lastedMs(): number {
    if (this.#sinceMs === undefined || this.#deliveredMs === undefined) return 0;
    return Math.max(0, msBetween(this.#sinceMs, this.#deliveredMs));
  }
}

/** The same path twice: what is new stays new, and a time that was set adds nothing. */
function together(was: BroughtItem, now: BroughtItem): BroughtItem {
  if (now.action === 'attributes') return was;
  const isNew = now.action !== 'delete' && (was.isNew || now.isNew);
  return { ...now, isNew };
}

/** Files before directories, which are there because of them. */
const mostTelling = (items: readonly BroughtItem[]): readonly BroughtItem[] => {
  const files = items.filter(({ action }) => action !== 'mkdir');
  return files.length > 0 ? files : items;
};
