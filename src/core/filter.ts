import { type Failure, failed, type Result, success } from './failure.js';
import { ancestorsOf, baseOf, looseTextOf, type Name, parentOf, ROOT } from './name.js';
import { compilePattern, type Pattern } from './pattern.js';

/** Where a rule comes from, for error messages and `--why`. */
export type RuleSource =
  | { readonly kind: 'option'; readonly option: '--exclude' | '--include' | '--exclude-regex' }
  /** The settings file, or the environment. */
  | { readonly kind: 'settings'; readonly key: 'exclude' | 'include'; readonly source: string }
  /** `--exclude-from`. */
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  /** In gitignore notation. */
  | { readonly kind: 'ignoreFile'; readonly path: string; readonly line: number }
  | { readonly kind: 'default' }
  | { readonly kind: 'trash' };

/** One rule as rsync has it, before its pattern is compiled. `pattern` is one character per byte. */
export interface RawRule {
  readonly action: 'include' | 'exclude';
  readonly pattern: string;
  /** As it was written, where that is another notation. */
  readonly text?: string;
  /** Why it can't be used, where that is known already. */
  readonly problem?: string;
  readonly source: RuleSource;
}

/** A regular expression on the path relative to DIR; a directory is tried with and without a trailing slash. */
export interface RegexRule {
  readonly text: string;
  readonly source: RuleSource;
}

/** What git ignores a name by. */
export interface GitRule {
  readonly text: string;
  readonly source: Extract<RuleSource, { kind: 'ignoreFile' }>;
}

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

/** A rule of any of the sources. */
export type AnyRule = RawRule | RegexRule | GitRule;

interface Rule {
  readonly raw: RawRule;
  readonly pattern: Pattern;
}

/**
 * What decided about a name; no rule: none matched. `isRsyncs`: rsync decides the same by itself, because the rule is one
 * of its own arguments.
 */
export type Decision =
  | { readonly synced: true; readonly rule?: AnyRule }
  | { readonly synced: false; readonly isRsyncs: boolean; readonly rule: AnyRule };

/**
 * What is left out by default: version control, editors' settings, Python's caches, and the temporary, swap and backup
 * files that editors make beside the file being saved.
 */
export const DEFAULT_EXCLUDES: readonly string[] = [
  '.git', // a file in worktrees and submodules, which leads nowhere there
  '.idea/',
  '.vscode/',
  '__pycache__/',
  '*.pyc',
  '.DS_Store',
  '*~',
  '.*.sw[a-p]', // vim, nano
  '.*.kate-swp',
  '.#*', // emacs lock
  '#*#', // emacs auto save
  '.~lock.*#', // LibreOffice
  '.goutputstream-*', // GLib programs
  '*___jb_tmp___', // JetBrains safe write
  '*___jb_old___',
];

/** All that a filter is made of. */
export interface FilterRules {
  /** `--include`, `--exclude` and `--exclude-from`, in their order. */
  readonly user: readonly RawRule[];
  /** Of DIR's .syncignore, first match first. */
  readonly syncignore: readonly RawRule[];
  readonly regexes: readonly RegexRule[];
  readonly defaults: readonly RawRule[];
}

/**
 * The one filter: what the watcher leaves out, what may enter the index and the pending set, and what rsync is told in a
 * full pass. First match wins, in this order: the user's patterns, .syncignore, git's ignores, the regular expressions,
 * the default patterns. As in rsync and git, what is below an excluded directory is excluded.
 *
 * Below a directory that an earlier source brings back although git ignores it, git has no say: it would only say again
 * that the directory is ignored.
 */
export class Filter {
  readonly #user: readonly Rule[];
  #syncignore: readonly Rule[];
  readonly #regexes: ReadonlyArray<{ readonly rule: RegexRule; readonly regex: RegExp }>;
  readonly #defaults: readonly Rule[];
  #ignores: Ignores | undefined;
  /** Whether a source before git's may bring back what git ignores. */
  #mayBringBack: boolean;

  private constructor(
    user: Rule[],
    syncignore: Rule[],
    regexes: Array<{ rule: RegexRule; regex: RegExp }>,
    defaults: Rule[],
  ) {
    this.#user = user;
    this.#syncignore = syncignore;
    this.#regexes = regexes;
    this.#defaults = defaults;
    this.#mayBringBack = includesAny(user) || includesAny(syncignore);
  }

  /** Compiles all rules, or says which one is wrong and where it came from. */
  static create({ user, syncignore, regexes, defaults }: FilterRules): Result<Filter> {
    const compiledUser = compileAll(user);
    if (!compiledUser.ok) return compiledUser;
    const compiledSyncignore = compileAll(syncignore);
    if (!compiledSyncignore.ok) return compiledSyncignore;
    const compiledDefaults = compileAll(defaults);
    if (!compiledDefaults.ok) return compiledDefaults;
    const compiledRegexes: Array<{ rule: RegexRule; regex: RegExp }> = [];
    for (const rule of regexes) {
      try {
        compiledRegexes.push({ rule, regex: new RegExp(rule.text, 'u') });
      } catch (error) {
        const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : String(error);
        return failed(badRule(rule.source, rule.text, why));
      }
    }
    return success(new Filter(compiledUser.value, compiledSyncignore.value, compiledRegexes, compiledDefaults.value));
  }

  /** From now on git's ignores count too. */
  heed(ignores: Ignores): void {
    this.#ignores = ignores;
  }

  /** The .syncignore has changed. The old rules stay where one of the new ones is wrong. */
  replaceSyncignore(rules: readonly RawRule[]): Result<undefined> {
    const compiled = compileAll(rules);
    if (!compiled.ok) return compiled;
    this.#syncignore = compiled.value;
    this.#mayBringBack = includesAny(this.#user) || includesAny(compiled.value);
    return success(undefined);
  }

  /**
   * Makes sure that {@link decide} knows these entries (name and whether it is a directory) of one directory. Undefined
   * where it does.
   */
  learn(dir: Name, entries: Iterable<readonly [string, boolean]>): Promise<void> | undefined {
    return this.#ignores?.learn(dir, entries, this.#mayBringBack);
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
    if (early !== undefined) return decisionOf(early);
    const ignored = this.#ignores?.ruleFor(name, isDir);
    if (ignored !== undefined && !this.#isBroughtBack(name)) return { synced: false, isRsyncs: false, rule: ignored };
    if (this.#regexes.length > 0) {
      const text = looseTextOf(name);
      const hit = this.#regexes.find(({ regex }) => regex.test(text) || (isDir && regex.test(`${text}/`)));
      if (hit !== undefined) return { synced: false, isRsyncs: false, rule: hit.rule };
    }
    const byDefault = firstMatch(this.#defaults, name, isDir);
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

  /** Whether there may be rules that rsync can't be told. */
  get hasOwnRules(): boolean {
    return this.#regexes.length > 0 || this.#ignores !== undefined;
  }

  /** The pattern rules in order, for rsync: the ones before and the ones after what only we can decide. */
  get rsyncRules(): { readonly before: readonly RawRule[]; readonly after: readonly RawRule[] } {
    return {
      before: [...this.#user, ...this.#syncignore].map((r) => r.raw),
      after: this.#defaults.map((r) => r.raw),
    };
  }

  /** How many rules each source has. */
  get counts(): {
    readonly user: number;
    readonly syncignore: number;
    readonly regexes: number;
    readonly defaults: number;
  } {
    return {
      user: this.#user.length,
      // One line may have become several.
      syncignore: new Set(this.#syncignore.map(({ raw }) => describeSource(raw.source))).size,
      regexes: this.#regexes.length,
      defaults: this.#defaults.length,
    };
  }

  /** The rule of a source before git's that matches. */
  #early(name: Name, isDir: boolean): Rule | undefined {
    return firstMatch(this.#user, name, isDir) ?? firstMatch(this.#syncignore, name, isDir);
  }

  /** Whether it is below a directory that git ignores and an earlier source includes. */
  #isBroughtBack(name: Name): boolean {
    return ancestorsOf(name).some(
      (dir) => this.#early(dir, true)?.raw.action === 'include' && this.#ignores?.dirRule(dir) !== undefined,
    );
  }
}

const includesAny = (rules: readonly Rule[]): boolean => rules.some(({ raw }) => raw.action === 'include');

const decisionOf = ({ raw }: Rule): Decision =>
  raw.action === 'include' ? { synced: true, rule: raw } : { synced: false, isRsyncs: true, rule: raw };

const firstMatch = (rules: readonly Rule[], name: Name, isDir: boolean): Rule | undefined =>
  rules.find((rule) => rule.pattern.matches(name, isDir));

function compileAll(raws: readonly RawRule[]): Result<Rule[]> {
  const rules: Rule[] = [];
  for (const raw of raws) {
    const pattern = raw.problem ?? compilePattern(raw.pattern);
    if (typeof pattern === 'string') return failed(badRule(raw.source, raw.text ?? raw.pattern, pattern));
    rules.push({ raw, pattern });
  }
  return success(rules);
}

/** Where to read what a pattern may be. */
export const PATTERNS_HELP = "Patterns are rsync's: see 'PATTERN MATCHING RULES' in man rsync.";

function badRule(source: RuleSource, text: string, why: string): Failure {
  const isRegex = source.kind === 'option' && source.option === '--exclude-regex';
  return {
    kind: 'usage',
    message: `${describeSource(source)}: '${text}' can't be used: ${why}`,
    hint: isRegex
      ? 'Write a JavaScript regular expression, for example --exclude-regex "\\.log$".'
      : source.kind === 'ignoreFile'
        ? "It is read as git reads a .gitignore: see 'PATTERN FORMAT' in man gitignore."
        : PATTERNS_HELP,
  };
}

/** A rule as it was written. */
export const ruleText = (rule: AnyRule): string => {
  if (!('pattern' in rule)) return rule.text;
  return rule.text ?? rule.pattern;
};

/** A rule's source in words. */
export function describeSource(source: RuleSource): string {
  switch (source.kind) {
    case 'option':
      return source.option;
    case 'settings':
      return `"${source.key}" in ${source.source}`;
    case 'file':
    case 'ignoreFile':
      return `${source.path}, line ${source.line}`;
    case 'default':
      return 'default excludes';
    case 'trash':
      return '--trash';
  }
}

/**
 * One value of `--exclude` or `--include`, or one line of an `--exclude-from` file, added to `rules`. rsync's old
 * prefixes are honoured: `+ ` and `- ` override the option, a lone `!` forgets all rules so far.
 */
export function addRule(rules: RawRule[], action: RawRule['action'], text: string, source: RuleSource): void {
  if (text === '!') rules.length = 0;
  else if (text.startsWith('+ ')) rules.push({ action: 'include', pattern: text.slice(2), source });
  else if (text.startsWith('- ')) rules.push({ action: 'exclude', pattern: text.slice(2), source });
  else rules.push({ action, pattern: text, source });
}

/** Adds the rules of an `--exclude-from` file. Blank lines and lines beginning with `#` or `;` are comments. */
export function addRulesFromFile(rules: RawRule[], path: string, content: string): void {
  content.split(/\r?\n/).forEach((line, i) => {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) return;
    addRule(rules, 'exclude', line, { kind: 'file', path, line: i + 1 });
  });
}
