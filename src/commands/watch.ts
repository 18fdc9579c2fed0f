import { setTimeout as sleep } from 'node:timers/promises';
import { answererFor } from '../control/answer.js';
import { EXIT, exitCodeOf, type Failure } from '../core/failure.js';
import { afterEvent, NOTHING_TOLD } from '../core/status.js';
import { Hooks } from '../hooks/hooks.js';
import { type Io, STOP_SIGNALS, type StopSignal } from '../io.js';
import { assemble, type Parts, prepare } from '../main.js';
import type { Settings } from '../settings.js';
import { dryRun } from '../target/full-pass.js';

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

/**
 * The main job: prepare, run until a signal, a guard or the end of `--once`, take everything apart again. Gives the
 * exit code; whatever happens, nothing of ours is left running.
 */
export async function watch(settings: Settings, world: Io): Promise<number> {
  const sinceMs = Date.now();
  let told = NOTHING_TOLD;
  let hooks: Hooks | undefined;
  const io: Io = {
    ...world,
    report: (event) => {
      told = afterEvent(told, event, Date.now());
      world.report(event);
      hooks?.heed(event);
    },
  };
  const letGo = new AbortController();
  const signalled = io.signals.first.then((signal): End => ({ kind: 'signal', signal }));
  const preparing = prepare(settings, io, letGo.signal);
  const early = await Promise.race([preparing, signalled]);
  if ('kind' in early) {
    letGo.abort();
    const late = await Promise.race([preparing, io.signals.second, sleep(LET_GO_MS)]);
    if (typeof late === 'object' && late.ok) await late.value.close();
    return exitCode(early, 0);
  }
  if (!early.ok) {
    io.report({ kind: 'halted', failure: early.failure });
    return exitCodeOf(early.failure);
  }

  const prepared = early.value;
  const parts = assemble(settings, io, prepared);
  if (settings.mode !== 'dry-run')
    hooks = new Hooks({
      commands: settings.hooks,
      root: settings.root,
      target: parts.line.target,
      reach: () => parts.session.reach,
      report: world.report,
    });
  let ask: (end: End) => void = () => {};
  const asked = new Promise<End>((resolve) => {
    ask = resolve;
  });
  let isStopping = false;
  let drainedNow: () => void = () => {};
  const isDrained = new Promise<void>((resolve) => {
    drainedNow = resolve;
  });
  const stop = (): Promise<void> => {
    ask({ kind: 'asked' });
    return isDrained;
  };
  prepared.control.serve(
    answererFor(parts, { who: prepared.who, sinceMs, told: () => told, stop, isStopping: () => isStopping }),
  );
  try {
    const halted = parts.halted.then((failure) => ({ kind: 'halted' as const, failure }));
    const end: End = await Promise.race([JOBS[settings.mode](parts, io), halted, signalled, asked]);
    isStopping = true;
    if (end.kind === 'signal' || end.kind === 'asked') {
      const signal = end.kind === 'signal' ? end.signal : 'syncwatch stop';
      io.report({ kind: 'stopping', signal, waiting: parts.line.pending.size });
      parts.line.unpause();
      const drained = await Promise.race([drain(parts), halted, io.signals.second]);
      if (typeof drained === 'object') io.report(drained);
    }
    if (end.kind === 'halted') io.report(end);
    if (end.kind === 'done') await Promise.race([hooks?.idle(), signalled, parts.halted]);
    await hooks?.stop();
    await parts.stop();
    const { summary } = parts.line;
    if (settings.mode !== 'dry-run') {
      parts.save();
      io.report({ kind: 'stopped', target: parts.line.target, summary });
    }
    return exitCode(end, summary.unsent.length);
  } finally {
    await hooks?.stop();
    drainedNow();
    await parts.stop();
    await prepared.close();
  }
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

const JOBS: Readonly<Record<Settings['mode'], (parts: Parts, io: Io) => Promise<End>>> = {
  /** Never ends by itself. */
  watch: async (parts) => {
    if (parts.isQuick) await parts.startSyncing();
    const watching = await parts.startWatching();
    if (!watching.ok) return { kind: 'halted', failure: watching.failure };
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
  'dry-run': async (parts, io) => {
    parts.line.resume();
    const failure = await dryRun(parts.line, { ...parts.pass, report: io.report, isRescan: false });
    return failure === undefined ? { kind: 'done' } : { kind: 'halted', failure };
  },
};

/** No new changes; what was changed until now is found by a last look at the disk, and sent. */
async function drain(parts: Parts): Promise<void> {
  await parts.stopWatching();
  await parts.session.windDown();
  await parts.lastLook();
  await parts.line.drain();
}
