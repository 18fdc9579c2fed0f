import { dirname, join, relative, resolve } from 'node:path';
import type { Program } from '../core/environment.js';
import { ancestorsOf, childOf, type Name, nameFromText, pathIn, ROOT } from '../core/name.js';
import { type NoProgram, passedOverInWords } from '../programs.js';
import { type OnSkipped, PlainIgnores } from '../rules/plain-ignores.js';
import { stampOf } from '../scan/stamp.js';
import { type Answer, CheckIgnore } from './check-ignore.js';
import { sayGit } from './git.js';
import { ANSWER_PATIENCE_MS, firstToWait, GIT_PATIENCE_MS, whyPlain, whyRepositoryWaits } from './waits.js';

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

/** Files outside a directory that say what is ignored in it. */
interface RuleFilesOfGit {
  /** Those that hold nothing but patterns for all of the work tree, the one that wins first. */
  readonly excludes: readonly string[];
  readonly configs: readonly string[];
  /** The .gitignore files above it. */
  readonly above: readonly string[];
}

/**
 * One git work tree, or the part of it below a directory: what is tracked in it, and what its rules ignore.
 *
 * Names are relative to that directory.
 */
export class Repository {
  /** Where it was opened, and the top of its work tree, absolute. */
  readonly path: string;
  readonly top: string;
  readonly #git: Program;
  readonly #check: CheckIgnore;
  readonly #indexFile: string;
  /** Files outside the directory that say what is ignored. */
  readonly #ruleFiles: RuleFilesOfGit;
  readonly #onSkipped: OnSkipped;
  readonly #patienceMs: number;
  /** What says what is ignored where git would wait at one of the files that it reads. */
  #plain: PlainIgnores | undefined;
  /** Whether it would anywhere: at one of the files outside the directory. */
  #waits = false;
  #stamps = '';
  #indexStamp = '';
  #tracked = new Set<Name>();

  private constructor(
    git: Program,
    path: string,
    top: string,
    indexFile: string,
    ruleFiles: RuleFilesOfGit,
    onSkipped: OnSkipped,
    patienceMs: number,
  ) {
    this.#git = git;
    this.path = path;
    this.top = top;
    this.#check = new CheckIgnore(git, path, patienceMs);
    this.#indexFile = indexFile;
    this.#ruleFiles = ruleFiles;
    this.#onSkipped = onSkipped;
    this.#patienceMs = patienceMs;
  }

  /** `path`: absolute, symlinks resolved. `onSkipped`: a file of its own can't be read by git, as it would wait for ever. */
  static async open(
    path: string,
    { git, home, configHome, patienceMs = ANSWER_PATIENCE_MS }: UsersGit,
    onSkipped: OnSkipped,
  ): Promise<Repository | NoRepository> {
    if (git.file === undefined) return { kind: 'noGit', why: `git is not installed${passedOverInWords(git)}` };
    const waits = whyRepositoryWaits(path);
    if (waits !== undefined) return { kind: 'refused', why: waits };
    const asked = ['rev-parse', '--show-toplevel', '--git-path', 'index', '--git-path', 'info/exclude', '--git-path'];
    const { ended, stdout, stderr } = await sayGit(git, path, [...asked, 'config']);
    if (ended.kind === 'signalled') return { kind: 'refused', why: `no answer within ${GIT_PATIENCE_MS / 1_000} s` };
    const [top, index, exclude, config] = decoded(stdout).split('\n');
    if (ended.kind !== 'exited' || ended.code !== 0 || config === undefined || index === undefined)
      return /^fatal: (not a git repository|this operation must be run in a work tree)/m.test(stderr)
        ? { kind: 'none' }
        : { kind: 'refused', why: reasonIn(stderr) };
    const found = await sayGit(git, path, ['config', '--type=path', '--get', 'core.excludesFile']);
    const global = decoded(found.stdout).trim() || join(configHome, 'git/ignore');
    const above: string[] = [];
    for (let dir = path; dir !== top && dir !== dirname(dir); dir = dirname(dir))
      above.push(join(dirname(dir), '.gitignore'));
    const at = (file: string): string => resolve(path, file);
    const own = git.env['GIT_CONFIG_GLOBAL'];
    const ruleFiles: RuleFilesOfGit = {
      excludes: [exclude ?? '', global].map(at),
      configs: [
        config,
        ...(own === undefined ? [join(home, '.gitconfig'), join(configHome, 'git/config')] : [own]),
      ].map(at),
      above,
    };
    const repository = new Repository(git, path, top ?? path, at(index), ruleFiles, onSkipped, patienceMs);
    repository.#stamps = repository.#look();
    await repository.#readTracked();
    return repository;
  }

  /** Whether all of the directory is ignored in the work tree it is part of: then git has no say in it. */
  async isIgnored(): Promise<boolean> {
    if (this.path === this.top) return false;
    const isIgnoredPlain = (): boolean => this.askPlain(ROOT, [[ROOT, true]])[0] !== 'notIgnored';
    if (this.#waits || this.#whyIndexWaits() !== undefined) return isIgnoredPlain();
    const asked = ['check-ignore', '--quiet', '--', this.path];
    const { ended } = await sayGit(this.#git, this.top, asked, this.#patienceMs);
    if (ended.kind === 'signalled') return isIgnoredPlain();
    return ended.kind === 'exited' && ended.code === 0;
  }

  /** Files that are tracked and the directories above them, and submodules: never ignored. */
  isTracked(name: Name): boolean {
    return this.#tracked.has(name);
  }

  ask(names: readonly Name[]): Promise<Answer[]> {
    return this.#check.ask(names);
  }

  /** Whether git would wait for ever, or think for as long, whatever it is asked: then only {@link askPlain} gives answers. */
  get waits(): boolean {
    return this.#waits || this.#check.isStuck;
  }

  /** What is ignored among these entries of `dir` (name and whether it is a directory), as we read the files ourselves. */
  askPlain(dir: Name, entries: ReadonlyArray<readonly [Name, boolean]>): Answer[] {
    // The files are those of the whole work tree.
    const way = nameFromText(relative(this.top, this.path));
    const fromTop = (name: Name): Name => (name === ROOT ? way : childOf(way, name));
    this.#plain ??= new PlainIgnores(this.top, () => {}, this.#ruleFiles.excludes);
    this.#plain.learn(fromTop(dir), []);
    return entries.map(([name, isDir]) => this.#plain?.ruleFor(fromTop(name), isDir) ?? 'notIgnored');
  }

  /** The rules have changed. */
  forget(): void {
    this.#check.forget();
    this.#plain = undefined;
  }

  /** Looks whether anything that is not in the tree has changed what is ignored. */
  async hasChanged(isIgnored: (name: Name) => boolean): Promise<boolean> {
    const stamps = this.#look();
    const sameRules = stamps === this.#stamps;
    this.#stamps = stamps;
    if (stampOf(this.#indexFile) === this.#indexStamp) return !sameRules;
    const before = this.#tracked;
    await this.#readTracked();
    // What was ignored and is tracked by now, or was tracked and is still here.
    for (const name of this.#tracked) if (!before.has(name) && isIgnored(name)) return true;
    for (const name of before) if (!this.#tracked.has(name) && stampOf(pathIn(this.path, name)) !== '-') return true;
    return !sameRules;
  }

  close(): void {
    this.#check.close();
  }

  #look(): string {
    const { excludes, configs, above } = this.#ruleFiles;
    const waits = whyRepositoryWaits(this.path) ?? firstToWait([...configs, ...excludes, ...above]);
    if (waits !== undefined) this.#onSkipped(whyPlain(waits));
    this.#waits = waits !== undefined;
    return [...[...configs, ...excludes, ...above].map(stampOf), waits].join(' ');
  }

  /** Why git would wait before it says what is tracked. */
  #whyIndexWaits(): string | undefined {
    const { configs } = this.#ruleFiles;
    return (
      whyRepositoryWaits(this.path) ?? firstToWait(configs) ?? firstToWait([this.#indexFile], Number.POSITIVE_INFINITY)
    );
  }

  async #readTracked(): Promise<void> {
    this.#indexStamp = stampOf(this.#indexFile); // before it is read
    const waits = this.#whyIndexWaits();
    if (waits !== undefined) {
      this.#onSkipped(`${waits}: what git tracks by now is not known`);
      return;
    }
    const { ended, stdout, stderr } = await sayGit(this.#git, this.path, ['ls-files', '-z']);
    if (ended.kind !== 'exited' || ended.code !== 0) {
      this.#onSkipped(
        `git can't say what is tracked in ${this.path} (${reasonIn(stderr)}): what it ignores is left out`,
      );
      return;
    }
    this.#tracked = new Set();
    for (const text of stdout.split('\0')) {
      if (text === '') continue;
      const name = text as Name;
      this.#tracked.add(name);
      for (const dir of ancestorsOf(name).reverse()) {
        if (this.#tracked.has(dir)) break;
        this.#tracked.add(dir);
      }
    }
  }
}

/** Why git ended, in its own words. */
const reasonIn = (stderr: string): string =>
  decoded(stderr.split('\n').findLast((line) => line.startsWith('fatal: ')) ?? stderr.trim()).replace(/^fatal: /, '');

const decoded = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');
