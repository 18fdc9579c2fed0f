import { type Result, success } from '../failure.js';
import { ancestorsOf, baseOf, type Name, parentOf, ROOT } from '../name.js';
import { areFew, type RsyncRules } from '../rsync/rules.js';
import { Naming } from './naming.js';
import { type AnyRule, compileRules, type GitRule, type RawRule, type RegexRule, type Rule } from './rule.js';
import type { RuleList } from './rule-list.js';

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

/** All that a filter is made of. */
export interface FilterRules {
  /** `--include`, `--exclude` and `--exclude-from`, in their order. */
  readonly user: readonly RawRule[];
  /** Of DIR's .syncignore, first match first. */
  readonly syncignore: readonly RawRule[];
  readonly regexes: Regexes | undefined;
  readonly defaults: readonly RawRule[];
}

/**
 * The one filter: what the watcher leaves out, what may enter the index and the pending set, and what rsync is told in a
 * full pass. First match wins, in this order: the user's patterns, .syncignore, git's ignores, the regular expressions,
 * the default patterns; but see {@link Naming}. As in rsync and git, what is below an excluded directory is excluded.
 *
 * Below a directory that an earlier source brings back although git ignores it, git has no say: it would only say again
 * that the directory is ignored.
 */
export class Filter {
  readonly #user: RuleList<Rule>;
  #syncignore: RuleList<Rule>;
  /** Which of its lines bring back what is left out by default. */
  #naming: Naming;
  readonly #regexes: Regexes | undefined;
  readonly #defaults: RuleList<Rule>;
  #ignores: Ignores | undefined;
  /** Whether a source before git's may bring back what git ignores. */
  #mayBringBack: boolean;
  #rsyncRules: RsyncRules | undefined;

  private constructor(
    user: RuleList<Rule>,
    syncignore: RuleList<Rule>,
    regexes: Regexes | undefined,
    defaults: RuleList<Rule>,
  ) {
    this.#user = user;
    this.#syncignore = syncignore;
    this.#regexes = regexes;
    this.#defaults = defaults;
    this.#mayBringBack = includesAny(user) || includesAny(syncignore);
    this.#naming = new Naming(syncignore, defaults);
    this.#rsyncRules = this.#rulesForRsync();
  }

  /** Compiles all rules, or says which one is wrong and where it came from. */
  static create({ user, syncignore, regexes, defaults }: FilterRules): Result<Filter> {
    const compiledUser = compileRules(user);
    if (!compiledUser.ok) return compiledUser;
    const compiledSyncignore = compileRules(syncignore);
    if (!compiledSyncignore.ok) return compiledSyncignore;
    const compiledDefaults = compileRules(defaults);
    if (!compiledDefaults.ok) return compiledDefaults;
    return success(new Filter(compiledUser.value, compiledSyncignore.value, regexes, compiledDefaults.value));
  }

  /** From now on `tell` is told of each name that a regular expression has no answer for. */
  whenUnanswered(tell: Regexes['onUnanswered']): void {
    if (this.#regexes !== undefined) this.#regexes.onUnanswered = tell;
  }

  /** From now on git's ignores count too. */
  useIgnores(ignores: Ignores): void {
    this.#ignores = ignores;
  }

  /** The .syncignore has changed. The old rules stay where one of the new ones is wrong. */
  replaceSyncignore(rules: readonly RawRule[]): Result<undefined> {
    const compiled = compileRules(rules);
    if (!compiled.ok) return compiled;
    this.#syncignore = compiled.value;
    this.#mayBringBack = includesAny(this.#user) || includesAny(compiled.value);
    this.#naming = new Naming(compiled.value, this.#defaults);
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
    const early = this.#early(name, isDir);
    if (early !== undefined) return this.#unlessDefault(early, name, isDir);
    const ignored = this.#ignores?.ruleFor(name, isDir);
    if (ignored !== undefined && !this.#isBroughtBack(name)) return decisionOfGit(ignored);
    const byRegex = this.#regexes?.ruleFor(name, isDir);
    if (byRegex !== undefined) return { synced: false, isRsyncs: false, rule: byRegex };
    const byDefault = this.#defaults.firstMatch(name, isDir);
    return byDefault === undefined ? { synced: true } : decisionOf(byDefault);
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

  /** How many rules each source has. */
  get counts(): {
    readonly user: number;
    readonly syncignore: number;
    readonly regexes: number;
    readonly defaults: number;
  } {
    return {
      user: this.#user.size,
      syncignore: this.#syncignore.size,
      regexes: this.#regexes?.count ?? 0,
      defaults: this.#defaults.size,
    };
  }

  /** What a rule of a source before git's decides. A broad line of .syncignore does not bring back what is left out by default. */
  #unlessDefault(rule: Rule, name: Name, isDir: boolean): Decision {
    const isBroad = this.#naming.hasBroad && rule.raw.action === 'include' && rule.raw.source.kind === 'ignoreFile';
    if (!isBroad || this.#naming.names(name, isDir)) return decisionOf(rule);
    const byDefault = this.#defaults.firstMatch(name, isDir);
    return byDefault === undefined
      ? decisionOf(rule)
      : { synced: false, isRsyncs: true, rule: byDefault.raw, tooBroad: rule.raw };
  }

  /**
   * First match wins there: where some lines of .syncignore are broad, and none names what the defaults leave out, the
   * defaults go ahead of it. Where there are both, rsync can't be told.
   */
  #rulesForRsync(): RsyncRules | undefined {
    const [user, syncignore, defaults] = [[...this.#user], [...this.#syncignore], [...this.#defaults]];
    if (!this.#naming.hasBroad || defaults.length === 0) return rsyncRulesOf([...user, ...syncignore], defaults);
    return this.#naming.hasNaming ? undefined : rsyncRulesOf([...user, ...defaults, ...syncignore], []);
  }

  /** The rule of a source before git's that matches. */
  #early(name: Name, isDir: boolean): Rule | undefined {
    return this.#user.firstMatch(name, isDir) ?? this.#syncignore.firstMatch(name, isDir);
  }

  /** Whether it is below a directory that git ignores and an earlier source includes. */
  #isBroughtBack(name: Name): boolean {
    return ancestorsOf(name).some(
      (dir) => this.#early(dir, true)?.raw.action === 'include' && this.#ignores?.dirRule(dir) !== undefined,
    );
  }
}

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
