import { existsSync } from 'node:fs';
import { msSince, steadyNow } from '../clock.js';
import { earliest, LONG_AGO, latest, msBetween, plusMs, type SteadyMs } from '../core/clock.js';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import type { Name } from '../core/name.js';
import { type Inode, isSameInode } from '../core/sync/entry.js';
import { type Backoff, delayMs } from '../core/sync/retry.js';
import type { NodeChild } from '../spawn.js';
import type { Bridge } from './bridge.js';
import type { StartWatcher } from './child.js';
import { subscribe } from './subscribe.js';

/** A directory that goes while @parcel/watcher reads the tree fails its subscription (docs/design.md#watching): again, then. */
const VANISHED = /No such file or directory|Not a directory/;
const SUBSCRIBE_TRIES = 20;
const SUBSCRIBE_AGAIN_MS = 50;

/** One path that is too long fails its subscription too: again when it is known and left out. If that can't be, without a watcher. */
const LONG_TRIES = 3;

/** How long no new directory may have appeared before the watcher is renewed, and how long that may be put off. */
const RENEW_QUIET_MS = 300;
const RENEW_LATEST_MS = 2_000;

/** A failed renewal or a child that died is followed by the next try after so long. */
const RENEW_BACKOFF: Backoff = { firstMs: 500, maxMs: 30_000 };

/** A child that lived for so long did not die of its beginning. */
const SETTLED_MS = 60_000;

/** In a tree with more directories than this so many new ones are watched by ourselves before the watcher is renewed. */
const LARGE_TREE = 2_000;
const BRIDGED = 500;

/** After so many hints from excluded directories a new subscription, which leaves them out, is worth it. */
const MOST_EXCLUDED_HINTS = 200;

/** Renewals use at most this share of the time: a `mkdir` in a large tree must not cost seconds of CPU each time. */
const RENEW_SHARE = 0.1;

export interface SupervisorOptions {
  /** Starts a child, see {@link watcherBy}. */
  readonly startWatcher: StartWatcher;
  readonly root: string;
  /** A directory of ours, absolute, symlinks resolved, for the child's signs of life. */
  readonly beatDir: () => string;
  /** Directories that need no watches, absolute. Asked anew at each start of a child. */
  readonly ignore: () => readonly string[];
  /** Looks at everything, so that `ignore` knows what is too long to be watched. */
  readonly lookAgain: () => Promise<unknown>;
  /** Watches new directories until the watcher is renewed. */
  readonly bridge: Pick<Bridge, 'size' | 'cover' | 'keepOnly'>;
  readonly onHints: (names: readonly string[]) => void;
  /**
   * Something may have been missed: walk, then tell {@link WatchSupervisor.sawDirectory} every directory. Called after
   * each renewal, and when a child died.
   */
  readonly onDoubt: (why: string) => void;
  /** A renewal failed; it is tried again in `retryMs`. Told once for each reason in a row. */
  readonly onTrouble: (failure: Failure, retryMs: number) => void;
  /** Watches are short: others of ours have to make room. */
  readonly onShort: () => void;
  /** Whether there are directories that nobody watches: then only walks find what changes in them. */
  readonly onBlind: (isBlind: boolean) => void;
}

/**
 * Keeps a watcher child running and its view complete.
 *
 * ```
 *   starting ──ready──► watching ──new directory, quiet──► renewing ──ready──► watching (onDoubt: a walk)
 *       │                   └──child died or in doubt──────────┘  │
 *       └──failed──► the program ends                    (the old child hears on until the new one is ready)
 * ```
 * @parcel/watcher misses directories that are made quickly and reports renamed ones under their old names; only a new
 * subscription cures that, and only another process can begin one before the old one ends (docs/design.md#watching).
 */
export class WatchSupervisor {
  readonly #options: SupervisorOptions;
  #child: NodeChild | undefined;
  #next: NodeChild | undefined;
  /** A further renewal is due after the one that goes on, and why. */
  #again: string | undefined;
  #stopped = false;
  /** The directories, with their inodes, that were there before the current subscription began: it surely has them. */
  #covered = new Map<Name, Inode>();
  #seen = new Map<Name, Inode>();
  #timer: NodeJS.Timeout | undefined;
  #dueSince: SteadyMs | undefined;
  #notBefore = LONG_AGO;
  /** Renewals that failed and children that died in a row, and of what. */
  #failures = 0;
  #reported: string | undefined;
  /** There were not enough watches the last time. */
  #isShort = false;
  #startedMs = LONG_AGO;
  /** What the last subscription leaves out, and how much was heard from excluded directories since. */
  #ignored: readonly string[] = [];
  #excludedHints = 0;
  /** The last subscription failed because of a path that is too long and was not left out. */
  #isPathTooLong = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts watching. Every directory seen before with {@link sawDirectory} counts as covered. */
  async start(): Promise<Result<undefined>> {
    const before = this.#seen;
    this.#seen = new Map();
    this.#covered = before;
    const started = await this.#startChild();
    this.#next = undefined;
    if (started.ok) this.#follow(started.value);
    else if (this.#isPathTooLong) this.#renewFailed(started.failure, 'a path was too long');
    else return started;
    return success(undefined);
  }

  /** How many directories are known to be watched. */
  get directories(): number {
    return this.#covered.size + 1;
  }

  /** All that are there, watched or not. */
  get #directoriesNow(): number {
    return new Set([...this.#covered.keys(), ...this.#seen.keys()]).size + 1;
  }

  /** A listing showed this directory. One that the current subscription may not have leads to a renewal. */
  sawDirectory(name: Name, { ino, born }: Inode): void {
    const inode = { ino, born };
    this.#seen.set(name, inode);
    if (this.#child === undefined || isSameInode(this.#covered.get(name), inode)) return;
    const { bridge } = this.#options;
    if (
      this.#covered.size <= LARGE_TREE ||
      bridge.size > BRIDGED ||
      !bridge.cover(name, inode, () => this.#renewSoon())
    )
      this.#renewSoon();
  }

  /** So many hints came from excluded directories. If the subscription does not know them, one that does takes its place. */
  countExcludedHints(count: number): void {
    this.#excludedHints += count;
    if (this.#excludedHints < MOST_EXCLUDED_HINTS) return;
    this.#excludedHints = 0;
    const known = new Set(this.#ignored);
    if (this.#options.ignore().some((path) => !known.has(path))) this.#renewSoon();
  }

  /** Begins a new subscription now: the root is another one. */
  renew(why: string): void {
    if (this.#next !== undefined) this.#again = why;
    else void this.#renew(why);
  }

  /** Ends the child. Nothing is called after this. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#options.bridge.keepOnly(() => false);
    const children = [this.#child, this.#next].filter((child) => child !== undefined);
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.ended));
  }

  #renewSoon(): void {
    if (this.#stopped || this.#next !== undefined) return;
    const now = steadyNow();
    this.#dueSince ??= now;
    const at = earliest(plusMs(now, RENEW_QUIET_MS), plusMs(this.#dueSince, RENEW_LATEST_MS));
    const waitMs = Math.max(1, msBetween(now, latest(this.#notBefore, at)));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew('new directories'), waitMs);
  }

  async #renew(why: string): Promise<void> {
    if (this.#stopped || this.#next !== undefined) return;
    this.#dueSince = undefined;
    const beganMs = steadyNow();
    this.#again = undefined;
    const before = new Map([...this.#covered, ...this.#seen]);
    this.#seen = new Map();
    if (this.#isShort) {
      this.#options.bridge.keepOnly(() => false);
      this.#options.onShort();
    }
    const started = await this.#startChild();
    this.#next = undefined;
    if (this.#stopped) return;
    if (!started.ok) return this.#renewFailed(started.failure, why);
    const old = this.#child;
    this.#covered = before;
    this.#options.bridge.keepOnly((name, inode) => !isSameInode(before.get(name), inode));
    this.#follow(started.value);
    old?.kill('SIGKILL');
    this.#reported = undefined;
    this.#isShort = false;
    this.#options.onBlind(false);
    this.#notBefore = plusMs(steadyNow(), msSince(beganMs) / RENEW_SHARE);
    this.#options.onDoubt(why);
    if (this.#again !== undefined) void this.#renew(this.#again);
  }

  /** This child is the one from now on. */
  #follow(child: NodeChild): void {
    this.#child = child;
    this.#startedMs = steadyNow();
    void child.ended.then(() => {
      if (child === this.#child) this.#childDied();
    });
  }

  #renewFailed(failure: Failure, why: string): void {
    this.#options.onBlind(true);
    this.#isShort = failure.kind === 'watchLimit';
    const old = this.#child;
    if (old !== undefined && failure.kind === 'watchLimit') {
      // Two subscriptions need twice the watches: without the old one there may be enough.
      this.#child = undefined;
      old.kill('SIGKILL');
      void old.ended.then(() => this.#renew(why));
      return;
    }
    const retryMs = this.#backOff(why);
    // The message of a limit counts the directories, and is another one each time.
    const reason = failure.kind === 'watchLimit' ? failure.kind : failure.message;
    if (reason !== this.#reported) this.#options.onTrouble(failure, retryMs);
    this.#reported = reason;
  }

  /** The next renewal after a while. Gives in how many milliseconds. */
  #backOff(why: string): number {
    const retryMs = delayMs(RENEW_BACKOFF, ++this.#failures, Math.random());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(why), retryMs);
    return retryMs;
  }

  /** Starts a child and waits until it has subscribed. Until then it is `#next`. */
  async #startChild(): Promise<Result<NodeChild>> {
    for (let attempt = 1; ; attempt++) {
      const result = await this.#startChildOnce();
      const raced = !result.ok && this.#mayPass(result.failure);
      if (!raced || attempt === (this.#isPathTooLong ? LONG_TRIES : SUBSCRIBE_TRIES) || this.#stopped) return result;
      if (this.#isPathTooLong) await this.#options.lookAgain();
      else await new Promise((resolve) => setTimeout(resolve, SUBSCRIBE_AGAIN_MS * attempt));
    }
  }

  #mayPass({ message, isPassing }: Failure): boolean {
    return isPassing === true || (VANISHED.test(message) && existsSync(this.#options.root));
  }

  async #startChildOnce(): Promise<Result<NodeChild>> {
    const { startWatcher, root, beatDir, ignore, onHints } = this.#options;
    this.#ignored = ignore();
    this.#excludedHints = 0;
    const { child, subscribed } = subscribe(startWatcher, root, beatDir(), this.#ignored, {
      isOver: () => this.#stopped,
      isInUse: () => child === this.#child,
      directories: () => this.#directoriesNow,
      onHints,
      onDoubt: (why) => {
        if (child === this.#child) void this.#renew(`the watcher said: ${why}`);
      },
    });
    this.#next = child;
    const end = await subscribed;
    this.#isPathTooLong = end !== 'ready' && end.isPathTooLong;
    return end === 'ready' ? success(child) : failed(end.failure);
  }

  /** The current child ended by itself: another one takes over, at once the first time, then more slowly. */
  #childDied(): void {
    if (this.#stopped) return;
    this.#child = undefined;
    this.#options.onBlind(true);
    if (msSince(this.#startedMs) > SETTLED_MS) this.#failures = 0;
    if (this.#failures++ === 0) void this.#renew('the watcher process ended');
    else if (this.#next === undefined) this.#backOff('the watcher process ended');
  }
}
