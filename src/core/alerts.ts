import { latest, msBetween, plusMs, type SteadyMs } from './clock.js';
import type { Event } from './event.js';
import type { Failure } from './failure.js';
import { type Name, textOf } from './name.js';
import { type Printable, showControls } from './printable.js';

/** What a desktop notification says. */
export interface Notification {
  readonly summary: Printable;
  readonly body: Printable;
}

/** A lost connection is told of when it has lasted so long, in milliseconds: most are back by then. */
export const LASTING_MS = 5_000;

/** Paths that fail are collected for so long. */
export const TOGETHER_MS = 1_000;

/** At most one notification in so long, but for one that it has ended. */
export const PAUSE_MS = 30_000;

/** So much of a message is shown, in characters. */
const SHOWN = 200;

/** What is wrong with a target, or with DIR. */
interface Wrong {
  readonly text: string;
  /** When it is worth telling. */
  readonly fromMs: SteadyMs;
}

/**
 * When a notification is due, and what it says: something went wrong and stays so; all is well again. Told by level, not by
 * event: what is over before its time has come is not told, nor that it is over.
 */
export class Alerts {
  readonly #wrong = new Map<string, Wrong>();
  readonly #failing = new Map<string, Map<Name, Failure>>();
  /** News since the last notification. */
  #isNews = false;
  #isToldWrong = false;
  #lastMs: SteadyMs | undefined;
  /** The last that failed, in which target. */
  #failed: { readonly target: string; readonly name: Name; readonly failure: Failure } | undefined;
  #ended: Notification | undefined;
  #isStopping = false;

  /** Takes in what has happened. */
  take(event: Event, nowMs: SteadyMs): void {
    switch (event.kind) {
      case 'trouble':
        this.#goesWrong(event.target, event.failure.message, plusMs(nowMs, LASTING_MS));
        break;
      case 'rootGone':
        this.#goesWrong(event.root, `${event.root} is gone: waiting for it to come back`, nowMs);
        break;
      case 'rootBack':
        this.#wrong.delete(event.was ?? event.root);
        break;
      case 'connected':
        this.#wrong.delete(event.target);
        break;
      case 'delivered':
        for (const { name } of event.items) this.#failing.get(event.target)?.delete(name);
        break;
      case 'inSync':
        this.#wrong.clear();
        this.#failing.delete(event.target);
        break;
      case 'pathFailed': {
        const failing = this.#failing.get(event.target) ?? new Map<Name, Failure>();
        this.#failing.set(event.target, failing.set(event.name, event.failure));
        this.#failed = event;
        this.#goesWrong(FAILING, '', plusMs(nowMs, TOGETHER_MS));
        break;
      }
      case 'stopping':
        this.#isStopping = true;
        break;
      case 'stopped': {
        const { length } = event.summary.unsent;
        if (length > 0 && !this.#isStopping)
          this.#ended = inWords(event.target, `ended: ${length} ${length === 1 ? 'path is' : 'paths are'} NOT there`);
        break;
      }
      case 'halted':
        this.#ended = inWords(event.target, `ended: ${event.failure.message}`);
        break;
    }
  }

  /** What was wrong before goes on being told of, if at all, from then on. */
  #goesWrong(what: string, text: string, fromMs: SteadyMs): void {
    this.#wrong.set(what, { text, fromMs: this.#wrong.get(what)?.fromMs ?? fromMs });
    this.#isNews = true;
  }

  /** When to ask {@link due} again, if nothing happens before. */
  get nextMs(): SteadyMs | undefined {
    if (this.#ended !== undefined) return this.#lastMs;
    const mayMs = this.#lastMs === undefined ? undefined : plusMs(this.#lastMs, PAUSE_MS);
    const notBefore = (ms: SteadyMs): SteadyMs => (mayMs === undefined ? ms : latest(ms, mayMs));
    if (this.#isWell()) return this.#isToldWrong ? mayMs : undefined;
    if (!this.#isNews) return undefined;
    const froms = [...this.#wrong.values()].map(({ fromMs }) => fromMs);
    return froms.length === 0 ? undefined : notBefore(froms.reduce((a, b) => (b < a ? b : a)));
  }

  /** The notification whose time has come. */
  due(nowMs: SteadyMs): Notification | undefined {
    if (this.#ended !== undefined) {
      const ended = this.#ended;
      this.#ended = undefined;
      return ended;
    }
    const { nextMs } = this;
    if (nextMs === undefined || msBetween(nextMs, nowMs) < 0) return undefined;
    this.#lastMs = nowMs;
    this.#isNews = false;
    if (this.#isWell()) {
      this.#isToldWrong = false;
      return inWords(undefined, 'all is well again');
    }
    this.#isToldWrong = true;
    for (const [what, { text, fromMs }] of this.#wrong)
      if (msBetween(fromMs, nowMs) >= 0) return what === FAILING ? this.#failedInWords() : inWords(what, text);
    return undefined;
  }

  #isWell(): boolean {
    const failing = [...this.#failing.values()].reduce((sum, { size }) => sum + size, 0);
    if (failing === 0) this.#wrong.delete(FAILING);
    return this.#wrong.size === 0;
  }

  #failedInWords(): Notification | undefined {
    if (this.#failed === undefined) return undefined;
    const { target, name, failure } = this.#failed;
    const others = [...this.#failing.values()].reduce((sum, { size }) => sum + size, 0) - 1;
    const more = others > 0 ? ` (and ${others} more)` : '';
    return inWords(target, `${textOf(name)} FAILED${more}: ${failure.message}`);
  }
}

/** What stands for paths that fail, in the place of a target: no target is named so. */
const FAILING = '';

const inWords = (target: string | undefined, text: string): Notification => ({
  summary: showControls(`syncwatch${target === undefined ? '' : ` ${cut(target)}`}`),
  body: showControls(cut(text)),
});

const cut = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
