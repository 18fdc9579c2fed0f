import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Report } from '../core/event.js';
import type { Filter, Ignores } from '../core/filter.js';
import { textOf } from '../core/name.js';
import { shortened } from '../core/printable.js';
import { describeSource } from '../core/rule.js';
import { GitIgnores } from '../git/ignores.js';
import { Repository, type UsersGit } from '../git/repository.js';
import { stampOf } from '../scan/stamp.js';
import { PlainIgnores } from './plain-ignores.js';
import { readSyncignore, SYNCIGNORE } from './syncignore.js';

/** Says what is ignored, and keeps up with the files that this comes from. */
export interface IgnoreSource extends Ignores {
  /** Looks whether something else may be ignored than before. */
  refresh(): Promise<boolean>;
  /** How many .gitignore files were met, and who reads them. */
  readonly inWords: string;
  close(): void;
}

export interface RuleFilesOptions {
  /** DIR as it was given, and as it is. */
  readonly dir: string;
  readonly root: string;
  readonly filter: Filter;
  readonly gitignore: boolean | 'whereItIs';
}

/** Keeps the filter true to the files that its rules come from: DIR's .syncignore, and what git reads. */
export class RuleFiles {
  readonly #options: RuleFilesOptions;
  readonly #report: Report;
  readonly #ignores: IgnoreSource | undefined;
  #stamp: string;
  #refreshing: Promise<string | undefined> | undefined;

  private constructor(options: RuleFilesOptions, report: Report, ignores: IgnoreSource | undefined) {
    this.#options = options;
    this.#report = report;
    this.#ignores = ignores;
    this.#stamp = stampOf(join(options.root, SYNCIGNORE));
  }

  /** Finds git's part and adds it to the filter. */
  static async open(options: RuleFilesOptions, git: UsersGit, report: Report): Promise<RuleFiles> {
    const ignores = await ignoresFor(options, git, report);
    if (ignores !== undefined) options.filter.heed(ignores);
    options.filter.whenUnanswered(tellUnanswered(report));
    return new RuleFiles(options, report, ignores);
  }

  /** Who says what git ignores; undefined where that does not count. */
  get gitInWords(): string | undefined {
    return this.#ignores?.inWords;
  }

  /** Brings the filter up to date. Gives what has changed, in words, if it may decide otherwise than before. */
  refresh(): Promise<string | undefined> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  close(): void {
    this.#ignores?.close();
  }

  async #refresh(): Promise<string | undefined> {
    const changed = (await this.#ignores?.refresh()) === true ? 'what git ignores' : undefined;
    const stamp = stampOf(join(this.#options.root, SYNCIGNORE));
    if (stamp === this.#stamp) return changed;
    this.#stamp = stamp;
    const rules = readSyncignore(this.#options.root);
    const replaced = rules.ok ? this.#options.filter.replaceSyncignore(rules.value) : rules;
    if (replaced.ok) return changed === undefined ? SYNCIGNORE : `${SYNCIGNORE} and ${changed}`;
    this.#report({
      kind: 'note',
      level: 'normal',
      text: `${replaced.failure.message}; the rules before it stay until it is mended`,
    });
    return changed;
  }
}

async function ignoresFor(
  { dir, root, gitignore }: RuleFilesOptions,
  git: UsersGit,
  report: Report,
): Promise<IgnoreSource | undefined> {
  if (gitignore === false) return undefined;
  const told = new Set<string>();
  const say = (text: string): void => {
    if (!told.has(text)) report({ kind: 'note', level: 'normal', text });
    told.add(text);
  };
  const onUnanswered = (): void =>
    say(`git can't say whether some paths below ${dir} are ignored: they stay here (see --debug)`);
  const opened = await Repository.open(root, git, say);
  if (opened instanceof Repository) {
    if (!(await opened.isIgnored()))
      return new GitIgnores(
        root,
        opened,
        git,
        (name) => {
          onUnanswered();
          report({ kind: 'note', level: 'debug', text: `git gave no answer for ${textOf(name)}` });
        },
        say,
      );
    opened.close();
    say(`git ignores all of ${dir}, so what git ignores in it is not left out`);
    return undefined;
  }
  switch (opened.kind) {
    case 'none':
      return gitignore === true ? new GitIgnores(root, undefined, git, onUnanswered, say) : undefined;
    case 'noGit':
      if (gitignore !== true && !isBelowGit(root)) return undefined;
      say(`${opened.why}: .gitignore files are read without it. ${WITHOUT_GIT}`);
      return new PlainIgnores(root, say);
    case 'refused':
      say(`git can't be asked about ${dir} (${opened.why}): .gitignore files are read without it. ${WITHOUT_GIT}`);
      return new PlainIgnores(root, say);
  }
}

/** Of a regular expression that takes too long: once in full, for the others there is `--debug`. */
function tellUnanswered(report: Report): Parameters<Filter['whenUnanswered']>[0] {
  const told = new Set<string>();
  return ({ text, source }, name) => {
    const what = `${describeSource(source)}: '${shortened(text)}' can't say in time whether it matches`;
    if (told.has(text)) report({ kind: 'note', level: 'debug', text: `${what} ${textOf(name)}` });
    else
      report({
        kind: 'note',
        level: 'normal',
        text: `${what} ${shortened(textOf(name))}: what it has no answer for stays here (see --why). Write it without repetitions in repetitions, as in (a+)+`,
      });
    told.add(text);
  };
}

const WITHOUT_GIT = 'What is tracked although it is ignored, .git/info/exclude and your own excludes file do not count';

function isBelowGit(root: string): boolean {
  for (let dir = root; ; dir = dirname(dir)) {
    if (existsSync(join(dir, '.git'))) return true;
    if (dir === dirname(dir)) return false;
  }
}

/** How many rules there are and where they come from. */
export function rulesInWords(counts: Filter['counts'], git: string | undefined, unwatched: number): string {
  const { user, syncignore, regexes, defaults } = counts;
  const parts = [
    `${user} of the command line and the settings`,
    `${syncignore} of ${SYNCIGNORE}`,
    git ?? 'git does not count',
    `${regexes} regular expressions`,
    `${defaults} by default`,
  ];
  return `what is left out, first match wins: ${parts.join('; ')}; ${unwatched} excluded directories are not watched`;
}
