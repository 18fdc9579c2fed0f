import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/** One step of the way to a path. `lost`: more links than anybody follows, or one that can't be read. */
export type Step =
  | { readonly kind: 'found'; readonly path: string; readonly stats: BigIntStats }
  | { readonly kind: 'missing'; readonly path: string }
  | { readonly kind: 'lost'; readonly path: string };

/**
 * All that the system passes on its way to `path` (absolute), as it is: directories, links, then where they lead. Without the
 * root. Ends after the first step that is not found; the caller may end it sooner.
 */
export function* wayTo(path: string): Generator<Step, void> {
  let at = '/';
  let links = 0;
  const steps = path.split('/').reverse();
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step === '' || step === '.') continue;
    const next = step === '..' ? dirname(at) : join(at, step);
    const stats = lookAt(next);
    if (stats === undefined) return yield { kind: 'missing', path: next };
    yield { kind: 'found', path: next, stats };
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    const target = linkAt(next);
    if (target === undefined || ++links > MOST_LINKS) return yield { kind: 'lost', path: next };
    steps.push(...target.split('/').reverse());
    if (target.startsWith('/')) at = '/';
  }
}

/** What is there; undefined where nothing is, or nobody can look. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false, bigint: true });
  } catch {
    return undefined;
  }
}

/** Where a link leads, as it says; undefined where there is none. */
export function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
