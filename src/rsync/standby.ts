import { msSince, steadyNow } from '../clock.js';
import { LONG_AGO, msBetween, plusMs, type SteadyMs } from '../core/clock.js';
import { delayMs, STANDBY_BACKOFF } from '../core/sync/retry.js';
import type { RsyncProcess } from './run.js';

/**
 * What a standby was started for; its arguments are fixed. `plain` trusts rsync's quick check (size and time); `sure` has
 * `--checksum`. Most batches can go with either: one of each makes two that are ready. `rewrite`: see core/rsync/rewrite.ts, only
 * where the other side is far away.
 */
export type StandbyKind = 'plain' | 'sure' | 'rewrite';

/** How old a standby may get, in milliseconds: a session that is idle for long may be ended by whoever is in between. */
const MAX_AGE_MS = 30 * 60_000;

/** How long after one was used the next is started, in milliseconds: the machine has better to do during a run. */
const REFILL_MS = 20;

/**
 * How long after one was used the next is started where another one is there that would do, and none was taken for CALM_MS: a single
 * save, as a rule, after which people start something, a test run or `exec`. The login of a new one takes 100 ms of processor from that.
 */
const REFILL_CALM_MS = 250;
const CALM_MS = 300;

/** Where somebody is about to run something there: so long after that, and so long after the use of one at the most, in milliseconds. */
const GIVE_WAY_MS = 300;
const GIVE_WAY_MOST_MS = 1_000;

/** How long after one was taken where the other side is far away: most of its run is waiting. */
const REFILL_FAR_MS = 10;

/** So long it waits at the most for runs to other targets: starting ten takes the processor from them, in milliseconds. */
const OTHERS_MS = 400;

/** The runs that were taken from standbys and are under way, of all targets, and whose they are. */
export type RunsUnderWay = Map<RsyncProcess, object>;

export interface StandbysOptions {
  readonly kinds: readonly StandbyKind[];
  /**
   * Starts one, for the connection, filter and root of now: {@link Standbys.close} when one of them changes. Undefined where
   * there is no room for one.
   */
  readonly start: (kind: StandbyKind) => RsyncProcess | undefined;
  /** Whether the other side is known to be far away. */
  readonly isFar: () => boolean;
  /** The same for all targets of one syncwatch. */
  readonly underWay: RunsUnderWay;
}

/**
 * rsync processes that were started ahead: connected, agreed with the other side on everything, and waiting for their
 * names on stdin (docs/design.md#the-standby). One of each kind, which with a run or two leaves some of the ten sessions that sshd
 * allows (MaxSessions).
 *
 * ```
 *   closed ──open()──► one of each kind ──take()──► (refilled when that run has ended, a little later where another one is left)
 *      ▲                  │  died by itself, too old: replaced, later each time
 *      └──────close()─────┘
 * ```
 */
export class Standbys {
  readonly #options: StandbysOptions;
  /** In the order they were started. */
  readonly #ready = new Map<StandbyKind, RsyncProcess>();
  readonly #timers = new Map<StandbyKind, NodeJS.Timeout>();
  readonly #leaving = new Set<RsyncProcess>();
  /** Those whose replacement has time, and how much at the most. */
  readonly #calm = new Map<StandbyKind, SteadyMs>();
  #takenMs = LONG_AGO;
  #busyUntilMs = LONG_AGO;
  /** Of no use with this connection. */
  readonly #dropped = new Set<StandbyKind>();
  #isOpen = false;
  #deaths = 0;

  constructor(options: StandbysOptions) {
    this.#options = options;
  }

  /** How many are ready. */
  get count(): number {
    return this.#ready.size;
  }

  /** From now on there is one of each kind. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#calm.clear();
    this.#deaths = 0;
    this.#dropped.clear();
    for (const kind of this.#options.kinds) this.#startNow(kind);
  }

  /** Ends them all. Resolves when they are gone. */
  async close(): Promise<void> {
    this.#isOpen = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const [kind, standby] of this.#ready) this.#end(kind, standby);
    await this.#gone();
  }

  /**
   * Hands one out that suits, the oldest: a young one may still be connecting. It is replaced when its run has ended, or at once
   * where the other side is far away. Undefined where none is ready.
   */
  take(suitable: readonly StandbyKind[]): RsyncProcess | undefined {
    for (const [kind, standby] of [...this.#ready]) {
      if (!suitable.includes(kind)) continue;
      if (!standby.isAlive()) {
        this.#ready.delete(kind);
        this.#startLater(kind, this.#waitMs());
        continue;
      }
      if (standby.isReady?.() === false) continue;
      clearTimeout(this.#timers.get(kind)); // nor does it get too old any more
      this.#ready.delete(kind);
      const { underWay, isFar } = this.#options;
      underWay.set(standby, this);
      void standby.ended.then(() => underWay.delete(standby));
      const isSpare = (): boolean => suitable.some((other) => this.#ready.has(other));
      const isCalm = msSince(this.#takenMs) >= CALM_MS;
      this.#takenMs = steadyNow();
      if (!isSpare()) this.#hurry(suitable);
      if (isFar()) this.#refillLater(kind, REFILL_FAR_MS);
      else void standby.ended.then(() => this.#refill(kind, isCalm && isSpare()));
      return standby;
    }
    this.#hurry(suitable);
    return undefined;
  }

  /** Somebody is about to run something there: what is only for later does not take the processor from that. */
  giveWay(): void {
    this.#busyUntilMs = plusMs(steadyNow(), GIVE_WAY_MS);
    for (const [kind, latestMs] of this.#calm)
      this.#refillLater(kind, Math.max(0, Math.min(GIVE_WAY_MS, msBetween(steadyNow(), latestMs))));
  }

  /** What somebody waited for is there: now is the time for what is for later. */
  goOn(): void {
    if (msSince(this.#busyUntilMs) < 0) return;
    for (const kind of this.#calm.keys()) this.#refillLater(kind, 0);
  }

  #refill(kind: StandbyKind, isCalm: boolean): void {
    if (this.#ready.has(kind)) return; // opened anew meanwhile
    if (isCalm) this.#calm.set(kind, plusMs(steadyNow(), GIVE_WAY_MOST_MS));
    this.#refillLater(kind, isCalm ? REFILL_CALM_MS : REFILL_MS);
  }

  /** The last one that would do was taken, or there was none: now those are missing that had time. */
  #hurry(suitable: readonly StandbyKind[]): void {
    for (const kind of suitable) if (this.#calm.delete(kind)) this.#refillLater(kind, REFILL_MS);
  }

  /** There are none of this kind until the next {@link open}. */
  drop(kind: StandbyKind): void {
    this.#dropped.add(kind);
    this.#calm.delete(kind);
    const standby = this.#ready.get(kind);
    if (standby !== undefined) this.#end(kind, standby);
  }

  /** The last one taken served its run: whatever made standbys die before is over. */
  served(): void {
    this.#deaths = 0;
  }

  /**
   * A run broke for no better reason: maybe the server allows fewer sessions than these take, or the system here fewer
   * processes or open files. They make room, for longer each time. Resolves when they are gone.
   */
  async retreat(): Promise<void> {
    if (!this.#isOpen) return;
    const waitMs = this.#waitMs();
    this.#calm.clear();
    for (const [kind, standby] of this.#ready) this.#end(kind, standby);
    for (const kind of this.#options.kinds) this.#startLater(kind, waitMs);
    await this.#gone();
  }

  async #gone(): Promise<void> {
    await Promise.all([...this.#leaving].map(({ ended }) => ended));
  }

  #waitMs(): number {
    return delayMs(STANDBY_BACKOFF, ++this.#deaths, Math.random());
  }

  #startLater(kind: StandbyKind, ms: number, start = (): void => this.#startNow(kind)): void {
    if (!this.#isOpen) return;
    clearTimeout(this.#timers.get(kind));
    this.#timers.set(kind, setTimeout(start, ms));
  }

  #refillLater(kind: StandbyKind, ms: number, patienceMs = OTHERS_MS): void {
    this.#startLater(kind, ms, () => {
      this.#calm.delete(kind);
      const isBusy = [...this.#options.underWay.values()].some((owner) => owner !== this);
      if (isBusy && patienceMs > 0) this.#refillLater(kind, REFILL_MS, patienceMs - REFILL_MS);
      else this.#startNow(kind);
    });
  }

  #startNow(kind: StandbyKind): void {
    if (!this.#isOpen || this.#ready.has(kind) || this.#dropped.has(kind)) return;
    const standby = this.#options.start(kind);
    if (standby === undefined) {
      this.#startLater(kind, this.#waitMs());
      return;
    }
    this.#ready.set(kind, standby);
    this.#timers.set(
      kind,
      setTimeout(() => {
        this.#end(kind, standby);
        this.#startNow(kind);
      }, MAX_AGE_MS),
    );
    void standby.ended.then(() => {
      this.#leaving.delete(standby);
      if (this.#ready.get(kind) !== standby) return; // taken, or ended by us
      this.#ready.delete(kind);
      this.#startLater(kind, standby.isUnfit?.() === true ? MAX_AGE_MS : this.#waitMs());
    });
  }

  #end(kind: StandbyKind, standby: RsyncProcess): void {
    clearTimeout(this.#timers.get(kind));
    this.#ready.delete(kind);
    this.#leaving.add(standby);
    standby.end();
  }
}
