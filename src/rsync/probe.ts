import type { Program } from '../core/environment.js';
import { cantStart, type Failure, failed, type Result, success } from '../core/failure.js';
import { type Extra, extraArgs } from '../core/rsync/extras.js';
import { atLeast, OLDEST, type RsyncHere, readVersion, type Version } from '../core/rsync/version.js';
import { UPGRADE } from '../core/rsync/whole-run.js';
import { type NoProgram, passedOverInWords } from '../programs.js';
import { say } from '../spawn.js';

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

/** `which`: "the rsync here", or where it is; `version`: what {@link readVersion} made of what it said. */
export function wrongRsync(which: string, version: Version | string | undefined, kind: 'start' | 'remote'): Failure {
  const what =
    typeof version === 'object'
      ? `is too old (${version.join('.')})`
      : `is ${version ?? 'of an unknown kind'}, not rsync`;
  return { kind, message: `${which} ${what}`, hint: UPGRADE };
}
