import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Who } from '../control/protocol.js';
import { type Control, openControl } from '../control/server.js';
import { EXIT, exitCodeOf, type Failure, type Result } from '../core/failure.js';
import type { Reach } from '../core/reach.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { inFull } from '../core/target.js';
import { Hooks } from '../hooks/hooks.js';
import { type Io, STOP_SIGNALS } from '../io.js';
import type { Link } from '../link/link.js';
import type { Settings } from '../settings.js';
import { runtimeFolders } from '../state/folders.js';
import { keyOf } from '../state/key.js';
import type { Directory } from '../watch/directory.js';
import type { Engine } from './engine.js';
import type { Host } from './host.js';
import { type Keeps, keepInPlace } from './keep.js';
import type { Ledger } from './ledger.js';
import type { LifeEnd } from './life.js';
import { type Listening, type ListenOptions, listenFor } from './listen.js';
import { MODES } from './modes.js';
import { QUICK_FROM } from './quick-pass.js';

/** How long a login that is under way may take to end after the first signal, in milliseconds. */
export const LEAVE_MS = 3_000;

/** Whose a target is: of its socket, and towards others. */
export interface Identity {
  /** Of DIR and the target as it is spelled. */
  readonly key: string;
  readonly who: Who;
}

/** A target that was reached. */
interface Ready extends Keeps {
  readonly link: Keeps['link'] & Pick<Link<unknown>, 'state' | 'nextTryMs' | 'attach' | 'stopLogins' | 'close'>;
  readonly ledger: Pick<Ledger, 'failedCount' | 'keepInPlace' | 'sums' | 'pending' | 'index' | 'save'>;
  readonly reach: () => Reach;
  /** What was remembered of the last run is in no doubt. */
  readonly isWhole: boolean;
  close(): Promise<void>;
}

/** What works for it. */
type Works = Pick<Engine, keyof Engine>;

export interface OneTarget<Prepared extends Ready> extends ListenOptions {
  readonly settings: Pick<Settings, 'mode' | 'dir' | 'root' | 'hooks'> & {
    readonly ssh: Pick<Settings['ssh'], 'port'>;
    readonly pace: Pick<Settings['pace'], 'initial'>;
    readonly deletions: Pick<Settings['deletions'], 'mode'>;
  };
  readonly host: Pick<Host, 'runtime' | 'programs'>;
  readonly directory: Pick<Directory, 'moved' | 'join' | 'attach' | 'watch'> & {
    readonly guard: Pick<Directory['guard'], 'isThere'>;
  };
  readonly io: Pick<Io, 'pid' | 'around' | 'report' | 'signals'>;
  /** There are others: what happens to this one is no reason for them to end. */
  readonly isOneOfSeveral: boolean;
  /** DIR led elsewhere before: what is there by our doing since then. */
  readonly previous: ReadonlyIndex | undefined;
  /** It begins with a full pass, whatever the settings say. */
  readonly wantsPass: boolean;
  /** Logs in, and checks whatever can be checked. */
  readonly prepare: (identity: Identity, signal: AbortSignal) => Promise<Result<Prepared>>;
  /** Puts the engine together, for a target that was reached. */
  readonly engineFor: (prepared: Prepared) => Works;
}

type About = Omit<OneTarget<never>, 'prepare' | 'engineFor'>;

/** What is left of a target that has ended. */
export interface Remains {
  readonly code: number;
  /** The socket that still answers what became of it. */
  readonly control: Control | undefined;
  /** DIR leads elsewhere: what is there by our doing, if that is known. */
  readonly moved?: { readonly index: ReadonlyIndex | undefined };
  /** It is to begin anew with other settings. */
  readonly isRestarted: boolean;
}

/**
 * One target, from its login to its end: a signal, `syncwatch stop`, a guard, or the end of `--once`. Whatever happens,
 * nothing of it is left running but the socket that tells of its end.
 */
export async function runTarget<Prepared extends Ready>(options: OneTarget<Prepared>): Promise<Remains> {
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
    return { code: exitCodeOf(control.failure), control: undefined, isRestarted: false };
  }
  const { lifetime, asked } = listenFor(options, control.value, who);
  const stopKeeping = keepInPlace(control.value, directory, lifetime);
  try {
    const letGo = new AbortController();
    const preparing = options.prepare({ key, who }, letGo.signal);
    const early = await Promise.race([preparing, asked]);
    if ('kind' in early) {
      lifetime.take({ kind: 'ends', end: early });
      letGo.abort();
      const late = await Promise.race([preparing, io.signals.second, sleep(LEAVE_MS)]);
      if (typeof late === 'object' && late.ok) await late.value.close();
      lifetime.take({ kind: 'through' });
      return await remainsOf(early, 0, control.value, options.previous);
    }
    if (!early.ok) {
      const end: LifeEnd = { kind: 'halted', failure: early.failure };
      lifetime.take({ kind: 'ends', end });
      tellHalted(options, early.failure);
      return await remainsOf(end, 0, control.value, undefined);
    }
    const [end, unsent] = await work(options, { lifetime, asked }, early.value, { key, leave });
    return await remainsOf(end, unsent, control.value, early.value.ledger.index);
  } finally {
    stopKeeping();
    await leave();
  }
}

/** Logged in: does what it is there for, and gives how that ended and how many paths are not there. Nothing of it is left. */
async function work<Prepared extends Ready>(
  options: OneTarget<Prepared>,
  { lifetime, asked }: Listening,
  prepared: Prepared,
  { key, leave }: { readonly key: string; readonly leave: () => Promise<void> },
): Promise<readonly [LifeEnd, number]> {
  const { settings, directory, io } = options;
  const { link, ledger, isWhole } = prepared;
  const { label } = options.target;
  const engine = options.engineFor(prepared);
  const detach = directory.attach(engine.sources);
  link.attach(engine.sources);
  const hooks = settings.mode === 'dry-run' ? undefined : hooksOf(options, prepared, engine);
  lifetime.take({ kind: 'arrived', live: { engine, prepared, hooks } });
  const isOver = async (): Promise<LifeEnd> => {
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
    const { wantsPass } = options;
    const isInitial = settings.pace.initial || wantsPass;
    const isQuick =
      isInitial && !wantsPass && settings.deletions.mode !== 'mirror' && isWhole && ledger.index.size >= QUICK_FROM;
    const did = MODES[settings.mode]({ engine, directory, key, isInitial, isQuick, isOver });
    const end = await Promise.race([did, isOver(), asked]);
    const { is } = lifetime.take({ kind: 'ends', end });
    if (end.kind === 'halted') tellHalted(options, end.failure);
    if (is === 'finishing') await Promise.race([hooks?.idle(), asked]);
    if (is === 'draining') {
      tellStopping(options, end, engine, ledger.pending.size);
      detach();
      link.stopLogins();
      void leave();
      await drained(options, end, engine);
    }
    lifetime.take({ kind: 'through' });
    await close();
    const { summary } = engine;
    if (settings.mode !== 'dry-run' && end.kind !== 'moved') {
      if (directory.guard.isThere()) await ledger.save();
      if (end.kind !== 'restarted') io.report({ kind: 'stopped', target: label, summary });
    }
    return [end, summary.unsent.length];
  } finally {
    await close();
    await leave();
    await prepared.close();
    lifetime.take({ kind: 'through' });
  }
}

function hooksOf({ settings, target, host, io }: About, { reach }: Ready, { outstanding }: Works): Hooks {
  return new Hooks({
    programs: host.programs,
    commands: settings.hooks,
    root: settings.root,
    target: target.label,
    reach,
    report: io.report,
    outstanding,
  });
}

function tellStopping({ target: { label }, io }: About, end: LifeEnd, { state }: Works, waiting: number): void {
  const signal = end.kind === 'signal' ? end.signal : 'syncwatch stop';
  io.report({ kind: 'stopping', target: label, signal, waiting });
  if (state.phase.is === 'paused')
    io.report({ kind: 'note', level: 'normal', text: `${label} is paused: what waits is not sent` });
}

/** What was changed until now is still sent; one more signal ends that. */
async function drained(options: About, end: LifeEnd, engine: Works): Promise<void> {
  const { first, second } = options.io.signals;
  void (end.kind === 'signal' ? second : first).then(() => engine.take({ kind: 'cut' }));
  engine.take({ kind: 'stop' });
  const over = await engine.over;
  if (over.kind === 'halted') tellHalted(options, over.failure);
}

const tellHalted = ({ io, target, isOneOfSeveral }: About, failure: Failure): void =>
  io.report({ kind: 'halted', failure, ...(isOneOfSeveral ? { target: target.label } : {}) });

async function remainsOf(
  end: LifeEnd,
  unsent: number,
  control: Control,
  index: ReadonlyIndex | undefined,
): Promise<Remains> {
  const moved = end.kind === 'moved' ? { moved: { index } } : {};
  const isRestarted = end.kind === 'restarted';
  return { code: exitCode(end, unsent), control: await kept(end, control), isRestarted, ...moved };
}

/** One that was asked to end is no longer a part of it: nobody finds it any more. */
async function kept(end: LifeEnd, control: Control): Promise<Control | undefined> {
  if (end.kind !== 'asked' && end.kind !== 'moved' && end.kind !== 'restarted') return control;
  await control.release();
  return undefined;
}

function exitCode(end: LifeEnd, unsent: number): number {
  switch (end.kind) {
    case 'done':
    case 'asked':
      return unsent > 0 ? EXIT.somePathsFailed : EXIT.inSync;
    case 'halted':
      return exitCodeOf(end.failure);
    case 'signal':
      return STOP_SIGNALS[end.signal];
    case 'moved':
    case 'restarted':
      return EXIT.inSync;
  }
}
