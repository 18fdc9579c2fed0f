import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Question } from './control/protocol.js';
import type { Answerer } from './control/server.js';
import type { Io, StopSignal } from './io.js';
import { later } from './later.js';
import { type Offer, watch } from './main.js';
import type { Invocation } from './settings.js';
import type { Anew } from './sync/restart.js';

/** How often it is looked whether a target can be asked by now, in milliseconds. */
const LOOK_MS = 20;

/** What a target of this process can be asked: what its socket can be, but who it is. */
export type Asking = Exclude<Question, { ask: 'who' }>;

/** A syncwatch in this process: the command line has one, and so has each call of `syncwatch()` (api.ts). */
export interface Running {
  /** The exit code, when all has ended. Never rejects. */
  readonly code: Promise<number>;
  /** The names of its targets. */
  readonly targets: readonly string[];
  /**
   * Asks one of its targets, as others do over its socket. Undefined where it has ended, or `gone` comes before it can be
   * asked; until then it takes as long as its login does.
   */
  ask(target: string, question: Asking, gone: AbortSignal): Promise<Answer | undefined>;
  /** What waits is sent, then it ends; as after that signal, or where there is none as after `syncwatch stop`. */
  stop(signal?: StopSignal): void;
  /** After {@link stop}: what is under way is cut off. */
  cut(): void;
}

/** Begins to sync. `anew` reads the settings anew, see {@link watch}. */
export function start(first: Invocation, world: Omit<Io, 'signals'>, anew: Anew): Running {
  const firstSignal = later<StopSignal>();
  const second = later<StopSignal>();
  const answerers = new Map<string, Answerer>();
  let isStopping = false;
  let isOver = false;
  const never = new AbortController().signal;
  const offer: Offer = (target, answerer) => {
    answerers.set(target, answerer);
    if (isStopping) void answerer({ ask: 'stop' }, never);
  };
  const signals = { first: firstSignal.promise, second: second.promise };
  const code = watch(first, { ...world, signals }, anew, offer).finally(() => {
    isOver = true;
  });
  return {
    code,
    targets: first.settings.targets.map(({ label }) => label),
    ask: async (target, question, gone) => {
      for (;;) {
        if (isOver || gone.aborted) return undefined;
        const answerer = answerers.get(target);
        if (answerer !== undefined) return answerer(question, gone);
        await sleep(LOOK_MS);
      }
    },
    stop: (signal) => {
      if (signal !== undefined) firstSignal.resolve(signal);
      else if (!isStopping) {
        isStopping = true;
        for (const answerer of answerers.values()) void answerer({ ask: 'stop' }, never);
      }
    },
    cut: () => second.resolve('SIGTERM'),
  };
}
