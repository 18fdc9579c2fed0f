import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ancestorsOf, directoriesAbove, type Name, pathIn, ROOT } from '../core/name.js';
import { type Deletions, type ListOf, type RsyncSettings, type RunKind, rsyncArgs } from '../core/rsync/args.js';
import type { OutputLine } from '../core/rsync/output.js';
import { clearRules } from '../core/rsync/rules.js';
import type { RsyncExit } from '../core/rsync/whole-run.js';
import { eachInSlices, inSlices, Slice } from '../slice.js';
import { type Child, collect, type Ended, spawn } from '../spawn.js';
import { makeTemporary } from '../user-folders.js';
import { LinesInSlices } from './read-lines.js';

/** A run as its caller sees it. */
export type Run =
  | {
      readonly kind: 'names';
      readonly names: readonly Name[];
      readonly comparesContent: boolean;
      readonly deleteMissing: boolean;
      readonly saysHowFar?: boolean;
      readonly dryRun?: boolean;
    }
  | {
      readonly kind: 'clear';
      readonly names: readonly Name[];
      readonly stashDir?: string;
      readonly byRules?: boolean;
      /** See {@link clearRules}. */
      readonly isDir?: (name: Name) => boolean;
      readonly dryRun?: boolean;
    }
  /** `names`: of directories, unless it is about names. */
  | { readonly kind: 'list'; readonly of: ListOf; readonly names: readonly Name[] }
  | (Extract<RunKind, { kind: 'moves' }> & { readonly names: readonly Name[] })
  | (Extract<RunKind, { kind: 'pass'; dryRun: true }> & { readonly rules: readonly string[] })
  /** `names`: of the walk, as often as they are asked for. */
  | {
      readonly kind: 'pass';
      readonly dryRun: false;
      readonly rules: readonly string[];
      readonly names: Iterable<Name>;
    };

/** A run that changes nothing there. */
export type LookingRun = Extract<Run, { kind: 'list' }> | Extract<Run, { kind: 'pass'; dryRun: true }>;

/** A run that may change something there. */
export type WritingRun =
  | (Extract<Run, { kind: 'names' | 'clear' }> & { readonly dryRun?: never })
  | Extract<Run, { kind: 'moves' }>
  | Extract<Run, { kind: 'pass'; dryRun: false }>;

/**
 * How long a run may say nothing before it is taken for stuck, in milliseconds. Data on its way shows every second
 * (progress2), or with each file where all are small; silent are only a remote that reads a huge file to compare it, and a pass
 * over a tree without changes (500,000 files: 7 s). A lost connection is noticed much sooner, by its master.
 */
export const NO_PROGRESS_MS = 300_000;

/**
 * A run that says nothing within a file may be silent for as long as the largest one takes, in bytes a millisecond: on a link that
 * is slow, and on the slowest there is.
 */
export const SLOW_LINK = 10;
export const SLOWEST_LINK = 0.5;

/** The same where contents are compared (`--checksum`): both sides read everything before a word is said (1 TB: 3 h). */
export const NO_PROGRESS_READING_MS = 12 * 3_600_000;

/** How long after SIGTERM an rsync that is still there is killed, in milliseconds. */
const KILL_MS = 2_000;

/** One rsync that was started and now waits for its stdin. */
export interface RsyncProcess {
  readonly args: readonly string[];
  /** Resolves when it is gone. Never rejects. */
  readonly ended: Promise<Ended>;
  /** Not from {@link end} on. */
  readonly isAlive: () => boolean;
  /** Whether it can be given its names; at once where not given. */
  readonly isReady?: () => boolean;
  /** Whether another one of its kind would be of no use either; where not given, it would. */
  readonly isUnfit?: () => boolean;
  /**
   * Writes what it reads on stdin and closes that; gives what it prints as it prints it, and how it ended. `abort` ends
   * it with SIGTERM; so does {@link NO_PROGRESS_MS} of silence.
   */
  finish(input: Iterable<Buffer>, onLine: (line: OutputLine) => void, options: FinishOptions): Promise<RsyncExit>;
  /** Ends it unused. */
  end(): void;
}

export interface FinishOptions {
  readonly abort: AbortSignal;
  /** In milliseconds; {@link NO_PROGRESS_MS} where not given. */
  readonly noProgressMs?: number | undefined;
}

/** Starts one rsync. It connects, and agrees on everything with the other side, before it reads its stdin. */
export function startRsync(settings: RsyncSettings, kind: RunKind): RsyncProcess {
  const args = rsyncArgs(settings, kind);
  const child = spawn(settings.program, args, { cwd: settings.pinnedRoot(), ownSession: true });
  const stderr = collect(child.stderr);
  let alive = true;
  void child.ended.then(() => {
    alive = false;
  });
  return {
    args,
    ended: child.ended,
    isAlive: () => alive,
    end: () => {
      alive = false; // it takes its time to go
      endSurely(child);
    },
    finish: async (input, onLine, options) => {
      const guard = guarded(() => endSurely(child), [child.stdout, child.stderr], options);
      const lines = new LinesInSlices(child.stdout, onLine);
      const slice = new Slice();
      for (const part of input) {
        if (!alive || child.stdin.destroyed) break; // how it ended says why
        if (!child.stdin.write(part)) {
          await Promise.race([once(child.stdin, 'drain').catch(() => {}), child.ended]);
          guard.heard();
        }
        if (slice.isOver) await slice.next();
      }
      child.stdin.end();
      const ended = await child.ended;
      await lines.end();
      return exitOf(ended, stderr(), guard.end());
    },
  };
}

/**
 * Stops a run when that is asked for, or after too long a silence on these streams. `heard`: it gives another sign of life, such as
 * reading; `end`: when it has ended; gives how long that was.
 */
export function guarded(
  stop: () => void,
  streams: readonly Readable[],
  { abort, noProgressMs = NO_PROGRESS_MS }: FinishOptions,
): { readonly heard: () => void; readonly end: () => number | undefined } {
  if (abort.aborted) stop();
  abort.addEventListener('abort', stop);
  let stalled = false;
  const silence = setTimeout(() => {
    stalled = true;
    stop();
  }, noProgressMs);
  const heard = (): void => {
    if (!stalled) silence.refresh();
  };
  for (const stream of streams) stream.on('data', heard);
  return {
    heard,
    end: () => {
      clearTimeout(silence);
      abort.removeEventListener('abort', stop);
      return stalled ? noProgressMs : undefined;
    },
  };
}

export const exitOf = (ended: Ended, stderr: string, stalledMs: number | undefined): RsyncExit => ({
  code: ended.kind === 'exited' ? ended.code : ended.kind === 'notFound' ? 127 : undefined,
  signal: ended.kind === 'signalled' ? ended.signal : undefined,
  notStarted: ended.kind === 'notStarted' ? ended.why : undefined,
  stderr,
  stalledMs,
});

/** With SIGTERM, so that both sides clean up; but one that is stopped, or waits for a frozen peer, would stay. */
export function endSurely(child: Child): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_MS);
  void child.ended.then(() => clearTimeout(timer));
}

/** Starts one rsync and runs it to its end. */
export async function runRsync(
  settings: RsyncSettings,
  run: Run,
  onLine: (line: OutputLine) => void,
  options: FinishOptions & { readonly onCommand?: (args: readonly string[]) => void },
): Promise<RsyncExit> {
  const { deletions } = settings.takes;
  if (run.kind === 'clear' && (run.byRules === true || deletions === 'rules')) {
    const started = await startByRules(settings, run, false);
    if (typeof started === 'string') return notStarted(started);
    options.onCommand?.(started.args);
    return started.finish([], onLine, options);
  }
  const isPass = run.kind === 'pass' && !run.dryRun;
  const made = run.kind === 'clear' || run.kind === 'list' || isPass ? makeTemporary('syncwatch-empty-') : undefined;
  if (made?.ok === false) return notStarted(made.failure.message);
  const folder = made?.value;
  try {
    const source = { emptyDir: folder ?? '', rulesFile: join(folder ?? '', 'rules') };
    const unwritten = isPass ? await writeRules(source.rulesFile, run.rules) : undefined;
    if (unwritten !== undefined) return notStarted(unwritten);
    const started = startRsync(settings, { ...run, ...source });
    options.onCommand?.(started.args);
    return await started.finish(inputOf(run, deletions), onLine, options);
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives why they can't be written. */
async function writeRules(file: string, rules: Iterable<string>): Promise<string | undefined> {
  try {
    await writeFile(
      file,
      nulSeparated(rules, (rule) => rule),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What a run that waits is told: to go through all there is. */
const BEGIN = Buffer.from('./\0');

/**
 * Starts one that deletes by rules ahead of its time: it connects, and does nothing before it is given its input. Undefined where it can't
 * be started.
 */
export async function startClear(
  settings: RsyncSettings,
  run: Extract<Run, { kind: 'clear' }>,
): Promise<RsyncProcess | undefined> {
  const started = await startByRules(settings, run, true);
  if (typeof started === 'string') return undefined;
  return { ...started, finish: (_, onLine, options) => started.finish([BEGIN], onLine, options) };
}

/** Starts one, with what it reads on this disk, which is gone when it has ended. Gives why it can't be made. */
async function startByRules(
  settings: RsyncSettings,
  run: Extract<Run, { kind: 'clear' }>,
  waits: boolean,
): Promise<RsyncProcess | string> {
  const made = makeTemporary('syncwatch-empty-');
  if (!made.ok) return made.failure.message;
  const tidy = (): void => rmSync(made.value, { recursive: true, force: true });
  const ground = await groundFor(run, made.value);
  if (typeof ground === 'string') {
    tidy();
    return ground;
  }
  const started = startRsync(settings, { ...run, ...ground, waits });
  void started.ended.then(tidy);
  return started;
}

/** What a run by rules reads on this disk: all of it is there before rsync starts. Gives why it can't be made. */
async function groundFor(
  run: Extract<Run, { kind: 'clear' }>,
  folder: string,
): Promise<{ readonly emptyDir: string; readonly rulesFile: string } | string> {
  const ground = { emptyDir: join(folder, 'empty'), rulesFile: join(folder, 'rules') };
  try {
    mkdirSync(ground.emptyDir);
    await makeParents(run.names, ground.emptyDir);
    await writeFile(ground.rulesFile, inputOf(run, 'rules'));
    return ground;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * rsync deletes in directories that both sides have: those above the names, but for the ones that are to go too. An empty one
 * of these would go with what it held, if it were not there.
 */
async function makeParents(names: readonly Name[], emptyDir: string): Promise<void> {
  const goes = new Set(names);
  await eachInSlices(await inSlices(directoriesAbove(names)), (dir) => {
    if (goes.has(dir) || ancestorsOf(dir).some((above) => goes.has(above))) return;
    mkdirSync(pathIn(emptyDir, dir), { recursive: true });
  });
}

const notStarted = (why: string): RsyncExit => ({
  code: undefined,
  signal: undefined,
  notStarted: why,
  stderr: '',
  stalledMs: undefined,
});

/**
 * A name that is never there. Any listed name brings its parents along with their mode and time, so this stands for
 * the root alone; the root's own name would bring all that is directly in it (man rsync, --dirs).
 */
const NOTHING_IN_ROOT = '.syncwatch-nothing';

/**
 * So many bytes are written to rsync's stdin at once, and then waited for: the system takes that much as one, so that whoever kills us
 * cuts off between two names. Of one that is cut short rsync would make another one.
 */
const PART_BYTES = 16_384;

/**
 * What rsync reads, in parts: the names on stdin, or the rules. Each name gets `./` in front: without it an entry beginning with `#` or `;` is a
 * comment even with --from0.
 */
export function* inputOf(run: Run, deletions: Deletions): Generator<Buffer> {
  if (run.kind === 'pass' && run.dryRun) yield* nulSeparated(run.rules, (rule) => rule);
  else if (run.kind === 'clear' && deletions === 'rules')
    yield* nulSeparated(clearRules(run.names, run.isDir), (rule) => rule);
  else if (run.kind === 'list' && run.of !== 'names')
    yield* nulSeparated(run.names, (name) => `./${name === ROOT ? '.' : `${name}/`}`);
  else {
    yield* nulSeparated(belowRoot(run.names), (name) => `./${name}`);
  }
}

function* belowRoot(names: Iterable<Name>): Generator<string> {
  let isEmpty = true;
  for (const name of names) {
    if (name === ROOT) continue;
    isEmpty = false;
    yield name;
  }
  if (isEmpty) yield NOTHING_IN_ROOT;
}

function* nulSeparated(all: Iterable<string>, lineOf: (one: string) => string): Generator<Buffer> {
  let part = '';
  for (const one of all) {
    const line = `${lineOf(one)}\0`;
    if (part !== '' && part.length + line.length > PART_BYTES) {
      yield Buffer.from(part, 'latin1');
      part = '';
    }
    part += line;
  }
  if (part !== '') yield Buffer.from(part, 'latin1');
}
