import * as v from 'valibot';
import type { Takes } from '../core/rsync/args.js';
import { readOwn, writeOwn } from './own-file.js';

const TAKES = v.object({ window: v.picklist([-1, 0, 1]), deletions: v.picklist(['marks', 'rules', 'none']) });

const LAST_PLACE = v.object({ v: v.literal(1), place: v.string(), takes: v.optional(TAKES) });

/** What a target as it is spelled was at the last login. */
export interface LastPlace {
  /** See placeKey. */
  readonly place: string;
  /** What its rsync took, where there is room for a run beside others. */
  readonly takes?: Takes | undefined;
}

/** Only a guess, with which what is remembered can be read, and more be asked, while ssh logs in. */
export function lastPlace(path: string, uid: number): LastPlace | undefined {
  try {
    const bytes = readOwn(path, uid);
    if (bytes === undefined) return undefined;
    const { v: _, ...last } = v.parse(LAST_PLACE, JSON.parse(bytes.toString('utf8')));
    return last;
  } catch {
    return undefined;
  }
}

/** For the next start; that it can't be written costs it time only. */
export function noteLastPlace(path: string, last: LastPlace): void {
  try {
    writeOwn(path, JSON.stringify({ v: 1, ...last }));
  } catch {
    // it is found out again
  }
}
