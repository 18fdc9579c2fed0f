import type { Item } from '../../src/core/event.js';
import type { Failure } from '../../src/core/failure.js';
import { ancestorsOf, childOf, directoriesAbove, isBelow, type Name, parentOf, ROOT } from '../../src/core/name.js';
import type { NamesOfRun } from '../../src/core/rsync/complaints.js';
import type { Outcome } from '../../src/core/rsync/exit.js';
import { begun as bare, type Entry, type Seen } from '../../src/core/sync/entry.js';
import type { LookingRun, RsyncProcess, Run, WritingRun } from '../../src/rsync/run.js';
import { inSlices } from '../../src/slice.js';
import type { Begun } from '../../src/sync/begun.js';
import type { RunResult } from '../../src/sync/read-run.js';
import type { LookingOptions, RunOptions, Runs } from '../../src/sync/runner.js';
import type { FakeDisk } from './fake-disk.js';

/** What rsync does about a name: brings or deletes it; fails without having turned to it; or fails after that. */
export type Fate = 'done' | 'untouched' | 'failed';

export const FAILED: Failure = { kind: 'path', message: 'permission denied' };
export const BROKEN: Failure = { kind: 'connection', message: 'gone' };

/** What is there under a name. */
export interface Thing {
  readonly entry: Entry;
  readonly content: number;
  readonly isOurs: boolean;
  /** A directory in which something came or went: it has the time of that. */
  readonly isTouched?: boolean;
}

/** What a test may have happen meanwhile. */
export interface Course {
  /** A run begins. */
  begins(run: WritingRun): void;
  /** It turns to a name. */
  fate(name: Name): Fate;
  /** Whether it is cut off at this point. */
  isCut(): boolean;
  /** Why it is. */
  why(): Failure;
  /** Whether a file of a run of moves is linked, though it is another one there. */
  isLinked(name: Name): boolean;
  /** A line is about to be read. */
  tells(item: Item): void;
  /** Something has happened there. */
  did(what: string): void;
  /** It is over, and nobody has been told yet. */
  ends(outcome: Outcome): void;
}

export const CALM: Course = {
  begins: () => {},
  fate: () => 'done',
  isCut: () => false,
  why: () => BROKEN,
  isLinked: () => false,
  tells: () => {},
  did: () => {},
  ends: () => {},
};

/**
 * A place there, as a map, and rsync as it is known to behave towards it: a file comes after its line, directories and links
 * before theirs, deletions are told afterwards, and links that are made for moves not at all. A directory that is not empty
 * is kept; the quick check goes by size and time; and what comes or goes in a directory leaves its time there until that is set.
 */
export class FakeRsync implements Runs {
  readonly there = new Map<Name, Thing>();
  readonly runs: WritingRun[] = [];
  /** What each run was offered to. */
  readonly suitable: Array<RunOptions['suitable']> = [];
  /** What was started ahead, what became of it, and with which run. */
  readonly ahead: Array<{ readonly names: readonly Name[]; end: 'waits' | 'ended' | 'run' }> = [];
  course: Course;
  /** What rsync leaves out of a full pass, for it is told the rules. */
  isExcluded: (name: Name, isDir: boolean) => boolean = () => false;
  readonly #disk: FakeDisk;
  readonly #ready = new Map<RsyncProcess, (typeof this.ahead)[number]>();

  constructor(disk: FakeDisk, course: Partial<Course> = {}) {
    this.#disk = disk;
    this.course = { ...CALM, ...course };
  }

  /** It was there before, by somebody else. */
  plant(name: Name, entry: Entry): void {
    for (const dir of ancestorsOf(name))
      if (!this.there.has(dir)) this.there.set(dir, { entry: { ...entry, type: 'dir' }, content: 0, isOurs: false });
    this.there.set(name, { entry, content: 0, isOurs: false });
  }

  /** Somebody writes to it there, at its size and time. */
  spoil(name: Name): void {
    const thing = this.there.get(name);
    if (thing !== undefined) this.there.set(name, { ...thing, content: -1 });
  }

  async startClear({ names }: Extract<Run, { kind: 'clear' }>): Promise<RsyncProcess> {
    const one: (typeof this.ahead)[number] = { names, end: 'waits' };
    this.ahead.push(one);
    const process: RsyncProcess = {
      args: [],
      ended: Promise.resolve({ kind: 'exited', code: 0 }),
      isAlive: () => one.end === 'waits',
      finish: () => Promise.reject(new Error('not used here')),
      end: () => {
        one.end = 'ended';
      },
    };
    this.#ready.set(process, one);
    return process;
  }

  async run(begun: Begun, _names: NamesOfRun, options: RunOptions = {}, course = this.course): Promise<RunResult> {
    const { run } = begun;
    this.runs.push(run);
    this.suitable.push(options.suitable);
    const ready = options.ready && this.#ready.get(options.ready);
    if (ready !== undefined) ready.end = 'run';
    course.begins(run);
    const all = turnsTo(run);
    const result = {
      items: [] as Item[],
      failed: new Map<Name, Failure>(),
      kept: new Set<Name>(),
      deletedDirs: new Set<Name>(),
    };
    const tell = (item: Item): void => {
      course.tells(item);
      options.onItem?.(item, begun.was(item.name));
      begun.turnedTo(item);
      result.items.push(item);
      course.did(`told of ${item.name}`);
    };
    const turned = new Map<Name, Entry>();
    if (run.kind === 'clear' && run.byRules === true) await this.#makeWay(run.names, tell, course);
    const listed = new Map(run.kind === 'clear' ? [] : all.map((name) => [name, this.#readList(name)]));
    for (const name of all) {
      await null;
      if (course.isCut()) break;
      const fate = course.fate(name);
      const { now, content } = run.kind === 'clear' ? NOTHING : (listed.get(name) ?? this.#readList(name));
      if (run.kind === 'pass' && typeof now === 'object' && this.isExcluded(name, now.type === 'dir')) continue;
      if (typeof now === 'object') turned.set(name, now);
      if (fate === 'untouched' || now === 'unreadable' || now === 'blocked') result.failed.set(name, FAILED);
      else if (typeof now === 'object')
        await this.#bring(run, name, { now, content }, fate, tell, course, result.failed);
      else await this.#delete(run, name, fate, tell, course, result);
    }
    if (run.kind !== 'clear' && !course.isCut()) this.#setTimes(turned);
    const { failed, ...rest } = result;
    const outcome: Outcome = course.isCut()
      ? { kind: 'broken', failure: course.why() }
      : { kind: 'finished', failed, strays: new Map(), doubt: undefined };
    course.ends(outcome);
    await begun.ended({ outcome, items: rest.items });
    return { outcome, ...rest };
  }

  /** A list finds nothing; a dry run of a full pass tells what differs, and what is only there. */
  async look(run: LookingRun, _names: NamesOfRun, _options: LookingOptions = {}): Promise<RunResult> {
    const items: Item[] = [];
    const deletedDirs = new Set<Name>();
    if (run.kind === 'pass') {
      for (const [name, now] of this.#passed()) {
        const thing = this.there.get(name);
        if (!isSame(thing, now)) items.push(itemOf(name, now, thing));
      }
      for (const [name, { entry }] of run.wouldDelete === 'nothing' ? [] : this.there) {
        if (this.#disk.has(name)) continue;
        items.push({ action: 'delete', name, bytes: 0, isNew: false });
        if (entry.type === 'dir') deletedDirs.add(name);
      }
    }
    const outcome: Outcome = { kind: 'finished', failed: new Map(), strays: new Map(), doubt: undefined };
    return { outcome, items, kept: new Set(), deletedDirs };
  }

  /** What a name is when rsync makes its list, which it does before anything else. */
  #readList(name: Name): { readonly now: Seen; readonly content: number } {
    const now = this.#disk.see(name);
    return { now, content: typeof now === 'object' ? this.#disk.contentOf(name) : 0 };
  }

  *#passed(): Generator<[Name, Entry]> {
    for (const [name, now] of this.#disk.entries()) if (!this.isExcluded(name, now.type === 'dir')) yield [name, now];
  }

  async #bring(
    run: WritingRun,
    name: Name,
    { now, content }: { readonly now: Entry; readonly content: number },
    fate: Fate,
    tell: (item: Item) => void,
    { isCut, isLinked, did }: Course,
    failed: Map<Name, Failure>,
  ): Promise<void> {
    const thing = this.there.get(name);
    const isEmpty = (): boolean => ![...this.there.keys()].some((each) => isBelow(each, name));
    const isInTheWay = thing?.entry.type === 'dir' && now.type !== 'dir' && !isEmpty();
    if (isInTheWay || ancestorsOf(name).some((dir) => this.there.get(dir)?.entry.type !== 'dir')) {
      failed.set(name, FAILED);
      return;
    }
    const compares = (run.kind === 'names' || run.kind === 'moves') && run.comparesContent;
    if (isSame(thing, now) && !(compares && now.type === 'file' && thing?.content !== content)) return;
    const basis = run.kind === 'moves' && now.type === 'file' ? this.#basisOf(run, name, now, content) : undefined;
    const item = itemOf(name, now, thing);
    const isLate = now.type !== 'file' && fate === 'done';
    const isSilent = basis !== undefined || (run.kind === 'moves' && now.type === 'file' && isLinked(name));
    if (!isLate && !isSilent) tell(item);
    await null;
    if (fate === 'failed') {
      failed.set(name, FAILED);
      return;
    }
    // Its times are those of the list, its content that of the moment when it is read.
    const read = now.type === 'file' && basis === undefined ? this.#disk.get(name) : now;
    if (read?.type !== now.type) {
      failed.set(name, FAILED);
      return;
    }
    const was = basis?.content ?? content;
    this.#put(name, {
      entry: { ...now, size: read.size },
      content: read === now ? was : this.#disk.contentOf(name),
      isOurs: true,
    });
    did(`brought ${name}`);
    await null;
    if (isLate && !isCut()) tell(item);
  }

  /** By rules: something else in the place of a directory above what goes makes way for an empty one. */
  async #makeWay(names: readonly Name[], tell: (item: Item) => void, { isCut, did }: Course): Promise<void> {
    const goes = new Set(names);
    for (const dir of [...(await inSlices(directoriesAbove(names)))].sort()) {
      if (isCut() || goes.has(dir) || ancestorsOf(dir).some((above) => goes.has(above))) continue;
      const thing = this.there.get(dir);
      if (thing === undefined || thing.entry.type === 'dir') continue;
      this.#touch(parentOf(dir));
      this.there.set(dir, { entry: { ...bare('dir'), mode: 0o755 }, content: 0, isOurs: true, isTouched: true });
      did(`made ${dir}`);
      await null;
      if (!isCut()) tell({ action: 'mkdir', name: dir, bytes: 0, isNew: true });
    }
  }

  async #delete(
    run: WritingRun,
    name: Name,
    fate: Fate,
    tell: (item: Item) => void,
    { isCut, did }: Course,
    { failed, kept }: { readonly failed: Map<Name, Failure>; readonly kept: Set<Name> },
  ): Promise<void> {
    const thing = this.there.get(name);
    if (run.kind === 'clear' && run.byRules === true && isOutOfReach(run.names, name)) return;
    const isListed = run.kind === 'clear' || (run.kind === 'names' && run.deleteMissing && run.names.includes(name));
    if (thing === undefined || !isListed) return;
    if (run.kind === 'clear' && run.byRules === true && run.isDir?.(name) === true && thing.entry.type !== 'dir')
      return;
    const isEmpty = ![...this.there.keys()].some((each) => isBelow(each, name));
    if (fate === 'failed') failed.set(name, FAILED);
    else if (!isEmpty) kept.add(name);
    else {
      this.there.delete(name);
      this.#touch(parentOf(name));
      if (run.kind === 'clear' && run.stashDir !== undefined) this.#stash(run.stashDir as Name, name, thing);
      did(`deleted ${name}`);
      await null;
      if (!isCut()) tell({ action: 'delete', name, bytes: 0, isNew: false });
    }
  }

  #stash(dir: Name, name: Name, thing: Thing): void {
    const to = childOf(dir, name);
    for (const above of ancestorsOf(to))
      this.there.set(above, { entry: { ...thing.entry, type: 'dir' }, content: 0, isOurs: true });
    this.there.set(to, thing);
  }

  /** What a file is linked to, or copied from, in the other directory there. */
  #basisOf(run: Extract<WritingRun, { kind: 'moves' }>, name: Name, now: Entry, content: number): Thing | undefined {
    const tail = run.to === ROOT ? name : name.slice(run.to.length + 1);
    const basis = this.there.get(childOf(run.from, tail));
    return isSame(basis, now) && (!run.comparesContent || basis?.content === content) ? basis : undefined;
  }

  #put(name: Name, thing: Thing): void {
    if (!this.there.has(name)) this.#touch(parentOf(name));
    this.there.set(name, thing);
  }

  #touch(dir: Name): void {
    const thing = this.there.get(dir);
    if (thing !== undefined) this.there.set(dir, { ...thing, isTouched: true });
  }

  /** At the end of a run that sends, the directories that it was about, or that are above that, get their times. */
  #setTimes(turned: ReadonlyMap<Name, Entry>): void {
    for (const [name, now] of turned) {
      const thing = this.there.get(name);
      if (thing?.entry.type !== 'dir' || now.type !== 'dir' || thing.isTouched !== true) continue;
      this.there.set(name, { ...thing, isTouched: false });
    }
  }
}

const NOTHING = { now: undefined, content: 0 } as const;

/** By rules rsync goes down into what goes, and no further: a directory below it that is not to go stays with all that is in it. */
function isOutOfReach(names: readonly Name[], name: Name): boolean {
  const above = ancestorsOf(name).map((dir) => names.includes(dir));
  return above.lastIndexOf(false) > above.indexOf(true) && above.includes(true);
}

/** In order: a directory before what is in it, but where it is deleted by rules. */
function turnsTo(run: WritingRun): Name[] {
  switch (run.kind) {
    case 'pass':
      return withAncestors([...run.names]);
    case 'clear':
      return run.byRules === true ? [...run.names].sort().reverse() : [...run.names].sort();
    case 'names':
      return withAncestors(run.names);
    case 'moves':
      return withAncestors(run.names.map((tail) => (run.to === ROOT ? tail : childOf(run.to, tail))));
  }
}

const withAncestors = (names: readonly Name[]): Name[] =>
  [...new Set(names.flatMap((name) => [...ancestorsOf(name), name]))].filter((name) => name !== ROOT).sort();

/** What rsync's quick check, and a look at the mode, make of it. */
function isSame(thing: Thing | undefined, now: Entry): boolean {
  if (thing === undefined || thing.isTouched === true) return false;
  const { entry } = thing;
  return (
    entry.type === now.type &&
    (entry.mode === now.mode || now.type === 'link') &&
    entry.link === now.link &&
    entry.size === now.size &&
    entry.mtimeS === now.mtimeS &&
    entry.mtimeNs === now.mtimeNs
  );
}

function itemOf(name: Name, now: Entry, thing: Thing | undefined): Item {
  const isNew = thing?.entry.type !== now.type;
  if (now.type === 'dir') return { action: isNew ? 'mkdir' : 'attributes', name, bytes: 0, isNew };
  const isOnlyMode = !isNew && isSame(thing, { ...now, mode: thing?.entry.mode ?? now.mode });
  return { action: isOnlyMode ? 'attributes' : 'send', name, bytes: now.size, isNew };
}
