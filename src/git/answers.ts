import type { GitRule } from '../core/filter/rule.js';
import { ancestorsOf, type Name } from '../core/name.js';
import type { Verdict } from './check-ignore.js';

/** What is known of a name that is not tracked: whether it was a directory when git was asked, what git said, and of which rules. */
interface Known {
  readonly isDir: boolean;
  readonly rule: GitRule | undefined;
  /** See {@link Answers}. An older answer is the last one that there is, until there is a new one. */
  readonly age: number;
}

/** Of no rules at all: it is asked about again the next time it is looked at. */
const NO_AGE = -1;

/** Better left here than sent by mistake. */
const UNANSWERED: GitRule = {
  text: 'git gave no answer',
  source: { kind: 'ignoreFile', path: 'git check-ignore', line: 0 },
};

/** Nobody knows yet: the rules are just being written, or git fails. */
const UNSURE: GitRule = { ...UNANSWERED, text: 'not known yet', isUnsure: true };

/** What was answered about names. Answers have an age: how often the rules had changed before. */
export class Answers {
  readonly #known = new Map<Name, Known>();
  #age = 0;
  /** One for each, because there may be a million of them. */
  #notIgnored = notIgnored(0);

  get age(): number {
    return this.#age;
  }

  /** Whether it was answered by the rules of now. */
  isCurrent(name: Name, isDir: boolean): boolean {
    const known = this.#known.get(name);
    return known?.isDir === isDir && known.age === this.#age;
  }

  /** The rule that it is ignored by, if it is. */
  ruleFor(name: Name, isDir: boolean): GitRule | undefined {
    const known = this.#known.get(name);
    return known?.isDir === isDir ? known.rule : undefined;
  }

  /** The same for a name that is a directory, or was one. */
  dirRule(dir: Name): GitRule | undefined {
    return this.#known.get(dir)?.rule;
  }

  /** Whether it or a directory above it is ignored. */
  isIgnoredDeep(name: Name): boolean {
    return [...ancestorsOf(name), name].some((each) => this.#known.get(each)?.rule !== undefined);
  }

  /** Whether there is any about what is below a directory. */
  hasBelow(dir: Name): boolean {
    for (const name of this.#known.keys()) if (name.startsWith(`${dir}/`)) return true;
    return false;
  }

  note(name: Name, isDir: boolean, answer: Verdict): void {
    if (answer === 'unanswered') this.#known.set(name, { isDir, rule: UNANSWERED, age: NO_AGE });
    else if (answer === 'notIgnored') this.#known.set(name, isDir ? this.#notIgnored.dir : this.#notIgnored.file);
    else this.#known.set(name, { isDir, rule: answer, age: this.#age });
  }

  /** The last answers that there are count on; where there is none nobody knows. */
  leaveUnsure(entries: ReadonlyArray<readonly [Name, boolean]>): void {
    for (const [name, isDir] of entries)
      if (this.#known.get(name)?.isDir !== isDir) this.#known.set(name, { isDir, rule: UNSURE, age: NO_AGE });
  }

  /** The rules have changed. `isCalm`: then names that were not asked about since the last time are most likely gone. */
  grow(isCalm: boolean): void {
    if (isCalm) for (const [name, { age }] of this.#known) if (age < this.#age) this.#known.delete(name);
    this.#age++;
    this.#notIgnored = notIgnored(this.#age);
  }
}

const notIgnored = (age: number) => ({
  file: { isDir: false, rule: undefined, age },
  dir: { isDir: true, rule: undefined, age },
});
