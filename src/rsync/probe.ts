import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Program } from '../core/environment.js';
import { cantStart, type Failure, failed, type Result, success } from '../core/failure.js';
import { type Look, targetAt } from '../core/place.js';
import { hostArg, remoteShell } from '../core/rsync-args.js';
import { ofNames, readStderr } from '../core/rsync-complaints.js';
import { missingRsyncThere, outcomeOf, UPGRADE } from '../core/rsync-exit.js';
import { type Extra, extraArgs } from '../core/rsync-extras.js';
import type { SshAim } from '../core/ssh-exit.js';
import { remoteParentOf, type Target } from '../core/target.js';
import { type Looked, lookHere, lookThere } from '../place/look.js';
import { type NoProgram, passedOverInWords } from '../programs.js';
import { type Said, say } from '../spawn.js';
import type { Connection } from '../ssh/connection.js';

/** A version of rsync, for comparing. */
export type Version = readonly [number, number, number];

/** Reads `rsync --version`. A string says what else it is. */
export function readVersion(text: string): Version | string | undefined {
  if (/openrsync/i.test(text)) return 'openrsync';
  const found = /rsync\s+version\s+v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
}

export const atLeast = (version: Version, ...wanted: Version): boolean => {
  const at = version.findIndex((part, i) => part !== wanted[i]);
  return at < 0 || (version[at] ?? 0) > (wanted[at] ?? 0);
};

/** The oldest rsync that knows --delete-missing-args and --outbuf. */
const OLDEST: Version = [3, 1, 0];

/** The rsync on this machine. */
export interface RsyncHere {
  readonly program: Program;
  readonly version: Version;
}

/** The rsync on this machine, and whether it takes what the user gave for it. Nothing is sent. */
export async function probeHere(program: Program | NoProgram, extras: readonly Extra[]): Promise<Result<RsyncHere>> {
  if (program.file === undefined) {
    const message = `there is no rsync here${passedOverInWords(program)}`;
    return failed({ kind: 'start', message, hint: `Install it. ${UPGRADE}` });
  }
  const [said, refusal] = await Promise.all([
    say(program, ['--version'], { ownSession: true }),
    refusalHere(program, extras),
  ]);
  if (said.ended.kind === 'notStarted') return failed(cantStart('rsync', said.ended.why, 'start'));
  const version = readVersion(said.stdout);
  if (typeof version !== 'object' || !atLeast(version, ...OLDEST))
    return failed(wrongRsync('the rsync here', version, 'start'));
  if (refusal === undefined) return success({ program, version });
  return failed({
    kind: 'usage',
    message: `the rsync here (${version.join('.')}) does not take what it was given after the --: ${refusal}`,
    hint: 'man rsync says what it knows.',
  });
}

/**
 * What rsync says against these options, undefined for nothing: values that mean nothing to it, what it was built without,
 * what excludes one another. Some of it shows only where there is a file: this one would do, and nothing is sent.
 */
async function refusalHere(program: Program, extras: readonly Extra[]): Promise<string | undefined> {
  if (extras.length === 0) return undefined;
  const args = ['--dry-run', ...extraArgs(extras, (runs) => runs !== 'none'), import.meta.filename, '/'];
  const { ended, stderr } = await say(program, args, { ownSession: true });
  if (ended.kind === 'exited' && ended.code === 0) return undefined;
  return (stderr.split('\n')[0] ?? '').replace(/^rsync: /, '');
}

function wrongRsync(which: string, version: Version | string | undefined, kind: 'start' | 'remote'): Failure {
  const what =
    typeof version === 'object'
      ? `is too old (${version.join('.')})`
      : `is ${version ?? 'of an unknown kind'}, not rsync`;
  return { kind, message: `${which} ${what}`, hint: UPGRADE };
}

/** What is known about the other side before anything is sent. `version`: undefined where it would not say. */
export interface There {
  readonly version: Version | undefined;
  /** Whether the target directory is there already. */
  readonly exists: boolean;
  /** Where it really is. */
  readonly look: Look;
}

/** What is asked about a target's place beside its path. */
export interface ProbeOptions {
  readonly rsyncPath: string;
  readonly trash: string | undefined;
}

/** An rsync there that is started by other programs may run in another place than they say: a container, another root. */
const IS_PLAIN_RSYNC = /^(sudo (-[nEHS] )*)?[\w@%+=:,./-]+$/;

/** Checks the rsync on the remote and the target's place, without changing anything. */
export async function probeThere(
  here: Program,
  connection: Connection,
  target: Extract<Target, { kind: 'remote' }>,
  aim: SshAim,
  { rsyncPath, trash }: ProbeOptions,
): Promise<Result<There>> {
  const asked = { path: target.path, trash, rsync: rsyncPath };
  const looking = lookThere(connection, asked);
  // rsync takes no .. for the name of a source.
  const listed = /(^|\/)\.\.\/*$/.test(target.path) ? targetAt(target, (await looking).look).path : target.path;
  const place = await listThere(here, connection, target, listed, rsyncPath);
  const { look: seen, rsync } = isLost(await looking) ? await lookThere(connection, asked) : await looking;
  const look = IS_PLAIN_RSYNC.test(rsyncPath) ? seen : NOT_PLAIN;
  if ((await looking).isLate || (place.kind === 'failed' && place.said.isLate))
    return failed(silentShell(aim, connection.patience.commandMs));
  const version = readVersion(rsync?.text ?? '');
  if (rsync?.code === 127) return failed(missingRsyncThere(aim.host));
  if (typeof version === 'string' || (version !== undefined && !atLeast(version, ...OLDEST))) {
    return failed(wrongRsync(`the rsync on ${aim.host}`, version, 'remote'));
  }
  const known = typeof version === 'object' ? version : undefined;
  const there = (exists: boolean): Result<There> => success({ version: known, exists, look });

  if (look.kind === 'noUser') return there(false);
  // rsync got through. What it says about the path itself was seen already, and better: it takes wildcards for wildcards.
  if (look.kind === 'place' && (place.kind !== 'failed' || isCode(place.said, SOME_MISSED)))
    return there(look.place.exists);
  if (place.kind === 'failed') return failed(broken(place.said, aim));
  if (place.kind === 'found') {
    return place.type === 'd' || place.type === 'l'
      ? there(true)
      : failed(notADirectory(target.label, `on ${aim.host}`));
  }
  const parent = remoteParentOf(target.path);
  if (parent !== undefined) {
    const above = await listThere(here, connection, target, parent, rsyncPath);
    if (above.kind === 'failed' && above.said.isLate) return failed(silentShell(aim, connection.patience.commandMs));
    if (above.kind === 'failed') return failed(broken(above.said, aim));
    if (above.kind === 'missing') return failed(noParent(parent, `on ${aim.host}`));
    if (above.type === '-') return failed(notADirectory(parent, `on ${aim.host}`));
  }
  return there(false);
}

/** It let us in, and then nothing came. */
const silentShell = ({ host }: SshAim, ms: number): Failure => ({
  kind: 'connection',
  message: `${host} lets us log in, but its shell did not start rsync within ${Math.round(ms / 1_000)} s`,
  hint: 'Its start files (~/.bashrc, ~/.profile) may wait for something; syncwatch doctor says more.',
});

const NOT_PLAIN: Look = { kind: 'unknown', why: '--rsync-path starts more than rsync' };

/** ssh could not start it: sshd may allow fewer sessions than we asked for at once. */
const isLost = (looked: Looked): boolean => isCode(looked, 255);

const isCode = ({ ended }: Pick<Said, 'ended'>, code: number): boolean =>
  ended.kind === 'exited' && ended.code === code;

/** rsync's exit code where it ran to its end, but not every name was to be had. */
const SOME_MISSED = 23;

type Place =
  | { readonly kind: 'found'; readonly type: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly said: Said };

/** What rsync says of it, also where there are quotes in a path, as nowhere else: only one path was asked for. */
const QUOTED_MISSING = /^\S*rsync: (?:\[\w+\] )?link_stat ".*" failed: [^"()]* \(2\)$/m;

/** What rsync sees at a path there: one line of `rsync --list-only --dirs`. */
async function listThere(
  here: Program,
  connection: Connection,
  target: Extract<Target, { kind: 'remote' }>,
  path: string,
  rsyncPath: string,
): Promise<Place> {
  const source = `${hostArg(target)}:${path.replace(/(?<=[^/])\/+$/, '')}`;
  const protect = /^=|[\s*?[\]'"\\$;&|<>()#!`]/.test(path) && !path.startsWith('~') ? ['-s'] : [];
  const args = [
    '--list-only',
    '--dirs',
    ...protect,
    `--rsync-path=${rsyncPath}`,
    '-e',
    remoteShell(connection.clientForRsync),
    source,
  ];
  const said = await say(here, args, { ownSession: true, patienceMs: connection.patience.commandMs });
  if (isCode(said, 0)) {
    return { kind: 'found', type: said.stdout.charAt(0) === '' ? 'd' : said.stdout.charAt(0) };
  }
  // 3.5.0 exits with 23; a missing login directory or a link that leads nowhere looks the same.
  const isMissing =
    readStderr(said.stderr).some((line) => line.kind === 'complaint' && line.complaint.errno === 2) ||
    QUOTED_MISSING.test(said.stderr);
  return isMissing ? { kind: 'missing' } : { kind: 'failed', said };
}

function broken(said: Said, aim: SshAim): Failure {
  const code = said.ended.kind === 'exited' ? said.ended.code : undefined;
  const outcome = outcomeOf({ code, signal: undefined, stderr: said.stderr }, aim, [], ofNames([]));
  if (outcome.kind === 'broken') {
    const { failure } = outcome;
    return failure.kind === 'run' ? { ...failure, kind: 'remote' } : failure;
  }
  return { kind: 'remote', message: `the target on ${aim.host} can't be looked at`, detail: said.stderr };
}

const notADirectory = (path: string, where: string): Failure => ({
  kind: 'remote',
  message: `${path} ${where} is not a directory`,
  hint: 'Name a directory, or move that file away.',
});

const noParent = (parent: string, where: string): Failure => ({
  kind: 'remote',
  message: `there is no directory ${parent} ${where}`,
  hint: 'syncwatch makes the last directory of a path, not the ones above it. Make it there, or check the spelling.',
});

/** Checks a local target's place, without changing anything. */
export async function probeLocal(shell: Program, path: string, trash: string | undefined): Promise<Result<There>> {
  const at = statSync(path, { throwIfNoEntry: false });
  if (at?.isDirectory() === false) return failed(notADirectory(path, 'here'));
  const there = async (exists: boolean): Promise<Result<There>> =>
    success({ version: undefined, exists, look: (await lookHere(shell, { path, trash })).look });
  if (at !== undefined) return there(true);
  const dangling = lstatSync(path, { throwIfNoEntry: false });
  if (dangling !== undefined) return failed(notADirectory(path, 'here'));
  const parent = dirname(path);
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) return failed(noParent(parent, 'here'));
  return there(false);
}
