import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answererFor } from '../control/answer.js';
import type { Who } from '../control/protocol.js';
import { type Control, openControl } from '../control/server.js';
import type { Event } from '../core/event.js';
import { EXIT, exitCodeOf, type Failure } from '../core/failure.js';
import { afterEvent, NOTHING_TOLD, type Told } from '../core/status.js';
import { ONCE_TRIES } from '../core/sync/login.js';
import { inFull, type Target } from '../core/target.js';
import { Hooks } from '../hooks/hooks.js';
import { type Io, STOP_SIGNALS, type StopSignal } from '../io.js';
import { assemble, type Parts } from '../main.js';
import type { Settings } from '../settings.js';
import type { Source } from '../source.js';
import { runtimeFolders } from '../state/folders.js';
import { keyOf } from '../state/key.js';
import { dryRun } from '../sync/full-pass.js';
import { type Prepared, prepareTarget } from '../sync/prepare.js';

/** How long a login that is under way may take to end after the first signal, in milliseconds. */
const LET_GO_MS = 3_000;

/**
 * How often it is looked whether its sockets and what it remembers are still where others look for them, in milliseconds: systemd
 * removes the runtime folder when the user logs out, and what cleans up /tmp old sockets.
 */
const KEEP_MS = 1_000;

/** When it has been asked to end: for how long rsync may say nothing then, in milliseconds, and how often that is looked at. */
const SILENCE_MS = 10_000;
const SILENCE_LOOK_MS = 250;

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

/** How things stand with it: what the socket answers from. */
interface Life {
  parts: Parts | undefined;
  hooks: Hooks | undefined;
  told: Told;
  halted: Failure | undefined;
  isStopping: boolean;
  isKeeping: boolean;
  /** A signal, or `syncwatch stop`. */
  readonly asked: Promise<End>;
  /** It has ended: whoever asked for that is told. */
  readonly over: AbortController;
}

/**
 * One target, from its login to its end: a signal, `syncwatch stop`, a guard, or the end of `--once`. Whatever happens,
 * nothing of it is left running but the socket that tells of its end.
 */
export async function runTarget(options: OneTarget): Promise<Ended> {
  const { settings, target, source, io } = options;
  const key = keyOf(settings.root, `${target.place}\0${settings.ssh.port ?? ''}`);
  const who = { pid: io.pid, root: settings.root, target: target.label, place: target.place };
  const leave = source.join();
  const control = await openControl({
    paths: () => [join(source.runtime, `${key}.sock`)],
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
  const life = begin(options, control.value, who);
  const keeping = setInterval(() => void keep(control.value, life), KEEP_MS);
  try {
    const letGo = new AbortController();
    const preparing = prepareTarget(
      {
        settings,
        target,
        source,
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
    const [end, unsent] = await runLine(options, life, early.value, { key, leave });
    return await ended(end, unsent, control.value, life);
  } finally {
    clearInterval(keeping);
    await leave();
    life.over.abort();
  }
}

/** What somebody removed from the runtime folder or from what is remembered is there again. */
async function keep(control: Control, life: Life): Promise<void> {
  if (life.isKeeping) return;
  life.isKeeping = true;
  await control.keep();
  await life.parts?.keep();
  life.isKeeping = false;
}

/** From now on events are heeded and questions answered. */
function begin({ settings, target, io, heed }: OneTarget, control: Control, who: Who): Life {
  let ask: (end: End) => void = () => {};
  const stopped = new Promise<End>((resolve) => {
    ask = resolve;
  });
  const signalled = io.signals.first.then((signal): End => ({ kind: 'signal', signal }));
  const life: Life = {
    parts: undefined,
    hooks: undefined,
    told: NOTHING_TOLD,
    halted: undefined,
    isStopping: false,
    isKeeping: false,
    asked: Promise.race([signalled, stopped]),
    over: new AbortController(),
  };
  heed((event) => {
    const isAbout = !('target' in event) || event.target === target.label || event.target === settings.dir;
    if (!isAbout) return;
    life.told = afterEvent(life.told, event, Date.now());
    life.hooks?.handle(event);
  });
  control.serve(
    answererFor({
      who,
      sinceMs: Date.now(),
      report: io.report,
      parts: () => life.parts,
      told: () => life.told,
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
async function runLine(
  options: OneTarget,
  life: Life,
  prepared: Prepared,
  { key, leave }: { readonly key: string; readonly leave: () => Promise<void> },
): Promise<readonly [End, number]> {
  const { settings, target, source, io } = options;
  const parts = assemble(settings, target, source, io, prepared);
  const hooks =
    settings.mode === 'dry-run'
      ? undefined
      : new Hooks({
          programs: source.programs,
          commands: settings.hooks,
          root: settings.root,
          target: target.label,
          reach: parts.reach,
          report: io.report,
        });
  life.parts = parts;
  life.hooks = hooks;
  try {
    const halted = parts.halted.then((failure): End => ({ kind: 'halted', failure }));
    const end: End = await Promise.race([JOBS[settings.mode](parts, options, key), halted, life.asked]);
    life.isStopping = true;
    if (end.kind === 'signal' || end.kind === 'asked') {
      const signal = end.kind === 'signal' ? end.signal : 'syncwatch stop';
      io.report({ kind: 'stopping', target: target.label, signal, waiting: parts.line.pending.size });
      parts.line.unpause();
      const drained = await Promise.race([drain(parts, leave), silence(parts, life), parts.halted, io.signals.second]);
      if (typeof drained === 'object') tellHalted(options, drained);
    }
    if (end.kind === 'halted') {
      life.halted = end.failure;
      tellHalted(options, end.failure);
    }
    if (end.kind === 'done') await Promise.race([hooks?.idle(), life.asked, parts.halted]);
    await hooks?.stop();
    await parts.stop();
    const { summary } = parts.line;
    if (settings.mode !== 'dry-run') {
      await parts.save();
      io.report({ kind: 'stopped', target: target.label, summary });
    }
    return [end, summary.unsent.length];
  } finally {
    await hooks?.stop();
    await parts.stop();
    await leave();
    await prepared.close();
  }
}

const tellHalted = ({ io, target, isOneOfSeveral }: OneTarget, failure: Failure): void =>
  io.report({ kind: 'halted', failure, ...(isOneOfSeveral ? { target: target.label } : {}) });

async function ended(end: End, unsent: number, control: Control, { over }: Life): Promise<Ended> {
  over.abort();
  return { code: exitCode(end, unsent), control: await kept(end, control) };
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
    if (parts.line.wasSilent) return { kind: 'done' };
    // What failed may have been busy for a moment only: it gets one more try.
    parts.line.hurry();
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
  parts.link.stopLogins();
  await parts.session.windDown();
  await parts.lastLook();
  await parts.line.drain();
}

/** Resolves when the other side takes nothing any more: what waits is not worth waiting for, now that it is to end. */
async function silence({ line }: Parts, { over }: Life): Promise<void> {
  while (line.silentMs < SILENCE_MS && !over.signal.aborted) await sleep(SILENCE_LOOK_MS);
}
