import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import type { Program } from './core/environment.js';

/** How it ended: with an exit code (128 and its number for a signal), or it did not begin; `errno`: why, as `ENOENT`. */
export type EndedHere =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'failed'; readonly errno: string };

/**
 * Runs a program in our place, with the environment that is its own: it has our terminal, stdin, stdout and stderr, and the signals that a terminal sends.
 *
 * Beside spawn.ts the only place that starts a process, because loading execa takes longer (60 to 100 ms) than all else
 * that `exec` does.
 */
export function spawnHere({ file, env }: Program, args: readonly string[], cwd?: string): Promise<EndedHere> {
  if (file === '') return Promise.resolve({ kind: 'failed', errno: 'ENOENT' }); // node would throw
  const child = spawn(file, [...args], { stdio: 'inherit', env, ...(cwd === undefined ? {} : { cwd }) });
  // A terminal's Ctrl-C is for the program; what is sent to us alone is handed on.
  const ignored = (): void => {};
  const handOn = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', ignored);
  process.on('SIGQUIT', ignored);
  process.on('SIGTERM', handOn);
  process.on('SIGHUP', handOn);
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ kind: 'failed', errno: 'code' in error ? String(error.code) : error.message }),
    );
    child.once('exit', (code, signal) =>
      resolve({ kind: 'exited', code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) }),
    );
  });
}
