import { wallNow } from '../clock.js';
import type { Who } from '../control/protocol.js';
import type { Control } from '../control/server.js';
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
}

/** What is heard of a target, from its beginning to its end. */
export interface Listening {
  readonly lifetime: Lifetime<Live>;
  /** A signal, `syncwatch stop`, or DIR leads elsewhere. */
  readonly asked: Promise<Asked>;
}

/** From now on events are taken in and questions answered. */
export function listenFor(
  { settings, target, io, directory, subscribe }: ListenOptions,
  control: Pick<Control, 'serve'>,
  who: Who,
): Listening {
  const lifetime = new Lifetime<Live>();
  let stop: () => void = () => {};
  const stopped = new Promise<Asked>((resolve) => {
    stop = () => resolve({ kind: 'asked' });
  });
  const signalled = io.signals.first.then((signal): Asked => ({ kind: 'signal', signal }));
  const moved = new Promise<Asked>((resolve) =>
    directory.moved.addEventListener('abort', () => resolve({ kind: 'moved' }), { once: true }),
  );
  let facts = NO_FACTS;
  subscribe((event) => {
    const isAbout = !('target' in event) || event.target === target.label || event.target === settings.dir;
    if (!isAbout) return;
    facts = afterEvent(facts, event, wallNow());
    liveOf(lifetime.now)?.hooks?.handle(event);
  });
  control.serve(
    answererFor({
      who,
      sinceMs: wallNow(),
      life: () => lifetime.now,
      facts: () => facts,
      stop: () => {
        stop();
        return lifetime.over;
      },
    }),
  );
  return { lifetime, asked: Promise.race([signalled, stopped, moved]) };
}
