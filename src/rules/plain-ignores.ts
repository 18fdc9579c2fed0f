import { rulesFromIgnoreFile } from '../core/ignore-lines.js';
import { ancestorsOf, childOf, type Name, pathIn, ROOT, relativeTo, textOf } from '../core/name.js';
import { problemOfLength } from '../core/pattern.js';
import { compileRule, describeSource, type GitRule, type Rule } from '../core/rule.js';
import { RuleList } from '../core/rule-list.js';
import { PATTERN_LINES, PATTERNS_LIMIT, readChecked } from '../read-checked.js';
import { stampOf } from '../scan/stamp.js';
import type { IgnoreSource } from './rule-files.js';

/** Says that a file of rules does not count, and why. */
export type OnSkipped = (text: string) => void;

/**
 * What the .gitignore files below a root ignore, read by ourselves: where git can't be asked. It does not know what git
 * tracks in spite of them, nor where another repository begins.
 */
export class PlainIgnores implements IgnoreSource {
  readonly #root: string;
  /** By the directory that a .gitignore is in. */
  readonly #files = new Map<Name, { readonly stamp: string; readonly rules: RuleList<Rule> }>();
  /** Of files that are not in the tree, for all of it. */
  readonly #base: RuleList<Rule>;
  readonly #onSkipped: OnSkipped;
  #changed = false;

  /** `base`: files beside those in the tree, absolute, the one that wins first; read once. */
  constructor(root: string, onSkipped: OnSkipped, base: readonly string[] = []) {
    this.#root = root;
    this.#onSkipped = onSkipped;
    this.#base = new RuleList(base.flatMap((path) => this.#rulesIn(path, path, true)));
  }

  learn(dir: Name, entries: Iterable<readonly [string, boolean]>): undefined {
    for (const [base] of entries) if (base === '.gitignore') this.#read(dir);
    // For a name whose directory was never listed.
    for (const each of [ROOT, ...ancestorsOf(dir), dir]) if (!this.#files.has(each)) this.#read(each);
  }

  ruleFor(name: Name, isDir: boolean): GitRule | undefined {
    for (const each of [...ancestorsOf(name), name]) {
      const rule = this.#ruleForAlone(each, each !== name || isDir);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  dirRule(dir: Name): GitRule | undefined {
    return this.ruleFor(dir, true);
  }

  isTracked(): false {
    return false;
  }

  async refresh(): Promise<boolean> {
    for (const [dir, { stamp }] of this.#files) if (stamp !== '-' && this.#stampOf(dir) !== stamp) this.#read(dir);
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  get inWords(): string {
    return `${[...this.#files.values()].filter(({ stamp }) => stamp !== '-').length} .gitignore files, read without git`;
  }

  close(): void {}

  #ruleForAlone(name: Name, isDir: boolean): GitRule | undefined {
    const inTree = [...ancestorsOf(name).reverse(), ROOT].map((dir) => [dir, this.#files.get(dir)?.rules] as const);
    for (const [dir, rules] of [...inTree, [ROOT, this.#base] as const]) {
      const hit = rules === undefined || rules.size === 0 ? undefined : rules.firstMatch(relativeTo(dir, name), isDir);
      if (hit === undefined) continue;
      const { raw } = hit;
      if (raw.action === 'include' || raw.source.kind !== 'ignoreFile') return undefined;
      return { text: raw.text ?? raw.pattern, source: raw.source };
    }
    return undefined;
  }

  #read(dir: Name): void {
    const stamp = this.#stampOf(dir);
    const before = this.#files.get(dir);
    if (before?.stamp === stamp) return;
    if (before !== undefined) this.#changed = true;
    const file = childOf(dir, '.gitignore');
    const rules = stamp === '-' ? [] : this.#rulesIn(pathIn(this.#root, file), textOf(file), false);
    this.#files.set(dir, { stamp, rules: new RuleList(rules) });
  }

  /** As git does, it follows a symbolic link only outside of the tree (gitignore(5), NOTES). */
  #rulesIn(path: string | Buffer, label: string, follow: boolean): Rule[] {
    const read = readChecked(path, { limit: PATTERNS_LIMIT, lines: PATTERN_LINES, follow });
    if (read.kind === 'missing') return [];
    if (read.kind !== 'read') {
      this.#onSkipped(`${label} ${read.why}: it does not count`);
      return [];
    }
    const sourceOf = (line: number) => ({ kind: 'ignoreFile', path: label, line }) as const;
    return rulesFromIgnoreFile(read.bytes.toString('latin1'), sourceOf).flatMap((raw) => {
      const rule = compileRule(raw);
      if (typeof rule !== 'string') return [rule];
      // Of the others git too would never match anything with them.
      if (problemOfLength(raw.pattern) !== undefined)
        this.#onSkipped(`${describeSource(raw.source)} does not count: ${rule}`);
      return [];
    });
  }

  #stampOf(dir: Name): string {
    return stampOf(pathIn(this.#root, childOf(dir, '.gitignore')));
  }
}
