import * as v from 'valibot';
import { readOwn, writeOwn } from './own-file.js';

const LAST_PLACE = v.object({ v: v.literal(1), place: v.string() });

/**
 * What a target as it is spelled was at the last login (see placeKey): only a guess, with which what is remembered can be
 * read while ssh logs in.
 */
export function lastPlace(path: string, uid: number): string | undefined {
  try {
    const bytes = readOwn(path, uid);
    return bytes === undefined ? undefined : v.parse(LAST_PLACE, JSON.parse(bytes.toString('utf8'))).place;
  } catch {
    return undefined;
  }
}

/** For the next start; that it can't be written costs it time only. */
export function noteLastPlace(path: string, place: string): void {
  try {
    writeOwn(path, JSON.stringify({ v: 1, place }));
  } catch {
    // it is found out again
  }
}
