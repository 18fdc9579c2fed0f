import type { Failure } from '../failure.js';
import { type Name, textOf } from '../name.js';
import type { SshAim } from '../ssh/exit.js';
import { atOnce, type Steps } from '../steps.js';
import { type NamesOfRun, namesAt, placedName, stderrLines } from './complaints.js';
import { doubtful, inText, pathFailure } from './path-failure.js';
import { type RsyncExit, wholeRunFailure } from './whole-run.js';

/** Something failed, and rsync's words do not say for certain what: these names are not proven to be there. */
export interface Doubt {
  /** All of the run where undefined; else only these. */
  readonly names: ReadonlySet<Name> | undefined;
  /** What rsync said. */
  readonly failure: Failure;
}

/** Whether a run leaves it open what came of this name of it. */
export const isInDoubt = (doubt: Doubt | undefined, name: Name): boolean =>
  doubt !== undefined && doubt.names?.has(name) !== false;

/** What came of a run. */
export type Outcome =
  /**
   * rsync did what it could: every name is done but the failed ones and those in doubt. A name of `failed` that is none of
   * the run is a directory above one. `strays`: complaints about what is no name of this run, such as a file there that a
   * mirror could not delete.
   */
  | {
      readonly kind: 'finished';
      readonly failed: ReadonlyMap<Name, Failure>;
      readonly strays: ReadonlyMap<Name, Failure>;
      readonly doubt: Doubt | undefined;
    }
  /**
   * The run ended before its time or nobody can say what it did: no name is done. `complains`: rsync said of some name that it
   * failed, so that not even what it had turned to need be there.
   */
  | { readonly kind: 'broken'; readonly failure: Failure; readonly complains?: true };

/** A run that did all. */
export const ALL_DONE: Outcome = { kind: 'finished', failed: new Map(), strays: new Map(), doubt: undefined };

/** What rsync ends with where some of the names failed, and where some only vanished here meanwhile (man rsync, EXIT VALUES). */
const SOME_FAILED = 23;
const SOME_VANISHED = 24;

/**
 * Takes a run's end apart. The exit code says whether all, some or none of it is done; of which names some failed, only
 * rsync's words say, and only where they can mean nothing else.
 * `places`: how each side's paths begin, as far as known. `allowStrays`: a complaint about what is no name of the run
 * leaves no doubt about those that are.
 */
export function* outcomeSteps(
  exit: RsyncExit,
  aim: SshAim | undefined,
  places: readonly string[],
  run: NamesOfRun,
  allowStrays = false,
): Steps<Outcome> {
  // Vanished: comparing with the disk settles that.
  if (exit.code === 0 || exit.code === SOME_VANISHED) return ALL_DONE;
  if (exit.code === SOME_FAILED) return yield* whatFailed(exit.stderr, places, run, allowStrays);
  const failure = wholeRunFailure(exit, aim);
  const broken = { kind: 'broken', failure: { detail: inText(exit.stderr.trim()), ...failure } } as const;
  for (const { kind } of stderrLines(exit.stderr)) {
    yield;
    if (kind === 'complaint') return { ...broken, complains: true };
  }
  return broken;
}

/** {@link outcomeSteps} without a pause, for runs of few names. */
export const outcomeOf = (...of: Parameters<typeof outcomeSteps>): Outcome => atOnce(outcomeSteps(...of));

/** Which names failed, by what rsync said. */
function* whatFailed(stderr: string, places: readonly string[], run: NamesOfRun, allowStrays: boolean): Steps<Outcome> {
  const failed = new Map<Name, Failure>();
  const strays = new Map<Name, Failure>();
  const suspects = new Set<Name>();
  /** Something of it is for a look at the disk to settle: what is gone, and what no path leads to (our walks tell of that). */
  let isSettled = false;
  let ambiguous: string | undefined;
  let unknown: string | undefined;
  const complainedOf = new Set<Name>();
  const fail = (name: Name, failure: Failure): void => {
    if (!failed.has(name)) failed.set(name, failure);
  };
  const failedBelow = new Map<Name, boolean>();
  /** Gives whether there is anything; does it once. */
  function* failBelow(dir: Name, why = failed.get(dir)?.message): Steps<boolean> {
    const known = failedBelow.get(dir);
    if (known !== undefined) return known;
    const before = failed.size;
    for (const name of run.below(dir)) {
      yield;
      fail(name, belowFailed(dir, why));
    }
    failedBelow.set(dir, failed.size > before);
    return failed.size > before;
  }

  for (const line of stderrLines(stderr)) {
    yield;
    if (line.kind === 'summary') continue;
    if (line.kind === 'unknown') {
      unknown ??= line.text;
      continue;
    }
    if (line.kind === 'skipping') {
      // Of which one it is said is not certain where several are complained of: one too many costs a repetition.
      for (const dir of complainedOf) if (!failedBelow.has(dir)) yield* failBelow(dir);
      if (complainedOf.size === 0) unknown ??= 'Skipping any contents from this failed directory';
      continue;
    }
    const { complaint } = line;
    if (complaint.about === 'vanished' || complaint.about === 'tooLong') {
      isSettled = true;
      continue;
    }
    const names = new Set(complaint.paths.flatMap((path) => namesAt(path, places, run)));
    const [path = ''] = complaint.paths;
    const placed = placedName(path, places);
    const [only] = names;
    if (names.size > 1) {
      ambiguous ??= complaint.text;
      for (const name of names) suspects.add(name);
    } else if (only !== undefined) {
      fail(only, pathFailure(complaint));
      if (complaint.about !== 'attributes') complainedOf.add(only);
      if (complaint.about === 'directory') yield* failBelow(only);
    } else if (placed !== undefined && complaint.about === 'attributes' && !allowStrays) {
      fail(placed, pathFailure(complaint)); // a directory above: its mode and times come along with what is in it
    } else if (
      placed !== undefined &&
      complaint.about === 'directory' &&
      (yield* failBelow(placed, pathFailure(complaint).message))
    ) {
      // A directory above, of which rsync says beforehand that it makes it.
      fail(placed, pathFailure(complaint));
      complainedOf.add(placed);
    } else if (allowStrays) {
      strays.set(placed ?? (path as Name), pathFailure(complaint));
    } else {
      unknown ??= complaint.text;
    }
  }
  if (failed.size + strays.size + suspects.size === 0 && !isSettled) unknown ??= 'rsync failed in part (exit code 23)';
  for (const name of failed.keys()) suspects.delete(name);
  const doubt =
    unknown !== undefined
      ? { names: undefined, failure: doubtful(unknown) }
      : ambiguous !== undefined && suspects.size > 0
        ? { names: suspects, failure: doubtful(ambiguous) }
        : undefined;
  return { kind: 'finished', failed, strays, doubt };
}

const belowFailed = (dir: Name, why = "it can't be made there"): Failure => ({
  kind: 'path',
  message: `the directory it is in, ${textOf(dir)}, failed: ${why}`,
});
