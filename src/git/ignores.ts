import {
  ancestorsOf,
  baseOf,
  childOf,
  isBelow,
  type Name,
  parentOf,
  pathIn,
  ROOT,
  relativeTo,
  textOf,
} from '../core/name.js';
import type { GitRule } from '../core/rule.js';
import type { OnSkipped } from '../rules/plain-ignores.js';
import type { IgnoreSource } from '../rules/rule-files.js';
import { stampOf } from '../scan/stamp.js';
import { Repository, type UsersGit } from './repository.js';
import { whyGitWaits, whyPlain, whyStuck } from './waits.js';

/** What is known of a name that is not tracked: whether it was a directory when git was asked, and what git said. */
interface Known {
  readonly isDir: boolean;
  readonly rule: GitRule | undefined;
}

/** One for each, because there may be a million of them. */
const NOT_IGNORED = { file: { isDir: false, rule: undefined }, dir: { isDir: true, rule: undefined } } as const;

/** Better left here than sent by mistake; it is asked again the next time it is looked at. */
const UNANSWERED: GitRule = {
  text: 'git gave no answer',
  source: { kind: 'ignoreFile', path: 'git check-ignore', line: 0 },
};

/**
 * What git ignores below a root, decided by git itself, in each repository that is there: the one that the root is in, and
 * those further down (submodules, worktrees, clones), which have their own rules.
 */
export class GitIgnores implements IgnoreSource {
  readonly #root: string;
  /** By the directory they begin at. */
  readonly #repositories = new Map<Name, Repository | undefined>();
  readonly #known = new Map<Name, Known>();
  /** The .gitignore files that were seen in the tree. */
  readonly #files = new Map<Name, string>();
  /** The directories whose .gitignore git would wait at for ever: it is not asked about what is below them. */
  readonly #waiting = new Set<Name>();
  /** The directories that were looked at. */
  readonly #visited = new Set<Name>();
  /** What looked like a repository and was none, with the stamp of its .git: it may be on its way (git clone). */
  readonly #bogus = new Map<Name, string>();
  readonly #git: UsersGit;
  readonly #onUnanswered: (name: Name) => void;
  readonly #onSkipped: OnSkipped;
  /** How often all was forgotten. */
  #age = 0;
  #changed = false;

  /**
   * `repository`: the one that the root is in, if it is in one. `onUnanswered`: git could not be asked about this.
   * `onSkipped`: a file that git reads can't be read.
   */
  constructor(
    root: string,
    repository: Repository | undefined,
    git: UsersGit,
    onUnanswered: (name: Name) => void,
    onSkipped: OnSkipped,
  ) {
    this.#root = root;
    this.#git = git;
    this.#repositories.set(ROOT, repository);
    this.#onUnanswered = onUnanswered;
    this.#onSkipped = onSkipped;
  }

  learn(dir: Name, entries: Iterable<readonly [string, boolean]>, dirRules: boolean): Promise<void> | undefined {
    if (isGits(dir)) return undefined;
    const asked: Array<readonly [Name, boolean]> = [];
    let mayBegin = !this.#visited.has(dir);
    for (const [base, isDir] of entries) {
      const name = childOf(dir, base);
      if (base === '.gitignore') this.#sawFile(name);
      if (base === '.git') mayBegin = true;
      else asked.push([name, isDir]);
    }
    for (const each of [dir, ...ancestorsOf(dir)]) {
      // Nobody may have listed it.
      if (!this.#visited.has(each)) this.#sawFile(childOf(each, '.gitignore'));
      this.#visited.add(each);
    }
    if (mayBegin && this.#isNewRepository(dir))
      return this.#open(dir).then(() => this.#askUnknown(dir, asked, dirRules));
    return this.#askUnknown(dir, asked, dirRules);
  }

  ruleFor(name: Name, isDir: boolean): GitRule | undefined {
    const known = this.#known.get(name);
    return known !== undefined && known.isDir === isDir && !this.isTracked(name) ? known.rule : undefined;
  }

  /**
   * Looks whether what git ignores may be another than before: what was known is forgotten then. Files in the tree that it
   * has not met yet are met by {@link learn}.
   */
  async refresh(): Promise<boolean> {
    for (const [name, stamp] of this.#files) if (this.#stampOf(name) !== stamp) this.#sawFile(name);
    for (const [dir, repository] of this.#repositories) {
      if (dir !== ROOT && this.#stampOf(childOf(dir, '.git')) === '-') {
        repository?.close();
        this.#repositories.delete(dir);
        this.#forget();
      } else if (await repository?.hasChanged((name) => this.#isIgnoredDeep(childOf(dir, name)))) this.#forget();
    }
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  get inWords(): string {
    const clones = [...this.#repositories].filter(([dir, repository]) => dir !== ROOT && repository !== undefined);
    const more = clones.length === 0 ? '' : `, ${clones.length} more repositories below it`;
    return `git (${this.#files.size} .gitignore files${more})`;
  }

  close(): void {
    for (const repository of this.#repositories.values()) repository?.close();
  }

  /** A .gitignore: if it is another one than before, or new where git was asked already, its answers are no longer true. */
  #sawFile(name: Name): void {
    const stamp = this.#stampOf(name);
    const before = this.#files.get(name);
    if (before === stamp) return;
    if (stamp === '-' && before === undefined) return;
    if (stamp === '-') this.#files.delete(name);
    else this.#files.set(name, stamp);
    const why = whyGitWaits(pathIn(this.#root, name));
    if (why === undefined) this.#waiting.delete(parentOf(name));
    else {
      this.#waiting.add(parentOf(name));
      this.#onSkipped(whyPlain(`${textOf(name)} ${why}`));
    }
    if (before !== undefined || this.#visited.has(parentOf(name))) this.#forget();
  }

  #forget(): void {
    for (const repository of this.#repositories.values()) repository?.forget();
    this.#known.clear();
    this.#age++;
    this.#changed = true;
  }

  #askUnknown(
    dir: Name,
    entries: ReadonlyArray<readonly [Name, boolean]>,
    dirRules: boolean,
  ): Promise<void> | undefined {
    const unknown = entries.filter(
      ([name, isDir]) => this.#known.get(name)?.isDir !== isDir && ((dirRules && isDir) || !this.isTracked(name)),
    );
    return unknown.length === 0 ? undefined : this.#ask(dir, unknown);
  }

  async #ask(dir: Name, entries: ReadonlyArray<readonly [Name, boolean]>): Promise<void> {
    for (;;) {
      const [begin, repository] = this.#repositoryOf(dir);
      const age = this.#age;
      // A directory that is not here (a mirror asks about what is only there) can't be seen to be one.
      const questionFor = ([name, isDir]: readonly [Name, boolean]): Name => {
        const question = relativeTo(begin, name);
        return isDir && this.#stampOf(name) === '-' ? (`${question}/` as Name) : question;
      };
      const isPlain = this.#wouldWait(begin, repository, dir);
      const answers = isPlain
        ? repository?.askPlain(
            dir === begin ? ROOT : relativeTo(begin, dir),
            entries.map(([name, isDir]) => [relativeTo(begin, name), isDir]),
          )
        : await repository?.ask(entries.map(questionFor));
      // It may be waiting at a file that has come just now.
      if (answers?.includes('unanswered') === true)
        for (const each of [dir, ...ancestorsOf(dir), ROOT]) this.#sawFile(childOf(each, '.gitignore'));
      if (age !== this.#age) continue; // what it said may be what was true before
      if (!isPlain && repository?.waits === true) {
        this.#onSkipped(whyStuck(repository.path));
        continue;
      }
      entries.forEach(([name, isDir], i) => {
        const answer = answers?.[i] ?? 'notIgnored';
        if (answer === 'unanswered') this.#onUnanswered(name);
        const none = isDir ? NOT_IGNORED.dir : NOT_IGNORED.file;
        if (answer === 'unanswered') this.#known.set(name, { isDir, rule: UNANSWERED });
        else this.#known.set(name, answer === 'notIgnored' ? none : { isDir, rule: answer });
      });
      return;
    }
  }

  /** Whether git would wait for ever if it were asked about what is in `dir`. */
  #wouldWait(begin: Name, repository: Repository | undefined, dir: Name): boolean {
    if (repository?.waits === true) return true;
    if (this.#waiting.size === 0) return false;
    return [dir, ...ancestorsOf(dir), ROOT].some(
      (each) => this.#waiting.has(each) && (each === begin || isBelow(each, begin)),
    );
  }

  #isNewRepository(dir: Name): boolean {
    if (dir === ROOT || this.#repositories.has(dir)) return false;
    const stamp = this.#stampOf(childOf(dir, '.git'));
    return stamp !== '-' && this.#bogus.get(dir) !== stamp;
  }

  /** A directory with a .git of its own. */
  async #open(dir: Name): Promise<void> {
    const stamp = this.#stampOf(childOf(dir, '.git'));
    const path = pathIn(this.#root, dir).toString();
    const opened = await Repository.open(path, this.#git, this.#onSkipped);
    if (!(opened instanceof Repository) && opened.kind === 'refused')
      this.#onSkipped(`git can't be asked about ${textOf(dir)} (${opened.why}): the rules around it count there`);
    const repository = opened instanceof Repository ? opened : undefined;
    if (repository?.top !== path || this.#repositories.has(dir)) {
      repository?.close();
      this.#bogus.set(dir, stamp); // part of the one around it
      return;
    }
    this.#repositories.set(dir, repository);
    for (const name of this.#known.keys()) if (name.startsWith(`${dir}/`)) return this.#forget();
  }

  #repositoryOf(dir: Name): readonly [Name, Repository | undefined] {
    if (this.#repositories.size > 1) {
      for (const each of [dir, ...ancestorsOf(dir).reverse()]) {
        const repository = this.#repositories.get(each);
        if (repository !== undefined) return [each, repository];
      }
    }
    return [ROOT, this.#repositories.get(ROOT)];
  }

  dirRule(dir: Name): GitRule | undefined {
    return this.#known.get(dir)?.rule;
  }

  isTracked(name: Name): boolean {
    const [begin, repository] = this.#repositoryOf(parentOf(name));
    return repository?.isTracked(relativeTo(begin, name)) === true;
  }

  #isIgnoredDeep(name: Name): boolean {
    return [...ancestorsOf(name), name].some((each) => this.#known.get(each)?.rule !== undefined);
  }

  #stampOf(name: Name): string {
    return stampOf(pathIn(this.#root, name));
  }
}

/** Whether a directory is git's own, or in it: it has no say there. */
const isGits = (dir: Name): boolean =>
  baseOf(dir) === '.git' || ancestorsOf(dir).some((each) => baseOf(each) === '.git');
