import { wallNow } from '../clock.js';
import type { Who } from '../control/protocol.js';
import type { Answerer, Control } from '../control/server.js';
import type { Event } from '../core/event.js';
import { afterEvent, NO_FACTS } from '../core/status.js';
import type { Target } from '../core/target.js';
import type { Hooks } from '../hooks/hooks.js';
import type { Io } from '../io.js';
import type { Settings } from '../settings.js';
import type { Directory } from '../watch/directory.js';
import { type Asks, answererFor } from './answer.js';
import type { Keeps } from './keep.js';
import { type Asked, Lifetime, liveOf } from './life.js';
import type { Restart } from './restart.js';

/** What works for a target that was reached. */
export interface Live extends Asks {
  readonly prepared: Asks['prepared'] & Keeps;
  /** Are told of all that happens; a dry run has none. */
  readonly hooks: Pick<Hooks, 'handle'> | undefined;
}

export interface ListenOptions {
  readonly settings: Pick<Settings, 'dir'>;
  readonly target: Target;
  readonly io: Pick<Io, 'signals'>;
  readonly directory: Pick<Directory, 'moved'>;
  /** From now on this is called with every event. */
  readonly subscribe: (listener: (event: Event) => void) => void;
  readonly restart: Pick<Restart, 'ask' | 'asked'>;
  /** Whoever else asks (a key) asks this, as the socket does. */
  readonly offer: (answerer: Answerer) => void;
}

/** What is heard of a target, from its beginning to its end. */
export interface Listening {
  readonly lifetime: Lifetime<Live>;
  /** A signal, `syncwatch stop`, DIR leads elsewhere, or it is to begin anew. */
  readonly asked: Promise<Asked>;
}

/** From now on events are taken in and questions answered. */
export function listenFor(
  { settings, target, io, directory, subscribe, restart, offer }: ListenOptions,
  control: Pick<Control, 'serve'>,
  who: Who,
): Listening {
  const lifetime = new Lifetime<Live>();
  let stop: () => void = () => {};
  const stopped = new Promise<Asked>((resolve) => {
    stop = () => resolve({ kind: 'asked' });
  });
  const signalled = io.signals.first.then((signal): Asked => ({ kind: 'signal', signal }));
  const onceAborted = (signal: AbortSignal, end: Asked): Promise<Asked> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(end), { once: true }));
  const moved = onceAborted(directory.moved, { kind: 'moved' });
  const restarted = onceAborted(restart.asked, { kind: 'restarted' });
  let facts = NO_FACTS;
  subscribe((event) => {
    const isAbout = !('target' in event) || event.target === target.label || event.target === settings.dir;
    if (!isAbout) return;
    facts = afterEvent(facts, event, wallNow());
    liveOf(lifetime.now)?.hooks?.handle(event);
  });
  const answerer = answererFor({
    who,
    sinceMs: wallNow(),
    life: () => lifetime.now,
    facts: () => facts,
    stop: () => {
      stop();
      return lifetime.over;
    },
    restart: () => restart.ask({ mayAsk: false, wantsPass: false }),
  });
  control.serve(answerer);
  offer(answerer);
  return { lifetime, asked: Promise.race([signalled, stopped, moved, restarted]) };
}
