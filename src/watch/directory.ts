import { regularly } from '../clock.js';
import type { EventOf } from '../core/event.js';
import { type Result, success } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { looseTextOf, type Name, ROOT, textOf } from '../core/name.js';
import type { Io } from '../io.js';
import type { Programs } from '../programs.js';
import { CurrentRules } from '../rules/current-rules.js';
import type { RulesInForce } from '../rules/in-force.js';
import { RuleFiles } from '../rules/rule-files.js';
import { countsInWords } from '../rules/words.js';
import { Disk } from '../scan/disk.js';
import { OwnFiles, type OwnPlaces } from '../scan/own-files.js';
import { stirSweeps } from '../scan/shared-sweep.js';
import { walkAll } from '../scan/shared-walk.js';
import type { Listing } from '../scan/walk.js';
import type { Settings } from '../settings.js';
import { beatFolder, ownFolders, removeBeatFolder, temporaryBeginnings } from '../state/folders.js';
import { Bridge } from './bridge.js';
import { watcherBy } from './child.js';
import { CLOCK_CHECK_MS, watchClock } from './clock-watch.js';
import type { DirectoryEvent, DirectoryUser } from './directory-event.js';
import { HintQueue } from './hint-queue.js';
import { HotDirectories } from './hot.js';
import { MountGuard } from './mount-guard.js';
import { PolledParts } from './polled.js';
import { RootGuard } from './root-guard.js';
import { watchRoot } from './root-watch.js';
import { SparedDirectories } from './spared.js';
import { WatchSupervisor } from './supervisor.js';

/**
 * How often it is looked at what no event tells of, in milliseconds: the root and what is mounted below it, which may go, the clocks,
 * and the files that rules come from, of which most are in .git, where nobody watches. All at once, for each look wakes it.
 */
const LOOK_MS = CLOCK_CHECK_MS;

/** What it takes of this machine. */
export interface DirectoryGround {
  readonly programs: Pick<Programs, 'node' | 'git'>;
  /** Where the watcher's signs of life are, as it is now. */
  readonly runtime: string;
}

/**
 * DIR, for all targets: its watcher, its guard, its rules. It tells what happens, and is told which directories there are to
 * watch ({@link noteListing}); each target looks at the disk for itself, so that none waits for another; only walks of the whole tree
 * they share (scan/shared-walk).
 */
export class Directory {
  readonly disk: Disk;
  /** What is left out: kept as the files of rules are. */
  readonly filter: Filter;
  readonly guard: RootGuard;
  readonly mounts: MountGuard;
  readonly #settings: Settings;
  readonly #io: Pick<Io, 'report' | 'cpuMs'>;
  readonly #ground: DirectoryGround;
  readonly #rules: CurrentRules;
  /** Whose name the watcher's signs of life have. */
  #beatKey = '';
  readonly #supervisor: WatchSupervisor;
  readonly #hot: HotDirectories;
  readonly #spared = new SparedDirectories();
  readonly #users = new Set<DirectoryUser>();
  readonly #polled: PolledParts;
  readonly #skipped = new Set<Name>();
  #members = 0;
  #stopLooking: (() => void) | undefined;
  #watching: Promise<Result<undefined>> | undefined;
  readonly #moved = new AbortController();
  #isBlind = false;
  #isWatching = false;

  constructor(
    settings: Settings,
    filter: Filter,
    io: Pick<Io, 'report' | 'cpuMs' | 'around' | 'pid' | 'streams'>,
    ground: DirectoryGround,
  ) {
    const { root } = settings;
    const { report } = io;
    this.filter = filter;
    this.#settings = settings;
    this.#io = io;
    this.#ground = ground;
    this.#polled = new PolledParts(filter, settings, report);
    this.disk = new Disk(root, new OwnFiles(root, ownPlaces(io), (name) => this.#tellOwn(name)));
    this.guard = new RootGuard(root, settings.dir, io.pid);
    const rootIsThere = (): boolean => this.guard.isThere();
    this.mounts = new MountGuard({
      root,
      mounts: this.disk.mounts,
      rootIsThere,
      forget: async (name) => {
        await Promise.all([...this.#users].map((user) => user.forgetBelow(name)));
      },
      onGone: (name, isBare) => this.#tellMount({ kind: 'mountGone', name, inUse: isBare }),
      onBack: (name, isReplaced) => this.#tellMount({ kind: 'mountBack', name, replaced: isReplaced }),
      onChange: () => {
        this.#pollWhatIsSilent();
        this.#tell({ kind: 'doubt' });
        if (this.#stopLooking !== undefined) this.#supervisor.renew('a file system was mounted or unmounted');
      },
    });
    const opening = RuleFiles.open(
      { ...settings, filter, rootIsThere },
      { ...io.around, git: ground.programs.git },
      report,
    );
    this.#rules = new CurrentRules(opening, (what) => {
      if (what !== '') report({ kind: 'note', level: 'normal', text: `${what} has changed` });
      this.#tell({ kind: 'rulesChanged' });
      this.#pollWhatIsSilent();
    });
    const hint = (name: Name): void => {
      if (!this.disk.own.has(name)) this.#tell({ kind: 'hint', names: [name] });
    };
    this.#hot = new HotDirectories(this.disk, hint);
    const hints = new HintQueue({
      filter,
      own: this.disk.own,
      report,
      onNames: (names, synced) => {
        this.#tell({ kind: 'watcherHints', names, synced });
        this.#hot.heat(synced);
      },
      onExcluded: (count) => this.#supervisor.countExcludedHints(count),
    });
    this.#supervisor = new WatchSupervisor({
      startWatcher: watcherBy(ground.programs.node),
      root,
      beatDir: () => beatFolder(ground.runtime, this.#beatKey),
      bridge: new Bridge(this.disk, hint),
      ignore: () => [
        ...this.#spared.paths(root),
        ...this.disk.own.folders.map((name) => `${root}/${looseTextOf(name)}`),
      ],
      lookAgain: () => this.#noteAll(),
      onHints: (texts) => {
        stirSweeps(this.disk); // by what is left out, too: where one is told of, others may be lost
        hints.push(texts);
      },
      onDoubt: (why) => {
        report({ kind: 'note', level: 'debug', text: `looking at everything: ${why}` });
        this.#tell({ kind: 'doubt' });
      },
      onShort: () => this.#hot.stop(),
      onBlind: (isBlind) => {
        this.#isBlind = isBlind;
        this.#tell({ kind: 'blind', isBlind });
      },
      onTrouble: (failure, retryMs) => {
        const waiting = Math.max(0, ...[...this.#users].map((each) => each.waiting));
        report({ kind: 'trouble', target: settings.dir, failure, waiting, retryMs });
      },
    });
  }

  /** Aborted when DIR leads to another directory, with other contents: it has to be begun anew there. */
  get moved(): AbortSignal {
    return this.#moved.signal;
  }

  /** What decides about new names, as far as it is known. */
  get rules(): RulesInForce {
    return this.#rules;
  }

  /** The rules are read while ssh logs in. */
  async rulesRead(): Promise<void> {
    await this.#rules.read;
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

  /** From now on it is told what happens, until the function that this gives is called. */
  attach(user: DirectoryUser): () => void {
    this.#users.add(user);
    if (this.#isBlind) user.handleDirectory({ kind: 'blind', isBlind: true });
    user.handleDirectory({ kind: 'polled', ...this.#polled.now });
    return () => this.#users.delete(user);
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
    if (listing.dir !== ROOT) this.#supervisor.sawDirectory(listing.dir, listing.self);
    this.#spared.note(listing);
    for (const name of listing.others) {
      if (this.#skipped.has(name)) continue;
      this.#skipped.add(name);
      this.#io.report({ kind: 'skipped', name, why: 'neither a file, a directory nor a link' });
    }
  }

  async #noteAll(): Promise<void> {
    for await (const listing of walkAll(this.disk, this.filter)) this.noteListing(listing);
  }

  /** Ends everything of it. */
  async close(): Promise<void> {
    await this.#stopWatching();
    await this.#rules.close();
    this.guard.close();
    if (this.#beatKey !== '') removeBeatFolder(this.#ground.runtime, this.#beatKey);
  }

  #tell(event: DirectoryEvent): void {
    for (const user of this.#users) user.handleDirectory(event);
  }

  /** What is left out may come and go. */
  #tellMount(event: EventOf<'mountGone' | 'mountBack'>): void {
    const decision = this.filter.decideDeep(event.name, true);
    if (decision.synced || decision.isUnsure === true) this.#io.report(event);
  }

  #pollWhatIsSilent(): void {
    if (this.#isWatching && this.#polled.look()) this.#tell({ kind: 'polled', ...this.#polled.now });
  }

  #tellOwn(name: Name): void {
    if (!this.filter.decideDeep(name, false).synced) return;
    const text = `${textOf(name)} is what syncwatch itself writes: it is left out`;
    this.#io.report({ kind: 'note', level: 'normal', text });
  }

  async #startWatching(key: string): Promise<Result<undefined>> {
    const { report, cpuMs } = this.#io;
    this.#beatKey = key;
    removeBeatFolder(this.#ground.runtime, key); // of a killed one
    const { filter } = this;
    const { root } = this.#settings;
    await this.#rules.atRest();
    // The watcher is told which directories it can spare.
    await this.#noteAll();
    const started = await this.#supervisor.start();
    if (!started.ok) return started;
    report({ kind: 'watching', root, directories: this.#supervisor.directories });
    this.#isWatching = true;
    this.#pollWhatIsSilent();
    const { gitInWords } = await this.#rules.read;
    const rules = countsInWords(filter.counts, gitInWords, this.#spared.paths(root).length);
    report({ kind: 'note', level: 'verbose', text: rules });
    const onBack = (isReplaced: boolean): void => {
      if (isReplaced) this.mounts.reset();
      else this.mounts.look();
      this.#pollWhatIsSilent();
      this.#tell({ kind: 'rootBack', isReplaced });
      this.#supervisor.renew('the root is back');
    };
    const lookAtRoot = watchRoot(this.guard, report, root, onBack, () => this.#moved.abort());
    const lookAtClock = watchClock(cpuMs, report, () => this.#tell({ kind: 'woke' }));
    this.#stopLooking = regularly(LOOK_MS, () => {
      lookAtClock();
      lookAtRoot();
      this.mounts.look();
      void this.#rules.refresh();
    });
    return success(undefined);
  }

  async #stopWatching(): Promise<void> {
    this.#stopLooking?.();
    this.#hot.stop();
    await this.#supervisor.stop();
  }
}

/** Where syncwatch writes, wherever DIR is. */
const ownPlaces = ({ around, streams }: Pick<Io, 'around' | 'streams'>): OwnPlaces => ({
  folders: ownFolders(around),
  beginnings: temporaryBeginnings(around),
  streams,
});
