import { lstatSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Program } from '../core/environment.js';
import {
  type BytePath,
  baseOf,
  bytePathIn,
  bytePathOf,
  bytesOfPath,
  childOf,
  type Name,
  parentOf,
  ROOT,
} from '../core/name.js';
import type { FollowedFiles } from '../ignores/followed-files.js';
import { PlainIgnores } from '../ignores/plain-ignores.js';
import type { OnSkipped } from '../ignores/source.js';
import { type NoProgram, passedOverInWords } from '../programs.js';
import { stampOf } from '../scan/stamp.js';
import { eachInSlices } from '../slice.js';
import type { Ended } from '../spawn.js';
import { CheckIgnore, type Verdict } from './check-ignore.js';
import { sayGit } from './git.js';
import {
  ANSWER_PATIENCE_MS,
  firstNoFile,
  firstToWait,
  GIT_PATIENCE_MS,
  whyPlain,
  whyRepositoryWaits,
} from './waits.js';

/** Why a directory's git can't be asked. */
export type NoRepository =
  | { readonly kind: 'noGit'; readonly why: string }
  /** It is in no work tree. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly why: string };

/** The git of a user, and where its files are. */
export interface UsersGit {
  readonly git: Program | NoProgram;
  readonly home: string;
  readonly configHome: string;
  /** How long git may think about what it ignores, in milliseconds; {@link ANSWER_PATIENCE_MS} where not given. */
  readonly patienceMs?: number;
}

/** The files of a repository that have a say in what is ignored in it, those in its tree below the directory left out. */
export interface FilesOfGit {
  /** Those that hold nothing but patterns for all of the work tree, the one that wins first. */
  readonly excludes: readonly BytePath[];
  readonly configs: readonly BytePath[];
  /** The .gitignore files above it. */
  readonly above: readonly BytePath[];
  /** Its .git, and what must be in there: without them it is no repository. */
  readonly itself: readonly [BytePath, ...BytePath[]];
  readonly index: BytePath;
}

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
  static async open(
    path: BytePath,
    { git, home, configHome, patienceMs = ANSWER_PATIENCE_MS }: UsersGit,
    onSkipped: OnSkipped,
  ): Promise<Repository | NoRepository> {
    if (git.file === undefined) return { kind: 'noGit', why: `git is not installed${passedOverInWords(git)}` };
    const waits = whyRepositoryWaits(path);
    if (waits !== undefined) return { kind: 'refused', why: waits };
    const where = ['index', 'info/exclude', 'config', 'HEAD'].flatMap((file) => ['--git-path', file]);
    const { ended, stdout, stderr } = await sayGit(git, path, ['rev-parse', '--show-toplevel', ...where]);
    const [top, index, exclude, config, head] = stdout.split('\n');
    if (!isFine(ended) || top === undefined || index === undefined || exclude === undefined || head === undefined)
      return /^fatal: not a git repository/m.test(stderr) || (NO_WORK_TREE.test(stderr) && !hasOwnGit(path))
        ? { kind: 'none' }
        : { kind: 'refused', why: reasonOf(ended, stderr) };
    const [found, listed] = await Promise.all([
      sayGit(git, path, ['config', '--type=path', '--get', 'core.excludesFile']),
      sayGit(git, path, ['config', '--list', '-z', '--show-origin', '--name-only']),
    ]);
    const global = found.stdout.trim() || bytePathOf(join(configHome, 'git/ignore'));
    const at = (file: BytePath): BytePath => resolve(path, file);
    const own = git.env['GIT_CONFIG_GLOBAL'];
    const usual = own === undefined ? [join(home, '.gitconfig'), join(configHome, 'git/config')] : [own];
    const files: FilesOfGit = {
      excludes: [exclude, global].map(at),
      configs: [...new Set([config ?? '', ...usual.map(bytePathOf), ...originsIn(listed.stdout)].map(at))],
      above: directoriesAbove(path, top).map((dir) => join(dir, '.gitignore')),
      itself: [join(top, '.git'), at(head)],
      index: at(index),
    };
    const repository = new Repository(git, path, top, files, onSkipped, patienceMs);
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

  /** The rules have changed. */
  forget(): void {
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

const isFine = (ended: Ended): boolean => ended.kind === 'exited' && ended.code === 0;

/** Why git gave no answer, in its own words where it has any. */
function reasonOf(ended: Ended, stderr: string): string {
  switch (ended.kind) {
    case 'notFound':
      return 'git is not there any more';
    case 'notStarted':
      return `git can't be started: ${ended.why}`;
    case 'signalled':
      return ended.signal === 'SIGKILL' || ended.signal === 'SIGTERM'
        ? `git was ended (${ended.signal}), or gave no answer within ${GIT_PATIENCE_MS / 1_000} s`
        : `git died (${ended.signal})`;
    case 'exited': {
      const said = stderr.split('\n').findLast((line) => line.startsWith('fatal: ')) ?? stderr.trim();
      const text = Buffer.from(said, 'latin1')
        .toString('utf8')
        .replace(/^fatal: /, '');
      return text === '' ? `git ended with exit code ${ended.code}` : text;
    }
  }
}

/** The files that `git config --list -z --show-origin` names. */
const originsIn = (listed: string): BytePath[] => [
  ...new Set(listed.split('\0').flatMap((field) => /^file:(.*)$/s.exec(field)?.[1] ?? [])),
];

/** The directories above `path` up to `top`. */
const NO_WORK_TREE = /^fatal: this operation must be run in a work tree/m;

/** Whether it is a work tree after all, by the `.git` directory in it or above: its settings call it bare by mistake. */
function hasOwnGit(path: BytePath): boolean {
  if (path.split('/').includes('.git')) return false;
  const isDirectory = (dir: BytePath): boolean =>
    lstatSync(bytesOfPath(join(dir, '.git')), { throwIfNoEntry: false })?.isDirectory() === true;
  return [path, ...directoriesAbove(path, '/')].some(isDirectory);
}

function directoriesAbove(path: BytePath, top: BytePath): BytePath[] {
  const above: BytePath[] = [];
  for (let dir = path; dir !== top && dir !== dirname(dir); dir = dirname(dir)) above.push(dirname(dir));
  return above;
}
