import { childOf, nameFromText } from '../core/name.js';
import type { Look } from '../core/place/place.js';
import type { Takes } from '../core/rsync/args.js';
import { carriesMore, type Extra } from '../core/rsync/extras.js';
import { atLeast, escapesArgs, type RsyncHere } from '../core/rsync/version.js';
import type { RsyncExit } from '../core/rsync/whole-run.js';
import { SSH_FAILED } from '../core/ssh/remote-command.js';
import type { Target } from '../core/target.js';
import { runRsync } from '../rsync/run.js';
import type { Connection } from './transport.js';

/** What came of trying. `exit`: how the plainest of all runs ended. `isCramped`: the first one was not let in beside what else ran. */
export type Tried =
  | { readonly ok: true; readonly takes: Takes; readonly isCramped: boolean }
  | { readonly ok: false; readonly exit: RsyncExit };

export interface TrialOptions {
  readonly here: RsyncHere;
  readonly target: Target;
  readonly connection: Pick<Connection, 'remoteShell' | 'patienceMs'>;
  readonly extras: readonly Extra[];
}

/** All that we could wish for. */
const ALL: Takes = { window: -1, deletions: 'marks' };
/** What every rsync takes. */
export const LEAST: Takes = { window: 0, deletions: 'none' };

/** Never there. Two, because rsync 3.1.3 ends where what is in a directory is marked as missing together with it. */
const NOTHING = nameFromText('.syncwatch-nothing');
const NAMES = [NOTHING, childOf(NOTHING, 'nothing')];

/** It ran to its end (man rsync, EXIT VALUES): the name that is sent for nothing is not here. */
const THROUGH: readonly (number | undefined)[] = [0, 23, 24];

/**
 * Finds out what the other side takes, whatever its version says: Debian's 3.2.7, rsync 3.4.3 and others end where a name is marked
 * as missing, rrsync takes no negative time window, and with -no-del it takes no deletions. Dry runs that are about nothing:
 * one where it takes all, which is most often so.
 */
export async function tryOut(options: TrialOptions): Promise<Tried> {
  const canCompare = atLeast(options.here.version, 3, 1, 3);
  const best: Takes = canCompare ? ALL : { ...ALL, window: 0 };
  const first = await tryRun(options, best);
  if (isThrough(first)) return { ok: true, takes: best, isCramped: false };
  const exit = await tryRun(options, LEAST);
  if (!isThrough(exit)) return { ok: false, exit };
  const does = async (more: Partial<Takes>): Promise<boolean> =>
    isThrough(await tryRun(options, { ...LEAST, ...more }));
  const window = canCompare && (await does({ window: -1 })) ? -1 : 0;
  const deletions = (await does({ deletions: 'marks' }))
    ? 'marks'
    : (await does({ deletions: 'rules' }))
      ? 'rules'
      : 'none';
  return { ok: true, takes: { window, deletions }, isCramped: first.code === SSH_FAILED };
}

/** In a directory that is not there yet rsync 3.1.3 would not look at a single name. */
export async function takenAbove(options: TrialOptions, known: Takes): Promise<Takes> {
  const tried = await tryOut(options);
  return tried.ok ? tried.takes : known;
}

/** The same where times are kept less exactly than rsync can compare them. */
export const inPlace = (takes: Takes, look: Look): Takes =>
  look.kind === 'place' && look.place.window > takes.window ? { ...takes, window: look.place.window } : takes;

const isThrough = ({ code }: RsyncExit): boolean => THROUGH.includes(code);

/** In the root directory, so that nobody's can be away meanwhile: of the names there none is asked for. */
function tryRun({ here, target, connection, extras }: TrialOptions, takes: Takes): Promise<RsyncExit> {
  const settings = {
    program: here.program,
    target,
    root: '/',
    pinnedRoot: () => '/',
    remoteShell: connection.remoteShell,
    flags: [],
    trash: undefined,
    extras,
    carriesMore: carriesMore(extras),
    takes,
    chatter: [],
    escapesArgs: escapesArgs(here),
  };
  const common = { names: NAMES, dryRun: true };
  return runRsync(
    settings,
    takes.deletions === 'rules'
      ? { kind: 'clear', ...common }
      : { kind: 'names', comparesContent: false, deleteMissing: true, ...common },
    () => {},
    { abort: new AbortController().signal, noProgressMs: connection.patienceMs },
  );
}
