import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { type Name, ROOT } from '../core/name.js';
import { silentParts } from '../scan/mount-table.js';
import { silentInWords } from '../scan/silent-words.js';
import type { Settings } from '../settings.js';

/** How often what may change unheard is looked through, in milliseconds, unless that takes too long or somebody has chosen. */
const POLL_MS = 2_000;

/** Which parts of DIR may change unheard, and how often they are to be looked through, in milliseconds. */
export interface Polled {
  readonly parts: readonly Name[];
  readonly everyMs: number;
}

/** What tells nothing of what others do to it is looked through; or all of it, where somebody has chosen to. */
export class PolledParts {
  readonly #filter: Filter;
  readonly #settings: Pick<Settings, 'root' | 'pace'>;
  readonly #report: Report;
  /** The file systems that were told of. */
  readonly #reported = new Set<string>();
  #now: Polled = { parts: [], everyMs: 0 };

  constructor(filter: Filter, settings: Pick<Settings, 'root' | 'pace'>, report: Report) {
    this.#filter = filter;
    this.#settings = settings;
    this.#report = report;
  }

  /** As it was seen last. */
  get now(): Polled {
    return this.#now;
  }

  /** Sees which they are now. True if they are others. */
  look(): boolean {
    const { root, pace } = this.#settings;
    const silent = silentParts(root).filter(({ name }) => this.#filter.decideDeep(name, true).synced);
    for (const part of silent) {
      const text = silentInWords(part, root, pace.pollSeconds);
      if (!this.#reported.has(text)) this.#report({ kind: 'note', level: 'normal', text });
      this.#reported.add(text);
    }
    const chosenMs = pace.pollSeconds === undefined ? undefined : pace.pollSeconds * 1_000;
    const parts = chosenMs === 0 ? [] : chosenMs === undefined ? silent.map(({ name }) => name) : [ROOT];
    const before = this.#now;
    this.#now = { parts, everyMs: chosenMs ?? POLL_MS };
    return JSON.stringify(this.#now) !== JSON.stringify(before);
  }
}
