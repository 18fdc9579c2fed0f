import { msBetween, type WallMs } from '../clock.js';
import { baseOf, childOf, type Name, parentOf } from '../name.js';
import type { ListedFile } from './output.js';

/** Clocks differ, and a listing has no time zone: so far apart, in milliseconds, two times may still be the same one. */
const CLOCKS_DIFFER_MS = 24 * 3_600_000;

/** rsync's own suffix for what it writes: six letters and digits, by chance. All of one kind, a word or a date, are not. */
const SUFFIX = /^\.(?![a-z]+$|[A-Z]+$|\d+$)[A-Za-z0-9]{6}$/;

/** What rsync calls a file until it is whole, without its suffix (receiver.c, get_tmpname; a very long name is cut short). */
const temporaryBase = (base: string): string => (base.startsWith('.') ? base : `.${base}`);

/**
 * Which of the listed files are temporary ones that runs of ours left there: rsync removes what it was writing when it
 * ends early, but not if it is killed, and not always if its connection goes (both of its processes there clean up at
 * once, and one may cut short the other; seen with 3.5.0).
 *
 * Nothing of anybody else's may be taken for one. So all of it has to fit: beside a name that a run of ours was sending
 * when it broke (`broken`: since when), its name, nobody else's right to it, and its time.
 */
export function leftoversIn(
  listed: readonly ListedFile[],
  broken: ReadonlyMap<Name, WallMs>,
  nowMs: WallMs,
): ListedFile['name'][] {
  const temporaries = new Map<Name, WallMs>();
  for (const [name, sinceMs] of broken) {
    temporaries.set(childOf(parentOf(name), temporaryBase(baseOf(name))), sinceMs);
  }
  return listed
    .filter(({ name, isPrivate, mtimeMs }) => {
      const sinceMs = temporaries.get(name.slice(0, -7) as Name);
      const fits = isPrivate && sinceMs !== undefined && SUFFIX.test(name.slice(-7));
      return fits && msBetween(sinceMs, mtimeMs) > -CLOCKS_DIFFER_MS && msBetween(nowMs, mtimeMs) < CLOCKS_DIFFER_MS;
    })
    .map(({ name }) => name);
}
