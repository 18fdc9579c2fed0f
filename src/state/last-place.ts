import { closeSync } from 'node:fs';
import * as v from 'valibot';
import { beginFresh, readOwn, writeAll } from './own-file.js';

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
    const file = beginFresh(path);
    writeAll(file.fd, JSON.stringify({ v: 1, place }));
    file.settle();
    closeSync(file.fd);
  } catch {
    // it is found out again
  }
}
