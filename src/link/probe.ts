import { setTimeout as sleep } from 'node:timers/promises';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import type { Look } from '../core/place/place.js';
import type { Takes } from '../core/rsync/args.js';
import { ofNames, readStderr, withoutLines } from '../core/rsync/complaints.js';
import { outcomeOf } from '../core/rsync/exit.js';
import { rsyncThere } from '../core/rsync/extras.js';
import { inText } from '../core/rsync/path-failure.js';
import type { There } from '../core/rsync/there.js';
import { atLeast, OLDEST, type RsyncHere, readVersion } from '../core/rsync/version.js';
import { missingRsyncThere, printsAtLogin, type RsyncExit, reasonIn } from '../core/rsync/whole-run.js';
import type { SshAim } from '../core/ssh/exit.js';
import { SSH_FAILED } from '../core/ssh/remote-command.js';
import { hostArg, remoteParentOf, type Target } from '../core/target.js';
import type { Looked } from '../place/look.js';
import { wrongRsync } from '../rsync/probe.js';
import { type Said, say } from '../spawn.js';
import type { Connection, ProbeOptions } from './transport.js';
import { inPlace, LEAST, takenAbove, tryOut } from './trial.js';

/** An rsync there that is started by other programs may run in another place than they say: a container, another root. */
const IS_PLAIN_RSYNC = /^(sudo (-[nEHS] )*)?[\w@%+=:,./-]+$/;

/** A machine that was logged in to, and how. */
export interface Reached {
  readonly here: RsyncHere;
  readonly connection: Pick<Connection, 'remoteShell' | 'patienceMs' | 'look' | 'lost'>;
  readonly target: Target;
  readonly aim: SshAim;
}

/** Checks the rsync on another machine, what it takes, and the target's place, without changing anything. */
export async function probeThere(reached: Reached, { extras, trash }: ProbeOptions): Promise<Result<There>> {
  const { here, connection, target, aim } = reached;
  const rsyncPath = rsyncThere(extras);
  const asked = { path: target.path, trash, rsync: rsyncPath };
  const looking = connection.look(asked);
  const trying = tryOut({ here, target, connection, extras });
  const first = await looking;
  const looked = isLost(first) ? await connection.look(asked) : first;
  const beside = await trying;
  // Where there is room for one session only, the look may have had it all the while.
  const isAlone = !beside.ok && beside.exit.code === SSH_FAILED && !isLost(first);
  const tried = isAlone ? await tryOut({ here, target, connection, extras }) : beside;
  if (first.isLate || (!tried.ok && tried.exit.stalledMs !== undefined))
    return failed(silentShell(aim, connection.patienceMs));
  const version = readVersion(looked.rsync?.text ?? '');
  if (typeof version === 'string' || (version !== undefined && !atLeast(version, ...OLDEST)))
    return failed(wrongRsync(`the rsync on ${aim.host}`, version, 'remote'));
  const look = IS_PLAIN_RSYNC.test(rsyncPath) ? looked.look : NOT_PLAIN;
  const takes = tried.ok ? tried.takes : undefined;
  const isCramped = isLost(first) || (tried.ok && (isAlone || tried.isCramped));
  const chatter = looked.stderr.split('\n').filter((line) => line !== '');
  const there = async (exists: boolean, known: Takes): Promise<Result<There>> => {
    const above = { ...target, path: remoteParentOf(target.path) ?? '' };
    const takes = exists ? known : await takenAbove({ here, target: above, connection, extras }, known);
    return success({ version, takes: inPlace(takes, look), chatter, exists, look, isCramped });
  };
  if (look.kind === 'noUser') return success({ version, takes: LEAST, chatter, exists: false, look, isCramped });
  if (takes !== undefined && look.kind === 'place') return there(look.place.exists, takes);
  const seen = await seenByRsync(reached, rsyncPath);
  if (seen.kind === 'failed') return failed(seen.failure);
  if (tried.ok) return there(seen.kind !== 'new', tried.takes);
  return failed(await whyRefused(tried.exit, looked, reached));
}

/** It let us in, and then nothing came. */
const silentShell = ({ host }: SshAim, ms: number): Failure => ({
  kind: 'connection',
  message: `${host} lets us log in, but its shell did not start rsync within ${Math.round(ms / 1_000)} s`,
  hint: 'Its start files (~/.bashrc, ~/.profile) may wait for something; syncwatch doctor says more.',
});

const NOT_PLAIN: Look = { kind: 'unknown', why: '--rsync-path starts more than rsync' };

/** ssh could not start it: sshd may allow fewer sessions than we asked for at once. */
const isLost = (looked: Looked): boolean => isCode(looked, SSH_FAILED);

const isCode = ({ ended }: Pick<Said, 'ended'>, code: number): boolean =>
  ended.kind === 'exited' && ended.code === code;

/** How long it may take to be known that the connection is gone, in milliseconds, once a client of it has ended. */
const LOST_MS = 300;

/** What rsync says of it, also where there are quotes in a path, as nowhere else: only one path was asked for. */
const QUOTED_MISSING = /^\S*rsync: (?:\[\w+\] )?link_stat ".*" failed: [^"()]* \(2\)$/m;

/**
 * Why not even the plainest run was taken. What a shell there complains of at each start is the same for the look, and is
 * no reason.
 */
async function whyRefused(exit: RsyncExit, looked: Looked, { connection, aim }: Reached): Promise<Failure> {
  const { rsync, printed, stderr } = looked;
  const lost = await Promise.race([connection.lost, sleep(LOST_MS)]);
  if (lost !== undefined) return lost;
  if (rsync !== undefined && rsync.code !== 0) {
    const said = inText(rsync.text.trim().split('\n').at(-1) ?? '');
    return rsync.code === 127 ? missingRsyncThere(aim.host, said) : unstartable(aim.host, said, rsync.code);
  }
  if (printed !== '') return printsAtLogin(aim, inText(printed.trim().slice(0, 60)));
  const own = { ...exit, stderr: withoutLines(exit.stderr, stderr.split('\n')) };
  const outcome = outcomeOf(own, aim, [], ofNames([]));
  const reason = reasonIn(own.stderr);
  const failure: Failure =
    outcome.kind === 'broken'
      ? outcome.failure
      : { kind: 'remote', message: `the target on ${aim.host} can't be looked at`, detail: exit.stderr };
  // The connection is there: whoever refused it, and whatever the code, it will be the same the next time.
  if (failure.kind === 'connection' || failure.kind === 'run') {
    const silent = reason === '' ? endsSilently(aim.host, looked) : undefined;
    if (silent !== undefined) return silent;
    return {
      kind: 'remote',
      message: `the rsync on ${aim.host} does not take what is sent: ${reason === '' ? `exit code ${exit.code}` : reason}`,
      hint: `Something may stand in front of it there (rrsync, a ForceCommand), or end it; try 'syncwatch doctor'.`,
      detail: exit.stderr,
    };
  }
  return failure;
}

/** Who it is that ends there without a word, where our own script or `rsync --version` was answered with nothing at all. */
function endsSilently(host: string, { rsync, ended, stderr }: Looked): Failure | undefined {
  if (rsync === undefined && ended.kind === 'exited')
    return {
      kind: 'remote',
      message: `the shell on ${host} ends before it starts anything (exit code ${ended.code})`,
      hint: `Its start files (~/.bashrc, ~/.profile) may say 'exit', or the account may have no shell; try: ssh ${host} true`,
      detail: stderr,
    };
  if (rsync?.text.trim() === '')
    return {
      kind: 'remote',
      message: `what is started as rsync on ${host} ends without a word`,
      hint: 'It may be a wrapper that starts nothing; name the real one with --rsync-path.',
    };
  return undefined;
}

const unstartable = (host: string, said: string, code: number): Failure => ({
  kind: 'remote',
  message: `rsync can't be started on ${host}: ${said === '' ? `exit code ${code}` : said}`,
  hint: 'Check the rights of it there, and --rsync-path; sudo must not ask for a password (NOPASSWD in sudoers).',
});

type SeenByRsync =
  | { readonly kind: 'there' | 'new' }
  /** It may not be there or not be looked at: a server that is only written to, for example. */
  | { readonly kind: 'unsaid' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Whether the target is there, as rsync sees it, where we can't. */
async function seenByRsync(reached: Reached, rsyncPath: string): Promise<SeenByRsync> {
  const { connection, target, aim } = reached;
  const wrong = (failure: Failure): SeenByRsync => ({ kind: 'failed', failure });
  const place = await listThere(reached, target.path, rsyncPath);
  if (place === 'late') return wrong(silentShell(aim, connection.patienceMs));
  if (place === 'unsaid') return { kind: 'unsaid' };
  if (place !== 'missing')
    return place === 'd' || place === 'l' ? { kind: 'there' } : wrong(notADirectory(target.label, `on ${aim.host}`));
  const parent = remoteParentOf(target.path);
  if (parent === undefined) return { kind: 'new' };
  const above = await listThere(reached, parent, rsyncPath);
  if (above === 'late') return wrong(silentShell(aim, connection.patienceMs));
  if (above === 'missing') return wrong(noParent(parent, `on ${aim.host}`));
  return above === '-' ? wrong(notADirectory(parent, `on ${aim.host}`)) : { kind: 'new' };
}

/** What rsync sees at a path there: the type in one line of `rsync --list-only --dirs`, or what came in its place. */
async function listThere({ here, connection, target }: Reached, path: string, rsyncPath: string): Promise<string> {
  const source = `${hostArg(target)}:${path.replace(/(?<=[^/])\/+$/, '')}`;
  const protect = /^=|[\s*?[\]'"\\$;&|<>()#!`]/.test(path) && !path.startsWith('~') ? ['-s'] : [];
  const args = [
    '--list-only',
    '--dirs',
    ...protect,
    `--rsync-path=${rsyncPath}`,
    ...(connection.remoteShell === undefined ? [] : ['-e', connection.remoteShell]),
    source,
  ];
  const said = await say(here.program, args, { ownSession: true, patienceMs: connection.patienceMs });
  if (said.isLate) return 'late';
  if (isCode(said, 0)) return said.stdout.charAt(0) || 'd';
  // 3.5.0 exits with 23; a missing login directory or a link that leads nowhere looks the same.
  const isMissing =
    readStderr(said.stderr).some((line) => line.kind === 'complaint' && line.complaint.errno === 2) ||
    QUOTED_MISSING.test(said.stderr);
  return isMissing ? 'missing' : 'unsaid';
}

export const notADirectory = (path: string, where: string): Failure => ({
  kind: 'remote',
  message: `${path} ${where} is not a directory`,
  hint: 'Name a directory, or move that file away.',
});

export const noParent = (parent: string, where: string): Failure => ({
  kind: 'remote',
  message: `there is no directory ${parent} ${where}`,
  hint: 'syncwatch makes the last directory of a path, not the ones above it. Make it there, or check the spelling.',
});
