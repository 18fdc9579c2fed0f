import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { type Name, nameFromText, parentOf } from '../core/name.js';
import type { OwnFiles } from '../scan/own-files.js';
import { nextTurn } from '../slice.js';

export interface HintQueueOptions {
  readonly filter: Filter;
  /** What syncwatch itself writes in DIR is no hint. */
  readonly own: Pick<OwnFiles, 'has'>;
  readonly report: Report;
  /** Something happened at these names; some of them are synced. */
  readonly onNames: (names: readonly Name[], synced: readonly Name[]) => void;
  /** So many were from excluded directories. */
  readonly onExcluded: (count: number) => void;
}

/** The watcher's hints on their way to whoever looks: however many come at once, something else can happen in between. */
export class HintQueue {
  readonly #options: HintQueueOptions;
  readonly #waiting: Array<readonly string[]> = [];

  constructor(options: HintQueueOptions) {
    this.#options = options;
  }

  push(all: readonly string[]): void {
    const { own, report } = this.#options;
    const texts = all.filter((text) => !own.has(nameFromText(text)));
    if (texts.length === 0) return;
    const some = texts.slice(0, 5).join(', ');
    report({ kind: 'note', level: 'debug', text: `watcher: ${texts.length} hints: ${some}` });
    if (this.#waiting.push(texts) === 1) void this.#drain();
  }

  async #drain(): Promise<void> {
    for (let [texts] = this.#waiting; texts !== undefined; [texts] = this.#waiting) {
      this.#handOn(texts);
      this.#waiting.shift();
      if (this.#waiting.length > 0) await nextTurn();
    }
  }

  /** What happens in an excluded directory is of no interest; beside an excluded file something else may have happened. */
  #handOn(texts: readonly string[]): void {
    const { filter, onNames, onExcluded } = this.#options;
    const isOpen = filter.openDirectories();
    const names = texts.map(nameFromText).filter((name) => isOpen(parentOf(name)));
    onExcluded(texts.length - names.length);
    onNames(
      names,
      names.filter((name) => filter.decide(name, false).synced),
    );
  }
}
