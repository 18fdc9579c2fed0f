import type { Program } from '../environment.js';
import { type Name, parentOf, ROOT } from '../name.js';
import { hostArg, type Target } from '../target.js';
import type { Window } from '../window.js';
import { type Extra, extraArgs } from './extras.js';
import type { InRuns } from './options.js';

/** How a name is deleted there: by a mark in the list of names, by a rule for each, or not at all. */
export type Deletions = 'marks' | 'rules' | 'none';

/** What not every rsync takes, nor everything that may stand in front of it (rrsync). Found out by trial. */
export interface Takes {
  readonly window: Window;
  readonly deletions: Deletions;
}

/** What every rsync run of one target has in common. */
export interface RsyncSettings {
  /** The rsync here. */
  readonly program: Program;
  readonly target: Target;
  /** Absolute, symlinks resolved, without a trailing slash. */
  readonly root: string;
  /** The same as a place to start rsync in: the very directory that is watched, whatever its path leads to by then. */
  readonly pinnedRoot: () => string;
  /** The ssh command for `-e`, from {@link remoteShell}, as it is now; undefined for a local target. */
  readonly remoteShell: string | undefined;
  /** The options of rsync that ours stand for: each is for every run. */
  readonly flags: readonly string[];
  readonly trash: string | undefined;
  /** What the user gave after `--`. */
  readonly extras: readonly Extra[];
  /** Whether that makes more go along than an Entry shows: see looksSame. */
  readonly carriesMore: boolean;
  /** What the other side takes. */
  readonly takes: Takes;
  /** What the shell there says on stderr at each start: nothing of a run. */
  readonly chatter: readonly string[];
  /** Whether the rsync here escapes remote paths by itself, and leaves a backslash before a wildcard alone (3.2.5). */
  readonly escapesArgs: boolean;
}

/**
 * One rsync run. With `dryRun` nothing is changed.
 * - `names`: exactly the names on stdin, NUL-separated, each with `./` in front; a missing one is deleted there.
 * - `clear`: the names on stdin are deleted there and nothing else: the source is an empty directory, so all of them
 *   are missing. For names whose place here is taken by something of another kind, which rsync would not call missing.
 *   With a `stashDir` (relative to the target) they go there instead. Where names can't be marked as missing, the source has
 *   the directories above them and nothing else, and `rulesFile` has rules for what goes: all of them, before rsync starts. On stdin
 *   their end would be wherever whoever writes them is killed, and without the last one rsync deletes all that is there.
 * - `moves`: the names on stdin, relative to `to`, are sent into the directory `to` there; what the directory `from` there
 *   has under the same name, with the same size and time, is not sent but linked (`copy`: copied). `fuzzy`: a file of
 *   another name will do as well, as the basis of a delta. Both directories are relative to the target.
 * - `list`: tells what there is, see {@link ListOf}. Nothing is changed.
 * - `pass`: the whole tree. In a dry run rsync reads it by itself, and has the rules on stdin: there may be more of them than fit in
 *   arguments. Otherwise it has them in a file, and on stdin the names of a walk: what comes after that it must not take along,
 *   for nobody would know of it.
 */
export type RunKind =
  | {
      readonly kind: 'names';
      readonly comparesContent: boolean;
      readonly deleteMissing: boolean;
      /** Whether it says how far it is within a file, which costs a record for each file: see {@link LASTS_BYTES}. */
      readonly saysHowFar?: boolean;
      readonly dryRun?: boolean;
    }
  | {
      readonly kind: 'clear';
      readonly emptyDir: string;
      readonly stashDir?: string | undefined;
      /** Even where names can be marked: a directory that may not be written to is made writable only so. */
      readonly byRules?: boolean;
      readonly rulesFile?: string;
      /** By rules: it connects, and does nothing before it reads `./` on stdin; nothing at all where that just ends. */
      readonly waits?: boolean;
      readonly dryRun?: boolean;
    }
  | {
      readonly kind: 'moves';
      readonly from: Name;
      readonly to: Name;
      readonly fuzzy: boolean;
      readonly copy: boolean;
      readonly comparesContent: boolean;
    }
  | { readonly kind: 'list'; readonly of: ListOf; readonly emptyDir: string }
  | { readonly kind: 'pass'; readonly dryRun: true; readonly wouldDelete: WouldDelete }
  | { readonly kind: 'pass'; readonly dryRun: false; readonly rulesFile: string };

/** Of directories what may be rsync's own temporary files (`leftovers`) or all (`inside`); or of `names` those that are there. */
export type ListOf = 'leftovers' | 'inside' | 'names';

/** What a dry run of a full pass tells of what is only there: nothing, what no pattern excludes, or all. */
export type WouldDelete = 'nothing' | 'notExcluded' | 'all';

/**
 * A run with a file of so many bytes may last: it says how far it is. Of smaller files that each one begins says enough, and
 * `--info=progress2` would be one more record, to be written and read, for each (docs/design.md#rsync).
 */
export const LASTS_BYTES = 256_000;

/** What each item line looks like; rsync-output.ts reads it. */
const OUT_FORMAT = '%i %l %n';
const LIST_FORMAT = '%i %B %M %n';

/** The arguments for one rsync run. Nothing in them is ever seen by a shell of ours. */
export function rsyncArgs(settings: RsyncSettings, run: RunKind): string[] {
  const format = run.kind === 'list' ? LIST_FORMAT : OUT_FORMAT;
  const args = ['--links', '--outbuf=L', `--out-format=${format}`];
  if (saysHowFar(run)) args.push('--info=progress2');
  // rsync's quick check compares whole seconds; two edits within one at the same size would stay stale for ever
  // (man rsync, --modify-window; measured, docs/design.md#rsync).
  if (settings.takes.window !== 0) args.push(`--modify-window=${settings.takes.window}`);
  args.push(...settings.flags);
  const backupDir = run.kind === 'clear' && run.stashDir !== undefined ? run.stashDir : trashFor(settings, run);
  if (backupDir !== undefined) args.push('--backup', `--backup-dir=${backupDir}`);
  if (settings.remoteShell !== undefined) args.push('-e', settings.remoteShell);
  if (needsProtectedArgs(settings, run)) args.push('-s');

  if ((run.kind === 'names' || run.kind === 'clear') && run.dryRun === true) args.push('--dry-run');

  switch (run.kind) {
    case 'names':
      args.push('--perms', '--times', '--from0', '--files-from=-');
      if (run.deleteMissing && settings.takes.deletions === 'marks') args.push('--delete-missing-args');
      if (run.comparesContent) args.push('--checksum');
      break;
    case 'clear':
      // No --perms or --times: those of the empty directory must not reach the remote root.
      if (run.byRules !== true && settings.takes.deletions === 'marks')
        args.push('--from0', '--files-from=-', '--delete-missing-args');
      else args.push('--recursive', '--existing', '--delete', '--from0', `--filter=merge ${run.rulesFile}`);
      if (run.waits === true) args.push('--files-from=-');
      break;
    case 'moves':
      args.push('--perms', '--times', '--from0', '--files-from=-');
      args.push(`--${run.copy ? 'copy' : 'link'}-dest=${basisOf(settings, run.to, run.from)}`);
      // In the largest blocks there are: the basis is the whole file, and fewer checksums are less to send and compute
      // (100 MB: 8 kB and 170 ms instead of 110 kB and 200 to 400).
      if (run.fuzzy) args.push('--fuzzy', '--fuzzy', '--block-size=131072');
      if (run.comparesContent) args.push('--checksum');
      // With -s, rsync 3.5.0 tells the other side of one --fuzzy only, and one does not look into --link-dest.
      if (run.fuzzy && args.includes('-s')) args.push('-M--fuzzy');
      break;
    case 'list':
      args.push('--dry-run', '--dirs', '--from0', '--files-from=-', '--ignore-missing-args');
      if (run.of === 'leftovers') args.push('--include=*/', '--include=.?*.??????', '--exclude=*');
      break;
    case 'pass':
      args.push('--perms', '--times', '--from0');
      if (!run.dryRun) {
        args.push(`--exclude-from=${run.rulesFile}`, '--files-from=-', '--ignore-missing-args');
        break;
      }
      args.push('--recursive', '--exclude-from=-', '--dry-run', '--stats');
      // Only ever in a dry run: what is deleted is for our own filter to say, by name.
      // What can't be read here is no reason to tell of nothing: each name is looked at before it goes.
      if (run.wouldDelete !== 'nothing') args.push('--delete', '--ignore-errors');
      if (run.wouldDelete === 'all') args.push('--delete-excluded');
      break;
  }
  args.push(...extraArgs(settings.extras, takesPart(run.kind)), ...placesOf(settings, run));
  return args;
}

/** What sends nothing has nothing to say. */
const saysHowFar = (run: RunKind): boolean =>
  (run.kind === 'pass' && !run.dryRun) || run.kind === 'moves' || (run.kind === 'names' && run.saysHowFar === true);

/** Whether an option of the user's is for such a run. */
const takesPart =
  (kind: RunKind['kind']) =>
  (runs: InRuns): boolean =>
    runs === 'all' ||
    (runs === 'sending' && kind !== 'clear' && kind !== 'list') ||
    (runs === 'passes' && kind === 'pass');

/** Where in the trash a run puts things: relative, it is so to the directory that the run is for, and so are the names in it. */
function trashFor({ trash }: RsyncSettings, run: RunKind): string | undefined {
  if (trash === undefined || run.kind !== 'moves' || run.to === ROOT) return trash;
  const way = trash.startsWith('/') ? trash : wayBetween(run.to, ROOT).replace(/\.$/, trash);
  return `${way}/${argOf(run.to)}`;
}

/**
 * The directory to link from. Absolute where the target is: with a relative one Debian's 3.2.7 and rsync 3.4.3 take the basis of
 * a delta from another file than they said ("failed verification").
 */
const basisOf = ({ target }: RsyncSettings, to: Name, from: Name): string =>
  target.path.startsWith('/') ? `${target.path.replace(/\/+$/, '')}/${argOf(from)}` : wayBetween(to, from);

/** Source, seen from the root, and destination. */
function placesOf(settings: RsyncSettings, run: RunKind): [string, string] {
  const there = (below = ''): string =>
    destination(settings.target, below, settings.escapesArgs && !needsProtectedArgs(settings, run));
  if (run.kind === 'clear') return [`${run.emptyDir}/`, there()];
  if (run.kind === 'list') return [there(), `${run.emptyDir}/`];
  if (run.kind !== 'moves' || run.to === ROOT) return ['./', there()];
  const below = `${argOf(run.to)}/`;
  return [`./${below}`, there(below)];
}

/** Whether {@link Name}s can stand in rsync's arguments as they are, for this target. */
export const canBeArgs = (settings: RsyncSettings, ...names: readonly Name[]): boolean =>
  !(hostArg(settings.target) !== undefined && settings.target.path.startsWith('~')) && // `-s` would take the ~ literally
  names.every((name) => !/[\n\r]/.test(name) && Buffer.from(argOf(name), 'utf8').toString('latin1') === name) &&
  isExact(settings, names.map(argOf).join(''));

/**
 * Whether rsync writes to just this path there, and to no other that its wildcards match: what it does not escape it has to
 * send apart (`-s`), and that is always expanded there (io.c, read_args).
 */
export const isExact = (settings: Pick<RsyncSettings, 'target' | 'escapesArgs'>, below = ''): boolean =>
  !(isSentApart(settings, below) && /[*?[]/.test(`${settings.target.path}${below}`));

const argOf = (name: Name): string => Buffer.from(name, 'latin1').toString('utf8');

/** How to come from one directory below the root to another, for --link-dest, which is relative to the destination. */
function wayBetween(from: Name, to: Name): string {
  let way = '';
  for (let dir = from; dir !== ROOT; dir = parentOf(dir)) way += '../';
  return `${way}${argOf(to)}`;
}

/**
 * The target as rsync takes it, or what is `below` it. With a slash at its end, so that a single file can never take the
 * root's place. `isEscaped`: with a backslash before each wildcard, or the remote shell would look for what it matches.
 */
export function destination(target: Target, below = '', isEscaped = false): string {
  const path = `${target.path === '' || target.path.endsWith('/') ? target.path : `${target.path}/`}${below}`;
  const host = hostArg(target);
  if (host === undefined) return path;
  return `${host}:${isEscaped ? path.replace(/[*?[\]]/g, '\\$&') : path}`;
}

const needsProtectedArgs = (settings: RsyncSettings, run: RunKind): boolean =>
  isSentApart(settings, run.kind === 'moves' ? `${run.from}${run.to}` : '');

/**
 * Whether the remote path must go there apart from the command line (`-s`), where the remote shell can't read it: before
 * 3.2.4 rsync escapes nothing, then all but wildcards, line breaks and (before 3.3.0) backticks (options.c, safe_arg); and
 * nothing a `=` at the beginning, which zsh looks at. Not with a `~`, which only a shell can resolve.
 */
function isSentApart({ target, escapesArgs }: Pick<RsyncSettings, 'target' | 'escapesArgs'>, below: string): boolean {
  if (hostArg(target) === undefined || target.path.startsWith('~')) return false;
  return (escapesArgs ? /^=|[\n\r`]/ : /^=|[^\w@%+=:,./-]/).test(`${target.path}${below}`);
}

/**
 * The value of rsync's `-e`. rsync splits it at spaces itself, without a shell; a quoted part is taken as it is, with
 * the quote doubled inside (main.c, do_cmd).
 */
export const remoteShell = (command: readonly string[]): string =>
  command.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "''")}'`)).join(' ');
