import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import type { TestServer } from './server-setup.js';
import { fill, temporaryDir, tree } from './tree.js';

export const CLI = resolve(import.meta.dirname, '../../dist/cli.js');

/** How long anything may take here, in milliseconds: a guard against hanging, not an expectation. */
const PATIENCE_MS = Number(process.env['SYNCWATCH_TEST_PATIENCE_MS'] ?? 90_000);

export interface JsonEvent {
  readonly event: string;
  readonly path?: string;
  readonly [field: string]: unknown;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Commands before node, see rights.ts. */
  readonly wrapper?: readonly string[];
  readonly stdin?: string;
}

/** A running syncwatch, the built CLI, and all that it has said. */
export class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  #changed: () => void = () => {};
  #over = false;

  constructor(args: readonly string[], options: RunOptions = {}) {
    const [file = '', ...rest] = [...(options.wrapper ?? []), process.execPath, CLI, ...args];
    this.child = spawn(file, rest, {
      cwd: options.cwd ?? tmpdir(),
      env: { ...cleanEnv(), ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdin?.end(options.stdin ?? '');
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk;
      this.#changed();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
      this.#changed();
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.#over = true;
        this.#changed();
        resolve(code ?? signal ?? 'unknown');
      });
    });
    onTestFinished(async () => {
      // Twice: stop at once, and leave no ssh behind. A process that hangs all the same is ended the hard way.
      this.child.kill('SIGTERM');
      this.child.kill('SIGINT');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
      await this.ended;
      clearTimeout(timer);
    });
  }

  /** All that was said with `--json`. */
  get events(): JsonEvent[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as JsonEvent);
  }

  /** Waits until `check` gives something, looking again whenever the program speaks and every few milliseconds. */
  async until<T>(what: string, check: () => T | undefined | false, patienceMs = PATIENCE_MS): Promise<T> {
    const deadline = Date.now() + patienceMs;
    const checkNow = (): T | undefined | false => {
      try {
        return check();
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false; // it went while it was read
        throw error;
      }
    };
    for (;;) {
      const result = checkNow();
      if (result !== undefined && result !== false) return result;
      if (Date.now() > deadline || this.#over) {
        const last = checkNow();
        if (last !== undefined && last !== false) return last;
        throw new Error(`${this.#over ? 'ended' : 'waited in vain'} before: ${what}\n${this.#tail()}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 25);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The last of what was said, cut short. */
  #tail(): string {
    return this.stdout
      .trim()
      .split('\n')
      .slice(-15)
      .map((line) => line.slice(0, 300))
      .join('\n');
  }

  /** Waits for an event, the first one from number `from` on. */
  event(kind: string, matches: (event: JsonEvent) => boolean = () => true, from = 0): Promise<JsonEvent> {
    return this.until(`event ${kind}`, () => this.events.slice(from).find((e) => e.event === kind && matches(e)));
  }

  /** Waits for the first full sync to be through. */
  inSync(): Promise<JsonEvent> {
    return this.event('inSync');
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | string> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** The environment of the tests without what would change what syncwatch does; state goes to a folder of this test run. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const { XDG_RUNTIME_DIR: _runtime, SSH_AUTH_SOCK: _agent, FORCE_COLOR: _color, ...env } = process.env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SYNCWATCH_')));
}

/** Runs the CLI to its end. */
export async function run(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const running = new Running(args, options);
  const code = await running.ended;
  return { code, stdout: running.stdout, stderr: running.stderr };
}

/** A local directory, a remote one, and a syncwatch between them. */
export interface Place {
  readonly server: TestServer;
  readonly local: string;
  /** The remote directory as this machine sees it; its parent is there, it is not. */
  readonly remote: string;
  /** The remote directory as the server sees it. */
  readonly path: string;
  /** `there:/…` */
  readonly to: string;
  /** `-F config --to there:/…` */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Makes the remote directory and fills it, as the user there. */
  fillRemote(files: Readonly<Record<string, string>>): void;
  /** Makes a program that the server can start, with this text, until the test has finished; gives its path there. */
  program(text: string): string;
  start(args?: readonly string[], options?: RunOptions): Running;
  run(args?: readonly string[], options?: RunOptions): ReturnType<typeof run>;
  /** Waits until both trees are the same. */
  same(running: Running, leaveOut?: (name: string) => boolean, patienceMs?: number): Promise<void>;
}

/** The first lines, cut short. */
const some = (lines: readonly string[]): string =>
  lines
    .slice(0, 20)
    .map((line) => line.slice(0, 200))
    .join('\n');

let programs = 0;

/** A name that nothing else has on the server, which all files of a run share. Process numbers come again within a run. */
export const freshName = (): string => randomBytes(6).toString('hex');

/** A fresh place for one test, with folders for sockets and state of its own. */
export function place(server: TestServer = inject('server')): Place {
  const base = temporaryDir();
  const local = join(base, 'local');
  mkdirSync(local);
  mkdirSync(join(base, 'home'));
  mkdirSync(join(base, 'run'), { mode: 0o700 });
  const name = freshName();
  const remote = join(server.hereBase, name);
  const path = `${server.thereBase}/${name}`;
  const to = `there:${path}`;
  const args = ['-F', server.sshConfig, '--to', to];
  const env = { XDG_STATE_HOME: join(base, 'state'), XDG_RUNTIME_DIR: join(base, 'run'), HOME: join(base, 'home') };
  return {
    server,
    local,
    remote,
    path,
    to,
    args,
    env,
    fillRemote: (files) => {
      const source = join(base, 'for-there');
      fill(source, { './': '', ...files });
      execFileSync('rsync', ['-r', '-e', `ssh -F ${server.sshConfig}`, `${source}/`, `${to}/`]);
      rmSync(source, { recursive: true });
    },
    program: (text) => {
      const base = `${name}-program-${++programs}`;
      const file = join(server.hereBase, base);
      writeFileSync(file, text);
      chmodSync(file, 0o755);
      onTestFinished(() => rmSync(file));
      return `${server.thereBase}/${base}`;
    },
    start: (more = [], options = {}) => new Running([...args, '--json', local, ...more], { env, ...options }),
    run: (more = [], options = {}) => run([...args, local, ...more], { env, ...options }),
    same: async (running, leaveOut, patienceMs) => {
      let notBefore = 0;
      let here: string[] = [];
      let there: string[] = [];
      await running
        .until(
          'both trees are the same',
          () => {
            // A large tree takes its time to compare: not all of the processor's.
            if (performance.now() < notBefore) return false;
            const begun = performance.now();
            here = tree(local, leaveOut);
            there = tree(remote, leaveOut);
            const took = performance.now() - begun;
            notBefore = took < 20 ? 0 : begun + 4 * took;
            return here.length === there.length && here.every((line, i) => line === there[i]);
          },
          patienceMs,
        )
        .catch((error: Error) => {
          const missing = here.filter((line) => !there.includes(line));
          const extra = there.filter((line) => !here.includes(line));
          throw new Error(`${error.message}\nonly here:\n${some(missing)}\nonly there:\n${some(extra)}`);
        });
    },
  };
}
