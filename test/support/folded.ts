import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import type { Item } from '../../src/core/event.js';
import { ancestorsOf, baseOf, childOf, type Name, parentOf, pathIn, ROOT } from '../../src/core/name.js';
import type { Begun } from '../../src/sync/begun.js';
import type { RunResult } from '../../src/sync/read-run.js';
import type { Runs } from '../../src/sync/runner.js';

/** What is there of a name, under the spelling that it was made with; a directory has no content. */
interface Thing {
  readonly name: Name;
  readonly content: string | undefined;
}

/**
 * A place where names that fold to the same are one, as rsync works on such a one: what is there keeps its spelling when it is
 * written to, and whatever way it is spelled in a list it is found.
 */
export class FoldedPlace implements Runs {
  readonly #root: string;
  readonly #fold: (name: string) => string;
  readonly #things = new Map<string, Thing>();
  /** What each run was about. */
  readonly runs: string[] = [];

  constructor(root: string, fold: (name: string) => string) {
    this.#root = root;
    this.#fold = fold;
  }

  /** `NAME=CONTENT`, in order. */
  get all(): string[] {
    return [...this.#things.values()]
      .map(({ name, content }) => `${this.#spelled(name)}${content === undefined ? '/' : `=${content}`}`)
      .sort();
  }

  async look(...[run, , { onText } = {}]: Parameters<Runs['look']>): Promise<RunResult> {
    if (run.kind !== 'list') throw new Error(`a run of ${run.kind}`);
    this.runs.push(`${run.of} ${run.names.join(' ')}`);
    const found =
      run.of === 'names'
        ? run.names.filter((name) => this.#things.has(this.#fold(name)))
        : [...this.#things.values()]
            .filter(({ name }) => run.names.some((dir) => this.#fold(dir) === this.#fold(parentOf(name))))
            .map(({ name }) => name);
    for (const name of found) onText?.(`>f+++++++++ rw-r--r-- 2026/01/01-00:00:00 ${name}`);
    return result([]);
  }

  async run(...[begun, , { onItem } = {}]: Parameters<Runs['run']>): Promise<RunResult> {
    const items: Item[] = [];
    const kept = new Set<Name>();
    const turnTo = (item: Item): void => {
      items.push(item);
      onItem?.(item, begun.was(item.name));
      begun.turnedTo(item);
    };
    for (const name of this.#namesOf(begun.run)) {
      if (name === ROOT) continue;
      const key = this.#fold(name);
      if (begun.run.kind !== 'clear' && existsSync(pathIn(this.#root, name))) {
        for (const each of [...ancestorsOf(name), name]) this.#put(each, turnTo);
      } else if ([...this.#things.keys()].some((other) => other.startsWith(`${key}/`))) kept.add(name);
      else if (this.#things.delete(key)) turnTo({ action: 'delete', name, bytes: 0, isNew: false });
    }
    this.runs.push(`${begun.run.kind} ${items.map(({ name, action }) => `${action} ${name}`).join(', ')}`);
    const ended = { ...result(items), kept };
    await begun.ended(ended);
    return ended;
  }

  #put(name: Name, turnTo: (item: Item) => void): void {
    const path = pathIn(this.#root, name);
    const content = lstatSync(path).isDirectory() ? undefined : readFileSync(path, 'utf8');
    const was = this.#things.get(this.#fold(name));
    if (was !== undefined && was.content === content) return;
    this.#things.set(this.#fold(name), { name: was?.name ?? name, content });
    turnTo({ action: content === undefined ? 'mkdir' : 'send', name, bytes: 0, isNew: was === undefined });
  }

  /** With the directories above it as those are spelled. */
  #spelled(name: Name): string {
    const parts = [...ancestorsOf(name), name].map((each) => baseOf(this.#things.get(this.#fold(each))?.name ?? each));
    return parts.join('/');
  }

  #namesOf(run: Begun['run']): readonly Name[] {
    // By rules what is in a directory goes before it.
    if (run.kind === 'clear' && run.byRules === true) return [...run.names].sort((a, b) => b.length - a.length);
    if (run.kind !== 'pass') return run.names;
    const excluded = new Set(run.rules.map((rule) => rule.replace(/^- \/|\/$/g, '')));
    const inDir = (dir: Name): Name[] =>
      readdirSync(pathIn(this.#root, dir), { encoding: 'latin1' }).flatMap((base) => {
        const name = childOf(dir, base);
        if (excluded.has(name)) return [];
        return [name, ...(lstatSync(pathIn(this.#root, name)).isDirectory() ? inDir(name) : [])];
      });
    return inDir(ROOT).sort();
  }
}

const result = (items: readonly Item[]): RunResult => ({
  outcome: { kind: 'finished', failed: new Map(), strays: new Map(), doubt: undefined },
  items,
  kept: new Set(),
  deletedDirs: new Set(),
});
