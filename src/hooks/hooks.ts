import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PQueue from 'p-queue';
import type { Event, HookKind, Item, Report } from '../core/event.js';
import { bytesOf, type Name, ROOT, textOf } from '../core/name.js';
import { commandIn, type Reach } from '../core/remote-command.js';
import { type Child, collect, spawn } from '../spawn.js';

/** The commands of the user, for a shell; here, or there in the target's directory (`onSyncRemote`). */
export type HookCommands = Readonly<Record<HookKind, string | undefined>>;

export interface HooksOptions {
  readonly commands: HookCommands;
  readonly root: string;
  readonly target: string;
  readonly reach: () => Reach;
  readonly report: Report;
  /** How long a hook may take, in milliseconds; {@link HOOK_MS} where not given. */
  readonly limitMs?: number;
}

/** How long a hook may take, in milliseconds: a test suite should be through by then. */
export const HOOK_MS = 600_000;

/** So much of what a hook said is told, in characters: the end of it. */
const OUTPUT_CHARS = 4_000;

/** How a hook ended: its exit code, or why it has none. */
type HookEnd = { readonly code: number } | { readonly why: string };

/**
 * Runs the user's commands after uploads: one after the other, never two at once. What is delivered while one for the whole
 * sync runs leads to one more run after it, when everything is there again.
 */
export class Hooks {
  readonly #options: HooksOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  /** What was delivered since each began last. */
  readonly #delivered: Readonly<Record<'onSync' | 'onSyncRemote', Set<Name>>> = {
    onSync: new Set(),
    onSyncRemote: new Set(),
  };
  readonly #waits = new Set<HookKind>();
  #isInSync = false;
  #isStopped = false;
  #running: Child | undefined;

  constructor(options: HooksOptions) {
    this.#options = options;
  }

  /** Is told of everything that happens. */
  heed(event: Event): void {
    switch (event.kind) {
      case 'delivered': {
        this.#isInSync = false;
        for (const item of event.items) this.#noteDelivered(item);
        break;
      }
      case 'inSync':
        this.#isInSync = true;
        for (const kind of ['onSync', 'onSyncRemote'] as const) this.#sync(kind);
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
    this.#isStopped = true;
    this.#queue.clear();
    this.#running?.killAll('SIGTERM');
    await this.idle();
  }

  #noteDelivered(item: Item): void {
    const { commands } = this.#options;
    if (item.name === ROOT || item.action === 'attributes') return;
    for (const kind of ['onSync', 'onSyncRemote'] as const)
      if (commands[kind] !== undefined) this.#delivered[kind].add(item.name);
    const { onUpload } = commands;
    if (onUpload === undefined || item.action === 'mkdir') return;
    void this.#queue.add(() => this.#run('onUpload', onUpload, [item.name], { SYNCWATCH_ACTION: item.action }));
  }

  #sync(kind: 'onSync' | 'onSyncRemote'): void {
    const command = this.#options.commands[kind];
    if (command === undefined || this.#delivered[kind].size === 0 || this.#waits.has(kind)) return;
    this.#waits.add(kind);
    void this.#queue.add(async () => {
      this.#waits.delete(kind);
      if (!this.#isInSync) return; // the next time that it is
      const names = [...this.#delivered[kind]];
      this.#delivered[kind].clear();
      await this.#run(kind, command, names, {});
    });
  }

  async #run(
    kind: HookKind,
    command: string,
    names: readonly Name[],
    more: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (this.#isStopped) return;
    const { root, target, report, limitMs = HOOK_MS } = this.#options;
    const beganMs = performance.now();
    const list = Buffer.concat(names.map((name) => Buffer.concat([bytesOf(name), Buffer.from('\0')])));
    const [first] = names;
    const env = {
      SYNCWATCH_COUNT: String(names.length),
      SYNCWATCH_TARGET: target,
      SYNCWATCH_ROOT: root,
      ...(names.length === 1 && first !== undefined ? { SYNCWATCH_PATH: textOf(first) } : {}),
      ...more,
    };
    const folder = mkdtempSync(join(tmpdir(), 'syncwatch-hook-'));
    try {
      const pathsFile = join(folder, 'paths');
      writeFileSync(pathsFile, list);
      const child =
        kind === 'onSyncRemote'
          ? this.#startThere(command, env)
          : spawn('sh', ['-c', command], {
              cwd: root,
              ownSession: true,
              env: { ...env, SYNCWATCH_PATHS_FILE: pathsFile, LC_ALL: undefined },
            });
      if (child === undefined) {
        report({ kind: 'hook', hook: kind, target, end: 'there is no connection', code: undefined, ms: 0, output: '' });
        return;
      }
      const output = collect([child.stdout, child.stderr], OUTPUT_CHARS);
      child.stdin.end(kind === 'onSyncRemote' ? list : '');
      const end = await this.#ended(child, limitMs);
      report({
        kind: 'hook',
        hook: kind,
        target,
        code: 'code' in end ? end.code : undefined,
        end: 'why' in end ? end.why : undefined,
        ms: performance.now() - beganMs,
        output: Buffer.from(output(), 'latin1').toString('utf8'),
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #startThere(command: string, env: Readonly<Record<string, string>>): Child | undefined {
    const sets = Object.entries({ ...env, SYNCWATCH_PATHS_FILE: '/dev/stdin' }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const start = commandIn(this.#options.reach(), ['env', ...sets, 'sh', '-c', command], ['-T']);
    if (start === undefined) return undefined;
    const { file, args, cwd } = start;
    return spawn(
      file,
      args,
      cwd === undefined ? { ownSession: true } : { cwd, ownSession: true, env: { LC_ALL: undefined } },
    );
  }

  async #ended(child: Child, limitMs: number): Promise<HookEnd> {
    this.#running = child;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.killAll('SIGKILL');
    }, limitMs);
    const ended = await child.ended;
    clearTimeout(timer);
    this.#running = undefined;
    if (isLate) return { why: `it took longer than ${Math.round(limitMs / 1000)} s and was ended` };
    if (ended.kind === 'exited') return { code: ended.code };
    return { why: ended.kind === 'notFound' ? 'there is no such program' : `it was ended by ${ended.signal}` };
  }
}
