import { type Failure, failed, type Result, success } from '../failure.js';
import { shortened } from '../printable.js';
import { compileIgnorePattern } from './ignore-pattern.js';
import { compilePattern, type Pattern } from './pattern.js';
import { RuleList } from './rule-list.js';

/** Where a rule comes from, for error messages and `--why`. */
export type RuleSource =
  | { readonly kind: 'option'; readonly option: string }
  /** The settings file, or the environment. */
  | { readonly kind: 'settings'; readonly key: string; readonly source: string }
  /** `--exclude-from`. */
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  /** In gitignore notation. */
  | { readonly kind: 'ignoreFile'; readonly path: string; readonly line: number }
  | { readonly kind: 'default' }
  | { readonly kind: 'trash' };

/** One rule, before its pattern is compiled. `pattern` is one character per byte. */
export interface RawRule {
  readonly action: 'include' | 'exclude';
  readonly pattern: string;
  /** rsync's, where it is not said. */
  readonly notation?: 'gitignore';
  /** As it was written, where that is more than the pattern. */
  readonly text?: string;
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
  /** It is none: whether git ignores the name is not known yet. */
  readonly isUnsure?: true;
}

/** A rule of any of the sources. */
export type AnyRule = RawRule | RegexRule | GitRule;

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

/** A rule that is ready to be held against names. */
export interface Rule {
  readonly raw: RawRule;
  readonly pattern: Pattern;
}

/** Compiles a rule's pattern, or says in a few words what is wrong with it. */
export function compileRule(raw: RawRule): Rule | string {
  const pattern = raw.notation === 'gitignore' ? compileIgnorePattern(raw.pattern) : compilePattern(raw.pattern);
  return typeof pattern === 'string' ? pattern : { raw, pattern };
}

/** Compiles them all, or says which one is wrong and where it came from. */
export function compileRules(raws: readonly RawRule[]): Result<RuleList<Rule>> {
  const rules: Rule[] = [];
  for (const raw of raws) {
    const rule = compileRule(raw);
    if (typeof rule === 'string') return failed(badRule(raw.source, ruleText(raw), rule));
    rules.push(rule);
  }
  return success(new RuleList(rules));
}

/** Where to read what a pattern may be. */
export const PATTERNS_HELP = "Patterns are rsync's: see 'PATTERN MATCHING RULES' in man rsync.";

/** What is wrong with a rule, and where it came from. */
export function badRule(source: RuleSource, text: string, why: string): Failure {
  const isRegex = source.kind === 'option' && source.option === '--exclude-regex';
  return {
    kind: 'usage',
    message: `${describeSource(source)}: '${shortened(text)}' can't be used: ${shortened(why)}`,
    hint: isRegex
      ? 'Write a JavaScript regular expression, for example --exclude-regex "\\.log$".'
      : source.kind === 'ignoreFile'
        ? "It is read as git reads a .gitignore: see 'PATTERN FORMAT' in man gitignore."
        : PATTERNS_HELP,
  };
}

/** A rule as it was written. */
export const ruleText = (rule: AnyRule): string => ('pattern' in rule ? (rule.text ?? rule.pattern) : rule.text);

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
