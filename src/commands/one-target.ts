import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answererFor } from '../control/answer.js';
import { type Control, openControl } from '../control/server.js';
import type { Event } from '../core/event.js';
import { EXIT, exitCodeOf, type Failure } from '../core/failure.js';
import { afterEvent, NOTHING_TOLD } from '../core/status.js';
import { inFull, type Target } from '../core/target.js';
import { Hooks } from '../hooks/hooks.js';
import { type Io, STOP_SIGNALS, type StopSignal } from '../io.js';
import { assemble, type Parts } from '../main.js';
import type { Settings } from '../settings.js';
import type { Source } from '../source.js';
import { keyOf } from '../state/folders.js';
import { dryRun } from '../target/full-pass.js';
import { prepareTarget } from '../target/prepare.js';

/** How long a login that is under way may take to end after the first signal, in milliseconds. */
const LET_GO_MS = 3_000;

/** How often `--once` tries a full sync that breaks in the middle before it gives up. */
const ONCE_TRIES = 3;

type End =
  | { readonly kind: 'done' }
  | { readonly kind: 'halted'; readonly failure: Failure }
  | { readonly kind: 'signal'; readonly signal: StopSignal }
  /** `syncwatch stop`. */
  | { readonly kind: 'asked' };

export interface OneTarget {
  readonly settings: Settings;
  readonly target: Target;
  readonly source: Source;
  readonly io: Io;
  /** There are others: what happens to this one is no reason for them to end. */
  readonly isOneOfSeveral: boolean;
  /** From now on this is called with every event. */
  readonly heed: (heeder: (event: Event) => void) => void;
}

/** What is left of a target that has ended. */
export interface Ended {
  readonly code: number;
  /** The socket that still answers what became of it. */
  readonly control: Control | undefined;
}

/**
 * One target, from its login to its end: a signal, `syncwatch stop`, a guard, or the end of `--once`. Whatever happens,
 * nothing of it is left running but the socket that tells of its end.
 */
export async function runTarget(options: OneTarget): Promise<Ended> {
  const { settings, target, source, io } = options;
  const sinceMs = Date.now();
  const key = keyOf(settings.root, `${target.place}\0${settings.ssh.port ?? ''}`);
  const socketPath = join(source.runtime, key);
  const who = { pid: io.pid, root: settings.root, target: target.label, place: target.place };
  const halt = (failure: Failure, control?: Control): Ended => {
    io.report({ kind: 'halted', failure, ...(options.isOneOfSeveral ? { target: target.label } : {}) });
    return { code: exitCodeOf(failure), control };
  };
  const leave = source.join();
  const control = await openControl(`${socketPath}.sock`, who, `${settings.dir} to ${inFull(target)}`);
  if (!control.ok) {
    await leave();
    return halt(control.failure);
  }

  let parts: Parts | undefined;
  let hooks: Hooks | undefined;
  let told = NOTHING_TOLD;
  let halted: Failure | undefined;
  let isStopping = false;
  options.heed((event) => {
    const isAbout = !('target' in event) || event.target === target.label || event.target === settings.dir;
    if (!isAbout) return;
    told = afterEvent(told, event, Date.now());
    hooks?.heed(event);
  });
  let ask: (end: End) => void = () => {};
  const asked = new Promise<End>((resolve) => {
    ask = resolve;
  });
  const over = new AbortController();
  const stop = (): Promise<void> => {
    ask({ kind: 'asked' });
    return new Promise((resolve) => over.signal.addEventListener('abort', () => resolve(), { once: true }));
  };
  control.value.serve(
    answererFor({
      who,
      sinceMs,
      report: io.report,
      parts: () => parts,
      told: () => told,
      halted: () => halted,
      stop,
      isStopping: () => isStopping,
    }),
  );

  const signalled = io.signals.first.then((signal): End => ({ kind: 'signal', signal }));
  const letGo = new AbortController();
  const preparing = prepareTarget(
    {
      settings,
      target,
      source,
      io,
      socketPath,
      memoryPath: join(source.state, key),
      isPatient: options.isOneOfSeveral && settings.mode === 'watch',
    },
    letGo.signal,
  );
  const early = await Promise.race([preparing, signalled, asked]);
  if ('kind' in early) {
    isStopping = true;
    letGo.abort();
    const late = await Promise.race([preparing, io.signals.second, sleep(LET_GO_MS)]);
    if (typeof late === 'object' && late.ok) await late.value.close();
    await leave();
    over.abort();
    return { code: exitCode(early, 0), control: await kept(early, control.value) };
  }
  if (!early.ok) {
    halted = early.failure;
    over.abort();
    await leave();
    return halt(early.failure, control.value);
  }

  const prepared = early.value;
  const running = assemble(settings, target, source, io, prepared);
  parts = running;
  if (settings.mode !== 'dry-run')
    hooks = new Hooks({
      commands: settings.hooks,
      root: settings.root,
      target: target.label,
      reach: () => running.session.reach,
      report: io.report,
    });
  try {
    const stopped = running.halted.then((failure) => ({ kind: 'halted' as const, failure }));
    const job = JOBS[settings.mode](running, options, key);
    const end: End = await Promise.race([job, stopped, signalled, asked]);
    isStopping = true;
    if (end.kind === 'signal' || end.kind === 'asked') {
      const signal = end.kind === 'signal' ? end.signal : 'syncwatch stop';
      io.report({ kind: 'stopping', target: target.label, signal, waiting: running.line.pending.size });
      running.line.unpause();
      const drained = await Promise.race([drain(running, leave), stopped, io.signals.second]);
      if (typeof drained === 'object') halt(drained.failure);
    }
    if (end.kind === 'halted') {
      halted = end.failure;
      halt(end.failure);
    }
    if (end.kind === 'done') await Promise.race([hooks?.idle(), signalled, running.halted]);
    await hooks?.stop();
    await running.stop();
    const { summary } = running.line;
    if (settings.mode !== 'dry-run') {
      running.save();
      io.report({ kind: 'stopped', target: target.label, summary });
    }
    over.abort();
    return { code: exitCode(end, summary.unsent.length), control: await kept(end, control.value) };
  } finally {
    await hooks?.stop();
    await running.stop();
    await leave();
    await prepared.close();
    over.abort();
  }
}

/** One that was asked to end is no longer a part of it: nobody finds it any more. */
async function kept(end: End, control: Control): Promise<Control | undefined> {
  if (end.kind !== 'asked') return control;
  await control.release();
  return undefined;
}

function exitCode(end: End, unsent: number): number {
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

const JOBS: Readonly<Record<Settings['mode'], (parts: Parts, options: OneTarget, key: string) => Promise<End>>> = {
  /** Never ends by itself. */
  watch: async (parts, { source, settings }, key) => {
    if (parts.isQuick) await parts.startSyncing();
    const watching = await source.watch(key);
    if (!watching.ok) return { kind: 'halted', failure: watching.failure };
    parts.session.rescanEvery(settings.rescanMinutes);
    if (parts.isQuick) await parts.lastLook();
    else await parts.startSyncing();
    parts.line.keepStandbys();
    return new Promise<End>(() => {});
  },
  once: async (parts) => {
    const broken = await parts.startSyncing(ONCE_TRIES);
    if (broken !== undefined) return { kind: 'halted', failure: { ...broken, kind: 'path' } };
    await parts.line.drain();
    // What failed may have been busy for a moment only: it gets one more try.
    parts.line.pending.hurry();
    await parts.line.drain();
    return { kind: 'done' };
  },
  'dry-run': async (parts, { io }) => {
    parts.line.resume();
    const failure = await dryRun(parts.line, { ...parts.pass, report: io.report, isRescan: false });
    return failure === undefined ? { kind: 'done' } : { kind: 'halted', failure };
  },
};

/** No new changes; what was changed until now is found by a last look at the disk, and sent. */
async function drain(parts: Parts, leave: () => Promise<void>): Promise<void> {
  parts.detach();
  await leave();
  await parts.session.windDown();
  await parts.lastLook();
  await parts.line.drain();
}
