import { Buffer } from 'node:buffer';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Who } from '../control/protocol.js';
import { type Control, openControl } from '../control/server.js';
import type { Event } from '../core/event.js';
import { dispositionOf, type Failure, failed, failureOf, type Result, success } from '../core/failure.js';
import { atPath, type Look, placeKey } from '../core/place/place.js';
import { own } from '../core/printable.js';
import { atLeast } from '../core/rsync/version.js';
import { delayMs, LINE_BACKOFF } from '../core/sync/retry.js';
import { inFull, type Target } from '../core/target.js';
import type { Io } from '../io.js';
import type { There } from '../rsync/probe.js';
import type { Settings } from '../settings.js';
import type { Source } from '../source.js';
import { stateFolder } from '../state/folders.js';
import { keyOf } from '../state/key.js';
import { lastPlace, noteLastPlace } from '../state/last-place.js';
import { Memory } from '../state/memory.js';
import { remembered } from '../state/remembered.js';
import { Ledger } from './ledger.js';
import { type Reached, type ReachOptions, reach, whyNotExact } from './session.js';

/** What is checked and held of one target before its line starts. */
export interface Prepared {
  readonly reach: ReachOptions;
  readonly reached: Reached;
  readonly ledger: Ledger;
  /** What was remembered of the last run is in no doubt. */
  readonly isWhole: boolean;
  /** Of DIR and the place. */
  readonly lock: Control;
  /** Gives back the connection and the lock, and closes the ledger. */
  close(): Promise<void>;
}

export interface PrepareOptions {
  readonly settings: Settings;
  readonly target: Target;
  readonly source: Source;
  readonly io: Io;
  /** Of DIR and the target as it is spelled: its socket is ours. */
  readonly key: string;
  readonly who: Who;
  /** Beside other targets, one that can't be reached yet is tried again: they are in no need of it. */
  readonly isPatient: boolean;
}

/** Logs in and checks everything that can be checked. Nothing is changed on the target. */
export async function prepareTarget(options: PrepareOptions, signal: AbortSignal): Promise<Result<Prepared>> {
  const { settings, target, source, io, key } = options;
  const { report } = io;
  const reachOptions: ReachOptions = {
    programs: source.programs,
    here: source.here,
    target,
    ssh: settings.ssh,
    controlPath: inTurns(() => join(source.runtime, `${key}.ssh`)),
    report,
    extras: settings.rsyncExtras,
    dir: settings.dir,
    root: settings.root,
    isMirror: settings.deletes === 'mirror',
    trash: settings.trash,
  };
  if (target.kind === 'remote') report({ kind: 'connecting', target: target.label, place: target.place });
  const reaching = reachInTime(reachOptions, options, signal);
  await source.rulesRead();
  // While ssh logs in.
  const placeNote = join(source.state, `${key}.place`);
  const guess = lastPlace(placeNote, io.around.uid);
  const guessed = guess === undefined ? undefined : await recall(options, guess);
  const reached = await reaching;
  if (!reached.ok) {
    guessed?.ledger.close();
    return reached;
  }
  const { connection, there } = reached.value;
  const { look } = there;
  if (look.kind === 'place')
    report({ kind: 'note', level: 'verbose', text: `the target is ${atPath(target, look.place)}` });
  const place = placeKey(target, look, connection?.host);
  const exact = whyNotExact(target, look, source.here) ?? (await askWhere(options, look));
  const lock = exact === undefined ? await lockPlace(options, place) : failed(exact);
  if (!lock.ok) {
    guessed?.ledger.close();
    await connection?.close();
    return lock;
  }
  if (place !== guess) noteLastPlace(placeNote, place);
  // Until we had the lock somebody else may have gone on.
  const isGood = guessed !== undefined && place === guess && guessed.state === stateOf(memoryPath(options, place));
  if (!isGood) guessed?.ledger.close();
  const { ledger, isWhole, told } = isGood ? guessed : await recall(options, place);
  for (const event of told) report(event);
  tellWhatIsMissing(there, options);
  const close = async (): Promise<void> => {
    ledger.close();
    await connection?.close();
    await lock.value.release();
  };
  return success({ reach: reachOptions, reached: reached.value, ledger, isWhole, lock: lock.value, close });
}

/** A path and another one beside it, by turns. */
function inTurns(path: () => string): () => string {
  let turn = 0;
  return () => `${path()}${turn++ % 2 === 0 ? '' : '2'}`;
}

/** What is remembered of DIR and a place. */
interface Recalled {
  readonly ledger: Ledger;
  readonly isWhole: boolean;
  /** What there is to say of it. */
  readonly told: readonly Event[];
  /** Of its files, when they were read. */
  readonly state: string;
}

async function recall(options: PrepareOptions, place: string): Promise<Recalled> {
  const { settings, target, source, io } = options;
  const told: Event[] = [];
  const path = memoryPath(options, place);
  const state = stateOf(path);
  const memory = new Memory({
    path,
    uid: io.around.uid,
    owner: () => ({ root: settings.root, identity: source.guard.identity, target: place }),
    makeFolder: () => failureOf(stateFolder(io.around)),
    onProblem: (text) => io.report({ kind: 'note', level: 'normal', text }),
  });
  const tell = (event: Event): void => void told.push(event);
  const { index, isWhole } = await remembered(memory, source.disk, settings.filter, tell);
  const rulesMayComeBack = (): boolean => source.rules.mayComeBack();
  const ledger = new Ledger({ journal: memory, target: target.label, report: io.report, rulesMayComeBack }, index);
  return { ledger, isWhole, told, state };
}

const memoryPath = ({ settings, source }: PrepareOptions, place: string): string =>
  join(source.state, keyOf(settings.root, place));

function stateOf(path: string): string {
  const files = ['index', 'log'].map((end) => lstatSync(`${path}.${end}`, { bigint: true, throwIfNoEntry: false }));
  return files.map((stats) => (stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.ctimeNs}`)).join();
}

/** The longest path of a socket, in bytes: 104 on macOS, with the NUL at its end. */
const LONGEST_SOCKET = 103;

/**
 * One syncwatch for DIR and a place, however that is spelled: nobody else writes what is remembered of it. In the state folder,
 * which is one, where there may be several runtime folders.
 */
async function lockPlace(
  { settings, target, source, io, who }: PrepareOptions,
  place: string,
): Promise<Result<Control>> {
  const by = source.claim(place, target.label);
  if (by !== target.label)
    return failed({ kind: 'start', message: `${target.label} is the same place as ${by}`, hint: 'Name it once.' });
  const key = `${keyOf(settings.root, place)}.lock`;
  return openControl({
    paths: () => {
      stateFolder(io.around); // made again, if it was removed
      const inState = join(source.state, key);
      return [...(Buffer.byteLength(inState) <= LONGEST_SOCKET ? [inState] : []), join(source.runtime, key)];
    },
    key,
    uid: io.around.uid,
    who,
    what: `${settings.dir} to ${inFull(target)}`,
  });
}

/** What the rsync there does not take, and what becomes of it. */
function tellWhatIsMissing({ takes }: There, { settings, target, source, io }: PrepareOptions): void {
  const tell = (level: 'normal' | 'verbose', text: string): void => io.report({ kind: 'note', level, text });
  if (takes.deletions === 'none' && settings.deletes !== 'never')
    tell(
      'normal',
      `deletions can't be carried over to ${target.label}: the rsync there takes none (rrsync with -no-del?); what is deleted here stays there and counts as failed`,
    );
  if (takes.deletions === 'rules')
    tell('verbose', `the rsync at ${target.label} takes no mark for what is missing: it is told by rules what goes`);
  if (!takes.nanoseconds && atLeast(source.here.version, 3, 1, 3))
    tell(
      'verbose',
      `the rsync at ${target.label} compares times by whole seconds only: what changed within one is compared by its content`,
    );
}

/** Where it can't be seen what a mirror would delete, somebody has to say that it is right. */
async function askWhere({ settings, target, io }: PrepareOptions, look: Look): Promise<Failure | undefined> {
  if (look.kind !== 'unknown' || settings.deletes !== 'mirror' || settings.mode === 'dry-run') return undefined;
  const doubt = `--delete mirror would delete everything else in ${target.label}, and where that is can't be seen: ${look.why}`;
  if ((await io.confirm?.(own`${doubt}. Go on?`)) === true) return undefined;
  return { kind: 'guard', message: doubt, hint: 'Use --delete seen, or run it on a terminal and confirm.' };
}

/** Logs in, again and again where there is patience for it, and says how long it took. */
async function reachInTime(
  options: ReachOptions,
  { isPatient }: PrepareOptions,
  signal: AbortSignal,
): Promise<Result<Reached>> {
  const { target, report } = options;
  let told: Failure['kind'] | undefined;
  for (let attempt = 1; ; attempt++) {
    const begun = performance.now();
    const reached = await reach(options, signal);
    if (reached.ok) {
      if (target.kind === 'remote') report({ kind: 'connected', target: target.label, ms: performance.now() - begun });
      return reached;
    }
    const { failure } = reached;
    if (!isPatient || signal.aborted || dispositionOf(failure) !== 'retry') return reached;
    const retryMs = delayMs(LINE_BACKOFF, attempt, Math.random());
    // The same trouble is told once.
    if (failure.kind !== told) report({ kind: 'trouble', target: target.label, failure, waiting: 0, retryMs });
    told = failure.kind;
    await sleep(retryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return reached;
  }
}
