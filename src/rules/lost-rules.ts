import { msSince, steadyNow } from '../clock.js';
import type { SteadyMs } from '../core/clock.js';
import { type AnyRule, ruleText } from '../core/filter/rule.js';
import { type Name, textOf } from '../core/name.js';

/** How long a rule that was lost with its file may take to come back, in milliseconds. */
const COMES_BACK_MS = 60_000;

/** What a file said before it was gone, empty or cut short, line by line, and when that was believed. */
interface Lost {
  readonly lines: ReadonlySet<string>;
  readonly atMs: SteadyMs;
}

/** Rules that were lost with their file: if they come back soon, what went over meanwhile did so by mistake. */
export class LostRules {
  #lost: readonly Lost[] = [];

  /** These contents are gone, or empty or cut short, by now; none in most cases. */
  note(contents: readonly Buffer[]): void {
    if (contents.length === 0 && this.#lost.length === 0) return;
    const now = steadyNow();
    const more = contents.map((content): Lost => ({ lines: linesOf(content), atMs: now }));
    this.#lost = [...this.#lost.filter(mayComeBack), ...more];
  }

  /** Whether one may come back, see {@link isBack}. */
  get mayComeBack(): boolean {
    return this.#lost.some(mayComeBack);
  }

  /** Whether this rule was lost a short time ago, and is there again. */
  isBack(rule: AnyRule): boolean {
    const text = 'pattern' in rule ? textOf(ruleText(rule) as Name) : rule.text;
    return this.#lost.some((lost) => mayComeBack(lost) && lost.lines.has(text));
  }
}

const mayComeBack = ({ atMs }: Lost): boolean => msSince(atMs) < COMES_BACK_MS;

/** The lines of a file of rules, as rules are shown. */
const linesOf = (content: Buffer): ReadonlySet<string> =>
  new Set(
    content
      .toString('latin1')
      .split(/\r?\n/)
      .map((line) => textOf(line.trimEnd() as Name)),
  );
