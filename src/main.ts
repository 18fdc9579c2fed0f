import { rmSync } from 'node:fs';
import { join } from 'node:path';
import debounce from 'debounce';
import type { Who } from './control/protocol.js';
import { type Control, openControl } from './control/server.js';
import type { Report } from './core/event.js';
import { type Failure, failed, type Result, success } from './core/failure.js';
import { looseTextOf, type Name, nameFromText, parentOf, ROOT } from './core/name.js';
import type { NameIndex } from './core/name-index.js';
import type { Rest } from './core/rest.js';
import type { Io } from './io.js';
import { probeHere, type Version } from './rsync/probe.js';
import { RuleFiles, rulesInWords } from './rules/rule-files.js';
import { Disk } from './scan/disk.js';
import { Scanner } from './scan/scanner.js';
import type { Listing } from './scan/walk.js';
import { DEFAULT_REST, type Settings } from './settings.js';
import { beatFolder, keyOf, runtimeFolder, stateFolder } from './state/folders.js';
import type { IndexOwner } from './state/index-file.js';
import { Memory } from './state/memory.js';
import { excludedIn, remembered } from './state/remembered.js';
import { type PassParts, takeSnapshot } from './target/full-pass.js';
import { type GuardOptions, guardEmptied, guardMany, guardPass, refuseHome } from './target/guards.js';
import { Line } from './target/line.js';
import type { MirrorMode } from './target/mirror.js';
import { QUICK_FROM } from './target/quick-pass.js';
import { type Reached, type ReachOptions, reach, rsyncSettings, TargetSession } from './target/session.js';
import { Bridge } from './watch/bridge.js';
import { CLOCK_CHECK_MS, watchClock } from './watch/clock-watch.js';
import { HotDirectories } from './watch/hot.js';
import { RootGuard } from './watch/root-guard.js';
import { watchRoot } from './watch/root-watch.js';
import { WatchSupervisor } from './watch/supervisor.js';

/** How often the root itself is looked at, in milliseconds: no event tells that it was unmounted or moved. */
const ROOT_CHECK_MS = 1_000;

/** How long nothing must have been heard of before it is told how much waits for the connection, in milliseconds. */
const TELL_WAITING_MS = 500;

/** How often the files that rules come from are looked at, in milliseconds: most are in .git, where nobody watches. */
const RULES_CHECK_MS = 1_000;

/** What is checked and held before anything starts. */
export interface Prepared {
  readonly here: Version;
  readonly reach: ReachOptions;
  readonly reached: Reached;
  readonly memory: Memory;
  readonly beatDir: string;
  readonly rootGuard: RootGuard;
  /** What the last run delivered. */
  readonly index: NameIndex;
  readonly rules: RuleFiles;
  readonly control: Control;
  readonly who: Who;
  /** Gives back the lock and the connection. */
  close(): Promise<void>;
}

/** Checks everything that can be checked, takes the lock and logs in. Nothing is changed on the target. */
export async function prepare(settings: Settings, io: Io, signal: AbortSignal): Promise<Result<Prepared>> {
  const [target] = settings.targets;
  const here = await probeHere();
  if (!here.ok) return here;
  const runtime = runtimeFolder(io.around);
  if (!runtime.ok) return runtime;
  const state = stateFolder(io.around);
  if (!state.ok) return state;
  const key = keyOf(settings.root, `${target.label}\0${settings.ssh.port ?? ''}`);
  const who = { pid: io.pid, root: settings.root, target: target.label };
  const control = await openControl(join(runtime.value, `${key}.sock`), who, `${settings.dir} to ${target.label}`);
  if (!control.ok) return control;

  const reachOptions: ReachOptions = {
    target,
    ssh: settings.ssh,
    controlPath: join(runtime.value, `${key}.ssh`),
    report: io.report,
    rsyncArgs: settings.rsyncArgs,
  };
  const begun = performance.now();
  if (target.kind === 'remote') io.report({ kind: 'connecting', target: target.label });
  const reaching = reach(reachOptions, signal);
  // While ssh logs in.
  const rootGuard = new RootGuard(settings.root, io.pid);
  const memory = new Memory(
    join(state.value, key),
    () => ownerOf(settings, rootGuard),
    (text) => io.report({ kind: 'note', level: 'normal', text }),
  );
  const rules = await RuleFiles.open(settings, io.around, io.report);
  const index = await remembered(memory, settings.filter, io.report);
  const reached = await reaching;
  if (!reached.ok) {
    rules.close();
    await control.value.release();
    return reached;
  }
  const { connection } = reached.value;
  const beatDir = beatFolder(runtime.value, key);
  const close = async (): Promise<void> => {
    await connection?.close();
    rules.close();
    rootGuard.close();
    rmSync(beatDir, { recursive: true, force: true });
    await control.value.release();
  };
  if (settings.deletes === 'mirror') {
    const home = connection === undefined ? io.around.home : (await connection.run(['pwd'])).stdout.trim();
    const refused = refuseHome(target, home === '' ? undefined : home);
    if (refused !== undefined) {
      await close();
      return failed(refused);
    }
  }
  if (connection !== undefined) io.report({ kind: 'connected', target: target.label, ms: performance.now() - begun });
  return success({
    here: here.value,
    reach: reachOptions,
    reached: reached.value,
    memory,
    beatDir,
    rootGuard,
    index,
    rules,
    control: control.value,
    who,
    close,
  });
}

/** The parts of a running syncwatch. */
export interface Parts {
  readonly report: Report;
  readonly line: Line;
  readonly scanner: Scanner;
  /** The tree is big and known from the last run: the sync comes first, watching and a walk after it. */
  readonly isQuick: boolean;
  readonly session: TargetSession;
  readonly pass: PassParts;
  /** Resolves when a guard or a failure that won't pass ends the program. */
  readonly halted: Promise<Failure>;
  /** The watcher subscribes; from its success on no change is missed. */
  startWatching(): Promise<Result<undefined>>;
  /**
   * The line begins, with a full pass or, with `--no-initial`, from what is here. Resolves when that is done, or with
   * the failure when the pass broke `tries` times.
   */
  startSyncing(tries?: number): Promise<Failure | undefined>;
  stopWatching(): Promise<void>;
  /** Looks at the whole disk once more. */
  lastLook(): Promise<void>;
  /** Ends everything at once; to be called twice is fine. */
  stop(): Promise<void>;
  /** Saves the index for the next run. */
  save(): void;
}

/**
 * Puts the parts together, for one target:
 *
 * ```
 *   watch/supervisor ─hints─► scan/scanner ─listings─► target/line ─names─► rsync
 *          ▲                        │                      │
 *          └──────directories───────┘                      └─events─► report
 * ```
 */
export function assemble(settings: Settings, io: Io, prepared: Prepared): Parts {
  const { report } = io;
  const { root, dir, filter } = settings;
  const mirror: MirrorMode = settings.deletes !== 'mirror' ? 'off' : settings.mirrorsExcluded ? 'all' : 'notExcluded';
  const [target] = settings.targets;
  const disk = new Disk(root);
  const { rootGuard, memory, rules } = prepared;
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

  const line: Line = new Line(
    {
      rsync: rsyncSettings(settings, () => rootGuard.pinned, target, prepared.reached, prepared.here),
      aim: prepared.reached.aim,
      disk,
      filter,
      deletes: settings.deletes,
      rest: restFor(settings, disk),
      oneByOne: settings.oneByOne,
      relist: (dirs) => scanner.relist(dirs),
      memory,
      report,
      rootIsThere: () => rootGuard.isThere(),
      guard: (deletions) => guardEmptied(disk, filter, line, guards) ?? guardMany(deletions, target.label, guards),
      onHalt: halt,
      // With --no-initial what was taken for there may never have been.
      onRemoved: (name) => {
        if (settings.initial) session.removedThere(name);
      },
    },
    prepared.index,
  );
  memory.keep(() => line.index);

  const excluded = new Map<Name, readonly Name[]>();
  const skipped = new Set<Name>();
  const noteListing = (listing: Listing): void => {
    if (listing.dir !== ROOT) supervisor.sawDirectory(listing.dir, listing.self.ino);
    excluded.set(
      listing.dir,
      listing.excluded.filter((e) => e.isDir).map((e) => e.name),
    );
    for (const name of listing.others) {
      if (skipped.has(name)) continue;
      skipped.add(name);
      report({ kind: 'skipped', name, why: 'neither a file, a directory nor a link' });
    }
  };
  const refreshRules = async (): Promise<void> => {
    const changed = await rules.refresh();
    if (changed === undefined) return;
    report({ kind: 'note', level: 'normal', text: `${changed} has changed` });
    void line.leaveAlone(() => excludedIn(line.index, filter));
    void scanner.walk();
  };
  const scanner: Scanner = new Scanner({
    disk,
    filter,
    index: () => line.index,
    onListing: (listing) => {
      noteListing(listing);
      line.compare(listing);
    },
    rootIsThere: () => rootGuard.isThere(),
    refreshRules,
    isHeld: () => line.held,
  });
  const tellWaiting = debounce(() => {
    if (line.held) report({ kind: 'waiting', target: line.target, waiting: line.pending.size });
  }, TELL_WAITING_MS);
  const ignored = (): string[] =>
    [...excluded.values()]
      .flat()
      .map((name) => `${root}/${looseTextOf(name)}`)
      .filter(isPlainPath);
  const hot = new HotDirectories(disk, (name) => scanner.hint([name]));
  const supervisor = new WatchSupervisor({
    root,
    beatDir: prepared.beatDir,
    bridge: new Bridge(disk, (name) => scanner.hint([name])),
    ignore: ignored,
    onHints: (texts) => {
      report({ kind: 'note', level: 'debug', text: `watcher: ${texts.length} hints: ${texts.slice(0, 5).join(', ')}` });
      // What happens in an excluded directory is of no interest; beside an excluded file something else may have happened.
      const isOpen = filter.openDirectories();
      const names = texts.map(nameFromText).filter((name) => isOpen(parentOf(name)));
      supervisor.heardInVain(texts.length - names.length);
      const synced = names.filter((name) => filter.decide(name, false).synced);
      if (line.held) {
        for (const name of synced) line.note(name);
        tellWaiting();
      } else if (names.length > 0) scanner.hint(names);
      hot.heat(synced);
      if (synced.length > 0) session.nudge();
    },
    onDoubt: (why) => {
      report({ kind: 'note', level: 'debug', text: `looking at everything: ${why}` });
      void scanner.walk();
    },
    onShort: () => hot.stop(),
    onBlind: (isBlind) => scanner.setBlind(isBlind),
    onTrouble: (failure, retryMs) =>
      report({ kind: 'trouble', target: dir, failure, waiting: line.pending.size, retryMs }),
  });
  const pass: PassParts = {
    disk,
    filter,
    mirror,
    refreshRules,
    onListing: noteListing,
    guard: (snapshot, forecast) => guardPass(line, guards, snapshot, forecast),
  };
  const session = new TargetSession(line, prepared.reached, prepared.reach, {
    pass,
    onHalt: halt,
  });

  const isQuick = settings.initial && mirror === 'off' && line.index.size >= QUICK_FROM;

  const save = (): void => {
    if (rootGuard.isThere()) memory.save();
  };
  const timers: NodeJS.Timeout[] = [];
  const stopWatching = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    tellWaiting.clear();
    hot.stop();
    await supervisor.stop();
  };

  return {
    report,
    line,
    scanner,
    isQuick,
    session,
    pass,
    halted,
    startWatching: async () => {
      await takeSnapshot(disk, filter, noteListing); // the watcher is told which directories it can spare
      const started = await supervisor.start();
      if (!started.ok) return started;
      report({ kind: 'watching', root, directories: supervisor.directories });
      report({ kind: 'note', level: 'verbose', text: rulesInWords(filter.counts, rules.gitInWords, ignored().length) });
      timers.push(
        setInterval(watchRoot(rootGuard, report, root, { line, session, supervisor, save }), ROOT_CHECK_MS),
        setInterval(watchClock(report, session), CLOCK_CHECK_MS),
        setInterval(() => void refreshRules(), RULES_CHECK_MS),
      );
      session.rescanEvery(settings.rescanMinutes);
      return success(undefined);
    },
    startSyncing: async (tries) => {
      if (!settings.initial) {
        if (line.index.size === 0) {
          const { tree } = await takeSnapshot(disk, filter, noteListing);
          for (const [name, entry] of tree.entries()) line.index.set(name, entry);
          save();
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
    stopWatching,
    lastLook: async () => {
      if (rootGuard.isThere()) await scanner.walk();
    },
    stop: async () => {
      await stopWatching();
      scanner.stop();
      await session.close();
    },
    save,
  };
}

/** With coarse time stamps a file rests for one tick, or a second write in it would go unseen and it be sent twice. */
const restFor = ({ debounceMs }: Settings, { tickMs }: Disk): Rest =>
  debounceMs === undefined
    ? { ...DEFAULT_REST, writtenMs: Math.max(tickMs, DEFAULT_REST.writtenMs) }
    : { writtenMs: debounceMs, cameMs: debounceMs };

const ownerOf = ({ root, targets: [target] }: Settings, { identity }: RootGuard): IndexOwner => ({
  root,
  identity,
  target: target.label,
});

/** Whether @parcel/watcher takes it for a path: with one of these it would be a glob, which costs time per event. */
const isPlainPath = (path: string): boolean => !/[[\]{}()*?\uFFFD]/.test(path);
