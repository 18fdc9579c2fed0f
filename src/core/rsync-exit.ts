import type { Failure } from './failure.js';
import type { Name } from './name.js';
import { type Complaint, complaintsIn, namesIn } from './rsync-output.js';
import { type SshAim, sshFailure } from './ssh-exit.js';

/** How an rsync process ended. */
export interface RsyncExit {
  /** Undefined where a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** `LC_ALL=C`, one character per byte. */
  readonly stderr: string;
  /** After so many milliseconds of silence it was taken for stuck and ended. */
  readonly stalledMs?: number | undefined;
}

/** What came of a run. */
export type Outcome =
  /**
   * rsync did what it could: every name is done but the failed ones. `strays`: complaints about what is no name of
   * this run, such as a file there that a mirror could not delete.
   */
  | {
      readonly kind: 'finished';
      readonly failed: ReadonlyMap<Name, Failure>;
      readonly strays: ReadonlyMap<Name, Failure>;
    }
  /** The run ended before its time or nobody can say what it did: no name is done. */
  | { readonly kind: 'broken'; readonly failure: Failure };

/**
 * Takes a run's end apart. Exit codes decide little alone (DESIGN section 7): stderr first, then the code.
 * `places`: how each side's paths begin, as far as known. `has`: whether a name was part of the run. `allowStrays`: a complaint about anything else does not break the run.
 */
export function outcomeOf(
  exit: RsyncExit,
  aim: SshAim | undefined,
  places: readonly string[],
  has: (name: Name) => boolean,
  allowStrays = false,
): Outcome {
  const { code, stderr } = exit;
  if (code === 0) return { kind: 'finished', failed: new Map(), strays: new Map() };
  const broken = (failure: Failure): Outcome => ({ kind: 'broken', failure: { detail: stderr.trim(), ...failure } });
  const whole = wholeRunFailure(exit, aim);
  if (whole !== undefined) return broken(whole);

  const complaints = complaintsIn(stderr);
  const failures = new Map<Name, Failure>();
  const strays = new Map<Name, Failure>();
  let unplaced: Complaint | undefined;
  for (const complaint of complaints) {
    const names = namesIn(complaint, places, has);
    const [path] = complaint.paths;
    if (names.length === 0 && allowStrays && path !== undefined) strays.set(path as Name, pathFailure(complaint));
    else if (names.length === 0) unplaced = complaint;
    for (const name of names) if (!failures.has(name)) failures.set(name, pathFailure(complaint));
  }
  // 24: something vanished while it was being read. Comparing with the disk settles that.
  if (code === 24 || (code === 23 && (failures.size > 0 || unplaced === undefined))) {
    return { kind: 'finished', failed: failures, strays };
  }
  const first = unplaced ?? complaints[0];
  return broken({
    kind: 'run',
    isPassing: true,
    message: `rsync ${code === undefined ? `was ended by ${exit.signal ?? 'a signal'}` : `failed (exit code ${code})`}${
      first === undefined ? '' : `: ${first.reason}`
    }`,
  });
}

/** A failure of the run as a whole, not of one path in it. */
function wholeRunFailure({ code, stderr, stalledMs }: RsyncExit, aim: SshAim | undefined): Failure | undefined {
  const host = aim?.host ?? 'the target';
  if (stalledMs !== undefined) {
    return {
      kind: 'run',
      message: `rsync to ${host} made no progress for ${Math.round(stalledMs / 1000)} s and was ended`,
      hint: 'Is a disk there hanging? It is tried again by itself.',
    };
  }
  // By the remote shell, or by sudo and the like.
  if ((code === 127 || code === 12) && /: (command )?not found|: No such file or directory\s*$/m.test(stderr)) {
    return missingRsyncThere(host);
  }
  if (/is your shell clean|protocol version mismatch/.test(stderr) && code === 2) {
    return {
      kind: 'remote',
      message: `${host} prints text at login, which breaks rsync`,
      hint: `Check with: ${aim?.byHand ?? 'ssh'} true | wc -c. It must say 0; silence the shell's start-up files there.`,
    };
  }
  if (/unknown option/.test(stderr)) {
    return {
      kind: 'remote',
      message: `the rsync on ${host} is too old: ${firstLine(stderr, /unknown option/)}`,
      hint: UPGRADE,
    };
  }
  // Built without it (options.c). Not by the code: that is ssh's word then, for a connection that ended.
  const lacks = /^rsync: (ACLs|extended attributes) are not supported on this server$/m.exec(stderr)?.[1];
  if (lacks !== undefined && code !== 0) {
    return {
      kind: 'remote',
      message: `the rsync on ${host} can't carry ${lacks}`,
      hint: `Leave out ${lacks === 'ACLs' ? '-A' : '-X'} after the --, or install an rsync there that can.`,
    };
  }
  if (/\[Receiver\] (mkdir|change_dir)|change_dir#\d/.test(stderr) && (code === 11 || code === 3)) {
    return {
      kind: 'remote',
      message: `the target directory can't be made or entered: ${firstLine(stderr, /mkdir|change_dir/).replace(/^rsync: (\[\w+\] )?/, '')}`,
      hint: 'Make its parent directory there, or check the rights.',
    };
  }
  if (/No space left on device|Disk quota exceeded/.test(stderr)) {
    return { kind: 'run', message: `no room left on ${host}`, hint: 'Make room there; it is tried again by itself.' };
  }
  if (code === 25) {
    return {
      kind: 'guard',
      message: 'more would be deleted there than --max-delete allows',
      hint: 'Raise it if that is right.',
    };
  }
  const cut = code === undefined || [10, 12, 20, 30, 35, 255].includes(code);
  if (cut && aim !== undefined && code !== 20 && code !== undefined) return sshFailure(stderr, aim);
  return undefined;
}

const firstLine = (text: string, pattern: RegExp): string => text.split('\n').find((line) => pattern.test(line)) ?? '';

export const UPGRADE =
  'It takes rsync 3.1 or newer on both sides: apt install rsync, dnf install rsync, brew install rsync.';

/** rsync is not installed on the remote. */
export const missingRsyncThere = (host: string): Failure => ({
  kind: 'remote',
  message: `there is no rsync on ${host}`,
  hint: 'Install it there (apt install rsync, dnf install rsync), or say where it is: -- --rsync-path=/path/to/rsync',
});

/** The failure of one path, in words. Errors of the system by number: errno(3). */
function pathFailure({ side, errno, reason, text, isInTheWay }: Complaint): Failure {
  const where = side === 'here' ? 'here' : 'there';
  // Missing, no directory, a directory, too many links: it became something else between rsync's looks at it. No data
  // (macOS: 96): it became shorter while it was read.
  const changed = side === 'here' && errno !== undefined && [2, 20, 21, 40, 61, 96].includes(errno);
  const isPassing = changed || isInTheWay;
  const [what, hint] = ((): readonly [string, string | undefined] => {
    if (changed) return ['it changed while it was read', undefined];
    switch (errno) {
      case 1:
      case 13:
        return side === 'here'
          ? ['permission denied here', 'Make it readable, or leave it out with --exclude.']
          : ['permission denied there', 'Check the rights and the owner of the directory there.'];
      case 30:
        return ['the file system there is read-only', undefined];
      case 36:
      case 63: // macOS
        return ['the name is too long for the file system there', 'Shorten it, or leave it out with --exclude.'];
      case 95: // Linux: EOPNOTSUPP
      case 45: // macOS: ENOTSUP
        return /acl|xattr/i.test(reason)
          ? [`the file system ${where} takes no such ACL or extended attribute`, 'Leave out -A or -X.']
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
