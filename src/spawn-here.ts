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
  const heard = { SIGINT: ignored, SIGQUIT: ignored, SIGTERM: handOn, SIGHUP: handOn };
  for (const [signal, listener] of Object.entries(heard)) process.on(signal, listener);
  return new Promise((resolve) => {
    const end = (ended: EndedHere): void => {
      for (const [signal, listener] of Object.entries(heard)) process.off(signal, listener);
      resolve(ended);
    };
    child.once('error', (error) =>
      end({ kind: 'failed', errno: 'code' in error ? String(error.code) : error.message }),
    );
    child.once('exit', (code, signal) =>
      end({ kind: 'exited', code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) }),
    );
  });
}
