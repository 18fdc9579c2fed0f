import { msSince, steadyNow } from '../clock.js';
import { LONG_AGO, plusMs } from '../core/clock.js';
import type { RulesTrouble } from '../core/event.js';
import type { AnyRule } from '../core/filter/rule.js';
import type { Name } from '../core/name.js';
import type { RulesInForce } from './in-force.js';
import type { RuleFiles } from './rule-files.js';

/** The share of the time in which files of rules are looked at, {@link RulesInForce.refreshAtPace}. */
const SHARE = 0.05;

/** The files that they come from. */
type Files = Pick<
  RuleFiles,
  'refresh' | 'atRest' | 'restMs' | 'rests' | 'trouble' | 'lost' | 'age' | 'gitInWords' | 'close'
>;

/** The rules of DIR, kept as they are on the disk while they are in use. */
export class CurrentRules implements RulesInForce {
  readonly #opening: Promise<Files>;
  readonly #onChanged: (what: string) => void;
  #files: Files | undefined;
  /** The look at the rules that goes on, and the one after it: what is asked for now must see what is there now. */
  #refreshing: Promise<void> | undefined;
  #refreshingNext: Promise<void> | undefined;
  #restTimer: NodeJS.Timeout | undefined;
  #paceFrom = LONG_AGO;

  /** `opening`: the files are read while ssh logs in. `onChanged`: something else is in force; in which file, if in one. */
  constructor(opening: Promise<Files>, onChanged: (what: string) => void) {
    this.#opening = opening;
    this.#onChanged = onChanged;
    void opening.then((files) => {
      this.#files = files;
    });
  }

  /** Resolves when they were read for the first time. */
  get read(): Promise<Files> {
    return this.#opening;
  }

  refresh(): Promise<void> {
    this.#refreshingNext ??= (this.#refreshing ?? Promise.resolve()).then(() => {
      this.#refreshing = this.#refreshingNext;
      this.#refreshingNext = undefined;
      return this.#refreshNow();
    });
    return this.#refreshingNext;
  }

  async refreshAtPace(): Promise<void> {
    if (steadyNow() >= this.#paceFrom) await this.refresh();
  }

  async atRest(): Promise<number> {
    const files = await this.#opening;
    await files.atRest(() => this.refresh());
    return files.age;
  }

  rests(): ReadonlyMap<Name, number> {
    return this.#files?.rests ?? new Map();
  }

  trouble(): RulesTrouble | undefined {
    return this.#files?.trouble;
  }

  mayComeBack(): boolean {
    return this.#files?.lost.mayComeBack === true;
  }

  isBack(rule: AnyRule): boolean {
    return this.#files?.lost.isBack(rule) === true;
  }

  async close(): Promise<void> {
    (await this.#opening).close();
    clearTimeout(this.#restTimer);
  }

  async #refreshNow(): Promise<void> {
    const files = await this.#opening;
    const beganMs = steadyNow();
    const changed = await files.refresh();
    this.#paceFrom = plusMs(steadyNow(), msSince(beganMs) / SHARE);
    clearTimeout(this.#restTimer);
    if (files.restMs > 0) this.#restTimer = setTimeout(() => void this.refresh(), files.restMs + 1);
    if (changed !== undefined) this.#onChanged(changed);
  }
}
