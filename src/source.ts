import type { Report } from './core/event.js';
import { failed, type Result, success } from './core/failure.js';
import { childOf, looseTextOf, type Name, nameFromText, parentOf, ROOT } from './core/name.js';
import type { RsyncHere } from './core/rsync/version.js';
import { tooFewDescriptors } from './descriptors.js';
import type { Io } from './io.js';
import type { Programs } from './programs.js';
import { probeHere } from './rsync/probe.js';
import type { RulesInForce } from './rules/in-force.js';
import { RuleFiles, rulesInWords } from './rules/rule-files.js';
import { Disk } from './scan/disk.js';
import type { Listing } from './scan/walk.js';
import type { Settings } from './settings.js';
import { nextTurn } from './slice.js';
import {
  beatFolder,
  removeBeatFolder,
  runtimeFolder,
  type Surroundings,
  stateFolder,
  takenFolders,
} from './state/folders.js';
import { whyNotMade } from './state/ours.js';
import { takeSnapshot } from './sync/full-pass.js';
import { Bridge } from './watch/bridge.js';
import { CLOCK_CHECK_MS, watchClock } from './watch/clock-watch.js';
import { HotDirectories } from './watch/hot.js';
import { RootGuard } from './watch/root-guard.js';
import { watchRoot } from './watch/root-watch.js';
import { WatchSupervisor } from './watch/supervisor.js';

/** How often the root itself is looked at, in milliseconds: no event tells that it was unmounted or moved. */
const ROOT_CHECK_MS = 1_000;

/** How often the files that rules come from are looked at, in milliseconds: most are in .git, where nobody watches. */
const RULES_CHECK_MS = 1_000;

/** One target's side: what it does with what is heard of DIR. */
export interface Listener {
  /** Something happened at these names; some of them are synced. */
  heard(names: readonly Name[], synced: readonly Name[]): void;
  /** These may have changed. */
  hint(names: readonly Name[]): void;
  /** Anything may have been missed. */
  doubt(): void;
  /** There are directories that nobody watches, or no longer. */
  setBlind(isBlind: boolean): void;
  rulesChanged(): void;
  /** The root was away. `replaced`: another one is in its place. */
  rootBack(replaced: boolean): void;
  /** The machine was asleep. */
  woke(): void;
  /** How many names wait. */
  readonly waiting: number;
}

/**
 * DIR, for all targets: its watcher, its guard, its rules. Each target listens and looks at the disk for itself, so that
 * none waits for another.
 *
 * ```
 *   watch/supervisor ─hints─┬─► scan/scanner ─listings─► sync/line ─names─► rsync   (each target has its own)
 *          ▲                └─► …     │
 *          └────────directories───────┘
 * ```
 */
export class Source {
  readonly disk: Disk;
  readonly guard: RootGuard;
  readonly programs: Programs;
  readonly here: RsyncHere;
  /** Where state is kept. */
  readonly state: string;
  readonly #around: Surroundings;
  #runtime: string;
  /** Which target has which place. */
  readonly #places = new Map<string, string>();
  readonly #settings: Settings;
  readonly #report: Report;
  readonly #cpuMs: () => number;
  readonly #opening: Promise<RuleFiles>;
  /** Whose name the watcher's signs of life have. */
  #beatKey = '';
  readonly #supervisor: WatchSupervisor;
  readonly #hot: HotDirectories;
  readonly #listeners = new Set<Listener>();
  /** What the watcher has told of and nobody has heard yet. */
  readonly #told: Array<readonly string[]> = [];
  /** The excluded directories, by the directory they are in. */
  readonly #excluded = new Map<Name, Set<Name>>();
  readonly #skipped = new Set<Name>();
  #members = 0;
  #timers: readonly NodeJS.Timeout[] = [];
  #watching: Promise<Result<undefined>> | undefined;
  /** The look at the rules that goes on, and the one after it: what is asked for now must see what is there now. */
  #refreshing: Promise<void> | undefined;
  #refreshingNext: Promise<void> | undefined;
  #rules: RuleFiles | undefined;
  #restTimer: NodeJS.Timeout | undefined;
  #isBlind = false;

  private constructor(
    settings: Settings,
    io: Io,
    found: { programs: Programs; here: RsyncHere; runtime: string; state: string },
  ) {
    const { root } = settings;
    this.#settings = settings;
    this.#report = io.report;
    this.#cpuMs = io.cpuMs;
    this.programs = found.programs;
    this.here = found.here;
    this.#around = io.around;
    this.#runtime = found.runtime;
    this.state = found.state;
    this.disk = new Disk(root);
    this.guard = new RootGuard(root, io.pid);
    this.#opening = RuleFiles.open(settings, { ...io.around, git: found.programs.git }, io.report);
    void this.#opening.then((rules) => {
      this.#rules = rules;
    });
    const hint = (name: Name): void => this.#tell((each) => each.hint([name]));
    this.#hot = new HotDirectories(this.disk, hint);
    this.#supervisor = new WatchSupervisor({
      node: found.programs.node,
      root,
      beatDir: () => this.#beatDir(),
      bridge: new Bridge(this.disk, hint),
      ignore: () => this.#ignored(),
      lookAgain: () => takeSnapshot(this.disk, settings.filter, (listing) => this.noteListing(listing)),
      onHints: (texts) => this.#heard(texts),
      onDoubt: (why) => {
        io.report({ kind: 'note', level: 'debug', text: `looking at everything: ${why}` });
        this.#tell((each) => each.doubt());
      },
      onShort: () => this.#hot.stop(),
      onBlind: (isBlind) => {
        this.#isBlind = isBlind;
        this.#tell((each) => each.setBlind(isBlind));
      },
      onTrouble: (failure, retryMs) => {
        const waiting = Math.max(0, ...[...this.#listeners].map((each) => each.waiting));
        io.report({ kind: 'trouble', target: settings.dir, failure, waiting, retryMs });
      },
    });
  }

  /** Checks what can be checked here, without any target. */
  static async open(settings: Settings, io: Io): Promise<Result<Source>> {
    const tooFew = tooFewDescriptors(settings.targets.length);
    if (tooFew !== undefined) return failed(tooFew);
    const programs = io.programs(settings.root);
    const here = await probeHere(programs.rsync, settings.rsyncExtras);
    if (!here.ok) return here;
    const runtime = runtimeFolder(io.around);
    if (!runtime.ok) return runtime;
    for (const why of takenFolders(io.around))
      io.report({ kind: 'note', level: 'normal', text: `${why}: sockets are in ${runtime.value}` });
    const state = stateFolder(io.around);
    if (!state.ok) return state;
    return success(
      new Source(settings, io, { programs, here: here.value, runtime: runtime.value, state: state.value }),
    );
  }

  /** The rules are read while ssh logs in. */
  async rulesRead(): Promise<void> {
    await this.#opening;
  }

  /** One more target; to be called back when it needs no watcher any more. When none does, watching ends. */
  join(): () => Promise<void> {
    this.#members++;
    let isIn = true;
    return async () => {
      if (isIn) this.#members--;
      isIn = false;
      if (this.#members === 0) await this.#stopWatching();
    };
  }

  /** The target that has this place (see placeKey) from now on: this one, or another one that was first. */
  claim(place: string, target: string): string {
    const by = this.#places.get(place) ?? target;
    this.#places.set(place, by);
    return by;
  }

  /** From now on it is told what happens, until the function that this gives is called. */
  attach(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#isBlind) listener.setBlind(true);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The watcher subscribes, if it has not yet; from its success on no change is missed. `key`: of a target whose lock is
   * ours, so that nobody else has a file of that name.
   */
  watch(key: string): Promise<Result<undefined>> {
    this.#watching ??= this.#startWatching(key);
    return this.#watching;
  }

  /** To be told of everything that was read of the disk. */
  noteListing(listing: Listing): void {
    if (listing.dir !== ROOT) this.#supervisor.sawDirectory(listing.dir, listing.self.ino);
    this.#noteExcluded(listing);
    for (const name of listing.others) {
      if (this.#skipped.has(name)) continue;
      this.#skipped.add(name);
      this.#report({ kind: 'skipped', name, why: 'neither a file, a directory nor a link' });
    }
  }

  /** What decides about new names, as far as it is known. */
  readonly rules: RulesInForce = {
    refresh: () => this.#refreshRules(),
    atRest: () => this.#rulesAtRest(),
    rests: () => this.#rules?.rests ?? new Map(),
    trouble: () => this.#rules?.trouble,
    mayComeBack: () => this.#rules?.mayComeBack === true,
    isBack: (rule) => this.#rules?.isBack(rule) === true,
  };

  /** Ends everything of it. */
  async close(): Promise<void> {
    await this.#stopWatching();
    (await this.#opening).close();
    clearTimeout(this.#restTimer);
    this.guard.close();
    if (this.#beatKey !== '') removeBeatFolder(this.#runtime, this.#beatKey);
  }

  /** Where sockets are kept: made again where it was removed, and another one where that can't be. */
  get runtime(): string {
    if (whyNotMade(this.#runtime, this.#around.uid) !== undefined) {
      const other = runtimeFolder(this.#around);
      if (other.ok) this.#runtime = other.value;
    }
    return this.#runtime;
  }

  #beatDir(): string {
    return beatFolder(this.runtime, this.#beatKey);
  }

  #tell(what: (listener: Listener) => void): void {
    for (const listener of this.#listeners) what(listener);
  }

  /** However much comes at once, it is told some at a time, so that something else can happen in between. */
  #heard(texts: readonly string[]): void {
    const some = texts.slice(0, 5).join(', ');
    this.#report({ kind: 'note', level: 'debug', text: `watcher: ${texts.length} hints: ${some}` });
    if (this.#told.push(texts) === 1) void this.#hear();
  }

  async #hear(): Promise<void> {
    for (let [texts] = this.#told; texts !== undefined; [texts] = this.#told) {
      this.#hearSome(texts);
      this.#told.shift();
      if (this.#told.length > 0) await nextTurn();
    }
  }

  /** What happens in an excluded directory is of no interest; beside an excluded file something else may have happened. */
  #hearSome(texts: readonly string[]): void {
    const { filter } = this.#settings;
    const isOpen = filter.openDirectories();
    const names = texts.map(nameFromText).filter((name) => isOpen(parentOf(name)));
    this.#supervisor.heardInVain(texts.length - names.length);
    const synced = names.filter((name) => filter.decide(name, false).synced);
    this.#tell((each) => each.heard(names, synced));
    this.#hot.heat(synced);
  }

  /** What is too long can't be watched either: with it @parcel/watcher would watch nothing at all. */
  #noteExcluded({ dir, entries, excluded, tooLong, absent }: Listing): void {
    const known = absent === undefined ? new Set<Name>() : (this.#excluded.get(dir) ?? new Set());
    if (absent !== undefined && known.size > 0)
      for (const base of [...entries.keys(), ...absent]) known.delete(childOf(dir, base));
    for (const { name, isDir } of [...excluded, ...tooLong]) if (isDir) known.add(name);
    if (known.size > 0) this.#excluded.set(dir, known);
    else this.#excluded.delete(dir);
  }

  #refreshRules(): Promise<void> {
    this.#refreshingNext ??= (this.#refreshing ?? Promise.resolve()).then(() => {
      this.#refreshing = this.#refreshingNext;
      this.#refreshingNext = undefined;
      return this.#refreshRulesNow();
    });
    return this.#refreshingNext;
  }

  async #refreshRulesNow(): Promise<void> {
    const rules = await this.#opening;
    const changed = await rules.refresh();
    clearTimeout(this.#restTimer);
    if (rules.restMs > 0) this.#restTimer = setTimeout(() => void this.#refreshRules(), rules.restMs + 1);
    if (changed === undefined) return;
    if (changed !== '') this.#report({ kind: 'note', level: 'normal', text: `${changed} has changed` });
    this.#tell((each) => each.rulesChanged());
  }

  async #rulesAtRest(): Promise<number> {
    const rules = await this.#opening;
    await rules.atRest(() => this.#refreshRules());
    return rules.age;
  }

  #ignored(): string[] {
    return [...this.#excluded.values()]
      .flatMap((names) => [...names])
      .map((name) => `${this.#settings.root}/${looseTextOf(name)}`)
      .filter(isPlainPath);
  }

  async #startWatching(key: string): Promise<Result<undefined>> {
    this.#beatKey = key;
    removeBeatFolder(this.runtime, key); // of a killed one
    const { root, filter } = this.#settings;
    await this.#rulesAtRest();
    // The watcher is told which directories it can spare.
    await takeSnapshot(this.disk, filter, (listing) => this.noteListing(listing));
    const started = await this.#supervisor.start();
    if (!started.ok) return started;
    this.#report({ kind: 'watching', root, directories: this.#supervisor.directories });
    const rules = rulesInWords(filter.counts, (await this.#opening).gitInWords, this.#ignored().length);
    this.#report({ kind: 'note', level: 'verbose', text: rules });
    const onBack = (replaced: boolean): void => {
      this.#tell((each) => each.rootBack(replaced));
      this.#supervisor.renew('the root is back');
    };
    this.#timers = [
      setInterval(watchRoot(this.guard, this.#report, root, onBack), ROOT_CHECK_MS),
      setInterval(
        watchClock(this.#cpuMs, this.#report, () => this.#tell((each) => each.woke())),
        CLOCK_CHECK_MS,
      ),
      setInterval(() => void this.#refreshRules(), RULES_CHECK_MS),
    ];
    return success(undefined);
  }

  async #stopWatching(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#hot.stop();
    await this.#supervisor.stop();
  }
}

/** Whether @parcel/watcher takes it for a path: with one of these it would be a glob, which costs time per event. */
const isPlainPath = (path: string): boolean => !/[[\]{}()*?\uFFFD]/.test(path);
