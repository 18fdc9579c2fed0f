import { wallNow } from '../clock.js';
import type { Who } from '../control/protocol.js';
import type { Control } from '../control/server.js';
import type { Event } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { afterEvent, NO_FACTS, type StatusFacts } from '../core/status.js';
import type { Target } from '../core/target.js';
import type { Hooks } from '../hooks/hooks.js';
import type { Io } from '../io.js';
import type { Settings } from '../settings.js';
import type { Directory } from '../watch/directory.js';
import { answererFor, type Live } from './answer.js';
import type { JobEnd } from './jobs.js';

/**
 * How often it is looked whether its sockets and what it remembers are still where others look for them, in milliseconds: systemd
 * removes the runtime folder when the user logs out, and what cleans up /tmp old sockets.
 */
export const KEEP_MS = 1_000;

/** How things stand with it: what the socket answers from. */
export interface Life {
  /** Undefined until it has logged in. */
  live: Live | undefined;
  hooks: Hooks | undefined;
  facts: StatusFacts;
  halted: Failure | undefined;
  isStopping: boolean;
  isKeeping: boolean;
  /** A signal, `syncwatch stop`, or DIR leads elsewhere. */
  readonly asked: Promise<JobEnd>;
  /** It has ended: whoever asked for that is told. */
  readonly over: AbortController;
}

export interface LifeOptions {
  readonly settings: Pick<Settings, 'dir'>;
  readonly target: Target;
  readonly io: Pick<Io, 'signals'>;
  readonly directory: Pick<Directory, 'moved'>;
  /** From now on this is called with every event. */
  readonly subscribe: (listener: (event: Event) => void) => void;
}

/** What somebody removed from the runtime folder or from what is remembered is there again. */
export async function keepInPlace(control: Control, directory: Directory, life: Life): Promise<void> {
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
export function listenFor(
  { settings, target, io, directory, subscribe }: LifeOptions,
  control: Control,
  who: Who,
): Life {
  let ask: (end: JobEnd) => void = () => {};
  const stopped = new Promise<JobEnd>((resolve) => {
    ask = resolve;
  });
  const signalled = io.signals.first.then((signal): JobEnd => ({ kind: 'signal', signal }));
  const moved = new Promise<JobEnd>((resolve) =>
    directory.moved.addEventListener('abort', () => resolve({ kind: 'moved' }), { once: true }),
  );
  const life: Life = {
    live: undefined,
    hooks: undefined,
    facts: NO_FACTS,
    halted: undefined,
    isStopping: false,
    isKeeping: false,
    asked: Promise.race([signalled, stopped, moved]),
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
