import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../core/event.js';
import { dispositionOf, type Failure, failed, type Result, success } from '../core/failure.js';
import { type Name, textOf } from '../core/name.js';
import { refusalOf } from '../core/place/guard.js';
import { atPath, type Look, spelled, targetAt, whyNot } from '../core/place/place.js';
import type { Reach } from '../core/reach.js';
import { isExact, type RsyncSettings, remoteShell } from '../core/rsync/args.js';
import { carriesMore, type Extra } from '../core/rsync/extras.js';
import { escapesArgs, type RsyncHere } from '../core/rsync/version.js';
import { isExplained, type SshAim } from '../core/ssh/exit.js';
import { delayMs, LINE_BACKOFF, LOGIN_BACKOFF, NUDGE_MS } from '../core/sync/retry.js';
import type { Target } from '../core/target.js';
import { aroundDir } from '../place/here.js';
import { lookHere, lookThere } from '../place/look.js';
import type { Programs } from '../programs.js';
import { probeLocal, probeThere, type There } from '../rsync/probe.js';
import type { Settings } from '../settings.js';
import { aimOf, type RemoteTarget, type SshOptions } from '../ssh/command.js';
import { type Connection, type ConnectionOptions, openConnection, type Patience } from '../ssh/connection.js';
import { fullPass, type PassOptions, type PassParts } from './full-pass.js';
import type { Line } from './line.js';
import { quickPass } from './quick-pass.js';

/** After how long it is told that a login is through but nothing answers there, in milliseconds. */
const SILENT_MS = 5_000;

/** How long the other side may take to give a sign of life after this one was asleep, in milliseconds. */
const PROBE_MS = 4_000;

/** How long after a full pass because of something that was removed there the next such one may be, in milliseconds. */
const CHECK_PAUSE_MS = 10_000;

/**
 * How long after a lost connection came back to look again, in milliseconds. What the kernel still had to send for the old
 * one may arrive there late (it goes on for up to 100 s for a process that is gone: tcp(7), tcp_orphan_retries), so that
 * an rsync there ends its work and puts an older version over a newer one.
 */
const LATE_CHECKS_MS: readonly number[] = [20_000, 120_000];

/** What it takes to reach one target. */
export interface ReachOptions {
  readonly programs: Programs;
  readonly here: RsyncHere;
  readonly target: Target;
  readonly ssh: SshOptions;
  /** Where the socket of the next connection goes; never where that of the last one is, for its master removes it when it ends. */
  readonly controlPath: () => string;
  readonly report: Report;
  readonly extras: readonly Extra[];
  readonly patience?: Patience;
  /** DIR as it was given, and absolute, symlinks resolved. */
  readonly dir: string;
  readonly root: string;
  readonly isMirror: boolean;
  readonly trash: string | undefined;
}

/** A target that was reached and looked at; nothing was changed there. */
export interface Reached {
  /** Undefined for a local target. */
  readonly connection: Connection | undefined;
  readonly aim: SshAim | undefined;
  readonly there: There;
}

/** Logs in and checks the target's rsync and place: whether it may be synced to at all. `signal`: ends that at once. */
export async function reach(options: ReachOptions, signal: AbortSignal): Promise<Result<Reached>> {
  const { here, target, ssh, report } = options;
  if (target.kind === 'local') {
    const there = await judged(options, () => probeLocal(here, options.programs.shell, target, options));
    return there.ok ? success({ connection: undefined, aim: undefined, there: there.value }) : there;
  }
  const aim = aimOf(target, ssh);
  const connection = await openConnection(connectionOptions(options, target), signal);
  if (!connection.ok) return connection;
  // The shell there may wait for a lock, for a minute or for good: ~/.bashrc with pyenv, for example.
  const silent = setTimeout(() => {
    const text = `logged in to ${target.host}, but its shell does not start rsync: ~/.bashrc or ~/.profile there may be waiting for something (syncwatch doctor says more)`;
    report({ kind: 'note', level: 'normal', text });
  }, SILENT_MS);
  const close = (): void => void connection.value.close();
  signal.addEventListener('abort', close);
  const there = await judged(options, () => probeThere(here, connection.value, target, aim, options));
  signal.removeEventListener('abort', close);
  clearTimeout(silent);
  if (there.ok) return success({ connection: connection.value, aim, there: there.value });
  await connection.value.close();
  return failed(there.failure);
}

async function judged(options: ReachOptions, probe: () => Promise<Result<There>>): Promise<Result<There>> {
  const { value: there, here } = await aroundDir(options, probe);
  const refusal = there.ok
    ? (refusalOf(there.value.look, { ...options, here }) ?? noMirror(there.value, options))
    : undefined;
  return refusal === undefined ? there : failed(refusal);
}

/** A mirror without deletions is none. */
function noMirror({ takes }: There, { target, isMirror }: ReachOptions): Failure | undefined {
  if (!isMirror || takes.deletions !== 'none') return undefined;
  return {
    kind: 'remote',
    message: `--delete mirror can't be had on ${target.label}: the rsync there takes no deletions`,
    hint: 'It may be rrsync with -no-del. Let it delete, or use --delete never.',
  };
}

const connectionOptions = (
  { programs, ssh, controlPath, report, patience }: ReachOptions,
  target: RemoteTarget,
): ConnectionOptions => ({
  programs,
  patience,
  target,
  ssh,
  controlPath: controlPath(),
  onMessage: (line) => report({ kind: 'note', level: isExplained(line) ? 'debug' : 'normal', text: `ssh: ${line}` }),
});

/** Why rsync can't be sent to just this place; undefined where it can. */
export function whyNotExact(given: Target, look: Look, here: RsyncHere): Failure | undefined {
  const target = targetAt(given, look);
  if (isExact({ target, escapesArgs: escapesArgs(here) })) return undefined;
  return {
    kind: 'start',
    message: `${target.path}: the rsync here (${here.version.join('.')}) would go wherever this matches, with * ? or [ as wildcards`,
    hint: escapesArgs(here)
      ? 'Name a path without them.'
      : 'Name a path without them, or install rsync 3.2.5 or newer.',
  };
}

/** What all rsync runs to a reached target have in common. */
export const rsyncSettings = (
  settings: Settings,
  pinnedRoot: () => string,
  target: Target,
  reached: Reached,
  here: RsyncHere,
  remoteShellNow: () => string | undefined,
): RsyncSettings => ({
  program: here.program,
  target: targetAt(target, reached.there.look),
  root: settings.root,
  pinnedRoot,
  get remoteShell() {
    return remoteShellNow();
  },
  bwlimit: settings.bwlimit,
  chmod: settings.chmod,
  compress: settings.compress,
  trash: trashAt(settings.trash, reached.there.look),
  extras: settings.rsyncExtras,
  carriesMore: carriesMore(settings.rsyncExtras),
  takes: reached.there.takes,
  chatter: reached.there.chatter,
  escapesArgs: escapesArgs(here),
});

/** Absolute where that is known: rsync takes a relative one for below the directory that a run is for. */
function trashAt(trash: string | undefined, look: Look): string | undefined {
  if (trash === undefined || look.kind !== 'place') return trash;
  const path = spelled(look.place.path);
  return path === undefined ? trash : `${path}/${trash}`;
}

/**
 * Keeps one target connected and its line running.
 *
 * ```
 *   connected ──full pass──► running ──connection lost──► lost ──back off, log in──► connected
 * ```
 */
export class TargetSession {
  readonly line: Line;
  readonly #options: ReachOptions;
  readonly #look: Look;
  readonly #pass: PassParts;
  readonly #onHalt: (failure: Failure) => void;
  /** How many times in a row a login may fail, once the connection was lost. */
  readonly #mostLogins: number;
  readonly #stopping = new AbortController();
  #connection: Connection | undefined;
  #checkTimer: NodeJS.Timeout | undefined;
  /** Ends the wait for a check of what was removed there. */
  #checkNow: (() => void) | undefined;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #rescanTimer: NodeJS.Timeout | undefined;
  #lateTimers: readonly NodeJS.Timeout[] = [];
  /** While it waits to log in again. */
  #waiting:
    | { readonly sinceMs: number; readonly untilMs: number; readonly isSlow: boolean; readonly wake: () => void }
    | undefined;
  #passing: Promise<unknown> = Promise.resolve();
  /** While another connection takes the place of one that can't be reached any more. */
  #replacing: Promise<void> | undefined;
  /** Connections that have been replaced, until their last run has ended. */
  readonly #leaving = new Set<Promise<void>>();
  /** Full passes that something gave reason for, and that are not done. */
  #due = 0;

  constructor(
    line: Line,
    reached: Reached,
    options: ReachOptions,
    parts: { pass: PassParts; onHalt: (failure: Failure) => void; mostLogins: number },
  ) {
    this.line = line;
    this.#options = options;
    this.#look = reached.there.look;
    this.#pass = parts.pass;
    this.#onHalt = parts.onHalt;
    this.#mostLogins = parts.mostLogins;
    this.#hold(reached.connection);
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
    const options: PassOptions = { ...this.#pass, report: this.#options.report, isRescan: kind === 'rescan' };
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
          this.#onHalt(end.failure);
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

  /** No new passes or logins; what is under way goes on. Resolves when no pass is under way. */
  async windDown(): Promise<void> {
    this.#stopTimers();
    if (!this.line.held) await this.#passing;
  }

  /** Ends everything of this target. */
  async close(): Promise<void> {
    this.#stopTimers();
    await this.line.stop();
    await this.#replacing;
    await Promise.all([this.#connection?.close(), ...this.#leaving]);
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

  /** How to run something in the target. */
  get reach(): Reach {
    const target = targetAt(this.#options.target, this.#look);
    if (target.kind === 'local') return { kind: 'local', path: target.path };
    if (this.#connection === undefined) return { kind: 'none' };
    const { session, controlPath } = this.#connection;
    const { host, user, path } = target;
    return { kind: 'remote', host, user, path, controlPath, session };
  }

  /** When the next try to log in is, in milliseconds since 1970; undefined where one is under way, or none is needed. */
  get nextTryMs(): number | undefined {
    return this.#waiting?.untilMs;
  }

  /** Something has changed that waits for the connection: if the next try is some time off, it is made now. */
  nudge(): void {
    if (this.#waiting === undefined || this.#waiting.isSlow) return;
    if (performance.now() - this.#waiting.sinceMs >= NUDGE_MS) this.#waiting.wake();
  }

  /** The machine was asleep: the connection may be dead, and anything may have changed on both sides. */
  async wake(): Promise<void> {
    this.#waiting?.wake();
    await this.#owed(async () => {
      await this.#connection?.probe(PROBE_MS);
      if (!this.line.held) await this.pass();
    });
  }

  /** The connection, for rsync. */
  get remoteShell(): string | undefined {
    return this.#connection === undefined ? undefined : remoteShell(this.#connection.clientForRsync);
  }

  /**
   * Resolves when new rsync runs can go through the connection: where its socket was removed, or sockets are elsewhere by now, there
   * is another connection then. It takes over as soon as it is there; the runs that go through the old one are not cut.
   */
  async ensureReachable(): Promise<void> {
    if (this.#connection === undefined || this.#connection.isReachable() || this.#stopping.signal.aborted) return;
    this.#replacing ??= this.#replace(this.#connection).finally(() => {
      this.#replacing = undefined;
    });
    await this.#replacing;
  }

  async #replace(old: Connection): Promise<void> {
    const { target, report } = this.#options;
    if (target.kind === 'local') return;
    report({ kind: 'note', level: 'debug', text: `${old.controlPath} was removed: logging in again` });
    const opened = await this.#logInAgain(target);
    if (this.#connection !== old) {
      // It was lost meanwhile: that is taken care of.
      if (opened.ok) await opened.value.close();
      return;
    }
    const leaving = this.line.runsUnderWay().then(() => old.close());
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
    if (!opened.ok) return void this.#reconnect(opened.failure);
    this.#hold(opened.value);
    void this.line.renewStandbys();
  }

  #hold(connection: Connection | undefined): void {
    this.#connection = connection;
    void connection?.lost.then((failure) => {
      if (this.#connection === connection) void this.#reconnect(failure);
    });
  }

  async #reconnect(lost: Failure): Promise<void> {
    const { target, report } = this.#options;
    if (target.kind === 'local') return;
    this.line.hold();
    this.#connection = undefined;
    let failure = lost;
    let told: Failure['kind'] | undefined;
    let refusals = 0;
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      const disposition = attempt === 1 ? 'retry' : dispositionOf(failure);
      if (disposition === 'halt' || attempt > this.#mostLogins) return this.#onHalt(failure);
      const isSlow = disposition === 'retrySlowly';
      const retryMs = isSlow
        ? delayMs(LOGIN_BACKOFF, ++refusals, Math.random())
        : delayMs(LINE_BACKOFF, attempt, Math.random());
      if (failure.kind !== told)
        report({ kind: 'trouble', target: this.line.target, failure, waiting: this.line.pending.size, retryMs });
      told = failure.kind;
      report({ kind: 'note', level: 'debug', text: `next login in ${retryMs} ms (${failure.message})` });
      await this.#wait(retryMs, isSlow);
      if (this.#stopping.signal.aborted) return;
      const begun = performance.now();
      const opened = await this.#logInAgain(target);
      if (opened.ok) {
        report({ kind: 'connected', target: this.line.target, ms: performance.now() - begun });
        this.#hold(opened.value);
        this.line.resume();
        await this.pass();
        this.#checkLate();
        return;
      }
      failure = opened.failure;
    }
  }

  /** The target has to be the same place still. */
  async #logInAgain(target: RemoteTarget): Promise<Result<Connection>> {
    const opened = await openConnection(connectionOptions(this.#options, target), this.#stopping.signal);
    if (!opened.ok) return opened;
    const elsewhere = await this.#whyElsewhere(opened.value);
    if (elsewhere === undefined) return opened;
    await opened.value.close();
    return failed(elsewhere);
  }

  /** Why the target is not, or not surely, the place that was looked at and is remembered; to be asked before a mirror deletes. */
  async whyElsewhere(): Promise<Failure | undefined> {
    return this.#whyElsewhere(this.#connection);
  }

  async #whyElsewhere(connection: Connection | undefined): Promise<Failure | undefined> {
    const before = this.#look;
    if (before.kind !== 'place') return undefined;
    const { target, programs } = this.#options;
    const asked = { path: target.path, trash: undefined };
    const looked =
      target.kind === 'local'
        ? await lookHere(programs.shell, asked)
        : await (connection && lookThere(connection, { ...asked, rsync: undefined }));
    const look: Look = looked?.look ?? { kind: 'unknown', why: 'there is no connection' };
    if (look.kind === 'place' && look.place.path === before.place.path) return undefined;
    if (look.kind !== 'place') {
      return { kind: 'connection', message: `where ${target.label} is can't be seen any more: ${whyNot(look)}` };
    }
    return {
      kind: 'remote',
      message: `${atPath(target, look.place)} is another directory than before (${textOf(before.place.path)})`,
      hint: 'If that is right, start syncwatch again.',
    };
  }

  #checkLate(): void {
    for (const timer of this.#lateTimers) clearTimeout(timer);
    this.#lateTimers = LATE_CHECKS_MS.map((ms) => setTimeout(() => void this.#rescan(), ms));
  }

  /** Without a connection it is not needed: the next one begins with a full pass. */
  async #rescan(): Promise<void> {
    if (!this.line.held && !this.#stopping.signal.aborted) await this.#inTurn(() => this.#passNow(1, 'rescan'));
  }

  /** Until the next try to log in: after `ms`, or when it is woken. */
  #wait(ms: number, isSlow: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => wake(), ms);
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        this.#stopping.signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting = { sinceMs: performance.now(), untilMs: Date.now() + ms, isSlow, wake };
      this.#stopping.signal.addEventListener('abort', wake, { once: true });
    });
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
