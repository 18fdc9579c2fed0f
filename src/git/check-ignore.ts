import type { Program } from '../core/environment.js';
import type { GitRule } from '../core/filter/rule.js';
import { type BytePath, bytesOf, type Name, textOf } from '../core/name.js';
import type { Child } from '../spawn.js';
import { startGit } from './git.js';
import { ANSWER_PATIENCE_MS } from './waits.js';

/** What git says of a name: by which rule it ignores it, or that it does not; `unanswered`: git could not be asked. */
export type Verdict = GitRule | 'notIgnored' | 'unanswered';

export interface CheckIgnoreOptions {
  /**
   * Git reads the index too: where a sparse checkout leaves a .gitignore out, it takes the one in there. It then compares each
   * name with every tracked one (100,000: some ms), and answers for those that they are not ignored.
   */
  readonly readsIndex?: boolean;
  /** How long it may keep silent. */
  readonly patienceMs?: number;
}

interface Question {
  readonly name: Name;
  readonly resolve: (answer: Verdict) => void;
}

/** After so many deaths in a row without an answer git is left alone until the next question. */
const MOST_DEATHS = 3;

/**
 * One `git check-ignore` kept open (man git-check-ignore): names go in, for each one an answer comes out, in order;
 * 100,000 take 0.3 s. It reads the rules as it goes and keeps them: {@link forget} when they may have changed.
 *
 * What is tracked the caller knows.
 */
export class CheckIgnore {
  readonly #git: Program;
  readonly #cwd: BytePath;
  readonly #readsIndex: boolean;
  readonly #patienceMs: number;
  #child: Child | undefined;
  /** Runs while an answer is waited for. */
  #patience: NodeJS.Timeout | undefined;
  #waiting: Question[] = [];
  /** The fields of an answer that have come so far. */
  #fields: string[] = [];
  #rest = '';
  #deaths = 0;
  #isStuck = false;

  constructor(
    git: Program,
    cwd: BytePath,
    { readsIndex = false, patienceMs = ANSWER_PATIENCE_MS }: CheckIgnoreOptions = {},
  ) {
    this.#git = git;
    this.#cwd = cwd;
    this.#readsIndex = readsIndex;
    this.#patienceMs = patienceMs;
  }

  /** Names relative to the directory it was made for; never one below a link. */
  ask(names: readonly Name[]): Promise<Verdict[]> {
    const answers = names.map((name) => new Promise<Verdict>((resolve) => this.#waiting.push({ name, resolve })));
    this.#write(names);
    return Promise.all(answers);
  }

  /** It kept silent for too long, and that has not been {@link forget forgotten}: it would do so again. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Ends it; the next question starts a new one. What waits is unanswered: the rules may be others now. */
  forget(): void {
    this.#isStuck = false;
    this.#end();
  }

  #end(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.stdin.end();
    child?.kill('SIGTERM');
    this.#fields = [];
    this.#rest = '';
    this.#giveUp();
  }

  /** Ends it for good. */
  close(): void {
    this.forget();
  }

  #giveUp(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve('unanswered');
    this.#heard();
  }

  /** It has said something, or nothing is waited for any more. */
  #heard(): void {
    if (this.#waiting.length > 0) this.#patience?.refresh();
    else {
      clearTimeout(this.#patience);
      this.#patience = undefined;
    }
  }

  #write(names: readonly Name[]): void {
    this.#child ??= this.#start();
    this.#patience ??= setTimeout(() => {
      this.#isStuck = true;
      this.#end();
    }, this.#patienceMs);
    // `./`: a name beginning with a colon would be magic (man gitglossary, pathspec).
    this.#child.stdin.write(Buffer.concat(names.map((name) => Buffer.concat([DOT, bytesOf(name), NUL]))));
  }

  #start(): Child {
    const index = this.#readsIndex ? [] : ['--no-index'];
    const args = ['check-ignore', ...index, '--stdin', '-z', '--verbose', '--non-matching'];
    const child = startGit(this.#git, this.#cwd, args);
    child.stdout.on('data', (chunk: Buffer) => {
      if (child === this.#child) this.#read(chunk.toString('latin1'));
    });
    child.stderr.resume();
    void child.ended.then(() => {
      if (child === this.#child) this.#died();
    });
    return child;
  }

  /** Four fields, each with a NUL at its end: source, line, pattern, name. */
  #read(text: string): void {
    const fields = (this.#rest + text).split('\0');
    this.#rest = fields.pop() ?? '';
    for (const field of fields) {
      this.#fields.push(field);
      if (this.#fields.length < 4) continue;
      const [path = '', line = '', pattern = ''] = this.#fields;
      this.#fields = [];
      this.#deaths = 0;
      const isIgnored = pattern !== '' && !pattern.startsWith('!');
      const source = { kind: 'ignoreFile', path: textOf(path as Name), line: Number(line) } as const;
      this.#waiting.shift()?.resolve(isIgnored ? { text: textOf(pattern as Name), source } : 'notIgnored');
    }
    this.#heard();
  }

  /** Most likely of the first name that waits: one that is below a link by now. The others are asked again. */
  #died(): void {
    this.#child = undefined;
    this.#fields = [];
    this.#rest = '';
    if (++this.#deaths >= MOST_DEATHS) {
      this.#deaths = 0;
      this.#giveUp();
      return;
    }
    this.#waiting.shift()?.resolve('unanswered');
    this.#heard();
    if (this.#waiting.length > 0) this.#write(this.#waiting.map(({ name }) => name));
  }
}

const DOT = Buffer.from('./');
const NUL = Buffer.from('\0');
