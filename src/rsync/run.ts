import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Name, ROOT } from '../core/name.js';
import { type RsyncSettings, type RunKind, rsyncArgs } from '../core/rsync-args.js';
import type { RsyncExit } from '../core/rsync-exit.js';
import { type OutputLine, parseOutputLine } from '../core/rsync-output.js';
import { collect, spawn } from '../spawn.js';

/** A run as its caller sees it. */
export type Run =
  | {
      readonly kind: 'names';
      readonly names: readonly Name[];
      readonly ignoreTimes: boolean;
      readonly deleteMissing: boolean;
    }
  | { readonly kind: 'clear'; readonly names: readonly Name[] }
  | { readonly kind: 'pass'; readonly patterns: readonly string[]; readonly mirror: boolean; readonly dryRun: boolean };

/** Starts one rsync and gives what it prints as it prints it. `abort` ends it with SIGTERM. */
export async function runRsync(
  settings: RsyncSettings,
  run: Run,
  onLine: (line: OutputLine) => void,
  abort: AbortSignal,
  onCommand: (args: readonly string[]) => void = () => {},
): Promise<RsyncExit> {
  const emptyDir = run.kind === 'clear' ? mkdtempSync(join(tmpdir(), 'syncwatch-empty-')) : undefined;
  try {
    const args = rsyncArgs(settings, kindOf(run, emptyDir));
    onCommand(args);
    const child = spawn('rsync', args, { cwd: '/', ownSession: true });
    const stop = (): void => child.kill('SIGTERM');
    if (abort.aborted) stop();
    abort.addEventListener('abort', stop);
    const stderr = collect(child.stderr);
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(parseOutputLine(line));
    });
    child.stdin.end(inputOf(run));
    const ended = await child.ended;
    abort.removeEventListener('abort', stop);
    return {
      code: ended.kind === 'exited' ? ended.code : ended.kind === 'notFound' ? 127 : undefined,
      signal: ended.kind === 'signalled' ? ended.signal : undefined,
      stderr: stderr(),
    };
  } finally {
    if (emptyDir !== undefined) rmdirSync(emptyDir);
  }
}

const kindOf = (run: Run, emptyDir = ''): RunKind => (run.kind === 'clear' ? { kind: 'clear', emptyDir } : run);

/**
 * A name that is never there. Any listed name brings its parents along with their mode and time, so this stands for
 * the root alone; the root's own name would bring all that is directly in it (man rsync, --dirs).
 */
const NOTHING_IN_ROOT = '.syncwatch-nothing';

/**
 * What rsync reads on stdin. Each name gets `./` in front: without it an entry beginning with `#` or `;` is a comment
 * even with --from0.
 */
function inputOf(run: Run): Buffer {
  if (run.kind === 'pass') return nulSeparated(run.patterns);
  const names = run.names.filter((name) => name !== ROOT);
  return nulSeparated((names.length > 0 ? names : [NOTHING_IN_ROOT]).map((name) => `./${name}`));
}

const nulSeparated = (lines: readonly string[]): Buffer =>
  Buffer.from(lines.map((line) => `${line}\0`).join(''), 'latin1');
