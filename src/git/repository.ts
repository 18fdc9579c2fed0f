import { dirname, join, resolve } from 'node:path';
import { ancestorsOf, type Name, pathIn } from '../core/name.js';
import { stampOf } from '../scan/stamp.js';
import { type Answer, CheckIgnore } from './check-ignore.js';
import { sayGit } from './git.js';

/** Why a directory's git can't be asked. */
export type NoRepository =
  | { readonly kind: 'noGit' }
  /** It is in no work tree. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly why: string };

/** Where git's files of a user are. */
export interface ConfigPlaces {
  readonly home: string;
  readonly configHome: string;
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
  readonly #check: CheckIgnore;
  readonly #indexFile: string;
  /** Files outside the directory that say what is ignored. */
  readonly #ruleFiles: readonly string[];
  #stamps = '';
  #indexStamp = '';
  #tracked = new Set<Name>();

  private constructor(path: string, top: string, indexFile: string, ruleFiles: readonly string[]) {
    this.path = path;
    this.top = top;
    this.#check = new CheckIgnore(path);
    this.#indexFile = indexFile;
    this.#ruleFiles = ruleFiles;
  }

  /** `path`: absolute, symlinks resolved. */
  static async open(path: string, { home, configHome }: ConfigPlaces): Promise<Repository | NoRepository> {
    const asked = ['rev-parse', '--show-toplevel', '--git-path', 'index', '--git-path', 'info/exclude', '--git-path'];
    const { ended, stdout, stderr } = await sayGit(path, [...asked, 'config']);
    if (ended.kind === 'notFound') return { kind: 'noGit' };
    const [top, index, exclude, config] = decoded(stdout).split('\n');
    if (ended.kind !== 'exited' || ended.code !== 0 || config === undefined || index === undefined)
      return /not a git repository|must be run in a work tree/.test(stderr)
        ? { kind: 'none' }
        : {
            kind: 'refused',
            why:
              stderr
                .trim()
                .replace(/^fatal: /, '')
                .split('\n')[0] ?? '',
          };
    const found = await sayGit(path, ['config', '--type=path', '--get', 'core.excludesFile']);
    const global = decoded(found.stdout).trim() || join(configHome, 'git/ignore');
    const above: string[] = [];
    for (let dir = path; dir !== top && dir !== dirname(dir); dir = dirname(dir))
      above.push(join(dirname(dir), '.gitignore'));
    const ruleFiles = [
      exclude ?? '',
      config,
      global,
      join(home, '.gitconfig'),
      join(configHome, 'git/config'),
      ...above,
    ];
    const repository = new Repository(
      path,
      top ?? path,
      resolve(path, index),
      ruleFiles.map((file) => resolve(path, file)),
    );
    repository.#stamps = repository.#look();
    await repository.#readTracked();
    return repository;
  }

  /** Whether all of the directory is ignored in the work tree it is part of: then git has no say in it. */
  async isIgnored(): Promise<boolean> {
    if (this.path === this.top) return false;
    const { ended } = await sayGit(this.top, ['check-ignore', '--quiet', '--', this.path]);
    return ended.kind === 'exited' && ended.code === 0;
  }

  /** Files that are tracked and the directories above them, and submodules: never ignored. */
  isTracked(name: Name): boolean {
    return this.#tracked.has(name);
  }

  ask(names: readonly Name[]): Promise<Answer[]> {
    return this.#check.ask(names);
  }

  /** The rules in the tree have changed. */
  forget(): void {
    this.#check.forget();
  }

  /** Looks whether anything that is not in the tree has changed what is ignored. */
  async hasChanged(isIgnored: (name: Name) => boolean): Promise<boolean> {
    const stamps = this.#look();
    const sameRules = stamps === this.#stamps;
    this.#stamps = stamps;
    if (!sameRules) this.forget();
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
    return this.#ruleFiles.map(stampOf).join(' ');
  }

  async #readTracked(): Promise<void> {
    this.#indexStamp = stampOf(this.#indexFile); // before it is read
    const { stdout } = await sayGit(this.path, ['ls-files', '-z']);
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

const decoded = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');
