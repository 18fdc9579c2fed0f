import { type Failure, failed, type Result, success } from './failure.js';
import { ancestorsOf, looseTextOf, type Name, ROOT } from './name.js';
import { compilePattern, type Pattern } from './pattern.js';

/** Where a rule comes from, for error messages and `--debug`. */
export type RuleSource =
  | { readonly kind: 'option'; readonly option: '--exclude' | '--include' | '--exclude-regex' }
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  | { readonly kind: 'default' }
  | { readonly kind: 'trash' };

/** One rule as rsync has it, before its pattern is compiled. `pattern` is one character per byte. */
export interface RawRule {
  readonly action: 'include' | 'exclude';
  readonly pattern: string;
  readonly source: RuleSource;
}

/** A regular expression on the path relative to DIR; a directory is tried with and without a trailing slash. */
export interface RegexRule {
  readonly text: string;
  readonly source: RuleSource;
}

interface Rule {
  readonly raw: RawRule;
  readonly pattern: Pattern;
}

/** What decided about a name. */
export type Decision =
  | { readonly synced: true }
  | { readonly synced: false; readonly by: 'pattern' | 'regex'; readonly rule: RawRule | RegexRule };

/**
 * What is left out by default: version control, editors' settings, Python's caches, and the temporary, swap and backup
 * files that editors make beside the file being saved.
 */
export const DEFAULT_EXCLUDES: readonly string[] = [
  '.git/',
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

const INCLUDED: Decision = { synced: true };

/**
 * The one filter: what the watcher leaves out, what may enter the index and the pending set, and what rsync is told
 * with `--exclude`. First match wins; the order is the user's patterns, the regular expressions, the default patterns.
 * As in rsync, what is below an excluded directory is excluded.
 */
export class Filter {
  readonly #user: readonly Rule[];
  readonly #regexes: ReadonlyArray<{ readonly rule: RegexRule; readonly regex: RegExp }>;
  readonly #defaults: readonly Rule[];

  private constructor(user: Rule[], regexes: Array<{ rule: RegexRule; regex: RegExp }>, defaults: Rule[]) {
    this.#user = user;
    this.#regexes = regexes;
    this.#defaults = defaults;
  }

  /** Compiles all rules, or says which one is wrong and where it came from. */
  static create(user: readonly RawRule[], regexes: readonly RegexRule[], defaults: readonly RawRule[]): Result<Filter> {
    const compiledUser = compileAll(user);
    if (!compiledUser.ok) return compiledUser;
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
    return success(new Filter(compiledUser.value, compiledRegexes, compiledDefaults.value));
  }

  /** Decides about `name` alone, taking for granted that the directories above it are synced: for walking down. */
  decide(name: Name, isDir: boolean): Decision {
    if (name === ROOT) return INCLUDED;
    const user = firstMatch(this.#user, name, isDir);
    if (user !== undefined) return decisionOf(user);
    if (this.#regexes.length > 0) {
      const text = looseTextOf(name);
      const hit = this.#regexes.find(({ regex }) => regex.test(text) || (isDir && regex.test(`${text}/`)));
      if (hit !== undefined) return { synced: false, by: 'regex', rule: hit.rule };
    }
    const byDefault = firstMatch(this.#defaults, name, isDir);
    return byDefault === undefined ? INCLUDED : decisionOf(byDefault);
  }

  /** Decides about `name` and every directory above it: for names that come from anywhere. */
  decideDeep(name: Name, isDir: boolean): Decision {
    for (const dir of ancestorsOf(name)) {
      const decision = this.decide(dir, true);
      if (!decision.synced) return decision;
    }
    return this.decide(name, isDir);
  }

  /** Whether there are rules that rsync can't be told. */
  get hasRegexes(): boolean {
    return this.#regexes.length > 0;
  }

  /** The pattern rules in order, for rsync: the ones before and the ones after the regular expressions. */
  get rsyncRules(): { readonly beforeRegexes: readonly RawRule[]; readonly afterRegexes: readonly RawRule[] } {
    return { beforeRegexes: this.#user.map((r) => r.raw), afterRegexes: this.#defaults.map((r) => r.raw) };
  }
}

const decisionOf = (rule: Rule): Decision =>
  rule.raw.action === 'include' ? INCLUDED : { synced: false, by: 'pattern', rule: rule.raw };

const firstMatch = (rules: readonly Rule[], name: Name, isDir: boolean): Rule | undefined =>
  rules.find((rule) => rule.pattern.matches(name, isDir));

function compileAll(raws: readonly RawRule[]): Result<Rule[]> {
  const rules: Rule[] = [];
  for (const raw of raws) {
    const pattern = compilePattern(raw.pattern);
    if (typeof pattern === 'string') return failed(badRule(raw.source, raw.pattern, pattern));
    rules.push({ raw, pattern });
  }
  return success(rules);
}

function badRule(source: RuleSource, text: string, why: string): Failure {
  const where = describeSource(source);
  return {
    kind: 'usage',
    message: `${where}: '${text}' can't be used: ${why}`,
    hint:
      source.kind === 'option' && source.option === '--exclude-regex'
        ? 'Write a JavaScript regular expression, for example --exclude-regex "\\.log$".'
        : "Patterns are rsync's: see 'PATTERN MATCHING RULES' in man rsync.",
  };
}

/** A rule's source in words. */
export function describeSource(source: RuleSource): string {
  switch (source.kind) {
    case 'option':
      return source.option;
    case 'file':
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
