import { setImmediate } from 'node:timers/promises';
import { createContext, Script } from 'node:vm';
import { msSince, steadyNow } from '../clock.js';
import { steadyMs } from '../core/clock.js';
import { failed, type Result, success } from '../core/failure.js';
import type { Regexes } from '../core/filter/filter.js';
import { badRule, type RegexRule } from '../core/filter/rule.js';
import { isObject } from '../core/json.js';
import { childOf, looseTextOf, type Name } from '../core/name.js';

/** How long one regular expression may think about one name, in milliseconds; what does not explode needs microseconds. */
const NAME_MS = 20;

/** So many tries: the machine may have been busy with something else for all of the first one. */
const TRIES = 2;

/** Once so many names had no answer, the others get this long. */
const SLOW_NAMES = 20;
const SLOW_NAME_MS = 1;

/** So many answers are remembered, at least. */
const REMEMBERED = 20_000;

/** So many names are asked about at a time. */
const PIECE = 1_000;

const NOT_BEGUN = steadyMs(Number.POSITIVE_INFINITY);

/** What is known of a name: the rule that it matches, or none. */
type Verdict = RegexRule | 'none';

interface Question {
  readonly name: Name;
  readonly key: string;
  /** A directory is tried with and without a slash at its end. */
  readonly texts: readonly string[];
}

/**
 * The user's regular expressions, JavaScript's in full: one that takes for ever is cut short. A name that one of them has no
 * answer for counts as excluded by it.
 *
 * They run under the clock of node:vm, which ends even a backtracking regular expression. That costs about 90 µs each
 * time, so a directory's names are asked about together, and answers are remembered.
 */
export class TimedRegexes implements Regexes {
  readonly #regexes: ReadonlyArray<{ readonly rule: RegexRule; readonly regex: RegExp }>;
  /** What is asked in the next run under the clock, and how far it has come. */
  #asked: readonly Question[] = [];
  #at = 0;
  #regexAt = 0;
  /** When it came to the first of them. */
  #begunMs = NOT_BEGUN;
  #underClock: ((ms: number) => void) | undefined;
  #known = new Map<string, Verdict>();
  #knownBefore = new Map<string, Verdict>();
  /** Those without an answer: never asked about again. */
  readonly #unanswered = new Map<string, RegexRule>();
  onUnanswered: (rule: RegexRule, name: Name) => void = () => {};

  private constructor(regexes: ReadonlyArray<{ readonly rule: RegexRule; readonly regex: RegExp }>) {
    this.#regexes = regexes;
  }

  /** Compiles them, or says which one is wrong. Undefined where there are none. */
  static create(rules: readonly RegexRule[]): Result<TimedRegexes | undefined> {
    const regexes: Array<{ rule: RegexRule; regex: RegExp }> = [];
    for (const rule of rules) {
      try {
        regexes.push({ rule, regex: new RegExp(rule.text, 'u') });
      } catch (error) {
        // Its message repeats the expression, however long.
        const why = error instanceof Error ? (error.message.split(': ').at(-1) ?? error.message) : String(error);
        return failed(badRule(rule.source, rule.text, why));
      }
    }
    return success(regexes.length === 0 ? undefined : new TimedRegexes(regexes));
  }

  get count(): number {
    return this.#regexes.length;
  }

  learn(dir: Name, entries: Iterable<readonly [string, boolean]>): Promise<void> | undefined {
    if (this.#known.size > REMEMBERED) [this.#known, this.#knownBefore] = [new Map(), this.#known];
    const unknown: Array<readonly [Name, boolean]> = [];
    for (const [base, isDir] of entries) {
      const name = childOf(dir, base);
      if (this.#recall(keyOf(name, isDir)) === undefined) unknown.push([name, isDir]);
    }
    return unknown.length === 0 ? undefined : this.#learn(unknown);
  }

  ruleFor(name: Name, isDir: boolean): RegexRule | undefined {
    const key = keyOf(name, isDir);
    let answer = this.#recall(key);
    if (answer === undefined) {
      this.#ask([[name, isDir]]);
      answer = this.#recall(key);
    }
    return answer === 'none' ? undefined : answer;
  }

  #recall(key: string): Verdict | undefined {
    const known = this.#known.get(key) ?? this.#unanswered.get(key) ?? this.#knownBefore.get(key);
    if (known !== undefined) this.#known.set(key, known);
    return known;
  }

  /** In pieces: those that take their time must not keep a signal waiting. */
  async #learn(names: ReadonlyArray<readonly [Name, boolean]>): Promise<void> {
    for (let done = 0; done < names.length; ) {
      done += this.#ask(names.slice(done, done + PIECE));
      if (done < names.length) await setImmediate();
    }
  }

  /** Asks about these names until one of them takes too long. Gives how many have an answer now: one at least. */
  #ask(names: ReadonlyArray<readonly [Name, boolean]>): number {
    this.#asked = names.map(([name, isDir]) => {
      const text = looseTextOf(name);
      return { name, key: keyOf(name, isDir), texts: isDir ? [text, `${text}/`] : [text] };
    });
    this.#at = 0;
    this.#regexAt = 0;
    // The clock runs for all of them: one that is cut short gets one of its own, as the first of the next piece.
    for (let tries = 0; tries < TRIES && this.#at === 0; ) if (this.#hadItsTime()) tries++;
    if (this.#at > 0) return this.#at;
    const [first] = this.#asked;
    const rule = this.#regexes[this.#regexAt]?.rule;
    if (first !== undefined && rule !== undefined) this.#giveUp(first, rule);
    return 1;
  }

  #giveUp({ name, key }: Question, rule: RegexRule): RegexRule {
    const unanswered = { ...rule, text: `${rule.text} (no answer)` };
    this.#unanswered.set(key, unanswered);
    this.onUnanswered(rule, name);
    return unanswered;
  }

  /** Goes on answering where it was, until the time is up. Whether the first one had most of it, and not the machine. */
  #hadItsTime(): boolean {
    this.#underClock ??= clocked(() => this.#answer());
    const ms = this.#unanswered.size < SLOW_NAMES ? NAME_MS : SLOW_NAME_MS;
    this.#begunMs = NOT_BEGUN;
    try {
      this.#underClock(ms);
    } catch (error) {
      // It is an Error of the other context's.
      if (!isObject(error) || error['code'] !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    }
    return msSince(this.#begunMs) > ms / 2;
  }

  #answer(): void {
    this.#begunMs = steadyNow();
    for (; this.#at < this.#asked.length; this.#at++) {
      const question = this.#asked[this.#at];
      if (question === undefined) return;
      this.#known.set(question.key, this.#answerTo(question));
      this.#regexAt = 0;
    }
  }

  #answerTo(question: Question): Verdict {
    for (; this.#regexAt < this.#regexes.length; this.#regexAt++) {
      const found = this.#regexes[this.#regexAt];
      try {
        if (found !== undefined && question.texts.some((text) => found.regex.test(text))) return found.rule;
      } catch {
        // It is too large, or there is too much to go back to ("Maximum call stack size exceeded"). The clock's end of it
        // can't be caught.
        if (found !== undefined) return this.#giveUp(question, found.rule);
      }
    }
    return 'none';
  }
}

const keyOf = (name: Name, isDir: boolean): string => (isDir ? `${name}/` : name);

/** `work` as a function that is ended, by an error, after so many milliseconds. */
function clocked(work: () => void): (ms: number) => void {
  const script = new Script('work()');
  const context = createContext({ work });
  return (timeout) => void script.runInContext(context, { timeout });
}
