import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import type { Link, LinkEvent } from '../link/link.js';
import { fullPass, type PassOptions, type PassParts } from './full-pass.js';
import type { Line } from './line.js';
import { quickPass } from './quick-pass.js';

/** How long after a full pass because of something that was removed there the next such one may be, in milliseconds. */
const CHECK_PAUSE_MS = 10_000;

/**
 * How long after a lost connection came back to look again, in milliseconds. What the kernel still had to send for the old
 * one may arrive there late (it goes on for up to 100 s for a process that is gone: tcp(7), tcp_orphan_retries), so that
 * an rsync there ends its work and puts an older version over a newer one.
 */
const LATE_CHECKS_MS: readonly number[] = [20_000, 120_000];

export interface SessionOptions {
  readonly pass: PassParts;
  readonly report: Report;
  readonly onHalt: (failure: Failure) => void;
}

/** Brings one target's line into step again whenever its link was lost: holds it meanwhile, and makes full passes. */
export class TargetSession {
  readonly line: Line;
  readonly #link: Pick<Link<unknown>, 'wake'>;
  readonly #options: SessionOptions;
  readonly #stopping = new AbortController();
  #checkTimer: NodeJS.Timeout | undefined;
  /** Ends the wait for a check of what was removed there. */
  #checkNow: (() => void) | undefined;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #rescanTimer: NodeJS.Timeout | undefined;
  #lateTimers: readonly NodeJS.Timeout[] = [];
  #passing: Promise<unknown> = Promise.resolve();
  /** Full passes that something gave reason for, and that are not done. */
  #due = 0;

  constructor(line: Line, link: Pick<Link<unknown>, 'wake'>, options: SessionOptions) {
    this.line = line;
    this.#link = link;
    this.#options = options;
  }

  /** What became of the link. */
  async heed(event: LinkEvent): Promise<void> {
    switch (event.kind) {
      case 'lost':
        return this.line.hold();
      case 'up':
        this.line.resume();
        await this.pass();
        return this.#checkLate();
      case 'replaced':
        return this.line.renewStandbys();
      case 'gaveUp':
        return this.#options.onHalt(event.failure);
    }
  }

  /**
   * A full pass, repeated until rsync got through. Resolves with the failure after `tries` passes
   * that broke, or one to which nothing was said for as long as that may be; and with nothing when it is done or the session
   * is stopped.
   */
  pass(tries = Number.POSITIVE_INFINITY): Promise<Failure | undefined> {
    return this.#owed(() => this.#inTurn(() => this.#passNow(tries, 'full')));
  }

  /** The same, with a {@link quickPass} where that will do. The walk after it is left to the caller. */
  quickPass(tries = Number.POSITIVE_INFINITY): Promise<Failure | undefined> {
    return this.#owed(() => this.#inTurn(() => this.#passNow(tries, 'quick')));
  }

  /** Whether a full pass is still to come or goes on: until it is done nobody knows what is there. */
  get owesPass(): boolean {
    return this.#due > 0;
  }

  /** Somebody waits for the pass that is due: if it waits for its time, it is made now. */
  hurryPass(): void {
    this.#checkNow?.();
  }

  /** Until this is over a full pass is due. */
  async #owed<T>(job: () => Promise<T>): Promise<T> {
    this.#due++;
    try {
      return await job();
    } finally {
      this.#due--;
    }
  }

  #inTurn(pass: () => Promise<Failure | undefined>): Promise<Failure | undefined> {
    const done = this.#passing.then(pass);
    this.#passing = done;
    return done;
  }

  async #passNow(tries: number, kind: 'full' | 'quick' | 'rescan'): Promise<Failure | undefined> {
    const { pass, report, onHalt } = this.#options;
    const options: PassOptions = { ...pass, report, isRescan: kind === 'rescan' };
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      const quick = kind === 'quick' && attempt === 1 ? await quickPass(this.line, options) : undefined;
      const end = quick ?? (await fullPass(this.line, options));
      switch (end.kind) {
        case 'done':
          this.line.wentThrough();
          if (kind !== 'rescan' || end.found) this.line.oweInSync();
          return undefined;
        case 'again':
          if (attempt >= tries || (end.failure.isSilence === true && Number.isFinite(tries))) return end.failure;
          await this.#sleep(end.afterMs);
          break;
        case 'halted':
          onHalt(end.failure);
          return undefined;
        case 'stopped':
          return undefined;
      }
    }
    return undefined;
  }

  #stopTimers(): void {
    this.#stopping.abort();
    clearTimeout(this.#checkTimer);
    clearTimeout(this.#rescanTimer);
    for (const timer of this.#lateTimers) clearTimeout(timer);
  }

  /** No new passes; what is under way goes on. Resolves when no pass is under way. */
  async windDown(): Promise<void> {
    this.#stopTimers();
    if (!this.line.held) await this.#passing;
  }

  /** Ends every pass and run. */
  async close(): Promise<void> {
    this.#stopTimers();
    await this.line.stop();
  }

  /** Something of ours was removed there: a full pass, but not one after the other while somebody goes on removing. */
  removedThere(name: Name): void {
    if (this.#checkNow !== undefined || this.line.held) return;
    this.#options.report({ kind: 'removedThere', target: this.line.target, name });
    const wait = Math.max(0, this.#checkedMs + CHECK_PAUSE_MS - performance.now());
    void this.#owed(async () => {
      await new Promise<void>((resolve) => {
        this.#checkNow = resolve;
        this.#checkTimer = setTimeout(resolve, wait);
      });
      await this.pass();
      this.#checkedMs = performance.now();
      this.#checkNow = undefined;
    });
  }

  /** A full pass every so many minutes, quiet unless it finds something. */
  rescanEvery(minutes: number): void {
    if (minutes <= 0) return;
    this.#rescanTimer = setTimeout(async () => {
      await this.#rescan();
      if (!this.#stopping.signal.aborted) this.rescanEvery(minutes);
    }, minutes * 60_000);
  }

  /** The machine was asleep: the connection may be dead, and anything may have changed on both sides. */
  async wake(): Promise<void> {
    await this.#owed(async () => {
      await this.#link.wake();
      if (!this.line.held) await this.pass();
    });
  }

  #checkLate(): void {
    for (const timer of this.#lateTimers) clearTimeout(timer);
    this.#lateTimers = LATE_CHECKS_MS.map((ms) => setTimeout(() => void this.#rescan(), ms));
  }

  /** Without a connection it is not needed: the next one begins with a full pass. */
  async #rescan(): Promise<void> {
    if (!this.line.held && !this.#stopping.signal.aborted) await this.#inTurn(() => this.#passNow(1, 'rescan'));
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
