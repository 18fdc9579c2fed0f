import { readFileSync } from 'node:fs';
import type { GitRule, RawRule } from '../core/filter.js';
import { rulesFromIgnoreFile } from '../core/ignore-lines.js';
import { ancestorsOf, childOf, type Name, pathIn, ROOT, relativeTo, textOf } from '../core/name.js';
import { compilePattern, type Pattern } from '../core/pattern.js';
import { stampOf } from '../scan/stamp.js';
import type { IgnoreSource } from './rule-files.js';

interface IgnoreRule {
  readonly raw: RawRule;
  readonly pattern: Pattern;
}

/**
 * What the .gitignore files below a root ignore, read by ourselves: where there is no git to ask. It does not know what git
 * tracks in spite of them, nor .git/info/exclude, nor the user's own excludes file, nor where another repository begins.
 */
export class PlainIgnores implements IgnoreSource {
  readonly #root: string;
  /** By the directory that a .gitignore is in. */
  readonly #files = new Map<Name, { readonly stamp: string; readonly rules: readonly IgnoreRule[] }>();
  #changed = false;

  constructor(root: string) {
    this.#root = root;
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
    for (const dir of [...ancestorsOf(name).reverse(), ROOT]) {
      const hit = this.#files.get(dir)?.rules.find(({ pattern }) => pattern.matches(relativeTo(dir, name), isDir));
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
    const rules: IgnoreRule[] = [];
    if (stamp !== '-') {
      const sourceOf = (line: number) => ({ kind: 'ignoreFile', path: textOf(file), line }) as const;
      for (const raw of rulesFromIgnoreFile(this.#content(file), sourceOf)) {
        const pattern = raw.problem ?? compilePattern(raw.pattern);
        if (typeof pattern !== 'string') rules.push({ raw, pattern }); // git ignores the others too
      }
    }
    this.#files.set(dir, { stamp, rules });
  }

  #content(file: Name): string {
    try {
      return readFileSync(pathIn(this.#root, file)).toString('latin1');
    } catch {
      return '';
    }
  }

  #stampOf(dir: Name): string {
    return stampOf(pathIn(this.#root, childOf(dir, '.gitignore')));
  }
}
