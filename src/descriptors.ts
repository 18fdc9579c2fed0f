import { closeSync, openSync } from 'node:fs';
import { type Failure, shortageInWords } from './core/failure.js';

/** Kept open for nothing but to be closed for {@link evenIfFull}: the state is written to two files at once. */
const SPARES = 3;
const spares: number[] = [];

/**
 * How many files, pipes and sockets are open at once beside node's own (20), at least, and for each target; standbys make room.
 * Ten of them only for the moment in which a child is started.
 */
const DESCRIPTORS = 16;
const EACH_TARGET = 7;

/** What is said to be enough, for one target. */
const ENOUGH = 48;

/** Whether so many more files could be opened just now; if not, why in words. */
export function whyNoRoom(count: number): string | undefined {
  const taken: number[] = [];
  try {
    while (taken.length < count) taken.push(openSync('/dev/null', 'r'));
    return undefined;
  } catch (error) {
    return isShortage(error) ? shortageInWords(error.code) : undefined;
  } finally {
    for (const fd of taken) closeSync(fd);
  }
}

/** Whether the system says that there are too few of them. */
export const isShortage = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');

/** An error that only says again that a program could not be started for want of them: spawn.ts has told of it. */
export const isUnheardStart = (error: unknown): boolean =>
  isShortage(error) && 'syscall' in error && String(error.syscall).startsWith('spawn');

/**
 * Does something, at once, for which a few files are opened and closed again, even if no more may be opened: a directory that
 * can't be read for that must never look as if it were empty or gone.
 */
export function evenIfFull<T>(job: () => T): T {
  try {
    return job();
  } catch (error) {
    if (!isShortage(error) || spares.length === 0) throw error;
    for (const fd of spares.splice(0)) closeSync(fd);
    try {
      return job();
    } finally {
      keepSpares();
    }
  }
}

function keepSpares(): void {
  try {
    while (spares.length < SPARES) spares.push(openSync('/dev/null', 'r'));
  } catch {
    // the next time, perhaps
  }
}

/** Whether there are enough of them to begin; some are kept for {@link evenIfFull} from now on. */
export function tooFewDescriptors(targets: number): Failure | undefined {
  keepSpares();
  const why = whyNoRoom(DESCRIPTORS + EACH_TARGET * targets);
  if (why === undefined) return undefined;
  return {
    kind: 'start',
    message: `${why}: syncwatch needs about ${ENOUGH + (targets - 1) * EACH_TARGET} for ${targets === 1 ? 'a target' : `${targets} targets`}`,
    hint: 'Raise the limit: ulimit -n 256',
  };
}
