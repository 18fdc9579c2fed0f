import PQueue from 'p-queue';
import { regularly } from './clock.js';
import type { Answerer } from './control/server.js';
import type { Event } from './core/event.js';
import { exitCodeOf, success } from './core/failure.js';
import { strictAt, tooOpen } from './core/place/strict.js';
import { comparesContents } from './core/rsync/extras.js';
import { modeThereBy } from './core/rsync/modes.js';
import { canRewrite } from './core/rsync/rewrite.js';
import type { ReadonlyIndex } from './core/sync/name-index.js';
import type { Rest } from './core/sync/rest.js';
import { Spellings } from './core/sync/twins.js';
import type { Target } from './core/target.js';
import type { Io } from './io.js';
import { Keys } from './keys/keys.js';
import { Notifier } from './notify/notifier.js';
import { NO_PROGRESS_MS, NO_PROGRESS_READING_MS } from './rsync/run.js';
import { rsyncSettings } from './rsync/settings.js';
import type { Disk } from './scan/disk.js';
import { DEFAULT_REST, type Invocation, type PaceSettings, type Settings } from './settings.js';
import { Engine } from './sync/engine.js';
import { type GuardOptions, guardEmptied, guardMany, guardPass } from './sync/guards.js';
import { Host } from './sync/host.js';
import { type Prepared, prepareTarget } from './sync/prepare.js';
import { type Anew, type NewStart, Restart } from './sync/restart.js';
import { runTarget } from './sync/run.js';
import type { Work } from './sync/work.js';
import { Directory } from './watch/directory.js';

/**
 * Where one begins to read. One watcher for DIR, and for each target a link, a ledger and an engine, until the last of them
 * has ended:
 *
 * ```
 *   watch ─► engine ─► schedule ─► batch ─► rsync ─► ledger ─► events ─► report, hooks, status
 *     ▲        │
 *     └────────┘ which directories to watch
 * ```
 * Where DIR is a link that is pointed elsewhere, it all begins anew there, and so it does where other settings are to be taken; `anew`
 * reads them for that. `offer` gets who answers for each target. Gives the exit code, the highest of all; whatever happens, nothing of
 * ours is left running.
 */
export async function watch(first: Invocation, world: Io, anew: Anew, offer: Offer): Promise<number> {
  let start: NewStart = { invocation: first, wantsPass: false };
  let previous: Previous = new Map();
  for (;;) {
    const { code, moved, next } = await watchOne(start, world, { previous, anew, offer });
    if (next === undefined && moved === undefined) return code;
    const read = next === undefined ? await anew.read(true) : success(next.invocation);
    if (!read.ok) {
      world.report({ kind: 'halted', failure: read.failure });
      return exitCodeOf(read.failure);
    }
    start = { invocation: read.value, wantsPass: next?.wantsPass === true };
    previous = moved ?? new Map();
    anew.begins(read.value.settings);
  }
}

/** Gets who answers for a target, by its name: what its socket answers others, for this process itself. */
export type Offer = (target: string, answerer: Answerer) => void;

/** How often it is looked whether the settings have changed, in milliseconds. */
const SETTINGS_LOOK_MS = 2_000;

/** What is there by our doing from the directory that DIR led to before, of each target. */
type Previous = ReadonlyMap<string, ReadonlyIndex>;

/** How one start has ended: `moved`, where DIR leads elsewhere; `next`, where other settings are to be taken. */
interface End {
  readonly code: number;
  readonly moved: Previous | undefined;
  readonly next: NewStart | undefined;
}

/** Until all have ended, or it is to begin anew. */
async function watchOne(
  { invocation, wantsPass }: NewStart,
  world: Io,
  { previous, anew, offer }: { readonly previous: Previous; readonly anew: Anew; readonly offer: Offer },
): Promise<End> {
  const { settings, filter } = invocation;
  const listeners: Array<(event: Event) => void> = [];
  const questions = new PQueue({ concurrency: 1 });
  const { confirm } = world;
  const io: Io = {
    ...world,
    report: (event) => {
      world.report(event);
      for (const listener of listeners) listener(event);
    },
    // Two targets may ask: one after the other.
    confirm: confirm === undefined ? undefined : (question) => questions.add(() => confirm(question)),
  };
  const notifier = settings.notifies ? Notifier.open(io.programs(settings.root), world.report) : undefined;
  if (notifier !== undefined) listeners.push((event) => notifier.handle(event));
  const opened = await Host.open(settings, io);
  if (!opened.ok) {
    io.report({ kind: 'halted', failure: opened.failure });
    await notifier?.close();
    return { code: exitCodeOf(opened.failure), moved: undefined, next: undefined };
  }
  const host = opened.value;
  const directory = new Directory(settings, filter, io, host);
  const restart = new Restart(invocation, anew);
  let isChanged = false;
  const isOneOfSeveral = settings.targets.length > 1;
  const keys = world.keys && new Keys({ board: world.keys, restart, isChanged: () => isChanged });
  const stopLooking = regularly(SETTINGS_LOOK_MS, () => {
    const changed = settings.mode === 'watch' ? anew.changed() : undefined;
    if (changed === undefined) return;
    isChanged = true;
    io.report({ kind: 'settingsChanged', ...changed });
  });
  const subscribe = (listener: (event: Event) => void): void => void listeners.push(listener);
  const ends = await Promise.all(
    settings.targets.map((target) => {
      const about = { settings, target, host, directory, io, previous: previous.get(target.label) };
      const isPatient = isOneOfSeveral && settings.mode === 'watch';
      return runTarget({
        ...about,
        isOneOfSeveral,
        subscribe,
        wantsPass,
        restart,
        offer: (answerer) => {
          keys?.offer(target.label, answerer);
          offer(target.label, answerer);
        },
        prepare: (identity, signal) => prepareTarget({ ...about, ...identity, isPatient }, signal),
        engineFor: (prepared) => putTogether(settings, target, { host, directory }, io, prepared),
      });
    }),
  );
  stopLooking();
  keys?.close();
  await directory.close();
  await notifier?.close();
  await Promise.all(ends.map(({ control }) => control?.release()));
  const code = Math.max(...ends.map(({ code }) => code));
  const next = ends.some(({ isRestarted }) => isRestarted) ? restart.next : undefined;
  if (next !== undefined)
    io.report({ kind: 'note', level: 'normal', text: 'begins anew, with the settings as they are now' });
  if (!ends.some(({ moved }) => moved !== undefined)) return { code, moved: undefined, next };
  const indexes = settings.targets.flatMap(({ label }, i) => {
    const index = ends[i]?.moved?.index ?? previous.get(label);
    return index === undefined ? [] : [[label, index] as const];
  });
  return { code, moved: new Map(indexes), next };
}

/** The engine of one target, once that has been reached: `link` and `ledger` are there by then. */
function putTogether(
  settings: Settings,
  target: Target,
  { host, directory }: { readonly host: Host; readonly directory: Directory },
  { report, confirm }: Io,
  { link, ledger, ahead, there, aim, whyElsewhere, linksThere }: Prepared,
): Engine {
  const { here } = host;
  const { disk, filter, guard, rules } = directory;
  const { dir } = settings;
  const { mode: deletes, allowEmpty, most: maxDelete } = settings.deletions;
  const rsync = rsyncSettings(settings, {
    here,
    target,
    there,
    pinnedRoot: () => guard.pinned,
    remoteShell: () => link.remoteShell,
  });
  const mkfifo = host.programs.find('mkfifo');
  const rewrites =
    mkfifo.file !== undefined &&
    !there.isCramped &&
    canRewrite(rsync, here.version, there.version, settings.targets.length)
      ? { mkfifo, session: (words: readonly string[]) => link.connection?.session(words) }
      : undefined;
  const guards: GuardOptions = { dir, mirror: deletes === 'mirror', allowEmpty, maxDelete, confirm };
  const guarded = { ledger, rsync, disk, filter, deletes };
  const strict = strictAt(there.look, target);
  const modeThere = modeThereBy(settings.rsync);
  const isTooOpen: Work['tooOpen'] = (see) => tooOpen(strict, see, { dir, modeThere });
  return new Engine({
    ...guarded,
    underWay: host.underWay,
    ahead,
    link,
    aim,
    wayThere: () => link.ensureReachable(),
    rewrites,
    noProgressMs: comparesContents(settings.rsync.extras) ? NO_PROGRESS_READING_MS : NO_PROGRESS_MS,
    policy: { oneByOne: settings.pace.oneByOne, rescanMs: settings.pace.rescanMinutes * 60_000 },
    rest: restFor(settings.pace, disk),
    rules,
    linksThere,
    linked: new Set(),
    spellings: new Spellings(there.look.kind === 'place' ? there.look.place.spelling : 'unknown'),
    report,
    rootIsThere: () => guard.isThere(),
    lookAtMounts: () => directory.mounts.look(),
    tooOpen: isTooOpen,
    guard: async (deletions) => (await guardEmptied(guarded, guards)) ?? guardMany(deletions, target.label, guards),
    pass: {
      mirror: deletes !== 'mirror' ? 'off' : settings.deletions.excludedToo ? 'all' : 'notExcluded',
      guard: async (snapshot, forecast) =>
        isTooOpen((name) => snapshot.tree.get(name)) ??
        (forecast.extraneous.length > 0 ? await whyElsewhere() : undefined) ??
        guardPass(guarded, guards, snapshot, forecast),
    },
    // With --no-initial what was taken for there may never have been.
    checksRemovals: settings.pace.initial,
    noteListing: (listing) => directory.noteListing(listing),
    onShort: (why) => {
      const text = `some of ${dir} can't be read just now: ${why}. It is looked at again until it can`;
      report({ kind: 'note', level: 'normal', text });
    },
  });
}

/** With coarse time stamps a file rests for one tick, or a second write in it would go unseen and it be sent twice. */
const restFor = ({ debounceMs }: PaceSettings, { tickMs }: Disk): Rest =>
  debounceMs === undefined
    ? { ...DEFAULT_REST, writtenMs: Math.max(tickMs, DEFAULT_REST.writtenMs) }
    : { writtenMs: debounceMs, cameMs: debounceMs };
