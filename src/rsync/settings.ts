import type { Failure } from '../core/failure.js';
import { type Look, spelled, targetAt } from '../core/place/place.js';
import { isExact, type RsyncSettings } from '../core/rsync/args.js';
import { carriesMore } from '../core/rsync/extras.js';
import type { There } from '../core/rsync/there.js';
import { escapesArgs, type RsyncHere } from '../core/rsync/version.js';
import type { Target } from '../core/target.js';

/** What the user asked of all runs. */
export interface Wishes extends Pick<RsyncSettings, 'root'> {
  readonly deletions: Pick<RsyncSettings, 'trash'>;
  readonly rsync: Pick<RsyncSettings, 'flags' | 'extras'>;
}

/** The two sides of all rsync runs to one target. */
export interface Sides {
  readonly here: RsyncHere;
  readonly target: Target;
  readonly there: There;
  /** The root by a way that leads nowhere else, as it is now. */
  readonly pinnedRoot: () => string;
  /** As it is now, see {@link RsyncSettings.remoteShell}. */
  readonly remoteShell: () => string | undefined;
}

/** What all rsync runs to a target have in common. */
export const rsyncSettings = (
  settings: Wishes,
  { here, target, there, pinnedRoot, remoteShell }: Sides,
): RsyncSettings => ({
  program: here.program,
  target: targetAt(target, there.look),
  root: settings.root,
  pinnedRoot,
  get remoteShell() {
    return remoteShell();
  },
  flags: settings.rsync.flags,
  trash: trashAt(settings.deletions.trash, there.look),
  extras: settings.rsync.extras,
  carriesMore: carriesMore(settings.rsync.extras),
  takes: there.takes,
  chatter: there.chatter,
  escapesArgs: escapesArgs(here),
});

/** Absolute where that is known: rsync takes a relative one for below the directory that a run is for. */
function trashAt(trash: string | undefined, look: Look): string | undefined {
  if (trash === undefined || look.kind !== 'place') return trash;
  const path = spelled(look.place.path);
  return path === undefined ? trash : `${path}/${trash}`;
}

/** Why rsync can't be sent to just this place; undefined where it can. */
export function whyNotExact(given: Target, look: Look, here: RsyncHere): Failure | undefined {
  const target = targetAt(given, look);
  if (isExact({ target, escapesArgs: escapesArgs(here) })) return undefined;
  return {
    kind: 'start',
    message: `${target.path}: the rsync here (${here.version.join('.')}) would go wherever this matches, with * ? or [ as wildcards`,
    hint: escapesArgs(here)
      ? 'Name a path without them.'
      : 'Name a path without them, or install rsync 3.2.5 or newer.',
  };
}
