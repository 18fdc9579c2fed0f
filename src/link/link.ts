import { msSince, steadyNow, wallNow } from '../clock.js';
import { plusMs, type SteadyMs, type WallMs } from '../core/clock.js';
import type { Report } from '../core/event.js';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import type { Reach } from '../core/reach.js';
import { type LoginPolicy, NO_TRIES, nextLogin } from '../core/sync/login.js';
import { NUDGE_MS } from '../core/sync/retry.js';
import type { Target } from '../core/target.js';
import type { Connection, Transport } from './transport.js';

/** How long the other side may take to give a sign of life after this one was asleep, in milliseconds. */
const PROVE_MS = 4_000;

/** Until the next try to log in. */
interface Wait {
  readonly sinceMs: SteadyMs;
  readonly untilMs: WallMs;
  /** Only its time ends it, or a wake-up. */
  readonly isSlow: boolean;
  readonly end: () => void;
}

/**
 * ```
 *   connecting ──► up ──lost──► lost ──logged in──► up      (back off between the tries, in connecting and in lost)
 *       └───────────┴────────────┴──given up, close()──► closed
 * ```
 */
export type LinkState =
  /** The first login is under way, or waits to be tried again. */
  | { readonly kind: 'connecting'; readonly wait: Wait | undefined }
  | { readonly kind: 'up'; readonly connection: Connection }
  | { readonly kind: 'lost'; readonly wait: Wait | undefined }
  | { readonly kind: 'closed' };

/** What becomes of a link once it was up. */
export type LinkEvent =
  /** The connection is gone: nothing can be sent. */
  | { readonly kind: 'lost' }
  /** There is one again, and the target is the same place as before. */
  | { readonly kind: 'up' }
  /** Another connection has taken the place of one through which nothing new could go. Nothing was cut. */
  | { readonly kind: 'replaced' }
  /** It is not tried again. */
  | { readonly kind: 'gaveUp'; readonly failure: Failure };

/** Whoever sends through a link. */
export interface LinkUser {
  handleLink(event: LinkEvent): void;
  /** How many names wait for it. */
  readonly waiting: number;
  /** Resolves when the runs that go through the connection now have ended. */
  runsUnderWay(): Promise<unknown>;
}

/** What a link is to do about each login. `T`: what there is to know of the target once it was seen. */
export interface LinkOptions<T> {
  readonly report: Report;
  /** Looks at the target through the first connection: whether it may be used at all, and what there is to know of it. */
  readonly look: (connection: Connection) => Promise<Result<T>>;
  /** Whether a later connection leads to the same place; why not, where it does not. */
  readonly lookAgain: (connection: Connection, first: T) => Promise<Failure | undefined>;
  /** How many logins in a row may fail: at the start, and once it was up. */
  readonly mostFirst: number;
  readonly mostLater: number;
}

/** Nobody: while what uses it is still being put together. */
const NOBODY: LinkUser = { handleLink: () => {}, waiting: 0, runsUnderWay: async () => {} };

/**
 * Keeps one target connected: logs in, the first time and whenever the connection was lost, with one back off for both, and
 * tells of each kind of trouble once.
 */
export class Link<T> {
  readonly #transport: Transport;
  readonly #options: LinkOptions<T>;
  readonly #ending = new AbortController();
  #state: LinkState = { kind: 'connecting', wait: undefined };
  /** What the first look gave. */
  #seen: { readonly value: T } | undefined;
  #user = NOBODY;
  /** While another connection takes the place of one through which nothing new can go. */
  #replacing: Promise<void> | undefined;
  /** Connections that were replaced, until their last run has ended. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(transport: Transport, options: LinkOptions<T>) {
    this.#transport = transport;
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  get connection(): Connection | undefined {
    return this.#state.kind === 'up' ? this.#state.connection : undefined;
  }

  /** Logs in for the first time. Fails when that is not worth trying again, or {@link stopLogins} was called. */
  async connect(): Promise<Result<T>> {
    const { aim, target } = this.#transport;
    if (aim !== undefined) this.#options.report({ kind: 'connecting', target: target.label, place: target.place });
    const opened = await this.#logIn({ isFirst: true, most: this.#options.mostFirst }, undefined);
    if (!opened.ok || this.#seen === undefined) {
      this.#state = { kind: 'closed' };
      return opened.ok ? failed(STOPPED) : opened;
    }
    this.#use(opened.value);
    return success(this.#seen.value);
  }

  /** From now on this one sends through it. */
  attach(user: LinkUser): void {
    this.#user = user;
    if (this.#state.kind !== 'up') user.handleLink({ kind: 'lost' });
  }

  /** For rsync's `-e`, as it is now. */
  get remoteShell(): string | undefined {
    return this.connection?.remoteShell;
  }

  /** How others run something in the target's directory, at its real place. */
  reach(at: Target): Reach {
    return this.connection?.reach(at) ?? { kind: 'none' };
  }

  /** When the next try to log in is; undefined where one is under way, or none is needed. */
  get nextTryMs(): WallMs | undefined {
    return this.#wait?.untilMs;
  }

  /** Something has changed that waits for the connection: if the next try is some time off, it is made now. */
  nudge(): void {
    const wait = this.#wait;
    if (wait !== undefined && !wait.isSlow && msSince(wait.sinceMs) >= NUDGE_MS) wait.end();
  }

  /** The machine was asleep: the connection may be dead. Resolves when that is known. */
  async wake(): Promise<void> {
    this.#wait?.end();
    await this.connection?.prove(PROVE_MS);
  }

  /**
   * Resolves when new rsync runs can go through: where nothing can (its socket was removed, or sockets are elsewhere by now), another
   * connection takes over as soon as it is there; the runs that go through the old one are not cut.
   */
  async ensureReachable(): Promise<void> {
    const { connection } = this;
    if (connection === undefined || connection.isReachable() || this.#ending.signal.aborted) return;
    this.#replacing ??= this.#replace(connection).finally(() => {
      this.#replacing = undefined;
    });
    await this.#replacing;
  }

  /** It is not to be used any more, nor tried again: whoever sends through it is told why. */
  giveUp(failure: Failure): void {
    if (this.#ending.signal.aborted) return;
    this.stopLogins();
    this.#user.handleLink({ kind: 'gaveUp', failure });
  }

  /** No new logins; the connection that is there stays. */
  stopLogins(): void {
    this.#ending.abort();
  }

  /** Ends everything of it. To be called twice is fine. */
  async close(): Promise<void> {
    this.stopLogins();
    await this.#replacing;
    const { connection } = this;
    this.#state = { kind: 'closed' };
    await Promise.all([connection?.close(), ...this.#leaving]);
  }

  get #wait(): Wait | undefined {
    return 'wait' in this.#state ? this.#state.wait : undefined;
  }

  #use(connection: Connection): void {
    this.#state = { kind: 'up', connection };
    void connection.lost.then((failure) => {
      if (this.connection === connection) void this.#comeBack(failure);
    });
  }

  async #comeBack(failure: Failure): Promise<void> {
    this.#state = { kind: 'lost', wait: undefined };
    this.#user.handleLink({ kind: 'lost' });
    const opened = await this.#logIn({ isFirst: false, most: this.#options.mostLater }, failure);
    if (this.#ending.signal.aborted) return opened.ok ? opened.value.close() : undefined;
    if (opened.ok) {
      this.#use(opened.value);
      this.#user.handleLink({ kind: 'up' });
    } else {
      this.#state = { kind: 'closed' };
      this.#user.handleLink({ kind: 'gaveUp', failure: opened.failure });
    }
  }

  async #replace(old: Connection): Promise<void> {
    const { label } = this.#transport.target;
    this.#note(`nothing new goes through the connection to ${label} (its socket was removed?): logging in again`);
    const opened = await this.#logInOnce();
    if (this.connection !== old) {
      // It was lost meanwhile: that is taken care of.
      if (opened.ok) await opened.value.close();
      return;
    }
    const leaving = this.#user.runsUnderWay().then(() => old.close());
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
    if (!opened.ok) return void this.#comeBack(opened.failure);
    this.#use(opened.value);
    this.#user.handleLink({ kind: 'replaced' });
  }

  /** Logs in until one is through, after `loss` where there was a connection. Fails when it is given up, or to end. */
  async #logIn(policy: LoginPolicy, loss: Failure | undefined): Promise<Result<Connection>> {
    const { report } = this.#options;
    const { aim, target } = this.#transport;
    const { signal } = this.#ending;
    let tries = NO_TRIES;
    let trouble = loss && { isLoss: true, failure: loss };
    for (;;) {
      if (trouble !== undefined) {
        const { failure } = trouble;
        const [now, next] = nextLogin(tries, trouble, policy, Math.random());
        if (next.kind === 'giveUp' || signal.aborted) return failed(failure);
        const { waiting } = this.#user;
        tries = now;
        if (next.isNews) report({ kind: 'trouble', target: target.label, failure, waiting, retryMs: next.ms });
        report({ kind: 'loggingIn', target: target.label, retryMs: next.ms });
        this.#note(`next login in ${next.ms} ms (${failure.message})`);
        await this.#pause(next.ms, next.isSlow);
        if (signal.aborted) return failed(failure);
      }
      if (trouble !== undefined) report({ kind: 'loggingIn', target: target.label, retryMs: undefined });
      const beganMs = steadyNow();
      const opened = await this.#logInOnce();
      if (opened.ok) {
        if (aim !== undefined) report({ kind: 'connected', target: target.label, ms: msSince(beganMs) });
        return opened;
      }
      trouble = { isLoss: false, failure: opened.failure };
    }
  }

  /** One that leads to the wrong place is none. */
  async #logInOnce(): Promise<Result<Connection>> {
    const { signal } = this.#ending;
    const opened = await this.#transport.open(signal);
    if (!opened.ok) return opened;
    const connection = opened.value;
    const close = (): void => void connection.close();
    signal.addEventListener('abort', close);
    const why = signal.aborted ? STOPPED : await this.#lookThrough(connection);
    signal.removeEventListener('abort', close);
    if (why === undefined && !signal.aborted) return opened;
    await connection.close();
    return failed(why ?? STOPPED);
  }

  async #lookThrough(connection: Connection): Promise<Failure | undefined> {
    const { look, lookAgain } = this.#options;
    if (this.#seen !== undefined) return lookAgain(connection, this.#seen.value);
    const seen = await look(connection);
    if (!seen.ok) return seen.failure;
    this.#seen = seen;
    return undefined;
  }

  /** Until the next try: after `ms`, or when it is woken. */
  #pause(ms: number, isSlow: boolean): Promise<void> {
    const { signal } = this.#ending;
    return new Promise((resolve) => {
      const wait: Wait = {
        sinceMs: steadyNow(),
        untilMs: plusMs(wallNow(), ms),
        isSlow,
        end: () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wait.end);
          this.#setWait(undefined);
          resolve();
        },
      };
      const timer = setTimeout(wait.end, ms);
      signal.addEventListener('abort', wait.end, { once: true });
      this.#setWait(wait);
    });
  }

  #setWait(wait: Wait | undefined): void {
    if ('wait' in this.#state) this.#state = { ...this.#state, wait };
  }

  #note(text: string): void {
    this.#options.report({ kind: 'note', level: 'debug', text });
  }
}

const STOPPED: Failure = { kind: 'connection', message: 'stopped while connecting' };
