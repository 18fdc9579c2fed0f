import debounce from 'debounce';
import type { Failure } from './core/failure.js';
import { comparesContents } from './core/rsync/extras.js';
import type { Rest } from './core/sync/rest.js';
import type { Target } from './core/target.js';
import type { Io } from './io.js';
import { NO_PROGRESS_MS, NO_PROGRESS_READING_MS } from './rsync/run.js';
import { rsyncSettings } from './rsync/settings.js';
import type { Disk } from './scan/disk.js';
import { Scanner } from './scan/scanner.js';
import type { Listing } from './scan/walk.js';
import { DEFAULT_REST, type Settings } from './settings.js';
import type { Source } from './source.js';
import { byRules } from './state/remembered.js';
import { type PassParts, takeSnapshot } from './sync/full-pass.js';
import { type GuardOptions, guardEmptied, guardMany, guardPass } from './sync/guards.js';
import { Line } from './sync/line.js';
import type { MirrorMode } from './sync/mirror.js';
import type { Prepared } from './sync/prepare.js';
import { QUICK_FROM } from './sync/quick-pass.js';
import { TargetSession } from './sync/session.js';

/** How long nothing must have been heard of before it is told how much waits for the connection, in milliseconds. */
const TELL_WAITING_MS = 500;

/** The parts of one target's side of a running syncwatch. */
export interface Parts {
  readonly line: Line;
  readonly scanner: Scanner;
  /** The tree is big and known from the last run: the sync comes first, watching and a walk after it. */
  readonly isQuick: boolean;
  readonly session: TargetSession;
  readonly link: Pick<Prepared['link'], 'nextTryMs' | 'stopLogins'>;
  /** How others run something in the target. */
  readonly reach: Prepared['reach'];
  readonly pass: PassParts;
  /** Resolves when a guard or a failure that won't pass ends this target. */
  readonly halted: Promise<Failure>;
  /**
   * The line begins, with a full pass or, with `--no-initial`, from what is here. Resolves when that is done, or with
   * the failure when the pass broke `tries` times.
   */
  startSyncing(tries?: number): Promise<Failure | undefined>;
  /** It hears no more of what happens. */
  detach(): void;
  /** Looks at the whole disk once more. */
  lastLook(): Promise<void>;
  /** Ends everything at once; to be called twice is fine. */
  stop(): Promise<void>;
  /** Saves the index for the next run. */
  save(): Promise<void>;
  /** What it remembers, its lock and its connection can be found where others look for them. */
  keep(): Promise<void>;
}

/**
 * Puts the parts together, for one target:
 *
 * ```
 *   source (the watcher) ─hints─► scan/scanner ─listings─► sync/line ─names─► rsync
 *          ▲                            │                      │
 *          └────────directories─────────┘                      └─events─► report
 * ```
 */
export function assemble(settings: Settings, target: Target, source: Source, io: Io, prepared: Prepared): Parts {
  const { report } = io;
  const { dir, filter } = settings;
  const { disk, guard } = source;
  const { ledger, link } = prepared;
  const mirror: MirrorMode = settings.deletes !== 'mirror' ? 'off' : settings.mirrorsExcluded ? 'all' : 'notExcluded';
  const guards: GuardOptions = {
    dir,
    mirror: mirror !== 'off',
    allowEmpty: settings.allowEmpty,
    maxDelete: settings.maxDelete,
    confirm: io.confirm,
  };

  let halt: (failure: Failure) => void = () => {};
  const halted = new Promise<Failure>((resolve) => {
    halt = resolve;
  });

  const line: Line = new Line({
    rsync: rsyncSettings(settings, {
      here: source.here,
      target,
      there: prepared.there,
      pinnedRoot: () => guard.pinned,
      remoteShell: () => link.remoteShell,
    }),
    wayThere: () => link.ensureReachable(),
    aim: prepared.aim,
    disk,
    filter,
    deletes: settings.deletes,
    rest: restFor(settings, disk),
    oneByOne: settings.oneByOne,
    noProgressMs: comparesContents(settings.rsyncExtras) ? NO_PROGRESS_READING_MS : NO_PROGRESS_MS,
    relist: (dirs) => scanner.relist(dirs),
    ledger,
    rules: source.rules,
    report,
    rootIsThere: () => guard.isThere(),
    guard: async (deletions) =>
      (await guardEmptied(disk, filter, line, guards)) ?? guardMany(deletions, target.label, guards),
    onHalt: halt,
    // With --no-initial what was taken for there may never have been.
    onRemoved: (name) => {
      if (settings.initial) session.removedThere(name);
    },
  });

  const noteListing = (listing: Listing): void => {
    source.noteListing(listing);
    line.noteLong(listing);
  };
  const scanner: Scanner = new Scanner({
    disk,
    filter,
    index: () => line.index,
    onListing: (listing) => {
      noteListing(listing);
      return line.compare(listing);
    },
    rootIsThere: () => guard.isThere(),
    refreshRules: () => source.rules.refresh(),
    onShort: (why) => {
      const text = `some of ${dir} can't be read just now: ${why}. It is looked at again until it can`;
      report({ kind: 'note', level: 'normal', text });
    },
    isHeld: () => line.held,
  });
  const pass: PassParts = {
    disk,
    filter,
    mirror,
    rulesAtRest: () => source.rules.atRest(),
    onListing: noteListing,
    guard: async (snapshot, forecast) =>
      (forecast.extraneous.length > 0 ? await prepared.whyElsewhere() : undefined) ??
      guardPass(line, guards, snapshot, forecast),
  };
  const session = new TargetSession(line, link, { pass, report, onHalt: halt });
  link.attach({
    heed: (event) => void session.heed(event),
    get waiting() {
      return line.pending.size;
    },
    runsUnderWay: () => line.runsUnderWay(),
  });
  const isQuick = settings.initial && mirror === 'off' && prepared.isWhole && line.index.size >= QUICK_FROM;
  const save = async (): Promise<void> => {
    if (guard.isThere()) await ledger.save();
  };

  const tellWaiting = debounce(() => {
    if (line.held) report({ kind: 'waiting', target: line.target, waiting: line.pending.size });
  }, TELL_WAITING_MS);
  const detachListener = source.attach({
    heard: (names, synced) => {
      if (line.held) {
        for (const name of synced) line.note(name);
        tellWaiting();
      } else if (names.length > 0) scanner.hint(names);
      if (synced.length > 0) link.nudge();
    },
    hint: (names) => scanner.hint(names),
    doubt: () => void scanner.walk(),
    setBlind: (isBlind) => scanner.setBlind(isBlind),
    rulesChanged: () => {
      void line.followRules(() => byRules(line.index, filter));
      void scanner.walk();
    },
    rootBack: (replaced) => {
      if (replaced) {
        line.forget();
        void save(); // what was remembered belongs to the other directory
      }
      void line.renewStandbys();
      void session.pass();
    },
    woke: () => void session.wake(),
    get waiting() {
      return line.pending.size;
    },
  });
  const detach = (): void => {
    detachListener();
    tellWaiting.clear();
  };

  return {
    line,
    scanner,
    isQuick,
    session,
    link,
    reach: prepared.reach,
    pass,
    halted,
    startSyncing: async (tries) => {
      if (!settings.initial) {
        if (line.index.size === 0) {
          await source.rules.atRest();
          const { tree } = await takeSnapshot(disk, filter, noteListing);
          await ledger.assume(tree.entries());
          await save();
        }
        line.resume();
        await scanner.walk();
        scanner.sweepRegularly();
        line.oweInSync();
        return undefined;
      }
      line.resume();
      const broken = await (isQuick ? session.quickPass(tries) : session.pass(tries));
      scanner.sweepRegularly();
      return broken;
    },
    detach,
    lastLook: async () => {
      if (guard.isThere()) await scanner.walk();
    },
    stop: async () => {
      detach();
      scanner.stop();
      link.stopLogins();
      await session.close();
      await link.close();
    },
    save,
    keep: async () => {
      if (guard.isThere()) await ledger.keepInPlace();
      await prepared.lock.keep();
      await link.ensureReachable();
    },
  };
}

/** With coarse time stamps a file rests for one tick, or a second write in it would go unseen and it be sent twice. */
const restFor = ({ debounceMs }: Settings, { tickMs }: Disk): Rest =>
  debounceMs === undefined
    ? { ...DEFAULT_REST, writtenMs: Math.max(tickMs, DEFAULT_REST.writtenMs) }
    : { writtenMs: debounceMs, cameMs: debounceMs };
