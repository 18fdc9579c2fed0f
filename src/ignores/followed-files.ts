import { type BigIntStats, lstatSync, statSync } from 'node:fs';
import { msSince, steadyNow, wallNow } from '../clock.js';
import { EPOCH, latest, msBetween, type SteadyMs, type WallMs, wallMs } from '../core/clock.js';
import { type BytePath, bytesOfPath } from '../core/name.js';
import { readChecked } from '../read-checked.js';
import { bornNs } from '../scan/births.js';

/** How long rule files rest before they are believed, in milliseconds. */
export interface RuleRest {
  /** After anything was done to one: who writes it may not be done yet. */
  readonly quietMs: number;
  /**
   * One that is gone, is empty, or ends where it went on before: `git stash` and `checkout` take it away for a moment,
   * editors and scripts empty it and write it anew.
   */
  readonly lessMs: number;
}

const RULE_REST: RuleRest = { quietMs: 100, lessMs: 2_000 };

/** A file whose content counts, or something of which it only counts that it is there. */
type What = 'content' | 'presence';

/** What was seen of a file. */
interface Look {
  /** What shows that something was done to it: to itself, and to where it leads as a link; `-` where it is not there. */
  readonly stamp: string;
  /** When that was; of one that is missing, when its directory was last changed. */
  readonly changedMs: WallMs;
  readonly size: number;
  readonly content: Buffer | undefined;
}

interface Followed {
  readonly what: What;
  /** What is in force. */
  believed: Look;
  seen: Look;
  /** When it was seen as that for the first time, and for the first time as less than what is in force. */
  sinceMs: SteadyMs;
  lessSinceMs: SteadyMs;
  /** There may have been more before we came. */
  mayBeLess: boolean;
}

/** What became of the files that are followed. */
export interface FilesLook {
  /** Those that say something else, and are at rest. */
  readonly changed: ReadonlySet<BytePath>;
  /** What those said before that are gone, empty or cut short now, where it was not too large to be kept. */
  readonly lost: readonly Buffer[];
}

/**
 * The files that rules come from, and what of them is believed: a file that is just being written says nothing yet. Until it
 * is at rest what was believed before is in force.
 */
export class FollowedFiles {
  readonly #rest: RuleRest;
  readonly #files = new Map<BytePath, Followed>();

  constructor(rest: RuleRest = RULE_REST) {
    this.#rest = rest;
  }

  /**
   * From now on it is followed, and believed as it is. `isExpected`: if it is missing or empty, that may be for a moment only.
   */
  follow(path: BytePath, what: What = 'content', isExpected = false): void {
    if (this.#files.has(path)) return;
    const seen = lookAt(path, what, undefined);
    const now = steadyNow();
    const mayBeLess = isExpected && seen.size <= 0;
    this.#files.set(path, { what, believed: seen, seen, sinceMs: now, lessSinceMs: now, mayBeLess });
  }

  /** From now on it is followed; it has just appeared. */
  appeared(path: BytePath): void {
    if (this.#files.has(path)) return;
    const now = steadyNow();
    const seen = lookAt(path, 'content', undefined);
    const believed = { ...MISSING, changedMs: seen.changedMs };
    this.#files.set(path, { what: 'content', believed, seen, sinceMs: now, lessSinceMs: now, mayBeLess: false });
  }

  /** Whether it was there, as far as is believed. */
  has(path: BytePath): boolean {
    return (this.#files.get(path)?.believed.size ?? -1) >= 0;
  }

  /** Looks at all of them. What those say that are at rest is in force from now on. */
  look(): FilesLook {
    const changed = new Set<BytePath>();
    const lost: Buffer[] = [];
    const dirs: Dirs = new Map();
    for (const [path, file] of this.#files) {
      see(path, file, dirs);
      if (this.#restOf(file) > 0 || this.#hasJustGone(file)) continue;
      file.mayBeLess = false;
      if (isNews(file)) {
        changed.add(path);
        if (file.believed.content !== undefined && isLess(file.believed, file.seen)) lost.push(file.believed.content);
      }
      file.believed = file.seen;
    }
    return { changed, lost };
  }

  /** For how long one of them has still to rest, as they were last seen, in milliseconds; 0 where all are at rest. */
  get restMs(): number {
    let longest = 0;
    for (const file of this.#files.values()) longest = Math.max(longest, this.#restOf(file));
    return longest;
  }

  /** Those that are not at rest, and for how long each has still to rest, in milliseconds. */
  *resting(): Generator<readonly [BytePath, number]> {
    for (const [path, file] of this.#files) {
      const restMs = this.#restOf(file);
      if (restMs > 0) yield [path, restMs];
    }
  }

  /**
   * What these files are just now, as a text to compare with a later one; undefined where one of them is not what is believed,
   * or not at rest: then nothing that depends on them means anything.
   */
  stampOf(paths: Iterable<BytePath>): string | undefined {
    let text = '';
    for (const path of paths) {
      const file = this.#files.get(path);
      if (file === undefined) {
        if (stampsOf(path).size < 0) continue;
        this.appeared(path);
        return undefined;
      }
      see(path, file);
      if (this.#restOf(file) > 0 || isNews(file)) return undefined;
      text += ` ${file.seen.stamp}`;
    }
    return text;
  }

  /** It is gone with the directory that it was in: nothing can be new there; but if that is soon back it was away for a moment. */
  #hasJustGone({ believed, seen, lessSinceMs }: Followed): boolean {
    return seen.stamp === NO_DIRECTORY && believed.size >= 0 && msSince(lessSinceMs) < this.#rest.lessMs;
  }

  #restOf(file: Followed): number {
    const { what, believed, seen, sinceMs, lessSinceMs, mayBeLess } = file;
    const isNowLess = mayBeLess || isLess(believed, seen);
    if (seen.stamp === NO_DIRECTORY) return 0;
    if (!isNowLess && (seen.size < 0 || (what === 'presence' && !isNews(file)))) return 0;
    const wantedMs = isNowLess ? this.#rest.lessMs : this.#rest.quietMs;
    // What was done to it long ago is at rest, though it was seen only now; a time to come says nothing. Of one that is missing
    // it is only known when something was done beside it last.
    const changedAgoMs = what === 'presence' ? 0 : msBetween(seen.changedMs, wallNow());
    const agoMs = mayBeLess && changedAgoMs < SURE_TIMES * wantedMs ? 0 : changedAgoMs;
    return Math.max(0, wantedMs - Math.max(agoMs, msSince(isNowLess ? lessSinceMs : sinceMs)));
  }
}

/** How the stamp of a file is written that is not there, and of one whose directory is not there either. */
const NONE = '-';
const NO_DIRECTORY = '-/';

const MISSING: Look = { stamp: NONE, changedMs: EPOCH, size: -1, content: undefined };

/** What was so for so many times as long as it should rest was not for a moment only. */
const SURE_TIMES = 5;

/** Larger files are not kept to compare them; bytes. */
const KEPT_BYTES = 65_536;

/** Directories with something missing in them, as they were seen in one look at all files; undefined what is none. */
type Dirs = Map<string, BigIntStats | undefined>;

function see(path: BytePath, file: Followed, dirs?: Dirs): void {
  const now = lookAt(path, file.what, file.seen, dirs);
  if (now === file.seen) return;
  const wasLess = isLess(file.believed, file.seen);
  file.seen = now;
  file.sinceMs = steadyNow();
  // Being less once more, as while it is written from the beginning, is a new beginning unless it is simply still away.
  if (!wasLess || now.size >= 0) file.lessSinceMs = file.sinceMs;
  if (now.size > 0) file.mayBeLess = false;
}

/** What a file is now; the very same object where nothing was done to it. */
function lookAt(path: BytePath, what: What, before: Look | undefined, dirs?: Dirs): Look {
  const { stamp, changedMs, size } = stampsOf(path, what, dirs);
  if (before?.stamp === stamp) return before;
  const read = what === 'presence' || size < 0 ? undefined : readChecked(bytesOfPath(path), { limit: KEPT_BYTES });
  return { stamp, changedMs, size, content: read?.kind === 'read' ? read.bytes : undefined };
}

/** Whether a file says something else than what is in force. */
function isNews({ what, believed, seen }: Followed): boolean {
  if (believed.stamp === seen.stamp || (believed.size < 0 && seen.size < 0)) return false;
  if (what === 'presence' || believed.content === undefined || seen.content === undefined) return true;
  return !believed.content.equals(seen.content);
}

/** Whether a file is gone, empty, or no more than the beginning of what it was, whatever it says in comments. */
function isLess(before: Look, now: Look): boolean {
  if (before === now || before.size < 0) return false;
  if (now.size < 0 || (now.size === 0 && before.size > 0)) return true;
  if (now.content === undefined || before.content === undefined) return false;
  const [is, was] = [linesOf(now.content), linesOf(before.content)];
  return (
    is.length <= was.length &&
    is.join('\n') !== was.join('\n') &&
    is.every((line, i) => (i === is.length - 1 ? was[i]?.startsWith(line) : was[i] === line))
  );
}

/** The lines that say something. */
const linesOf = (content: Buffer): string[] =>
  content
    .toString('latin1')
    .split(/\r?\n/)
    .filter((line) => !/^\s*(#|$)/.test(line));

function stampsOf(
  path: BytePath,
  what: What = 'content',
  dirs: Dirs = new Map(),
): Pick<Look, 'stamp' | 'changedMs' | 'size'> {
  const above = path.slice(0, path.lastIndexOf('/')) || '/';
  const isNowhere = dirs.has(above) && dirs.get(above) === undefined;
  const bytes = bytesOfPath(path);
  const own = isNowhere ? undefined : statsOf(() => lstatSync(bytes, BIGINT));
  const led = own?.isSymbolicLink() === true ? statsOf(() => statSync(bytes, BIGINT)) : own;
  if (own === undefined || led === undefined) {
    dirs.set(path, undefined);
    if (!dirs.has(above))
      dirs.set(
        above,
        statsOf(() => statSync(bytesOfPath(above), BIGINT)),
      );
    const dir = dirs.get(above);
    return dir === undefined
      ? { stamp: NO_DIRECTORY, changedMs: EPOCH, size: -1 }
      : { stamp: NONE, changedMs: changedMs(dir), size: -1 };
  }
  if (what === 'presence')
    return {
      stamp: led.isDirectory() ? `${led.dev}:${led.ino}:${bornNs(led) ?? ''}` : 'a file',
      changedMs: EPOCH,
      size: 0,
    };
  const stamp = own === led ? textOf(own) : `${textOf(own)} ${textOf(led)}`;
  return { stamp, changedMs: latest(changedMs(own), changedMs(led)), size: Number(led.size) };
}

const BIGINT = { bigint: true, throwIfNoEntry: false } as const;

const changedMs = ({ ctimeNs }: BigIntStats): WallMs => wallMs(Number(ctimeNs / 1_000n) / 1_000);

const textOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;

function statsOf(look: () => BigIntStats | undefined): BigIntStats | undefined {
  try {
    return look();
  } catch {
    return undefined; // no permission on the way, or no directory
  }
}
