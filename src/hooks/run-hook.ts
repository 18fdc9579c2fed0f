import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { msSince, steadyNow } from '../clock.js';
import type { Report } from '../core/event.js';
import { HOOK_KINDS, type HookKind, type HookVariable } from '../core/hook-kinds.js';
import { bytesOf, type Name, textOf } from '../core/name.js';
import type { Reach } from '../core/reach.js';
import { callIn, newMark, signalCall } from '../link/command.js';
import type { Programs } from '../programs.js';
import { type Child, collectText, say, spawn } from '../spawn.js';
import { makeTemporary } from '../user-folders.js';

export interface RunnerOptions {
  readonly programs: Pick<Programs, 'usersShell' | 'ssh'>;
  readonly root: string;
  readonly target: string;
  readonly reach: () => Reach;
  readonly report: Report;
  /** How long a hook may take, in milliseconds; {@link HOOK_MS} where not given. */
  readonly limitMs?: number;
}

/** How long a hook may take, in milliseconds: a test suite should be through by then. */
const HOOK_MS = 600_000;

/** The file of the paths, in a folder of its own. */
const PATHS = 'paths';

/** So much of what a hook said is told, in characters: the end of it. */
const OUTPUT_CHARS = 4_000;

/** How a hook ended: its exit code, or why it has none. */
type HookEnd = { readonly code: number } | { readonly why: string };

/** What a command finds in its environment beside what is there. */
type Variables = { readonly [Variable in HookVariable]?: string };

/** How long one that is to end may take to clean up, in milliseconds. */
export const ENDING_MS = 5_000;

/** How long a signal may take to get there, in milliseconds. */
const SIGNAL_MS = 3_000;

/** One that runs. `bring`: a signal to all of it there, for that of ours ends only the ssh here. */
interface Started {
  readonly child: Child;
  readonly bring?: (signal: EndSignal) => Promise<unknown>;
}

type EndSignal = 'TERM' | 'KILL';

const end = async ({ child, bring }: Started, signal: EndSignal): Promise<void> => {
  child.killAll(`SIG${signal}`);
  await bring?.(signal);
};

/** Starts the user's commands, one at a time, here or there, and tells how each has ended. */
export class HookRunner {
  readonly #options: RunnerOptions;
  #isStopped = false;
  #running: Started | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Ends the one that runs, in {@link ENDING_MS} at most; no other begins. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const running = this.#running;
    if (running === undefined) return;
    const timer = setTimeout(() => void end(running, 'KILL'), ENDING_MS);
    void running.child.ended.then(() => clearTimeout(timer));
    await end(running, 'TERM');
  }

  /** Runs one to its end, and tells of that; none after {@link stop}. `names`: what it is about. */
  async run(kind: HookKind, command: string, names: readonly Name[], more: Variables): Promise<void> {
    if (this.#isStopped) return;
    const { root, target, report, limitMs = HOOK_MS } = this.#options;
    const { where } = HOOK_KINDS[kind];
    const beganMs = steadyNow();
    const list = Buffer.concat(names.map((name) => Buffer.concat([bytesOf(name), Buffer.from('\0')])));
    const [first] = names;
    const env: Variables = {
      SYNCWATCH_COUNT: String(names.length),
      SYNCWATCH_TARGET: target,
      SYNCWATCH_ROOT: root,
      ...(names.length === 1 && first !== undefined ? { SYNCWATCH_PATH: textOf(first) } : {}),
      ...more,
    };
    const made = makeTemporary('syncwatch-hook-', (folder) => writeFileSync(join(folder, PATHS), list));
    if (!made.ok) {
      const end = `it could not be started: ${made.failure.message}`;
      report({ kind: 'hook', hook: kind, target, end, code: undefined, ms: 0, output: '' });
      return;
    }
    try {
      const pathsFile = join(made.value, PATHS);
      const started =
        where === 'there'
          ? this.#startThere(command, { ...env, SYNCWATCH_PATHS_FILE: '/dev/stdin' })
          : this.#startHere(command, root, { ...env, SYNCWATCH_PATHS_FILE: pathsFile });
      if (started === undefined) {
        report({ kind: 'hook', hook: kind, target, end: 'there is no connection', code: undefined, ms: 0, output: '' });
        return;
      }
      const { child } = started;
      const output = collectText([child.stdout, child.stderr], OUTPUT_CHARS);
      child.stdin.end(where === 'there' ? list : '');
      const ended = await this.#ended(started, limitMs);
      report({
        kind: 'hook',
        hook: kind,
        target,
        code: 'code' in ended ? ended.code : undefined,
        end: 'why' in ended ? ended.why : undefined,
        ms: msSince(beganMs),
        output: output(),
      });
    } finally {
      rmSync(made.value, { recursive: true, force: true });
    }
  }

  #startHere(command: string, cwd: string, env: Variables): Started {
    const { usersShell } = this.#options.programs;
    return { child: spawn(usersShell, ['-c', command], { cwd, env, ownSession: true, isForUser: true }) };
  }

  #startThere(command: string, env: Variables): Started | undefined {
    const { reach, programs } = this.#options;
    const way = reach();
    if (way.kind === 'none') return undefined;
    const mark = newMark();
    const call = callIn(way, { kind: 'line', line: command, env, mark }, programs);
    if (!call.ok) return undefined;
    const { program, args, ...where } = call.value;
    const child = spawn(program, args, { ...where, ownSession: true, isForUser: true });
    if (way.kind === 'local') return { child };
    const bring = (signal: EndSignal): Promise<unknown> => {
      const sent = signalCall(way, mark, signal, program);
      return say(sent.program, sent.args, { ownSession: true, patienceMs: SIGNAL_MS });
    };
    return { child, bring };
  }

  async #ended(started: Started, limitMs: number): Promise<HookEnd> {
    this.#running = started;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      void end(started, 'KILL');
    }, limitMs);
    const ended = await started.child.ended;
    clearTimeout(timer);
    this.#running = undefined;
    if (isLate) return { why: `it took longer than ${Math.round(limitMs / 1000)} s and was ended` };
    switch (ended.kind) {
      case 'exited':
        return { code: ended.code };
      case 'notFound':
        return { why: 'there is no such program' };
      case 'notStarted':
        return { why: `it could not be started: ${ended.why}` };
      case 'signalled':
        return { why: `it was ended by ${ended.signal}` };
    }
  }
}
