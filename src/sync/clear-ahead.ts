import type { Name } from '../core/name.js';
import { clearRules, inRuns } from '../core/rsync/rules.js';
import type { RsyncProcess } from '../rsync/run.js';
import { eachInSlices, inSlices } from '../slice.js';
import { clearRun } from './clear.js';
import type { Work } from './work.js';

type ClearWork = Pick<Work, 'startClear'> & { readonly ledger: Pick<Work['ledger'], 'index'> };

/**
 * The run by rules at the end of a batch, started while the runs before it go on: no standby can take it, and so it logs in meanwhile. Its
 * rules are fixed then; it is told to begin only where it would get the very same ones by now, and before that it does nothing.
 */
export class ClearAhead {
  readonly #work: ClearWork;
  readonly #rules: readonly string[];
  #process: RsyncProcess | undefined;

  private constructor(work: ClearWork, rules: readonly string[], process: RsyncProcess) {
    this.#work = work;
    this.#rules = rules;
    this.#process = process;
  }

  /** For the first run that these names take. Undefined where there is none, or it can't be started now. */
  static async begin(work: ClearWork, names: readonly Name[]): Promise<ClearAhead | undefined> {
    const [first] = await inSlices(inRuns(names));
    if (first === undefined) return undefined;
    const rules = await rulesFor(work, first);
    const process = await work.startClear(clearRun(work.ledger.index, first));
    return process && new ClearAhead(work, rules, process);
  }

  /** It, where it is for just these names, and alive. */
  async take(names: readonly Name[]): Promise<RsyncProcess | undefined> {
    const process = this.#process;
    if (process?.isAlive() !== true) return undefined;
    const rules = await rulesFor(this.#work, names);
    if (rules.length !== this.#rules.length || rules.some((rule, i) => rule !== this.#rules[i])) return undefined;
    this.#process = undefined;
    return process;
  }

  /** Ends it if nobody has taken it. Resolves when it is gone. */
  async drop(): Promise<void> {
    this.#process?.end();
    await this.#process?.ended;
  }
}

async function rulesFor({ ledger }: ClearWork, names: readonly Name[]): Promise<readonly string[]> {
  const rules: string[] = [];
  await eachInSlices(clearRules(names, clearRun(ledger.index, names).isDir), (rule) => rules.push(rule));
  return rules;
}
