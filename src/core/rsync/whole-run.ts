import { cantStart, type Failure } from '../failure.js';
import { connectionFailure, type SshAim } from '../ssh/exit.js';
import { readStderr } from './complaints.js';
import { inText } from './path-failure.js';

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

/** Why a run as a whole failed: by its exit code, and then by what only rsync itself can have said. */
export function wholeRunFailure(
  { code, signal, stderr, stalledMs, notStarted }: RsyncExit,
  aim: SshAim | undefined,
): Failure {
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
  return (
    notTakenThere(code, stderr, host) ??
    byItsCode(code, stderr, host, aim) ?? {
      kind: 'run',
      isPassing: true,
      message: `rsync ${code === undefined ? `was ended by ${signal ?? 'a signal'}` : `failed (exit code ${code})`}${after(reasonIn(stderr))}`,
    }
  );
}

const after = (reason: string): string => (reason === '' ? '' : `: ${reason}`);

/** What was asked of it is not for the rsync there. */
function notTakenThere(code: number | undefined, stderr: string, host: string): Failure | undefined {
  if (!SYNTAX_CODES.includes(code ?? 0)) return undefined;
  const refused = REFUSED_OPTION.exec(stderr)?.[1];
  if (refused !== undefined) {
    return { kind: 'remote', message: `the rsync on ${host} is too old: it does not know ${refused}`, hint: UPGRADE };
  }
  const lacks = LACKING.exec(stderr)?.[1];
  if (lacks !== undefined) {
    return {
      kind: 'remote',
      message: `the rsync on ${host} can't carry ${lacks}`,
      hint: `Leave out ${lacks === 'ACLs' ? '-A' : '-X'} after the --, or install an rsync there that can.`,
    };
  }
  if (REFUSED_THERE.test(stderr)) {
    return {
      kind: 'remote',
      message: `the rsync on ${host} does not take what it was given: ${reasonIn(stderr)}`,
      hint: 'It may be older, or built without something: leave that out after the --.',
    };
  }
  return undefined;
}

/** What its exit code says, where that says something (man rsync, EXIT VALUES). */
function byItsCode(
  code: number | undefined,
  stderr: string,
  host: string,
  aim: SshAim | undefined,
): Failure | undefined {
  switch (code) {
    // By the remote shell, or by sudo and the like.
    case 127:
      return missingRsyncThere(host);
    case 2:
      return UNCLEAN.test(stderr) ? printsAtLogin(aim) : undefined;
    case 3:
    case 11:
      return whyNoRoot(stderr, host);
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
      return aim === undefined ? undefined : connectionFailure(reasonIn(stderr), code, aim);
    default:
      return undefined;
  }
}

/** Its target is not there, or full. */
function whyNoRoot(stderr: string, host: string): Failure | undefined {
  const complaints = readStderr(stderr).flatMap((line) => (line.kind === 'complaint' ? [line.complaint] : []));
  if (complaints.some(({ errno, side }) => side === 'there' && isNoRoom(errno)))
    return {
      kind: 'run',
      message: `no room left on ${host}`,
      hint: 'Make room there; it is tried again by itself.',
    };
  const root = complaints.find(({ reason }) => /^(mkdir|change_dir#\d) "/.test(reason));
  if (root === undefined) return undefined;
  return {
    kind: 'run',
    message: `the target directory can't be made or entered: ${root.reason}`,
    hint: 'Make its parent directory there, or check the rights; it is tried again by itself.',
  };
}

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
