import { setTimeout as sleep } from 'node:timers/promises';
import { dispositionOf, type Failure, failed, failureOf, type Result, success } from '../core/failure.js';
import { atPath, type Look } from '../core/place.js';
import { own } from '../core/printable.js';
import { delayMs, LINE_BACKOFF } from '../core/retry.js';
import type { Target } from '../core/target.js';
import type { Io } from '../io.js';
import type { Settings } from '../settings.js';
import type { Source } from '../source.js';
import { stateFolder } from '../state/folders.js';
import { Memory } from '../state/memory.js';
import { type LastRun, remembered } from '../state/remembered.js';
import { type Reached, type ReachOptions, reach, whyNotExact } from './session.js';

/** What is checked and held of one target before its line starts. */
export interface Prepared {
  readonly reach: ReachOptions;
  readonly reached: Reached;
  readonly memory: Memory;
  /** What the last run delivered. */
  readonly lastRun: LastRun;
  /** Gives back the connection, and closes what is remembered. */
  close(): Promise<void>;
}

export interface PrepareOptions {
  readonly settings: Settings;
  readonly target: Target;
  readonly source: Source;
  readonly io: Io;
  /** Where its socket and its memory are, without an ending. */
  readonly socketPath: string;
  readonly memoryPath: string;
  /** Beside other targets, one that can't be reached yet is tried again: they are in no need of it. */
  readonly isPatient: boolean;
}

/** Logs in and checks everything that can be checked. Nothing is changed on the target. */
export async function prepareTarget(options: PrepareOptions, signal: AbortSignal): Promise<Result<Prepared>> {
  const { settings, target, source, io, socketPath } = options;
  const { report } = io;
  const reachOptions: ReachOptions = {
    programs: source.programs,
    here: source.here.program,
    target,
    ssh: settings.ssh,
    controlPath: `${socketPath}.ssh`,
    report,
    extras: settings.rsyncExtras,
    dir: settings.dir,
    root: settings.root,
    isMirror: settings.deletes === 'mirror',
    trash: settings.trash,
  };
  if (target.kind === 'remote') report({ kind: 'connecting', target: target.label, place: target.place });
  const reaching = reachInTime(reachOptions, options, signal);
  // While ssh logs in.
  const owner = () => ({ root: settings.root, identity: source.guard.identity, target: target.place });
  const memory = new Memory({
    path: options.memoryPath,
    uid: io.around.uid,
    owner,
    makeFolder: () => failureOf(stateFolder(io.around)),
    onProblem: (text) => report({ kind: 'note', level: 'normal', text }),
  });
  await source.rulesRead();
  const lastRun = await remembered(memory, source.disk, settings.filter, report);
  const reached = await reaching;
  if (!reached.ok) return reached;
  const { connection } = reached.value;
  const close = async (): Promise<void> => {
    memory.close();
    await connection?.close();
  };
  const { look } = reached.value.there;
  if (look.kind === 'place')
    report({ kind: 'note', level: 'verbose', text: `the target is ${atPath(target, look.place)}` });
  const refused = whyNotExact(target, look, source.here.version) ?? (await askWhere(options, look));
  if (refused !== undefined) {
    await close();
    return failed(refused);
  }
  return success({ reach: reachOptions, reached: reached.value, memory, lastRun, close });
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
