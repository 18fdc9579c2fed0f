import { ROOT, textOf } from '../core/name.js';
import type { SilentPart } from './mount-table.js';

/** A part that may change unheard, and what becomes of it, in words. `pollSeconds`: what was chosen. */
export function silentInWords({ name, type }: SilentPart, root: string, pollSeconds: number | undefined): string {
  const what = `${name === ROOT ? root : `${root}/${textOf(name)}`} is on ${type}, which does not tell of all that changes`;
  if (pollSeconds === 0) return `${what}; with --poll 0 only flush and full syncs find the rest`;
  const often = pollSeconds === undefined ? 'every 2 s (--poll SECONDS)' : `every ${pollSeconds} s`;
  return `${what}: it is looked through ${often}, or less often where that takes more than 5 % of the time`;
}
