import type { RulesTrouble } from '../core/event.js';
import type { GitRule } from '../core/filter/rule.js';
import {
  ancestorsOf,
  type BytePath,
  baseOf,
  bytePathIn,
  bytePathOf,
  bytesOfPath,
  childOf,
  type Name,
  parentOf,
  ROOT,
  relativeTo,
  textOf,
} from '../core/name.js';
import type { FollowedFiles } from '../ignores/followed-files.js';
import { PlainIgnores } from '../ignores/plain-ignores.js';
import type { IgnoreSource, News, OnSkipped } from '../ignores/source.js';
import { stampOf } from '../scan/stamp.js';
import { Answers } from './answers.js';
import type { Verdict } from './check-ignore.js';
import { FilesInTree } from './files-in-tree.js';
import type { UsersGit } from './git.js';
import { Repository } from './repository.js';
import { Troubles } from './troubles.js';
import { whyStuck } from './waits.js';

/** A name to ask about when git is tried: there is none like it, and the answer does not matter. */
const ANY = '.syncwatch-asks' as Name;

export interface GitIgnoresOptions {
  readonly git: UsersGit;
  readonly followed: FollowedFiles;
  /** Git could not be asked about this name, though about others. */
  readonly onUnanswered: (name: Name) => void;
  /** A file that git reads can't be read. */
  readonly onSkipped: OnSkipped;
  /** Git fails, or answers again. */
  readonly onTrouble: (trouble: RulesTrouble | undefined) => void;
}

/**
 * What git ignores below a root, decided by git itself, in each repository that is there: the one that the root is in, and
 * those further down (submodules, worktrees, clones), which have their own rules. In no repository there is no git to ask: there
 * the .gitignore files count as we read them.
 *
 * Git reads the files of rules for itself, at any moment, so an answer counts only if they were at rest, and as they are
 * believed, before it was asked and after.
 */
export class GitIgnores implements IgnoreSource {
  readonly #root: BytePath;
  readonly #options: GitIgnoresOptions;
  /** By the directory they begin at. */
  readonly #repositories = new Map<Name, Repository | undefined>();
  /** For what is in none of them. */
  #outside: PlainIgnores;
  readonly #answers = new Answers();
  readonly #files: FilesInTree;
  /** What looked like a repository and was none, with the stamp of its .git: it may be on its way (git clone). */
  readonly #bogus = new Map<Name, string>();
  readonly #troubles: Troubles;
  /** Files that have changed, which is left for the next time. */
  readonly #left = new Set<BytePath>();
  #changed = false;
  /** Some names were left in doubt. */
  #wasUnsure = false;

  /** `repository`: the one that the root is in, if it is in one. */
  constructor(root: string, repository: Repository | undefined, options: GitIgnoresOptions) {
    this.#root = bytePathOf(root);
    this.#options = options;
    this.#files = new FilesInTree(this.#root, options.followed, options.onSkipped);
    this.#troubles = new Troubles(options.onTrouble);
    this.#repositories.set(ROOT, repository);
    repository?.follow(options.followed);
    this.#outside = new PlainIgnores(this.#root, options.onSkipped);
  }

  learn(dir: Name, entries: Iterable<readonly [string, boolean]>, dirRules: boolean): Promise<void> | undefined {
    if (isGits(dir)) return undefined;
    const asked: Array<readonly [Name, boolean]> = [];
    let mayBegin = !this.#files.wasVisited(dir);
    for (const [base, isDir] of entries) {
      const name = childOf(dir, base);
      if (base === '.git') mayBegin = true;
      else asked.push([name, isDir]);
    }
    for (const each of chainOf(dir)) this.#files.visit(each); // nobody may have listed it
    if (mayBegin && this.#isNewRepository(dir))
      return this.#open(dir).then(() => this.#askUnknown(dir, asked, dirRules));
    return this.#askUnknown(dir, asked, dirRules);
  }

  ruleFor(name: Name, isDir: boolean): GitRule | undefined {
    const rule = this.#answers.ruleFor(name, isDir);
    return rule === undefined || this.isTracked(name) ? undefined : rule;
  }

  /**
   * What is in these files is in force from now on. Files in the tree that it has not met yet are met by {@link learn}.
   */
  async believe(believed: ReadonlySet<BytePath>): Promise<News> {
    const changed = new Set([...this.#left, ...believed]);
    this.#left.clear();
    const isRetried = this.#troubles.takeTurn();
    for (const path of changed) if (this.#files.noteChanged(path)) this.#forget();
    for (const [dir, repository] of [...this.#repositories]) {
      if (repository === undefined) continue;
      const { itself, configs } = repository.files;
      const isOther = [...itself, ...configs].some((path) => changed.has(path));
      const isTrouble = this.#troubles.of(dir) !== undefined;
      if (isOther || (isRetried && isTrouble)) await this.#reopen(dir, repository);
      else if (isTrouble) continue;
      // What is in a .git that is just going, or coming, is gone or there with it.
      else if (this.#options.followed.stampOf(itself) === undefined) for (const path of changed) this.#left.add(path);
      else {
        if (repository.ruleFiles.some((path) => changed.has(path))) {
          repository.look();
          this.#forget();
        }
        const news = await repository.hasChanged((name) => this.#answers.isIgnoredDeep(inRepository(dir, name)));
        if (typeof news === 'string') this.#troubles.set(dir, { why: news, newNames: 'wait' });
        else if (news) this.#forget();
      }
    }
    const news = this.#changed ? 'changed' : this.#wasUnsure && !this.#troubles.any ? 'sure' : 'none';
    this.#changed = false;
    if (news !== 'none') this.#wasUnsure = false;
    return news;
  }

  get inWords(): string {
    const clones = [...this.#repositories].filter(([dir, repository]) => dir !== ROOT && repository !== undefined);
    const more = clones.length === 0 ? '' : `, ${clones.length} more repositories below it`;
    const { count } = this.#files;
    if (this.#repositories.get(ROOT) === undefined) return `${count} .gitignore files, read without git${more}`;
    return `git (${count} .gitignore files${more})`;
  }

  close(): void {
    for (const repository of this.#repositories.values()) repository?.close();
  }

  #forget(): void {
    for (const repository of this.#repositories.values()) this.#readAnew(repository);
    this.#answers.grow(!this.#troubles.any && this.#options.followed.restMs === 0);
    this.#changed = true;
  }

  /** What has been read of the files does not count any more. */
  #readAnew(repository: Repository | undefined): void {
    if (repository === undefined) this.#outside = this.#outside.anew();
    else repository.forget();
  }

  #askUnknown(
    dir: Name,
    entries: ReadonlyArray<readonly [Name, boolean]>,
    dirRules: boolean,
  ): Promise<void> | undefined {
    const unknown = entries.filter(
      ([name, isDir]) => !this.#answers.isCurrent(name, isDir) && ((dirRules && isDir) || !this.isTracked(name)),
    );
    return unknown.length === 0 ? undefined : this.#ask(dir, unknown);
  }

  async #ask(dir: Name, entries: ReadonlyArray<readonly [Name, boolean]>): Promise<void> {
    const { followed, onUnanswered } = this.#options;
    for (;;) {
      const [begin, repository] = this.#repositoryOf(dir);
      if (this.#troubles.of(begin)?.newNames === 'wait') return this.#leaveUnsure(entries);
      const files = [...(repository?.ruleFiles ?? []), ...chainOf(dir).map((each) => this.#files.pathIn(each))];
      const { age } = this.#answers;
      const reading = repository?.reading;
      const stamp = followed.stampOf(files);
      if (stamp === undefined) return this.#leaveUnsure(entries);
      // A directory that is not here (a mirror asks about what is only there) can't be seen to be one.
      const questionFor = ([name, isDir]: readonly [Name, boolean]): Name => {
        const question = relativeTo(begin, name);
        return isDir && this.#stampOf(name) === '-' ? (`${question}/` as Name) : question;
      };
      const isPlain = repository === undefined || this.#wouldWait(begin, repository, dir);
      const answers = isPlain ? this.#askPlain(dir, entries) : await repository.ask(entries.map(questionFor));
      // What it said may be what was true before.
      if (age !== this.#answers.age || reading !== repository?.reading) continue;
      if (!isPlain && repository.waits) {
        this.#options.onSkipped(whyStuck(bytesOfPath(repository.path).toString()));
        continue;
      }
      if (followed.stampOf(files) !== stamp) {
        // It may have read, and keep, what was there for that moment only, whose end is no change to what is believed.
        this.#readAnew(repository);
        return this.#leaveUnsure(entries);
      }
      if (answers.every((answer) => answer === 'unanswered') && (await this.#isFailing(begin)))
        return this.#leaveUnsure(entries);
      entries.forEach(([name, isDir], i) => {
        const answer = answers[i] ?? 'unanswered';
        if (answer === 'unanswered') onUnanswered(name);
        this.#answers.note(name, isDir, answer);
      });
      return;
    }
  }

  /** Without git. */
  #askPlain(dir: Name, entries: ReadonlyArray<readonly [Name, boolean]>): Verdict[] {
    const [begin, repository] = this.#repositoryOf(dir);
    if (repository !== undefined)
      return repository.askPlain(
        dir === begin ? ROOT : relativeTo(begin, dir),
        entries.map(([name, isDir]) => [relativeTo(begin, name), isDir]),
      );
    this.#outside.learn(dir, []);
    return entries.map(([name, isDir]) => this.#outside.ruleFor(name, isDir) ?? 'notIgnored');
  }

  /** The last answers that there are count on; where there is none nobody knows. */
  #leaveUnsure(entries: ReadonlyArray<readonly [Name, boolean]>): void {
    this.#wasUnsure = true;
    this.#answers.leaveUnsure(entries);
  }

  /** Git gave no answer at all: whether that is so for a name that it is never asked about otherwise. */
  async #isFailing(dir: Name): Promise<boolean> {
    const opened = await this.#openAt(dir);
    const [answer] = opened instanceof Repository ? await opened.ask([ANY]) : [];
    if (opened instanceof Repository) opened.close();
    if (answer !== undefined && answer !== 'unanswered') return false;
    this.#troubles.set(dir, { why: whyNotAsked(opened), newNames: 'wait' });
    return true;
  }

  /** Its own files have changed, or git is tried again. */
  async #reopen(dir: Name, before: Repository): Promise<void> {
    const opened = await this.#openAt(dir);
    if (!(opened instanceof Repository) && opened.kind === 'none' && isThere(before)) {
      const why = 'git does not take it for a repository any more';
      return this.#troubles.set(dir, { why, newNames: 'wait' });
    }
    if (!(opened instanceof Repository) && opened.kind === 'none' && dir === ROOT) {
      if (this.#troubles.of(dir)?.newNames === 'byFiles') return;
      before.outlive();
      this.#troubles.set(dir, { why: GONE, newNames: 'byFiles' });
      return this.#forget();
    }
    const isOuter = opened instanceof Repository && opened.top !== opened.path && dir !== ROOT;
    if (isOuter || (!(opened instanceof Repository) && opened.kind === 'none')) {
      if (opened instanceof Repository) opened.close();
      before.close();
      this.#repositories.delete(dir);
      this.#troubles.set(dir, undefined);
      return this.#forget();
    }
    const [answer] = opened instanceof Repository && !opened.waits ? await opened.ask([ANY]) : [];
    if (!(opened instanceof Repository) || answer === 'unanswered') {
      if (opened instanceof Repository) opened.close();
      return this.#troubles.set(dir, { why: whyNotAsked(opened), newNames: 'wait' });
    }
    before.close();
    this.#repositories.set(dir, opened);
    opened.follow(this.#options.followed);
    this.#troubles.set(dir, undefined);
    this.#forget();
  }

  /** Whether git would wait for ever if it were asked about what is in `dir`. */
  #wouldWait(begin: Name, repository: Repository, dir: Name): boolean {
    return repository.waits || this.#files.wouldWait(chainOf(dir), begin);
  }

  #isNewRepository(dir: Name): boolean {
    if (dir === ROOT || this.#repositories.has(dir)) return false;
    const stamp = this.#stampOf(childOf(dir, '.git'));
    return stamp !== '-' && this.#bogus.get(dir) !== stamp;
  }

  /** A directory with a .git of its own. */
  async #open(dir: Name): Promise<void> {
    const stamp = this.#stampOf(childOf(dir, '.git'));
    const opened = await this.#openAt(dir);
    if (!(opened instanceof Repository) && opened.kind === 'refused')
      this.#options.onSkipped(
        `git can't be asked about ${textOf(dir)} (${opened.why}): the rules around it count there`,
      );
    const repository = opened instanceof Repository ? opened : undefined;
    if (repository?.top !== bytePathIn(this.#root, dir) || this.#repositories.has(dir)) {
      repository?.close();
      this.#bogus.set(dir, stamp); // part of the one around it
      return;
    }
    this.#repositories.set(dir, repository);
    repository.follow(this.#options.followed);
    if (this.#answers.hasBelow(dir)) this.#forget();
  }

  #openAt(dir: Name): ReturnType<typeof Repository.open> {
    return Repository.open(bytePathIn(this.#root, dir), this.#options.git, this.#options.onSkipped);
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
    return this.#answers.dirRule(dir);
  }

  isTracked(name: Name): boolean {
    const [begin, repository] = this.#repositoryOf(parentOf(name));
    return repository?.isTracked(relativeTo(begin, name)) === true;
  }

  #stampOf(name: Name): string {
    return stampOf(bytesOfPath(bytePathIn(this.#root, name)));
  }
}

/** Whether the .git of a repository is there, whatever git makes of it. */
const isThere = ({ files }: Repository): boolean => stampOf(bytesOfPath(files.itself[0])) !== '-';

const GONE = 'it is in no git work tree any more';

/** A directory and those above it, the root last. */
const chainOf = (dir: Name): Name[] => (dir === ROOT ? [ROOT] : [dir, ...ancestorsOf(dir), ROOT]);

const inRepository = (dir: Name, name: Name): Name => (dir === ROOT ? name : childOf(dir, name));

/** Why git gives no answer. */
function whyNotAsked(opened: Awaited<ReturnType<typeof Repository.open>>): string {
  if (opened instanceof Repository) return 'git check-ignore gives no answer';
  return opened.kind === 'none' ? GONE : opened.why;
}

/** Whether a directory is git's own, or in it: it has no say there. */
const isGits = (dir: Name): boolean =>
  baseOf(dir) === '.git' || ancestorsOf(dir).some((each) => baseOf(each) === '.git');
