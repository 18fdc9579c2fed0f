import { cantStart, type Failure } from '../failure.js';
import { looseTextOf, type Name, textOf } from '../name.js';
import { connectionFailure, type SshAim } from '../ssh/exit.js';
import { atOnce, type Steps } from '../steps.js';
import { type Complaint, type NamesOfRun, namesAt, placedName, readStderr, stderrLines } from './complaints.js';

/** How an rsync process ended. */
export interface RsyncExit {
  /** Undefined where a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** `LC_ALL=C`, one character per byte. */
  readonly stderr: string;
  /** After so many milliseconds of silence it was taken for stuck and ended. */
  readonly stalledMs?: number | undefined;
  /** The system did not let us start it, and why not. */
  readonly notStarted?: string | undefined;
}

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

/** Of a name that failed in a run of its own, or may have: in rsync's words. */
function doubtful(text: string): Failure {
  const found = /^(?:(?:rsync|\S*\/rsync): (?:\[(\w+)\] )?)?(.*?)(?:: [^":()]+ \((\d+)\))?$/s.exec(text);
  const [, role = '', reason = text, errno] = found ?? [];
  return pathFailure({
    text,
    paths: [],
    errno: errno === undefined ? undefined : Number(errno),
    side: role === 'sender' ? 'here' : 'there',
    about: 'content',
    reason: inText(reason),
  });
}

/** Why a run as a whole failed: by its exit code, and then by what only rsync itself can have said. */
function wholeRunFailure({ code, signal, stderr, stalledMs, notStarted }: RsyncExit, aim: SshAim | undefined): Failure {
  const host = aim?.host ?? 'the target';
  if (notStarted !== undefined) return cantStart('rsync', notStarted, 'run');
  if (stalledMs !== undefined) {
    return {
      kind: 'run',
      message: `rsync to ${host} made no progress for ${Math.round(stalledMs / 1000)} s and was ended`,
      hint: 'Is a disk there hanging, or was something stopped?',
      isSilence: true,
    };
  }
  const refused = SYNTAX_CODES.includes(code ?? 0) ? REFUSED_OPTION.exec(stderr)?.[1] : undefined;
  if (refused !== undefined) {
    return { kind: 'remote', message: `the rsync on ${host} is too old: it does not know ${refused}`, hint: UPGRADE };
  }
  const lacks = SYNTAX_CODES.includes(code ?? 0) ? LACKING.exec(stderr)?.[1] : undefined;
  if (lacks !== undefined) {
    return {
      kind: 'remote',
      message: `the rsync on ${host} can't carry ${lacks}`,
      hint: `Leave out ${lacks === 'ACLs' ? '-A' : '-X'} after the --, or install an rsync there that can.`,
    };
  }
  if (SYNTAX_CODES.includes(code ?? 0) && REFUSED_THERE.test(stderr)) {
    return {
      kind: 'remote',
      message: `the rsync on ${host} does not take what it was given: ${reasonIn(stderr)}`,
      hint: 'It may be older, or built without something: leave that out after the --.',
    };
  }
  switch (code) {
    // By the remote shell, or by sudo and the like.
    case 127:
      return missingRsyncThere(host);
    case 2:
      if (!UNCLEAN.test(stderr)) break;
      return printsAtLogin(aim);
    case 3:
    case 11: {
      const complaints = readStderr(stderr).flatMap((line) => (line.kind === 'complaint' ? [line.complaint] : []));
      if (complaints.some(({ errno, side }) => side === 'there' && isNoRoom(errno)))
        return {
          kind: 'run',
          message: `no room left on ${host}`,
          hint: 'Make room there; it is tried again by itself.',
        };
      const root = complaints.find(({ reason }) => /^(mkdir|change_dir#\d) "/.test(reason));
      if (root === undefined) break;
      return {
        kind: 'run',
        message: `the target directory can't be made or entered: ${root.reason}`,
        hint: 'Make its parent directory there, or check the rights; it is tried again by itself.',
      };
    }
    case 25:
      return {
        kind: 'guard',
        message: 'more would be deleted there than --max-delete allows',
        hint: 'Raise it if that is right.',
      };
    // Cut off: by its own words (man rsync, EXIT VALUES), or ssh's.
    case 10:
    case 12:
    case 30:
    case 35:
    case 255:
      if (aim !== undefined) return connectionFailure(reasonIn(stderr), code, aim);
  }
  const reason = reasonIn(stderr);
  return {
    kind: 'run',
    isPassing: true,
    message: `rsync ${code === undefined ? `was ended by ${signal ?? 'a signal'}` : `failed (exit code ${code})`}${
      reason === '' ? '' : `: ${reason}`
    }`,
  };
}

/** Output, one character per byte, for people. */
export const inText = (bytes: string): string => looseTextOf(bytes as Name);

/** What an rsync that does not know an option ends with, here, there (its end is the stream's), or as a server. */
const SYNTAX_CODES = [1, 2, 4, 12];
const REFUSED_OPTION = /^(?:rsync|\S*\/rsync): (?:on remote machine: )?(-[\w-]+)(?:=\S*)?: unknown option$/m;
/** Built without it (options.c). */
const LACKING = /^(?:rsync|\S*\/rsync): (ACLs|extended attributes) are not supported on this server$/m;
/** The summing up of an rsync that ended as a server because of what it was asked for: a method that it does not know, say. */
const REFUSED_THERE =
  /^rsync error: (?:syntax or usage error \(code 1\)|requested action not supported \(code 4\)) at \S+ \[(?:server|Receiver)=/m;
const UNCLEAN = /^(?:protocol version mismatch -- )?is your shell clean\?$/m;

const isNoRoom = (errno: number | undefined): boolean => errno !== undefined && [28, 122, 69].includes(errno); // ENOSPC, EDQUOT

/** The first thing that was said, apart from rsync's own summing up: what comes first is the cause of what comes after it. */
export function reasonIn(stderr: string): string {
  for (const line of readStderr(stderr)) {
    const text = line.kind === 'complaint' ? line.complaint.text : line.kind === 'unknown' ? line.text : '';
    if (
      text === '' ||
      /^rsync: (\[\w+\] )?(connection unexpectedly closed|safe_read failed|writefd_unbuffered)/.test(text)
    )
      continue;
    return inText(text.replace(/^rsync: (\[\w+\] )?/, '').trim());
  }
  return '';
}

export const UPGRADE =
  'It takes rsync 3.1 or newer on both sides: apt install rsync, dnf install rsync, brew install rsync.';

/** `text`: some of it, where it is known. */
export const printsAtLogin = (aim: SshAim | undefined, text?: string): Failure => ({
  kind: 'remote',
  message: `${aim?.host ?? 'the target'} prints text at login, which breaks rsync${text === undefined ? '' : `: ${text}`}`,
  hint: `Check with: ${aim?.byHand ?? 'ssh'} true | wc -c. It must say 0; silence the shell's start-up files there.`,
});

/** rsync is not installed on the remote. `said`: by the shell there. */
export const missingRsyncThere = (host: string, said = ''): Failure => ({
  kind: 'remote',
  message: `there is no rsync on ${host}`,
  hint: `${said === '' ? '' : `Its shell says: ${said}. `}Install it there (apt install rsync, dnf install rsync), or say where it is: -- --rsync-path=/path/to/rsync`,
});

/** The failure of one path, in words. Errors of the system by number: errno(3). */
function pathFailure({ side, errno, reason, text, about }: Complaint): Failure {
  const where = side === 'here' ? 'here' : 'there';
  // Missing, no directory, a directory, too many links: it became something else between rsync's looks at it. No data
  // (macOS: 96): it became shorter while it was read.
  const changed = side === 'here' && errno !== undefined && [2, 20, 21, 40, 61, 96].includes(errno);
  const isPassing = changed || about === 'inTheWay';
  const [what, hint] = ((): readonly [string, string | undefined] => {
    if (changed) return ['it changed while it was read', undefined];
    switch (errno) {
      case 1:
      case 13:
        return side === 'here'
          ? ['permission denied here', 'Make it readable, or leave it out with --exclude.']
          : ['permission denied there', 'Check the rights and the owner of the directory there.'];
      case 28:
      case 122:
      case 69: // macOS: quota
        return side === 'here'
          ? [`${reason} (here)`, undefined]
          : ['no room left there', 'Make room there; it is tried again by itself.'];
      case 30:
        return ['the file system there is read-only', undefined];
      case 36:
      case 63: // macOS
        return ['the name is too long for the file system there', 'Shorten it, or leave it out with --exclude.'];
      case 95: // Linux: EOPNOTSUPP
      case 45: // macOS: ENOTSUP
        return /^(set_acl|rsync_xal_set): /.test(reason)
          ? ['the file system there takes no such ACL or extended attribute', 'Leave out -A or -X after the --.']
          : [`${reason} (${where})`, undefined];
      case 5:
        return [`input/output error ${where}`, 'The disk may be failing.'];
      case undefined:
        return [reason, undefined];
      default:
        return [`${reason} (${where})`, undefined];
    }
  })();
  return {
    kind: 'path',
    message: what,
    detail: text,
    ...(hint === undefined ? {} : { hint }),
    ...(isPassing ? { isPassing } : {}),
  };
}
