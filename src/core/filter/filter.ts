import { type Result, success } from '../failure.js';
import { ancestorsOf, baseOf, type Name, parentOf, ROOT } from '../name.js';
import { areFew, type RsyncRules } from '../rsync/rules.js';
import { Naming } from './naming.js';
import { type AnyRule, compileRules, type GitRule, type RawRule, type RegexRule, type Rule } from './rule.js';
import type { RuleList } from './rule-list.js';
import {
  earlySources,
  type FileSource,
  fileSources,
  forEachPatternSource,
  lateSources,
  type PatternSource,
  patternSources,
} from './sources.js';

/**
 * What git ignores. It has to be asked, so names are made known before they are decided about: {@link Filter.learn}.
 */
export interface Ignores {
  /**
   * Asks about the entries of one directory; undefined where there is nothing to ask. `dirRules`: {@link dirRule} will be
   * needed too.
   */
  learn(dir: Name, entries: Iterable<readonly [string, boolean]>, dirRules: boolean): Promise<void> | undefined;
  /** The rule that git ignores this name by, itself or a directory above it. What is not known is not ignored. */
  ruleFor(name: Name, isDir: boolean): GitRule | undefined;
  /** The rule that a directory is ignored by, even if something in it is tracked. */
  dirRule(dir: Name): GitRule | undefined;
  /** Whether git tracks it, or something in it: then git ignores it by no rule. */
  isTracked(name: Name): boolean;
}

/** The user's regular expressions. They may take their time, so names are made known here, too. */
export interface Regexes {
  readonly count: number;
  /** Told of each name that a rule had no answer for. */
  onUnanswered: (rule: RegexRule, name: Name) => void;
  learn(dir: Name, entries: Iterable<readonly [string, boolean]>): Promise<void> | undefined;
  /** The first that matches. One that gives no answer in time counts as matching: what it is about stays here. */
  ruleFor(name: Name, isDir: boolean): RegexRule | undefined;
}

/**
 * What decided about a name; no rule: none matched. `isRsyncs`: rsync decides the same by itself, where it is told the
 * {@link Filter.rulesForRsync}.
 */
export type Decision =
  | { readonly synced: true; readonly rule?: AnyRule }
  /** `isUnsure`: nobody knows yet. It waits, unless it was synced before. */
  /** `tooBroad`: a line of .syncignore that would bring it back, if the defaults did not leave it out. */
  | {
      readonly synced: false;
      readonly isRsyncs: boolean;
      readonly rule: AnyRule;
      readonly isUnsure?: true;
      readonly tooBroad?: RawRule;
    };

/** All that a filter is made of, but for what git ignores: the patterns of each source, first match first. */
export interface FilterRules extends Readonly<Partial<Record<PatternSource, readonly RawRule[]>>> {
  readonly regexes: Regexes | undefined;
}

type Lists = Readonly<Record<PatternSource, RuleList<Rule>>>;

/**
 * The one filter: what the watcher leaves out, what may enter the index and the pending set, and what rsync is told in a
 * full pass. First match wins, in the order of the sources (core/filter/sources.ts); but see {@link Naming}. As in rsync and git, what is below an excluded directory is excluded.
 *
 * Below a directory that an earlier source brings back although git ignores it, git has no say: it would only say again
 * that the directory is ignored.
 */
export class Filter {
  #lists: Lists;
  /** Which lines of the files bring back what is left out by default. */
  #naming: Naming;
  readonly #regexes: Regexes | undefined;
  #ignores: Ignores | undefined;
  /** Whether a source before git's may bring back what git ignores. */
  #mayBringBack: boolean;
  #rsyncRules: RsyncRules | undefined;

  private constructor(lists: Lists, regexes: Regexes | undefined) {
    this.#lists = lists;
    this.#regexes = regexes;
    this.#mayBringBack = earlySources.some((source) => includesAny(lists[source]));
    this.#naming = namingIn(lists);
    this.#rsyncRules = this.#rulesForRsync();
  }

  /** Compiles all rules, or says which one is wrong and where it came from. */
  static create({ regexes, ...rules }: FilterRules): Result<Filter> {
    const compiled = forEachPatternSource((source) => compileRules(rules[source] ?? []));
    const lists: Partial<Record<PatternSource, RuleList<Rule>>> = {};
    for (const source of patternSources) {
      const list = compiled[source];
      if (!list.ok) return list;
      lists[source] = list.value;
    }
    return success(new Filter(lists as Lists, regexes));
  }

  /** From now on `tell` is told of each name that a regular expression has no answer for. */
  whenUnanswered(tell: Regexes['onUnanswered']): void {
    if (this.#regexes !== undefined) this.#regexes.onUnanswered = tell;
  }

  /** From now on git's ignores count too. */
  useIgnores(ignores: Ignores): void {
    this.#ignores = ignores;
  }

  /** A file of rules has changed. The old rules stay where one of the new ones is wrong. */
  replace(source: FileSource, rules: readonly RawRule[]): Result<undefined> {
    const compiled = compileRules(rules);
    if (!compiled.ok) return compiled;
    this.#lists = { ...this.#lists, [source]: compiled.value };
    this.#mayBringBack = earlySources.some((each) => includesAny(this.#lists[each]));
    this.#naming = namingIn(this.#lists);
    this.#rsyncRules = this.#rulesForRsync();
    return success(undefined);
  }

  /**
   * Makes sure that {@link decide} knows these entries (name and whether it is a directory) of one directory. Undefined
   * where it does.
   */
  learn(dir: Name, entries: Iterable<readonly [string, boolean]>): Promise<void> | undefined {
    if (this.#regexes === undefined) return this.#ignores?.learn(dir, entries, this.#mayBringBack);
    const all = [...entries];
    const learning = [this.#ignores?.learn(dir, all, this.#mayBringBack), this.#regexes.learn(dir, all)];
    return learning.every((each) => each === undefined) ? undefined : Promise.all(learning).then(() => {});
  }

  /** The same for a name that comes from anywhere, and every directory above it. */
  async learnDeep(name: Name, isDir: boolean): Promise<void> {
    for (const each of name === ROOT ? [] : [...ancestorsOf(name), name])
      await this.learn(parentOf(each), [[baseOf(each), each !== name || isDir]]);
  }

  /** Decides about `name` alone, taking for granted that the directories above it are synced: for walking down. */
  decide(name: Name, isDir: boolean): Decision {
    if (name === ROOT) return { synced: true };
    const early = this.#firstOf(earlySources, name, isDir);
    if (early !== undefined) return this.#unlessDefault(early, name, isDir);
    const ignored = this.#ignores?.ruleFor(name, isDir);
    if (ignored !== undefined && !this.#isBroughtBack(name)) return decisionOfGit(ignored);
    const byRegex = this.#regexes?.ruleFor(name, isDir);
    if (byRegex !== undefined) return { synced: false, isRsyncs: false, rule: byRegex };
    const late = this.#firstOf(lateSources, name, isDir);
    return late === undefined ? { synced: true } : decisionOf(late);
  }

  /** Decides about `name` and every directory above it: for names that come from anywhere. */
  decideDeep(name: Name, isDir: boolean): Decision {
    return this.whatDecides(name, isDir)[1];
  }

  /** Which of `name` and the directories above it decides, and how: the first excluded one, or else `name` itself. */
  whatDecides(name: Name, isDir: boolean): readonly [Name, Decision] {
    for (const dir of ancestorsOf(name)) {
      const decision = this.decide(dir, true);
      if (!decision.synced) return [dir, decision];
    }
    return [name, this.decide(name, isDir)];
  }

  /** For a batch of names: whether neither a directory itself nor one above it is excluded. Remembers its answers. */
  openDirectories(): (dir: Name) => boolean {
    const known = new Map<Name, boolean>([[ROOT, true]]);
    const isOpen = (dir: Name): boolean => {
      let answer = known.get(dir);
      if (answer === undefined) {
        answer = isOpen(parentOf(dir)) && this.decide(dir, true).synced;
        known.set(dir, answer);
      }
      return answer;
    };
    return isOpen;
  }

  /** Whether git tracks it, whatever its rules are. */
  isTracked(name: Name): boolean {
    return this.#ignores?.isTracked(name) === true;
  }

  /** Whether there may be rules that rsync is not told: then it may bring what they exclude. */
  get hasOwnRules(): boolean {
    return this.#regexes !== undefined || this.#ignores !== undefined || !areFew(this.#rsyncRules);
  }

  /** The pattern rules for rsync; undefined where it can't be told all of them. */
  get rsyncRules(): RsyncRules | undefined {
    return this.#rsyncRules;
  }

  /** How many rules each source has; of git's nobody knows. */
  get counts(): Readonly<Record<PatternSource | 'regexes', number>> {
    return {
      ...forEachPatternSource((source) => this.#lists[source].size),
      regexes: this.#regexes?.count ?? 0,
    };
  }

  /** What a rule of a source before git's decides. A broad line of .syncignore does not bring back what is left out by default. */
  #unlessDefault(rule: Rule, name: Name, isDir: boolean): Decision {
    const isBroad = this.#naming.hasBroad && rule.raw.action === 'include' && rule.raw.source.kind === 'ignoreFile';
    if (!isBroad || this.#naming.names(name, isDir)) return decisionOf(rule);
    const byDefault = this.#firstOf(lateSources, name, isDir);
    return byDefault === undefined
      ? decisionOf(rule)
      : { synced: false, isRsyncs: true, rule: byDefault.raw, tooBroad: rule.raw };
  }

  /**
   * First match wins there: where some lines of .syncignore are broad, and none names what the defaults leave out, the
   * defaults go ahead of it. Where there are both, rsync can't be told.
   */
  #rulesForRsync(): RsyncRules | undefined {
    const rulesOf = (sources: readonly PatternSource[]): Rule[] => sources.flatMap((each) => [...this.#lists[each]]);
    const late = rulesOf(lateSources);
    if (!this.#naming.hasBroad || late.length === 0) return rsyncRulesOf(rulesOf(earlySources), late);
    const others = earlySources.filter((source) => !isFile(source));
    return this.#naming.hasNaming
      ? undefined
      : rsyncRulesOf([...rulesOf(others), ...late, ...rulesOf(fileSources)], []);
  }

  /** The first rule of these sources that matches. */
  #firstOf(sources: readonly PatternSource[], name: Name, isDir: boolean): Rule | undefined {
    for (const source of sources) {
      const rule = this.#lists[source].firstMatch(name, isDir);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  /** Whether it is below a directory that git ignores and an earlier source includes. */
  #isBroughtBack(name: Name): boolean {
    return ancestorsOf(name).some(
      (dir) =>
        this.#firstOf(earlySources, dir, true)?.raw.action === 'include' && this.#ignores?.dirRule(dir) !== undefined,
    );
  }
}

/** Which lines of the files name what the late sources leave out. */
const namingIn = (lists: Lists): Naming =>
  new Naming(
    fileSources.flatMap((source) => [...lists[source]]),
    lateSources.flatMap((source) => [...lists[source]]),
  );

const isFile = (source: PatternSource): boolean => fileSources.some((each) => each === source);

const includesAny = (rules: Iterable<Rule>): boolean => [...rules].some(({ raw }) => raw.action === 'include');

const decisionOf = ({ raw }: Rule): Decision =>
  raw.action === 'include' ? { synced: true, rule: raw } : { synced: false, isRsyncs: true, rule: raw };

const decisionOfGit = (rule: GitRule): Decision => ({
  synced: false,
  isRsyncs: false,
  rule,
  ...(rule.isUnsure === true ? { isUnsure: true } : {}),
});

function rsyncRulesOf(before: readonly Rule[], after: readonly Rule[]): RsyncRules | undefined {
  const lines = { before: before.flatMap(rsyncLines), after: after.flatMap(rsyncLines) };
  const isSayable = [...before, ...after].every(({ pattern }) => pattern.forRsync !== undefined);
  return isSayable ? lines : undefined;
}

const rsyncLines = ({ raw, pattern: { forRsync = [] } }: Rule): string[] =>
  forRsync.map((pattern) => `${raw.action === 'include' ? '+' : '-'} ${pattern}`);
