import PQueue from 'p-queue';
import type { Event } from '../core/event.js';
import { exitCodeOf } from '../core/failure.js';
import type { Io } from '../io.js';
import type { Settings } from '../settings.js';
import { Source } from '../source.js';
import { runTarget } from './one-target.js';

/**
 * The main job: one watcher, and each target by itself, until the last of them has ended. Gives the exit code, the
 * highest of all; whatever happens, nothing of ours is left running.
 */
export async function watch(settings: Settings, world: Io): Promise<number> {
  const heeders: Array<(event: Event) => void> = [];
  const questions = new PQueue({ concurrency: 1 });
  const { confirm } = world;
  const io: Io = {
    ...world,
    report: (event) => {
      world.report(event);
      for (const heed of heeders) heed(event);
    },
    // Two targets may ask: one after the other.
    confirm: confirm === undefined ? undefined : (question) => questions.add(() => confirm(question)),
  };
  const source = await Source.open(settings, io);
  if (!source.ok) {
    io.report({ kind: 'halted', failure: source.failure });
    return exitCodeOf(source.failure);
  }
  const isOneOfSeveral = settings.targets.length > 1;
  const ends = await Promise.all(
    settings.targets.map((target) =>
      runTarget({
        settings,
        target,
        source: source.value,
        io,
        isOneOfSeveral,
        heed: (heeder) => void heeders.push(heeder),
      }),
    ),
  );
  await source.value.close();
  await Promise.all(ends.map(({ control }) => control?.release()));
  return Math.max(...ends.map(({ code }) => code));
}
