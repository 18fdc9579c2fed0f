import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { wallNow } from '../clock.js';
import type { Who } from '../control/protocol.js';
import { type Control, openControl } from '../control/server.js';
import type { Event } from '../core/event.js';
import { EXIT, exitCodeOf, type Failure } from '../core/failure.js';
import { afterEvent, NO_FACTS, type StatusFacts } from '../core/status.js';
import { ONCE_TRIES } from '../core/sync/login.js';
import { inFull, type Target } from '../core/target.js';
import { Hooks } from '../hooks/hooks.js';
import { type Io, STOP_SIGNALS, type StopSignal } from '../io.js';
import type { Settings } from '../settings.js';
import { runtimeFolders } from '../state/folders.js';
import { keyOf } from '../state/key.js';
import type { Directory } from '../watch/directory.js';
import { answererFor, type Live } from './answer.js';
import type { Engine } from './engine.js';
import type { Host } from './host.js';
import { type Prepared, prepareTarget } from './prepare.js';
import { QUICK_FROM } from './quick-pass.js';

/** How long a login that is under way may take to end after the first signal, in milliseconds. */
const LET_GO_MS = 3_000;

/**
 * How often it is looked whether its sockets and what it remembers are still where others look for them, in milliseconds: systemd
 * removes the runtime folder when the user logs out, and what cleans up /tmp old sockets.
 */
const KEEP_MS = 1_000;

/** How the job of a target ended. */
type JobEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'halted'; readonly failure: Failure }
  | { readonly kind: 'signal'; readonly signal: StopSignal }
  /** `syncwatch stop`. */
  | { readonly kind: 'asked' };

export interface OneTarget {
  readonly settings: Settings;
  readonly target: Target;
  readonly host: Host;
  readonly directory: Directory;
  readonly io: Io;
  /** There are others: what happens to this one is no reason for them to end. */
  readonly isOneOfSeveral: boolean;
  /** From now on this is called with every event. */
  readonly subscribe: (listener: (event: Event) => void) => void;
  /** Puts the engine together, for a target that was reached. */
  readonly engineFor: (prepared: Prepared) => Engine;
}

/** What is left of a target that has ended. */
export interface Ended {
  readonly code: number;
  /** The socket that still answers what became of it. */
  readonly control: Control | undefined;
}

/** How things stand with it: what the socket answers from. */
interface Life {
  /** Undefined until it has logged in. */
  live: Live | undefined;
  hooks: Hooks | undefined;
  facts: StatusFacts;
  halted: Failure | undefined;
  isStopping: boolean;
  isKeeping: boolean;
  /** A signal, or `syncwatch stop`. */
  readonly asked: Promise<JobEnd>;
  /** It has ended: whoever asked for that is told. */
  readonly over: AbortController;
}

/**
 * One target, from its login to its end: a signal, `syncwatch stop`, a guard, or the end of `--once`. Whatever happens,
 * nothing of it is left running but the socket that tells of its end.
 */
export async function runTarget(options: OneTarget): Promise<Ended> {
  const { settings, target, host, directory, io } = options;
  const key = keyOf(settings.root, `${target.place}\0${settings.ssh.port ?? ''}`);
  const who = { pid: io.pid, root: settings.root, target: target.label, place: target.place };
  const leave = directory.join();
  const control = await openControl({
    paths: () => [join(host.runtime, `${key}.sock`)],
    folder: runtimeFolders(io.around)[0] ?? '',
    key,
    uid: io.around.uid,
    who,
    what: `${settings.dir} to ${inFull(target)}`,
  });
  if (!control.ok) {
    await leave();
    tellHalted(options, control.failure);
    return { code: exitCodeOf(control.failure), control: undefined };
  }
  const life = listen(options, control.value, who);
  const keeping = setInterval(() => void keep(control.value, directory, life), KEEP_MS);
  try {
    const letGo = new AbortController();
    const preparing = prepareTarget(
      {
        settings,
        target,
        host,
        directory,
        io,
        key,
        who,
        isPatient: options.isOneOfSeveral && settings.mode === 'watch',
      },
      letGo.signal,
    );
    const early = await Promise.race([preparing, life.asked]);
    if ('kind' in early) {
      life.isStopping = true;
      letGo.abort();
      const late = await Promise.race([preparing, io.signals.second, sleep(LET_GO_MS)]);
      if (typeof late === 'object' && late.ok) await late.value.close();
      return await ended(early, 0, control.value, life);
    }
    if (!early.ok) {
      life.halted = early.failure;
      tellHalted(options, early.failure);
      return { code: exitCodeOf(early.failure), control: control.value };
    }
    const [end, unsent] = await runEngine(options, life, early.value, { key, leave });
    return await ended(end, unsent, control.value, life);
  } finally {
    clearInterval(keeping);
    await leave();
    life.over.abort();
  }
}

/** What somebody removed from the runtime folder or from what is remembered is there again. */
async function keep(control: Control, directory: Directory, life: Life): Promise<void> {
  if (life.isKeeping) return;
  life.isKeeping = true;
  await control.keep();
  if (life.live !== undefined) {
    const { ledger, lock, link } = life.live.prepared;
    if (directory.guard.isThere()) await ledger.keepInPlace();
    await lock.keep();
    await link.ensureReachable();
  }
  life.isKeeping = false;
}

/** From now on events are taken in and questions answered. */
function listen({ settings, target, io, subscribe }: OneTarget, control: Control, who: Who): Life {
  let ask: (end: JobEnd) => void = () => {};
  const stopped = new Promise<JobEnd>((resolve) => {
    ask = resolve;
  });
  const signalled = io.signals.first.then((signal): JobEnd => ({ kind: 'signal', signal }));
  const life: Life = {
    live: undefined,
    hooks: undefined,
    facts: NO_FACTS,
    halted: undefined,
    isStopping: false,
    isKeeping: false,
    asked: Promise.race([signalled, stopped]),
    over: new AbortController(),
  };
  subscribe((event) => {
    const isAbout = !('target' in event) || event.target === target.label || event.target === settings.dir;
    if (!isAbout) return;
    life.facts = afterEvent(life.facts, event, wallNow());
    life.hooks?.handle(event);
  });
  control.serve(
    answererFor({
      who,
      sinceMs: wallNow(),
      live: () => life.live,
      facts: () => life.facts,
      halted: () => life.halted,
      stop: () => {
        ask({ kind: 'asked' });
        return new Promise((resolve) => life.over.signal.addEventListener('abort', () => resolve(), { once: true }));
      },
      isStopping: () => life.isStopping,
    }),
  );
  return life;
}

/** Logged in: does the job, and gives how it ended and how many paths are not there. Nothing of it is left. */
async function runEngine(
  options: OneTarget,
  life: Life,
  prepared: Prepared,
  { key, leave }: { readonly key: string; readonly leave: () => Promise<void> },
): Promise<readonly [JobEnd, number]> {
  const { settings, target, host, directory, io } = options;
  const { link, ledger, isWhole, reach } = prepared;
  const { label } = target;
  const engine = options.engineFor(prepared);
  const detach = directory.attach(engine.sources);
  link.attach(engine.sources);
  const hooks =
    settings.mode === 'dry-run'
      ? undefined
      : new Hooks({
          programs: host.programs,
          commands: settings.hooks,
          root: settings.root,
          target: label,
          reach,
          report: io.report,
          outstanding: engine.outstanding,
        });
  const isQuick =
    settings.pace.initial && settings.deletions.mode !== 'mirror' && isWhole && ledger.index.size >= QUICK_FROM;
  life.live = { engine, prepared };
  life.hooks = hooks;
  const isOver = async (): Promise<JobEnd> => {
    const end = await engine.over;
    return end.kind === 'halted' ? end : { kind: 'done' };
  };
  const close = async (): Promise<void> => {
    detach();
    await hooks?.stop();
    link.stopLogins();
    await engine.close();
    await link.close();
  };
  try {
    const job = JOBS[settings.mode]({ engine, options, key, isQuick, isOver });
    const end = await Promise.race([job, isOver(), life.asked]);
    life.isStopping = true;
    if (end.kind === 'signal' || end.kind === 'asked') {
      const signal = end.kind === 'signal' ? end.signal : 'syncwatch stop';
      io.report({ kind: 'stopping', target: label, signal, waiting: ledger.pending.size });
      detach();
      link.stopLogins();
      void leave();
      void io.signals.second.then(() => engine.take({ kind: 'cut' }));
      engine.take({ kind: 'stop' });
      const over = await engine.over;
      if (over.kind === 'halted') tellHalted(options, over.failure);
    }
    if (end.kind === 'halted') {
      life.halted = end.failure;
      tellHalted(options, end.failure);
    }
    if (end.kind === 'done') await Promise.race([hooks?.idle(), life.asked]);
    await close();
    const { summary } = engine;
    if (settings.mode !== 'dry-run') {
      if (directory.guard.isThere()) await ledger.save();
      io.report({ kind: 'stopped', target: label, summary });
    }
    return [end, summary.unsent.length];
  } finally {
    await close();
    await leave();
    await prepared.close();
  }
}

const tellHalted = ({ io, target, isOneOfSeveral }: OneTarget, failure: Failure): void =>
  io.report({ kind: 'halted', failure, ...(isOneOfSeveral ? { target: target.label } : {}) });

async function ended(end: JobEnd, unsent: number, control: Control, { over }: Life): Promise<Ended> {
  over.abort();
  return { code: exitCode(end, unsent), control: await kept(end, control) };
}

/** One that was asked to end is no longer a part of it: nobody finds it any more. */
async function kept(end: JobEnd, control: Control): Promise<Control | undefined> {
  if (end.kind !== 'asked') return control;
  await control.release();
  return undefined;
}

function exitCode(end: JobEnd, unsent: number): number {
  switch (end.kind) {
    case 'done':
    case 'asked':
      return unsent > 0 ? EXIT.somePathsFailed : EXIT.inSync;
    case 'halted':
      return exitCodeOf(end.failure);
    case 'signal':
      return STOP_SIGNALS[end.signal];
  }
}

/** What a job has at hand. */
interface Job {
  readonly engine: Engine;
  readonly options: OneTarget;
  readonly key: string;
  /** The tree is big and known from the last run. */
  readonly isQuick: boolean;
  /** Resolves when the engine is over. */
  readonly isOver: () => Promise<JobEnd>;
}

const JOBS: Readonly<Record<Settings['mode'], (job: Job) => Promise<JobEnd>>> = {
  /** Never ends by itself. */
  watch: async (job) => {
    const { engine, options, key, isQuick, isOver } = job;
    // Then the sync comes first, watching and a look after it.
    if (isQuick) await begin(job);
    const watching = await options.directory.watch(key);
    if (!watching.ok) return { kind: 'halted', failure: watching.failure };
    if (isQuick) await engine.look();
    else await begin(job);
    engine.take({ kind: 'settledIn' });
    return isOver();
  },
  once: async (job) => {
    const broken = await begin(job, ONCE_TRIES);
    if (broken !== undefined) return { kind: 'halted', failure: { ...broken, kind: 'path' } };
    job.engine.take({ kind: 'finish' });
    return job.isOver();
  },
  'dry-run': async ({ engine }) => {
    const failure = await engine.wouldDo();
    return failure === undefined ? { kind: 'done' } : { kind: 'halted', failure };
  },
};

/** A full pass, or with `--no-initial` from what is here. Resolves with the failure when it broke `tries` times. */
async function begin(job: Job, tries?: number): Promise<Failure | undefined> {
  const { engine, options, isQuick } = job;
  if (options.settings.pace.initial) return engine.begin(isQuick ? 'quick' : 'full', tries);
  await engine.beginFromHere();
  return undefined;
}
