import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { CLI, cleanEnv } from './cli.js';

/** What is typed when the program's output since the last answer matches. */
export type Typed = readonly [when: RegExp, keys: string];

/** How long it may take, in milliseconds: a guard against hanging. */
const PATIENCE_MS = 60_000;

interface Around {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Shown {
  readonly code: number | null;
  readonly shown: string;
}

/** How the CLI is started from a shell. */
export const inShell = (args: readonly string[]): string =>
  [process.execPath, CLI, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** Runs the CLI on a terminal of its own, typing what is given in turn. Gives all that it showed. */
export const runOnTerminal = (args: readonly string[], options: Around, typed: readonly Typed[]): Promise<Shown> =>
  commandOnTerminal(inShell(args), options, typed);

/** The same with any command of a shell (`script`, util-linux). */
export async function commandOnTerminal(command: string, options: Around, typed: readonly Typed[]): Promise<Shown> {
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd: options.cwd,
    env: { ...cleanEnv(), ...options.env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const left = [...typed];
  let shown = '';
  let since = '';
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk;
    since += chunk;
    const [when, keys] = left[0] ?? [];
    if (when?.test(since) !== true) return;
    since = '';
    left.shift();
    child.stdin.write(keys ?? '');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { code, shown };
}
