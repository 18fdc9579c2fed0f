import type { Failure } from '../core/failure.js';
import { ONCE_TRIES } from '../core/sync/login.js';
import type { Settings } from '../settings.js';
import type { Directory } from '../watch/directory.js';
import type { Engine } from './engine.js';
import type { LifeEnd } from './life.js';

/** What a mode has at hand. */
interface AtHand {
  readonly engine: Pick<Engine, 'begin' | 'beginFromHere' | 'look' | 'wouldDo' | 'take'>;
  readonly directory: Pick<Directory, 'watch'>;
  readonly key: string;
  /** It begins with a full pass. */
  readonly isInitial: boolean;
  /** The tree is big and known from the last run. */
  readonly isQuick: boolean;
  /** Resolves when the engine is over. */
  readonly isOver: () => Promise<LifeEnd>;
}

/** What each mode does, from the first sync on. */
export const MODES: Readonly<Record<Settings['mode'], (has: AtHand) => Promise<LifeEnd>>> = {
  /** Never ends by itself. */
  watch: async (has) => {
    const { engine, directory, key, isQuick, isOver } = has;
    // Then the sync comes first, watching and a look after it.
    if (isQuick) await begin(has);
    const watching = await directory.watch(key);
    if (!watching.ok) return { kind: 'halted', failure: watching.failure };
    if (isQuick) await engine.look();
    else await begin(has);
    engine.take({ kind: 'settledIn' });
    return isOver();
  },
  once: async (has) => {
    const broken = await begin(has, ONCE_TRIES);
    if (broken !== undefined) return { kind: 'halted', failure: { ...broken, kind: 'path' } };
    has.engine.take({ kind: 'finish' });
    return has.isOver();
  },
  'dry-run': async ({ engine }) => {
    const failure = await engine.wouldDo();
    return failure === undefined ? { kind: 'done' } : { kind: 'halted', failure };
  },
};

/** A full pass, or with `--no-initial` from what is here. Resolves with the failure when it broke `tries` times. */
async function begin({ engine, isInitial, isQuick }: AtHand, tries?: number): Promise<Failure | undefined> {
  if (isInitial) return engine.begin(isQuick ? 'quick' : 'full', tries);
  await engine.beginFromHere();
  return undefined;
}
