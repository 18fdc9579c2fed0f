import { rulesFromIgnoreFile } from '../core/filter/ignore-lines.js';
import { problemOfLength } from '../core/filter/pattern.js';
import { compileRule, describeSource, type GitRule, type Rule } from '../core/filter/rule.js';
import { RuleList } from '../core/filter/rule-list.js';
import {
  ancestorsOf,
  type BytePath,
  baseOf,
  bytePathIn,
  bytesOfPath,
  childOf,
  type Name,
  parentOf,
  ROOT,
  relativeTo,
  textOf,
} from '../core/name.js';
import { PATTERN_LINES, PATTERNS_LIMIT, readChecked } from '../read-checked.js';
import { stampOf } from '../scan/stamp.js';
import type { FollowedFiles } from './followed-files.js';
import type { IgnoreSource, News, OnSkipped } from './source.js';

/**
 * What the .gitignore files below a root ignore, read by ourselves: where git can't be asked. It does not know what git
 * tracks in spite of them, nor where another repository begins.
 */
export class PlainIgnores implements IgnoreSource {
  readonly #root: BytePath;
  /** By the directory that a .gitignore is in; undefined where there was none. */
  readonly #files = new Map<Name, RuleList<Rule> | undefined>();
  /** Of files that are not in the tree, for all of it. */
  readonly #base: RuleList<Rule>;
  readonly #onSkipped: OnSkipped;
  readonly #followed: FollowedFiles | undefined;

  /** `base`: files beside those in the tree, the one that wins first; read once. */
  constructor(
    root: BytePath,
    onSkipped: OnSkipped,
    base: readonly BytePath[] | RuleList<Rule> = [],
    followed?: FollowedFiles,
  ) {
    this.#root = root;
    this.#onSkipped = onSkipped;
    this.#followed = followed;
    this.#base =
      base instanceof RuleList
        ? base
        : new RuleList(base.flatMap((path) => this.#rulesIn(path, bytesOfPath(path).toString(), true)));
  }

  /** The same, with nothing read yet of what is in the tree. */
  anew(): PlainIgnores {
    return new PlainIgnores(this.#root, this.#onSkipped, this.#base, this.#followed);
  }

  learn(dir: Name, entries: Iterable<readonly [string, boolean]>): undefined {
    for (const [base] of entries) if (base === '.gitignore') this.#meet(dir);
    // For a name whose directory was never listed.
    for (const each of new Set([ROOT, ...ancestorsOf(dir), dir])) this.#meet(each);
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

  async believe(changed: ReadonlySet<BytePath>): Promise<News> {
    let news: News = 'none';
    for (const path of changed) {
      if (!path.startsWith(`${this.#root}/`) || !path.endsWith('/.gitignore')) continue;
      const file = path.slice(this.#root.length + 1) as Name;
      if (baseOf(file) !== '.gitignore') continue;
      this.#read(parentOf(file));
      news = 'changed';
    }
    return news;
  }

  get inWords(): string {
    return `${[...this.#files.values()].filter((rules) => rules !== undefined).length} .gitignore files, read without git`;
  }

  close(): void {}

  #ruleForAlone(name: Name, isDir: boolean): GitRule | undefined {
    const inTree = [...ancestorsOf(name).reverse(), ROOT].map((dir) => [dir, this.#files.get(dir)] as const);
    for (const [dir, rules] of [...inTree, [ROOT, this.#base] as const]) {
      const hit = rules === undefined || rules.size === 0 ? undefined : rules.firstMatch(relativeTo(dir, name), isDir);
      if (hit === undefined) continue;
      const { raw } = hit;
      if (raw.action === 'include' || raw.source.kind !== 'ignoreFile') return undefined;
      return { text: raw.text ?? raw.pattern, source: raw.source };
    }
    return undefined;
  }

  /** Its .gitignore is read once; one that comes later is believed when it is at rest. */
  #meet(dir: Name): void {
    const path = this.#pathOf(dir);
    if (!this.#files.has(dir)) {
      this.#read(dir);
      if (this.#files.get(dir) !== undefined) this.#followed?.follow(path);
    } else if (this.#files.get(dir) === undefined) this.#followed?.stampOf([path]); // notes it, if it has come by now
  }

  #read(dir: Name): void {
    const path = this.#pathOf(dir);
    const isThere = stampOf(bytesOfPath(path)) !== '-';
    const file = childOf(dir, '.gitignore');
    this.#files.set(dir, isThere ? new RuleList(this.#rulesIn(path, textOf(file), false)) : undefined);
  }

  /** As git does, it follows a symbolic link only outside of the tree (gitignore(5), NOTES). */
  #rulesIn(path: BytePath, label: string, follow: boolean): Rule[] {
    const read = readChecked(bytesOfPath(path), { limit: PATTERNS_LIMIT, lines: PATTERN_LINES, follow });
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

  #pathOf(dir: Name): BytePath {
    return bytePathIn(this.#root, childOf(dir, '.gitignore'));
  }
}
