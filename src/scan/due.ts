import { steadyNow } from '../clock.js';
import { msBetween } from '../core/clock.js';
import type { Name } from '../core/name.js';
import type { Listed } from './listed.js';

/** Directories that are to be listed, each as soon as its pace allows. */
export class DueDirectories {
  readonly #listed: Pick<Listed, 'mayList' | 'notBeforeMs'>;
  /** With names that were told of in them whose bytes are not known. */
  readonly #texts = new Map<Name, string[]>();

  constructor(listed: Pick<Listed, 'mayList' | 'notBeforeMs'>) {
    this.#listed = listed;
  }

  /** This directory is to be listed; `text`: because of this name in it, whose bytes are not known. */
  want(dir: Name, text?: string): void {
    const texts = this.#texts.get(dir);
    if (texts === undefined) this.#texts.set(dir, text === undefined ? [] : [text]);
    else if (text !== undefined) texts.push(text);
  }

  /** It is being listed: gives the names that were told of in it. */
  take(dir: Name): readonly string[] {
    const texts = this.#texts.get(dir) ?? [];
    this.#texts.delete(dir);
    return texts;
  }

  clear(): void {
    this.#texts.clear();
  }

  /** Those that may be listed now. */
  now(): Name[] {
    return [...this.#texts.keys()].filter((dir) => this.#listed.mayList(dir));
  }

  /** In how many milliseconds the first of them may be listed; 0 or less: now. Undefined where there is none. */
  get waitMs(): number | undefined {
    const now = steadyNow();
    let waitMs: number | undefined;
    for (const dir of this.#texts.keys()) {
      const ms = msBetween(now, this.#listed.notBeforeMs(dir));
      if (waitMs === undefined || ms < waitMs) waitMs = ms;
    }
    return waitMs;
  }
}
