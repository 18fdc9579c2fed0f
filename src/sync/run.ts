import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Control, openControl } from '../control/server.js';
import { EXIT, exitCodeOf, type Failure } from '../core/failure.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { inFull } from '../core/target.js';
import { Hooks } from '../hooks/hooks.js';
import { type Io, STOP_SIGNALS } from '../io.js';
import type { Settings } from '../settings.js';
import { runtimeFolders } from '../state/folders.js';
import { keyOf } from '../state/key.js';
import type { Directory } from '../watch/directory.js';
import type { Engine } from './engine.js';
import type { Host } from './host.js';
import { JOBS, type JobEnd } from './jobs.js';
import { KEEP_MS, keepInPlace, type Life, type LifeOptions, listenFor } from './life.js';
import { type Prepared, prepareTarget } from './prepare.js';
import { QUICK_FROM } from './quick-pass.js';

/** How long a login that is under way may take to end after the first signal, in milliseconds. */
const LET_GO_MS = 3_000;

export interface OneTarget extends LifeOptions {
  readonly settings: Settings;
  readonly host: Host;
  readonly directory: Directory;
  readonly io: Io;
  /** There are others: what happens to this one is no reason for them to end. */
  readonly isOneOfSeveral: boolean;
  /** DIR led elsewhere before: what is there by our doing since then. */
  readonly previous: ReadonlyIndex | undefined;
  /** Puts the engine together, for a target that was reached. */
  readonly engineFor: (prepared: Prepared) => Engine;
}

/** What is left of a target that has ended. */
export interface Ended {
  readonly code: number;
  /** The socket that still answers what became of it. */
  readonly control: Control | undefined;
  /** DIR leads elsewhere: what is there by our doing, if that is known. */
  readonly moved?: { readonly index: ReadonlyIndex | undefined };
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
  const life = listenFor(options, control.value, who);
  const keeping = setInterval(() => void keepInPlace(control.value, directory, life), KEEP_MS);
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
        previous: options.previous,
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
      return await ended(early, 0, control.value, life, options.previous);
    }
    if (!early.ok) {
      life.halted = early.failure;
      tellHalted(options, early.failure);
      return { code: exitCodeOf(early.failure), control: control.value };
    }
    const [end, unsent] = await runEngine(options, life, early.value, { key, leave });
    return await ended(end, unsent, control.value, life, early.value.ledger.index);
  } finally {
    clearInterval(keeping);
    await leave();
    life.over.abort();
  }
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
    const job = JOBS[settings.mode]({ engine, directory, key, isInitial: settings.pace.initial, isQuick, isOver });
    const end = await Promise.race([job, isOver(), life.asked]);
    life.isStopping = true;
    if (end.kind === 'signal' || end.kind === 'asked') {
      const signal = end.kind === 'signal' ? end.signal : 'syncwatch stop';
      io.report({ kind: 'stopping', target: label, signal, waiting: ledger.pending.size });
      if (engine.state.phase.is === 'paused')
        io.report({ kind: 'note', level: 'normal', text: `${label} is paused: what waits is not sent` });
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
    if (settings.mode !== 'dry-run' && end.kind !== 'moved') {
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

async function ended(
  end: JobEnd,
  unsent: number,
  control: Control,
  { over }: Life,
  index: ReadonlyIndex | undefined,
): Promise<Ended> {
  over.abort();
  const moved = end.kind === 'moved' ? { moved: { index } } : {};
  return { code: exitCode(end, unsent), control: await kept(end, control), ...moved };
}

/** One that was asked to end is no longer a part of it: nobody finds it any more. */
async function kept(end: JobEnd, control: Control): Promise<Control | undefined> {
  if (end.kind !== 'asked' && end.kind !== 'moved') return control;
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
    case 'moved':
      return EXIT.inSync;
  }
}
