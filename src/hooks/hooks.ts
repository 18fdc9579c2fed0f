import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { msSince, steadyNow } from '../clock.js';
import type { Event, Item, Report } from '../core/event.js';
import type { Pattern } from '../core/filter/pattern.js';
import { HOOK_KINDS, type HookKind, type HookVariable, hooksAt } from '../core/hook-kinds.js';
import { ancestorsOf, bytesOf, type Name, ROOT, textOf } from '../core/name.js';
import type { Reach } from '../core/reach.js';
import type { ReadonlyPending } from '../core/sync/pending.js';
import { callIn, newMark, signalCall } from '../link/command.js';
import type { Programs } from '../programs.js';
import { type Child, collectText, say, spawn } from '../spawn.js';
import { makeTemporary } from '../user-folders.js';

/** A command of the user's, for a shell. */
export interface HookCommand {
  readonly command: string;
  /** Only for what this matches, and what is below that; undefined: for everything. */
  readonly only: Pattern | undefined;
}

/** The commands of each kind, in their order. */
export type HookCommands = Readonly<Record<HookKind, readonly HookCommand[]>>;

/** What is not there yet: hooks wait for it, but not for ever. */
export interface Outstanding {
  readonly pending: ReadonlyPending;
  /** A full pass is due or under way: nobody knows yet what waits. */
  readonly isUnknown: () => boolean;
  /** Resolves when something may have become of it. */
  readonly turnEnded: () => Promise<void>;
  /** Resolves when what waits now is there, or has failed, even if it has changed again by then. False where that can't be had. */
  readonly caughtUp: (gone: AbortSignal) => Promise<boolean>;
}

export interface HooksOptions {
  readonly programs: Pick<Programs, 'usersShell' | 'ssh'>;
  readonly commands: HookCommands;
  readonly root: string;
  readonly target: string;
  readonly reach: () => Reach;
  readonly report: Report;
  readonly outstanding: Outstanding;
  /** How long a hook for the whole sync waits for everything to be there, in milliseconds; {@link PATIENCE_MS} where not given. */
  readonly patienceMs?: number;
  /** How long a hook may take, in milliseconds; {@link HOOK_MS} where not given. */
  readonly limitMs?: number;
}

/** How long a hook may take, in milliseconds: a test suite should be through by then. */
const HOOK_MS = 600_000;

/** The file of the paths, in a folder of its own. */
const PATHS = 'paths';

/**
 * How long a hook for the whole sync waits for a moment in which nothing waits, in milliseconds: there is none where a log is written all
 * the time, or where a path can't be sent. Then it runs once what waited at that moment has been tried.
 */
const PATIENCE_MS = 10_000;

/** So many names that wait are looked through for those of a pattern; more are a storm, which is waited out. */
const LOOKED_THROUGH = 1_000;

/** So many paths are named. */
const NAMED = 3;

/** So much of what a hook said is told, in characters: the end of it. */
const OUTPUT_CHARS = 4_000;

/** How a hook ended: its exit code, or why it has none. */
type HookEnd = { readonly code: number } | { readonly why: string };

/** What a command finds in its environment beside what is there. */
type Variables = { readonly [Variable in HookVariable]?: string };

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

/** A command that runs once for the whole sync. */
interface SyncHook extends HookCommand {
  readonly kind: HookKind;
  /** What was delivered since it began last. */
  readonly delivered: Set<Name>;
  /** It is in the queue. */
  waits: boolean;
  /** Until it runs whatever still waits. */
  timer: NodeJS.Timeout | undefined;
  /** It is looked after each turn whether one of its own names waits. */
  isWatched: boolean;
}

/** Why its time has come: everything is there; everything that it is about is there; or it has waited long enough. */
type Occasion = 'inSync' | 'ownNames' | 'patience';

/**
 * Runs the user's commands after uploads: one after the other, never two at once. What is delivered while one for the whole
 * sync runs leads to one more run after it, when everything is there again: for a hook with a pattern all that it is about, and for none
 * longer than its patience.
 */
export class Hooks {
  readonly #options: HooksOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #syncHooks: readonly SyncHook[];
  #isInSync = false;
  readonly #stopped = new AbortController();
  #running: Started | undefined;

  constructor(options: HooksOptions) {
    this.#options = options;
    this.#syncHooks = hooksAt('inSync').flatMap((kind) =>
      options.commands[kind].map(
        (hook): SyncHook => ({
          ...hook,
          kind,
          delivered: new Set(),
          waits: false,
          timer: undefined,
          isWatched: false,
        }),
      ),
    );
  }

  /** Is told of everything that happens. */
  handle(event: Event): void {
    switch (event.kind) {
      case 'delivered': {
        this.#isInSync = false;
        for (const item of event.items) this.#noteDelivered(item);
        for (const hook of this.#syncHooks) this.#await(hook);
        break;
      }
      case 'inSync':
        this.#isInSync = true;
        for (const hook of this.#syncHooks) this.#enqueue(hook, 'inSync');
        break;
      default:
    }
  }

  /** Resolves when no hook runs and none waits. */
  idle(): Promise<void> {
    return this.#queue.onIdle();
  }

  /** Ends the one that runs; no other begins. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const { timer } of this.#syncHooks) clearTimeout(timer);
    this.#queue.clear();
    if (this.#running !== undefined) await end(this.#running, 'TERM');
    await this.idle();
  }

  #noteDelivered(item: Item): void {
    if (item.name === ROOT || item.action === 'attributes') return;
    for (const { only, delivered } of this.#syncHooks) if (concerns(only, item)) delivered.add(item.name);
    if (item.action === 'mkdir') return;
    for (const kind of hooksAt('eachPath'))
      for (const { command, only } of this.#options.commands[kind]) {
        if (concerns(only, item))
          void this.#queue.add(() => this.#run(kind, command, [item.name], { SYNCWATCH_ACTION: item.action }));
      }
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** It has something to do: its time comes. */
  #await(hook: SyncHook): void {
    if (hook.delivered.size === 0 || hook.waits || this.#isStopped) return;
    const { patienceMs = PATIENCE_MS } = this.#options;
    hook.timer ??= setTimeout(() => void this.#losePatience(hook), patienceMs);
    if (hook.only !== undefined && !hook.isWatched) void this.#watchOwnNames(hook, hook.only);
  }

  async #watchOwnNames(hook: SyncHook, only: Pattern): Promise<void> {
    const { turnEnded } = this.#options.outstanding;
    hook.isWatched = true;
    while (!this.#isStopped && !hook.waits && hook.delivered.size > 0) {
      await turnEnded();
      if (!this.#isOwnWaiting(only)) this.#enqueue(hook, 'ownNames');
    }
    hook.isWatched = false;
  }

  #isOwnWaiting(only: Pattern): boolean {
    const { pending, isUnknown } = this.#options.outstanding;
    if (isUnknown() || pending.size > LOOKED_THROUGH) return true;
    for (const [name] of pending) if (isAbout(only, name, true) || isAbout(only, name, false)) return true;
    return false;
  }

  async #losePatience(hook: SyncHook): Promise<void> {
    const isCaughtUp = await this.#options.outstanding.caughtUp(this.#stopped.signal);
    hook.timer = undefined;
    if (isCaughtUp) this.#enqueue(hook, 'patience');
    else this.#await(hook);
  }

  #enqueue(hook: SyncHook, occasion: Occasion): void {
    if (hook.delivered.size === 0 || hook.waits || this.#isStopped) return;
    hook.waits = true;
    void this.#queue.add(async () => {
      hook.waits = false;
      if (!this.#isNow(hook, occasion)) return this.#await(hook);
      clearTimeout(hook.timer);
      hook.timer = undefined;
      if (occasion === 'patience' && !this.#isInSync) this.#tellImpatient(hook);
      const names = [...hook.delivered];
      hook.delivered.clear();
      await this.#run(hook.kind, hook.command, names, {});
    });
  }

  /** Whether its occasion still is one, now that its turn has come. */
  #isNow({ only }: SyncHook, occasion: Occasion): boolean {
    switch (occasion) {
      case 'patience':
        return true;
      case 'inSync':
        return this.#isInSync;
      case 'ownNames':
        return this.#isInSync || (only !== undefined && !this.#isOwnWaiting(only));
    }
  }

  #tellImpatient({ kind }: SyncHook): void {
    const { target, report, outstanding, patienceMs = PATIENCE_MS } = this.#options;
    const names = [...outstanding.pending].map(([name]) => textOf(name));
    const some = names.length === 0 ? '' : `: ${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ', …' : ''}`;
    const text = `${HOOK_KINDS[kind].option} runs for ${target} though not all is there, for that was not so for ${Math.round(patienceMs / 1_000)} s${some}`;
    report({ kind: 'note', level: 'normal', text });
  }

  async #run(kind: HookKind, command: string, names: readonly Name[], more: Variables): Promise<void> {
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

/** Whether a hook for these paths is about this one: the pattern matches it, or a directory above it. */
const concerns = (only: Pattern | undefined, { name, action }: Item): boolean =>
  only === undefined || isAbout(only, name, action === 'mkdir');

const isAbout = (only: Pattern, name: Name, isDir: boolean): boolean =>
  only.matches(name, isDir) || ancestorsOf(name).some((dir) => only.matches(dir, true));
