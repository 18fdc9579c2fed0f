import PQueue from 'p-queue';
import type { Event, Item } from '../core/event.js';
import type { Pattern } from '../core/filter/pattern.js';
import { HOOK_KINDS, type HookKind, hooksAt } from '../core/hook-kinds.js';
import { ancestorsOf, type Name, ROOT, textOf } from '../core/name.js';
import type { ReadonlyPending } from '../core/sync/pending.js';
import { HookRunner, type RunnerOptions } from './run-hook.js';

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

export interface HooksOptions extends RunnerOptions {
  readonly commands: HookCommands;
  readonly outstanding: Outstanding;
  /** How long a hook for the whole sync waits for everything to be there, in milliseconds; {@link PATIENCE_MS} where not given. */
  readonly patienceMs?: number;
}

/**
 * How long a hook for the whole sync waits for a moment in which nothing waits, in milliseconds: there is none where a log is written all
 * the time, or where a path can't be sent. Then it runs once what waited at that moment has been tried.
 */
const PATIENCE_MS = 10_000;

/** So many names that wait are looked through for those of a pattern; more are a storm, which is waited out. */
const LOOKED_THROUGH = 1_000;

/** So many paths are named. */
const NAMED = 3;

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
  readonly #runner: HookRunner;

  constructor(options: HooksOptions) {
    this.#options = options;
    this.#runner = new HookRunner(options);
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
    await this.#runner.stop();
    await this.idle();
  }

  #noteDelivered(item: Item): void {
    if (item.name === ROOT || item.action === 'attributes') return;
    for (const { only, delivered } of this.#syncHooks) if (concerns(only, item)) delivered.add(item.name);
    if (item.action === 'mkdir') return;
    for (const kind of hooksAt('eachPath'))
      for (const { command, only } of this.#options.commands[kind]) {
        if (concerns(only, item))
          void this.#queue.add(() => this.#runner.run(kind, command, [item.name], { SYNCWATCH_ACTION: item.action }));
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
      await this.#runner.run(hook.kind, hook.command, names, {});
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
}

/** Whether a hook for these paths is about this one: the pattern matches it, or a directory above it. */
const concerns = (only: Pattern | undefined, { name, action }: Item): boolean =>
  only === undefined || isAbout(only, name, action === 'mkdir');

const isAbout = (only: Pattern, name: Name, isDir: boolean): boolean =>
  only.matches(name, isDir) || ancestorsOf(name).some((dir) => only.matches(dir, true));
