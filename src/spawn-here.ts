import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';

/**
 * Runs a program in our place: it has our terminal, stdin, stdout and stderr, and the signals that a terminal sends. Gives its
 * exit code, 128 and its number for a signal, 127 where there is no such program.
 *
 * Beside spawn.ts the only place that starts a process, because loading execa takes longer (60 to 100 ms) than all else
 * that `exec` does.
 */
export function spawnHere(file: string, args: readonly string[], cwd?: string): Promise<number> {
  const child = spawn(file, [...args], { stdio: 'inherit', ...(cwd === undefined ? {} : { cwd }) });
  // A terminal's Ctrl-C is for the program; what is sent to us alone is handed on.
  const ignored = (): void => {};
  const handOn = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', ignored);
  process.on('SIGQUIT', ignored);
  process.on('SIGTERM', handOn);
  process.on('SIGHUP', handOn);
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
