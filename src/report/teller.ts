import { earliest, msBetween, type SteadyMs } from '../core/clock.js';
import type { Event, EventOf, Item } from '../core/event.js';
import { joined, own, type Printable } from '../core/printable.js';
import type { Verbosity } from '../settings.js';
import { Failures } from './failures.js';
import { Fold } from './fold.js';
import { draftInWords, paintedItem, toldInWords } from './fold-words.js';
import type { Paint } from './paint.js';
import { linesOfSeveral } from './plain.js';
import { count, isWorthALine, timeInWords } from './words.js';

/** A line of the history. */
export interface Told {
  readonly text: Printable;
  readonly error: boolean;
  /** It goes on with what the line before it says. */
  readonly isMore: boolean;
  /** How long ago it began, in milliseconds; undefined: it has no time. */
  readonly agoMs: number | undefined;
}

export interface TellerOptions {
  readonly verbosity: Verbosity;
  readonly targets: readonly string[];
  readonly paint: Paint;
  readonly paintError: Paint;
  /** How much room a line has, in characters. */
  readonly columns: () => number;
  readonly tell: (line: Told) => void;
}

/**
 * Makes lines of events: what was done at once is one, see {@link Fold}; with `verbose` each path is one. Knows no clock: it is told what
 * time it is, and to be called again at {@link nextMs}.
 */
export class Teller {
  readonly #options: TellerOptions;
  readonly #isOneOfSeveral: boolean;
  readonly #unfolds: boolean;
  readonly #folds = new Map<string, Fold>();
  readonly #failures = new Map<string, Failures>();
  /** Those of which the last that was said is not that they are in sync. */
  readonly #out: Set<string>;
  /** When these words were last said for information. */
  readonly #notes = new Map<string, SteadyMs>();

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#isOneOfSeveral = options.targets.length > 1;
    this.#unfolds = options.verbosity === 'verbose' || options.verbosity === 'debug';
    this.#out = new Set(options.targets);
  }

  take(event: Event, nowMs: SteadyMs): void {
    this.due(nowMs);
    switch (event.kind) {
      case 'started':
        this.#fold(event.target).started(event, nowMs);
        break;
      case 'delivered':
        this.#delivered(event, nowMs);
        break;
      case 'passStarted':
        this.#close(event.target, nowMs);
        this.#folds.set(event.target, this.#newFold(true));
        if (this.#unfolds) this.#tellEvent(event);
        break;
      case 'inSync':
        this.#inSync(event, nowMs);
        break;
      case 'pathFailed':
        this.#pathFailed(event, nowMs);
        break;
      case 'stands':
        if (event.waiting <= event.failed) this.#fold(event.target).idle();
        break;
      default:
        this.#other(event, nowMs);
    }
  }

  /** Tells what is over by now. */
  due(nowMs: SteadyMs): void {
    for (const [target, fold] of this.#folds)
      if (fold.overMs !== undefined && fold.overMs <= nowMs) this.#close(target, nowMs);
    for (const [target, { dueMs }] of this.#failures)
      if (dueMs !== undefined && dueMs <= nowMs) this.#tellOtherFailures(target);
  }

  /** When something is over, if nothing happens; undefined where nothing is. */
  get nextMs(): SteadyMs | undefined {
    let next: SteadyMs | undefined;
    const times = [...this.#folds.values()].map(({ overMs }) => overMs);
    for (const ms of [...times, ...[...this.#failures.values()].map(({ dueMs }) => dueMs)])
      if (ms !== undefined) next = next === undefined ? ms : earliest(next, ms);
    return next;
  }

  /** What is not over yet, as it stands. */
  drafts(nowMs: SteadyMs): Told[] {
    return [...this.#folds].flatMap(([target, fold]) => {
      const text = this.#draftOf(fold);
      return text === undefined || this.#options.verbosity === 'quiet'
        ? []
        : [this.#line(joined(this.#prefix(target), text), agoMs(fold, nowMs))];
    });
  }

  #draftOf(fold: Fold): Printable | undefined {
    const { columns, paint } = this.#options;
    if (fold.isPass && !this.#unfolds) return undefined; // the last line tells how far it is
    const told = fold.current === undefined && fold.sums.paths <= FEW ? fold.told() : undefined;
    return told === undefined ? draftInWords(fold, paint) : toldInWords(told, columns(), paint);
  }

  #delivered(event: EventOf<'delivered'>, nowMs: SteadyMs): void {
    const fold = this.#fold(event.target);
    fold.delivered(event, nowMs);
    if (!this.#unfolds) return;
    const { paint } = this.#options;
    const isOne = event.items.length === 1;
    for (const item of event.items) {
      const took = isOne ? paint('aside', `  ${timeInWords(event.ms)}`) : own``;
      const text = joined(this.#prefix(event.target), paintedItem(item, paint), paint('there', ' .'), took);
      this.#options.tell(this.#line(text, isOne ? agoMs(fold, nowMs) : 0));
    }
    this.#folds.set(event.target, fold.next());
  }

  #inSync(event: EventOf<'inSync'>, nowMs: SteadyMs): void {
    const { target } = event;
    const fold = this.#fold(target);
    fold.inSync(event, nowMs);
    const isNews = this.#out.delete(target);
    this.#tellOtherFailures(target);
    if (fold.isPass && !this.#unfolds) this.#close(target, nowMs);
    else if (isNews) {
      this.#close(target, nowMs);
      this.#tellEvent(event);
    }
  }

  #pathFailed(event: EventOf<'pathFailed'>, nowMs: SteadyMs): void {
    this.#fold(event.target).failed(event.name);
    this.#out.add(event.target);
    const failures = this.#failures.get(event.target) ?? new Failures();
    this.#failures.set(event.target, failures);
    const { isNamed, isHintNew } = failures.take(event, nowMs);
    if (!isNamed && !this.#unfolds) return;
    const { hint: _, ...failure } = event.failure;
    this.#tellEvent(isHintNew ? event : { ...event, failure });
  }

  #tellOtherFailures(target: string): void {
    const others = this.#failures.get(target)?.others();
    if (others === undefined || this.#unfolds) return;
    const text = own`${count(others.many, 'more path')} FAILED, the last one: ${others.last.failure.message}`;
    this.#tellError(joined(this.#prefix(target), text));
  }

  #other(event: Exclude<Event, { kind: 'started' | 'delivered' }>, nowMs: SteadyMs): void {
    const lines = linesOfSeveral(event, this.#options.verbosity, this.#isOneOfSeveral);
    const about = 'target' in event && event.target !== undefined ? event.target : undefined;
    if (OUT.has(event.kind))
      for (const target of about === undefined ? this.#options.targets : [about]) this.#out.add(target);
    if (event.kind === 'trouble' || event.kind === 'rootGone' || event.kind === 'stopped' || event.kind === 'halted')
      for (const target of about === undefined ? this.#folds.keys() : [about]) {
        this.#close(target, nowMs);
        this.#fold(target).broke();
      }
    // With the target in it, of several.
    const said = lines.map(({ text }) => text).join('\n');
    if (lines.length === 0 || (event.kind === 'note' && this.#wasJustSaid(said, nowMs))) return;
    // What is there already comes first; a full sync that goes on is one line all the same.
    for (const [target, fold] of this.#folds)
      if (fold.isThere || (target === about && !fold.isPass)) this.#close(target, nowMs);
    this.#tellEvent(event);
  }

  /** A checkout writes a `.gitignore` more than once. */
  #wasJustSaid(text: string, nowMs: SteadyMs): boolean {
    for (const [said, ms] of this.#notes) if (msBetween(ms, nowMs) > SAID_ONCE_MS) this.#notes.delete(said);
    if (this.#unfolds) return false;
    const wasSaid = this.#notes.has(text);
    if (!wasSaid) this.#notes.set(text, nowMs);
    return wasSaid;
  }

  #close(target: string, nowMs: SteadyMs): void {
    const fold = this.#fold(target);
    const told = this.#unfolds || this.#options.verbosity === 'quiet' ? undefined : fold.told();
    this.#folds.set(target, fold.next());
    if (told === undefined) return;
    const prefix = this.#prefix(target);
    const { paint, columns, tell } = this.#options;
    const text = joined(prefix, toldInWords(told, columns() - prefix.length, paint));
    tell(this.#line(text, told.isPass ? 0 : msBetween(told.sinceMs, nowMs)));
  }

  #tellEvent(event: Exclude<Event, { kind: 'started' | 'delivered' }>): void {
    const hasClock = event.kind !== 'wouldDo' && event.kind !== 'why' && event.kind !== 'halted';
    for (const { text, error } of linesOfSeveral(event, this.#options.verbosity, this.#isOneOfSeveral)) {
      const agoMs = hasClock ? 0 : undefined;
      const isMore = text.startsWith(' ');
      const shown = error && !isMore ? this.#options.paintError('failed', text) : text;
      this.#options.tell({ text: shown, error, isMore, agoMs });
    }
  }

  #tellError(text: Printable): void {
    this.#options.tell({ text: this.#options.paintError('failed', text), error: true, isMore: false, agoMs: 0 });
  }

  #line(text: Printable, ago: number): Told {
    return { text, error: false, isMore: false, agoMs: ago };
  }

  #prefix(target: string): Printable {
    return this.#isOneOfSeveral ? own`${target}: ` : own``;
  }

  #fold(target: string): Fold {
    const fold = this.#folds.get(target) ?? this.#newFold();
    this.#folds.set(target, fold);
    return fold;
  }

  #newFold(isPass = false): Fold {
    return new Fold((item: Item) => this.#unfolds || isWorthALine(item), isPass);
  }
}

/** A batch of so few is told as it will be; of more that takes too long to be done all the time. */
const FEW = 1_000;

/** Words for information are said once in so many milliseconds, but for `-v`. */
const SAID_ONCE_MS = 10_000;

/** After these it is worth a line that everything is in sync again. */
const OUT: ReadonlySet<Event['kind']> = new Set<Event['kind']>([
  'connecting',
  'trouble',
  'paused',
  'rootGone',
  'mountGone',
  'removedThere',
  'woke',
]);

const agoMs = (fold: Fold, nowMs: SteadyMs): number => {
  const { sinceMs } = fold.sums;
  return sinceMs === undefined ? 0 : Math.max(0, msBetween(sinceMs, nowMs));
};
