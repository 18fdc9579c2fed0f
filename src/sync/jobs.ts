import type { Failure } from '../core/failure.js';
import { ONCE_TRIES } from '../core/sync/login.js';
import type { StopSignal } from '../io.js';
import type { Settings } from '../settings.js';
import type { Directory } from '../watch/directory.js';
import type { Engine } from './engine.js';

/** How the job of a target ended. */
export type JobEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'halted'; readonly failure: Failure }
  | { readonly kind: 'signal'; readonly signal: StopSignal }
  /** `syncwatch stop`. */
  | { readonly kind: 'asked' }
  /** DIR leads to another directory. */
  | { readonly kind: 'moved' };

/** What a job has at hand. */
interface Job {
  readonly engine: Engine;
  readonly directory: Pick<Directory, 'watch'>;
  readonly key: string;
  /** It begins with a full pass. */
  readonly isInitial: boolean;
  /** The tree is big and known from the last run. */
  readonly isQuick: boolean;
  /** Resolves when the engine is over. */
  readonly isOver: () => Promise<JobEnd>;
}

/** What each mode does, from the first sync on. */
export const JOBS: Readonly<Record<Settings['mode'], (job: Job) => Promise<JobEnd>>> = {
  /** Never ends by itself. */
  watch: async (job) => {
    const { engine, directory, key, isQuick, isOver } = job;
    // Then the sync comes first, watching and a look after it.
    if (isQuick) await begin(job);
    const watching = await directory.watch(key);
    if (!watching.ok) return { kind: 'halted', failure: watching.failure };
    if (isQuick) await engine.look();
    else await begin(job);
    engine.take({ kind: 'settledIn' });
    return isOver();
  },
  once: async (job) => {
    const broken = await begin(job, ONCE_TRIES);
    if (broken !== undefined) return { kind: 'halted', failure: { ...broken, kind: 'path' } };
    job.engine.take({ kind: 'finish' });
    return job.isOver();
  },
  'dry-run': async ({ engine }) => {
    const failure = await engine.wouldDo();
    return failure === undefined ? { kind: 'done' } : { kind: 'halted', failure };
  },
};

/** A full pass, or with `--no-initial` from what is here. Resolves with the failure when it broke `tries` times. */
async function begin({ engine, isInitial, isQuick }: Job, tries?: number): Promise<Failure | undefined> {
  if (isInitial) return engine.begin(isQuick ? 'quick' : 'full', tries);
  await engine.beginFromHere();
  return undefined;
}
