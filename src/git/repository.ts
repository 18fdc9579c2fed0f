import { relative } from 'node:path';
import type { Program } from '../core/environment.js';
import { type BytePath, baseOf, bytePathIn, bytesOfPath, childOf, type Name, parentOf, ROOT } from '../core/name.js';
import type { FollowedFiles } from '../ignores/followed-files.js';
import { PlainIgnores } from '../ignores/plain-ignores.js';
import type { OnSkipped } from '../ignores/source.js';
import { stampOf } from '../scan/stamp.js';
import { eachInSlices } from '../slice.js';
import { CheckIgnore, type Verdict } from './check-ignore.js';
import { type FilesOfGit, findRepository, type NoRepository } from './find-repository.js';
import { isFine, reasonOf, sayGit, type UsersGit } from './git.js';
import { ANSWER_PATIENCE_MS, firstNoFile, firstToWait, whyPlain, whyRepositoryWaits } from './waits.js';

/**
 * One git work tree, or the part of it below a directory: what is tracked in it, and what its rules ignore.
 *
 * Names are relative to that directory.
 */
export class Repository {
  /** Where it was opened, and the top of its work tree, absolute. */
  readonly path: BytePath;
  readonly top: BytePath;
  readonly files: FilesOfGit;
  readonly #git: Program;
  #check: CheckIgnore;
  readonly #onSkipped: OnSkipped;
  readonly #patienceMs: number;
  /** What says what is ignored where git would wait at one of the files that it reads, or is gone. */
  #plain: PlainIgnores;
  /** Whether it would anywhere: at one of the files outside the directory. */
  #waits = false;
  #indexStamp = '';
  #tracked = new Set<Name>();
  /** The .gitignore files that are tracked and should be here, and whether a sparse checkout leaves out others. */
  #expected: readonly Name[] = [];
  #isSparse = false;
  #isOutlived = false;
  #reading = 0;

  private constructor(
    git: Program,
    path: BytePath,
    top: BytePath,
    files: FilesOfGit,
    onSkipped: OnSkipped,
    patienceMs: number,
  ) {
    this.#git = git;
    this.path = path;
    this.top = top;
    this.files = files;
    this.#patienceMs = patienceMs;
    this.#check = new CheckIgnore(git, path, { patienceMs });
    this.#onSkipped = onSkipped;
    this.#plain = this.#plainOnes();
  }

  /** `path`: absolute, symlinks resolved. `onSkipped`: a file of its own can't be read by git, as it would wait for ever. */
  static async open(path: BytePath, usersGit: UsersGit, onSkipped: OnSkipped): Promise<Repository | NoRepository> {
    const found = await findRepository(path, usersGit);
    if (found.kind !== 'found') return found;
    const { patienceMs = ANSWER_PATIENCE_MS } = usersGit;
    const repository = new Repository(found.git, path, found.top, found.files, onSkipped, patienceMs);
    repository.look();
    const failure = await repository.#readTracked();
    if (failure === undefined) return repository;
    repository.close();
    return { kind: 'refused', why: failure };
  }

  /** From now on all of its files are followed. */
  follow(followed: FollowedFiles): void {
    for (const file of this.ruleFiles) followed.follow(file);
    for (const file of [...this.files.itself, this.files.index]) followed.follow(file, 'presence');
    for (const name of this.#expected) followed.follow(bytePathIn(this.path, name), 'content', true);
  }

  /** Every file outside the directory that git takes rules from. */
  get ruleFiles(): readonly BytePath[] {
    const { excludes, configs, above } = this.files;
    return [...configs, ...excludes, ...above];
  }

  /** Whether all of the directory is ignored in the work tree it is part of: then git has no say in it. */
  async isIgnored(): Promise<boolean> {
    if (this.path === this.top) return false;
    const isIgnoredPlain = (): boolean => this.askPlain(ROOT, [[ROOT, true]])[0] !== 'notIgnored';
    if (this.#waits || this.#whyIndexWaits() !== undefined) return isIgnoredPlain();
    const asked = ['check-ignore', '--quiet', '--', bytesOfPath(this.path).toString()];
    const { ended } = await sayGit(this.#git, this.top, asked, this.#patienceMs);
    return ended.kind === 'signalled' ? isIgnoredPlain() : isFine(ended);
  }

  /** Files that are tracked and the directories above them, and submodules: never ignored. */
  isTracked(name: Name): boolean {
    return this.#tracked.has(name);
  }

  ask(names: readonly Name[]): Promise<Verdict[]> {
    return this.#check.ask(names);
  }

  /** Whether git would wait for ever, or think for as long, whatever it is asked: then only {@link askPlain} gives answers. */
  get waits(): boolean {
    return this.#waits || this.#check.isStuck;
  }

  /** What is ignored among these entries of `dir` (name and whether it is a directory), as we read the files ourselves. */
  askPlain(dir: Name, entries: ReadonlyArray<readonly [Name, boolean]>): Verdict[] {
    // The files are those of the whole work tree.
    const way = (relative(this.top, this.path) || ROOT) as Name;
    const fromTop = (name: Name): Name => (name === ROOT ? way : childOf(way, name));
    this.#plain.learn(fromTop(dir), []);
    return entries.map(([name, isDir]) => this.#plain.ruleFor(fromTop(name), isDir) ?? 'notIgnored');
  }

  /** How often what it had read was forgotten: what is asked meanwhile may get no answer. */
  get reading(): number {
    return this.#reading;
  }

  /** The rules have changed, or were others while they were read. */
  forget(): void {
    this.#reading++;
    this.#check.forget();
    const isGone = this.#isOutlived || stampOf(bytesOfPath(this.files.itself[0])) === '-';
    this.#plain = isGone ? this.#plain.anew() : this.#plainOnes();
  }

  /** Its .git is gone: only {@link askPlain} gives answers. What its own files of patterns said, and what is tracked, counts on. */
  outlive(): void {
    this.#isOutlived = true;
    this.#waits = true;
  }

  /** Looks whether git would wait for ever. */
  look(): void {
    const waits = whyRepositoryWaits(this.path) ?? firstNoFile(this.files.excludes) ?? firstToWait(this.ruleFiles);
    if (waits !== undefined) this.#onSkipped(whyPlain(waits));
    this.#waits = waits !== undefined;
  }

  /** Looks whether what is tracked has changed what is ignored. A text says why git can't tell. */
  async hasChanged(isIgnored: (name: Name) => boolean): Promise<boolean | string> {
    const stamp = stampOf(bytesOfPath(this.files.index));
    if (stamp === this.#indexStamp) return false;
    const before = this.#tracked;
    const wasSparse = this.#isSparse;
    const failure = await this.#readTracked();
    if (failure !== undefined) return failure;
    // What was ignored and is tracked by now, or was tracked and is still here.
    let isNews = wasSparse !== this.#isSparse;
    await eachInSlices(this.#tracked, (name) => {
      isNews ||= !before.has(name) && isIgnored(name);
    });
    const isHere = (name: Name): boolean => stampOf(bytesOfPath(bytePathIn(this.path, name))) !== '-';
    await eachInSlices(before, (name) => {
      isNews ||= !this.#tracked.has(name) && isHere(name);
    });
    return isNews;
  }

  close(): void {
    this.#check.close();
  }

  #plainOnes(): PlainIgnores {
    return new PlainIgnores(this.top, () => {}, this.files.excludes);
  }

  /** Why git would wait before it says what is tracked. */
  #whyIndexWaits(): string | undefined {
    const { configs, index } = this.files;
    return whyRepositoryWaits(this.path) ?? firstToWait(configs) ?? firstToWait([index], Number.POSITIVE_INFINITY);
  }

  /** Gives why git can't say it. */
  async #readTracked(): Promise<string | undefined> {
    const stamp = stampOf(bytesOfPath(this.files.index)); // before it is read
    const waits = this.#whyIndexWaits();
    if (waits !== undefined) {
      this.#indexStamp = stamp;
      this.#onSkipped(`${waits}: what git tracks by now is not known`);
      return undefined;
    }
    const { ended, stdout, stderr } = await sayGit(this.#git, this.path, ['ls-files', '-z', '-t']);
    if (!isFine(ended)) return reasonOf(ended, stderr);
    this.#indexStamp = stamp;
    const tracked = new Set<Name>();
    const rules: Name[] = [];
    let isSparse = false;
    await eachInSlices(stdout.split('\0'), (text) => {
      if (text === '') return;
      const name = text.slice(TAG.length) as Name;
      if (baseOf(name) === '.gitignore' && text.startsWith(SKIPPED)) isSparse = true;
      else if (baseOf(name) === '.gitignore') rules.push(name);
      tracked.add(name);
      for (let dir = parentOf(name); dir !== ROOT && !tracked.has(dir); dir = parentOf(dir)) tracked.add(dir);
    });
    this.#tracked = tracked;
    this.#expected = rules;
    if (isSparse !== this.#isSparse) {
      this.#check.close();
      this.#check = new CheckIgnore(this.#git, this.path, {
        readsIndex: isSparse,
        patienceMs: this.#patienceMs,
      });
      this.#isSparse = isSparse;
    }
    return undefined;
  }
}

/** How `git ls-files -t` begins each line; the tag of what a sparse checkout leaves out (`skip-worktree`). */
const TAG = 'H ';
const SKIPPED = 'S ';
