import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { msSince, steadyNow } from '../clock.js';
import { msBetween } from '../core/clock.js';
import type { Report, RulesTrouble } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { type FileSource, fileSources, SOURCES } from '../core/filter/sources.js';
import { type BytePath, bytePathOf, bytesOfPath, type Name, parentOf, ROOT, textOf } from '../core/name.js';
import { pathsAbove } from '../git/find-repository.js';
import type { UsersGit } from '../git/git.js';
import { GitIgnores } from '../git/ignores.js';
import { Repository } from '../git/repository.js';
import { FollowedFiles, type RuleRest } from '../ignores/followed-files.js';
import { PlainIgnores } from '../ignores/plain-ignores.js';
import type { IgnoreSource, News } from '../ignores/source.js';
import { stampOf } from '../scan/stamp.js';
import { readIgnoreFile } from './ignore-file.js';
import { LostRules } from './lost-rules.js';
import { tellUnanswered } from './words.js';

export interface RuleFilesOptions {
  /** DIR as it was given, and as it is. */
  readonly dir: string;
  readonly root: string;
  readonly filter: Filter;
  readonly gitignore: boolean | 'whereItIs';
  /** How long the files rest before they are believed. */
  readonly rest?: RuleRest;
  /** Whether DIR is the directory that it was; without, it always is. */
  readonly rootIsThere?: () => boolean;
}

/** For how long files are waited for that are not at rest, in milliseconds. */
const MOST_REST_MS = 10_000;

/** After so long it is told that a file is not at rest, in milliseconds. */
const RESTLESS_MS = 5_000;

/**
 * Keeps the filter true to the files that its rules come from: those in DIR (.syncignore), and what git reads. A file that is just
 * being written is not believed ({@link FollowedFiles}): until it is at rest the rules before it are in force, and nothing
 * new should be sent.
 */
export class RuleFiles {
  readonly #options: RuleFilesOptions;
  readonly #git: UsersGit;
  readonly #report: Report;
  readonly #followed: FollowedFiles;
  /** The files in DIR that are sources of their own. */
  readonly #files: ReadonlyArray<readonly [FileSource, BytePath]>;
  /** What would be there if there were a repository, and what says whether git obeys it. */
  readonly #signs: ReadonlySet<BytePath>;
  readonly #told = new Set<string>();
  #ignores: IgnoreSource | undefined;
  /** Whether git itself is asked. */
  #isGits = false;
  readonly #lost = new LostRules();
  #trouble: RulesTrouble | undefined;
  #toldTrouble: RulesTrouble | undefined;
  #refreshing: Promise<string | undefined> | undefined;
  /** Since when not all files are at rest. */
  #restlessMs = steadyNow();
  /** How often something else was in force than before. */
  #age = 0;

  private constructor(options: RuleFilesOptions, git: UsersGit, report: Report) {
    this.#options = options;
    this.#git = git;
    this.#report = report;
    this.#followed = new FollowedFiles(options.rest);
    const root = bytePathOf(options.root);
    this.#files = fileSources.map((source) => [source, join(root, SOURCES[source].file)]);
    const configs = [join(git.home, '.gitconfig'), join(git.configHome, 'git/config')].map(bytePathOf);
    const own = [root, ...pathsAbove(root, '/')].flatMap((dir) => [join(dir, '.git'), join(dir, '.git/HEAD')]);
    this.#signs = new Set([...own, join(root, '.git/config'), ...configs]);
  }

  /** Finds git's part and adds it to the filter. */
  static async open(options: RuleFilesOptions, git: UsersGit, report: Report): Promise<RuleFiles> {
    const rules = new RuleFiles(options, git, report);
    options.filter.whenUnanswered(tellUnanswered(report));
    await rules.#begin();
    return rules;
  }

  /** Who says what git ignores; undefined where that does not count. */
  get gitInWords(): string | undefined {
    return this.#ignores?.inWords;
  }

  /** For how long a file has still to rest before all of them are believed, in milliseconds; 0 where they are. */
  get restMs(): number {
    return this.#followed.restMs;
  }

  /**
   * The directories in which nothing new should be sent yet, because a file of rules for what is in them is not at rest, and
   * for how long, in milliseconds.
   */
  get rests(): ReadonlyMap<Name, number> {
    const rests = new Map<Name, number>();
    for (const [path, restMs] of this.#followed.resting()) {
      const dir = this.#scopeOf(path);
      rests.set(dir, Math.max(restMs, rests.get(dir) ?? 0));
    }
    return rests;
  }

  /** Why what nobody knows yet won't be known soon. */
  get trouble(): RulesTrouble | undefined {
    return this.#trouble;
  }

  /** How often something else was in force than before. */
  get age(): number {
    return this.#age;
  }

  /** Rules that were lost with their file a short time ago. */
  get lost(): Pick<LostRules, 'mayComeBack' | 'isBack'> {
    return this.#lost;
  }

  /**
   * Brings the filter up to date. Gives what has changed, in words, if it may decide otherwise than before; in none where all
   * that changed is that something is known by now.
   */
  refresh(): Promise<string | undefined> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /**
   * Brings the filter up to date when all files are at rest, for which it waits, though not for ever. `refresh`: as
   * {@link refresh}, for one who has more to do about what has changed.
   */
  async atRest(refresh: () => Promise<unknown> = () => this.refresh()): Promise<void> {
    const begunMs = steadyNow();
    for (;;) {
      await refresh();
      if (this.restMs === 0 || msSince(begunMs) > MOST_REST_MS) return;
      await sleep(this.restMs + 1);
    }
  }

  close(): void {
    this.#ignores?.close();
  }

  async #begin(): Promise<void> {
    const { gitignore, root } = this.#options;
    for (const [source, path] of this.#files) {
      this.#followed.follow(path, 'content', isThere(path));
      // It was read before, and may have been written since.
      this.#read(source, path);
    }
    if (gitignore === false) return;
    for (const path of this.#signs) this.#followed.follow(path, path.endsWith('onfig') ? 'content' : 'presence');
    await this.#findIgnores();
    // That git is there and no .gitignore may be for a moment only, too.
    if (this.#ignores !== undefined) this.#followed.follow(join(bytePathOf(root), '.gitignore'), 'content', true);
  }

  async #refresh(): Promise<string | undefined> {
    // What is at its place now, or is not, says nothing of it: its files of rules have not changed, nor does git refuse.
    if (!this.#rootIsThere) return undefined;
    const { changed, lost } = this.#followed.look();
    this.#tellRestless();
    this.#lost.note(lost);
    const what: string[] = [];
    for (const [source, path] of this.#files)
      if (changed.has(path) && this.#read(source, path)) what.push(SOURCES[source].file);
    const news = await this.#newsOfGit(changed);
    this.#tellTrouble();
    if (news === 'changed') what.push('what git ignores');
    if (what.length === 0 && news === 'none') return undefined;
    this.#age++;
    return what.join(' and ');
  }

  async #newsOfGit(changed: ReadonlySet<BytePath>): Promise<News> {
    if (this.#options.gitignore === false) return 'none';
    const isElsewhere = [...changed].some((path) => this.#signs.has(path));
    if (this.#isGits || !isElsewhere) return (await this.#ignores?.believe(changed)) ?? 'none';
    const before = this.#ignores;
    await this.#findIgnores();
    if (before !== this.#ignores) before?.close();
    return before === this.#ignores ? ((await before?.believe(changed)) ?? 'none') : 'changed';
  }

  /** Reads a file in DIR. The rules before it stay where it is not as it should be. */
  #read(source: FileSource, path: BytePath): boolean {
    const { root, filter } = this.#options;
    const before = this.#followed.stampOf([path]);
    const rules = readIgnoreFile(root, source);
    // Not if it was changed just now: then it comes up again.
    if (rules.ok && this.#followed.stampOf([path]) !== before) return false;
    const replaced = rules.ok ? filter.replace(source, rules.value) : rules;
    if (replaced.ok) return true;
    const text = `${replaced.failure.message}; the rules before it stay until it is mended`;
    this.#report({ kind: 'note', level: 'normal', text });
    return false;
  }

  /** Finds who says what git ignores, from now on. */
  async #findIgnores(): Promise<void> {
    const { dir, root, gitignore, filter } = this.#options;
    const opened = await Repository.open(bytePathOf(root), this.#git, (text) => this.#say(text));
    const refused = opened instanceof Repository || opened.kind !== 'refused' ? undefined : opened.why;
    if (opened instanceof Repository) {
      if (await opened.isIgnored()) {
        opened.close();
        this.#say(`git ignores all of ${dir}, so what git ignores in it is not left out`);
        return;
      }
      this.#isGits = true;
      this.#ignores = this.#askGit(opened);
    } else if (opened.kind === 'none') {
      if (gitignore !== true || this.#ignores !== undefined) return;
      this.#ignores = this.#askGit(undefined);
    } else {
      if (refused === undefined && gitignore !== true && !isBelowGit(root)) return;
      const why = refused === undefined ? opened.why : `git can't be asked about ${dir} (${refused})`;
      this.#say(`${why}: .gitignore files are read without it. ${WITHOUT_GIT}`);
      if (this.#ignores instanceof PlainIgnores) return;
      this.#ignores = new PlainIgnores(bytePathOf(root), (text) => this.#say(text), [], this.#followed);
    }
    filter.useIgnores(this.#ignores);
  }

  #askGit(repository: Repository | undefined): GitIgnores {
    const { dir, root } = this.#options;
    return new GitIgnores(root, repository, {
      git: this.#git,
      followed: this.#followed,
      onUnanswered: (name) => {
        this.#say(`git can't say whether some paths below ${dir} are ignored: they stay here (see --debug)`);
        this.#report({ kind: 'note', level: 'debug', text: `git gave no answer for ${textOf(name)}` });
      },
      onSkipped: (text) => this.#say(text),
      onTrouble: (trouble) => {
        this.#trouble = trouble;
        this.#tellTrouble();
      },
    });
  }

  get #rootIsThere(): boolean {
    return this.#options.rootIsThere?.() ?? true;
  }

  /** Where DIR has just gone, that is what is told. */
  #tellTrouble(): void {
    const { dir: root } = this.#options;
    const trouble = this.#trouble;
    if (trouble === this.#toldTrouble || (trouble !== undefined && !this.#rootIsThere)) return;
    this.#toldTrouble = trouble;
    this.#report(trouble === undefined ? { kind: 'rulesSure', root } : { kind: 'rulesUnsure', root, ...trouble });
  }

  /** A file that is written again and again holds up all that is new. */
  #tellRestless(): void {
    const now = steadyNow();
    const [restless] = this.#followed.resting();
    if (restless === undefined) this.#restlessMs = now;
    else if (msBetween(this.#restlessMs, now) > RESTLESS_MS)
      this.#say(
        `${bytesOfPath(restless[0]).toString()} is written again and again: what is new waits until it is at rest`,
      );
  }

  /** The directory that a file of rules is about. */
  #scopeOf(path: BytePath): Name {
    const root = `${bytePathOf(this.#options.root)}/`;
    return path.startsWith(root) && path.endsWith('/.gitignore') ? parentOf(path.slice(root.length) as Name) : ROOT;
  }

  /** Once. */
  #say(text: string): void {
    if (!this.#told.has(text)) this.#report({ kind: 'note', level: 'normal', text });
    this.#told.add(text);
  }
}

const isThere = (path: BytePath): boolean => stampOf(bytesOfPath(path)) !== '-';

const WITHOUT_GIT = 'What is tracked although it is ignored, .git/info/exclude and your own excludes file do not count';

function isBelowGit(root: string): boolean {
  for (let dir = root; ; dir = dirname(dir)) {
    if (existsSync(join(dir, '.git'))) return true;
    if (dir === dirname(dir)) return false;
  }
}
