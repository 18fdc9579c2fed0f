import type { Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import type { Name } from '../core/name.js';
import type { RulesInForce } from '../rules/in-force.js';
import { eachInSlices } from '../slice.js';
import { clear } from './clear.js';
import type { Ledger } from './ledger.js';
import type { Runs } from './runner.js';

/** What went over while a file of rules was away for a moment, and is to be deleted there again. */
export class Mistakes {
  readonly #ledger: Ledger;
  readonly #runner: Runs;
  readonly #filter: Filter;
  readonly #rules: RulesInForce;
  readonly #report: Report;
  readonly #names = new Set<Name>();

  constructor(
    ledger: Ledger,
    runner: Runs,
    { filter, rules, report }: { readonly filter: Filter; readonly rules: RulesInForce; readonly report: Report },
  ) {
    this.#ledger = ledger;
    this.#runner = runner;
    this.#filter = filter;
    this.#rules = rules;
    this.#report = report;
  }

  /** These are excluded by now: they are left alone there, unless they went over by mistake. */
  async leaveAlone(excluded: readonly Name[]): Promise<void> {
    const mistakes = new Set(this.#rules.mayComeBack() ? excluded.filter((name) => this.#isMistake(name)) : []);
    await eachInSlices(excluded, (name) => {
      if (!mistakes.has(name)) this.#ledger.setAside(name);
    });
    for (const name of mistakes) this.#names.add(name);
    await this.takeBack();
  }

  #isMistake(name: Name): boolean {
    if (!this.#ledger.isFresh(name)) return false;
    const [, decision] = this.#filter.whatDecides(name, this.#ledger.index.get(name)?.type === 'dir');
    return !decision.synced && this.#rules.isBack(decision.rule);
  }

  /** Deletes them there again. What can't be now is with the next full pass. Gives the failure if a run broke. */
  async takeBack(): Promise<Failure | undefined> {
    if (this.#names.size === 0) return undefined;
    const names = [...this.#names].filter((name) => this.#ledger.index.get(name) !== undefined);
    const failure = await clear(this.#ledger, this.#runner, names);
    if (failure !== undefined) return failure;
    this.#names.clear();
    await eachInSlices(names, (name) => this.#ledger.settled(name));
    const text = `${names.length} paths that went over while a file of rules was away are deleted there again`;
    this.#report({ kind: 'note', level: 'normal', text });
    return undefined;
  }
}
