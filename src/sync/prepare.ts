import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Who } from '../control/protocol.js';
import { type Control, openControl } from '../control/server.js';
import { type Failure, failed, type Result, success } from '../core/failure.js';
import type { Name } from '../core/name.js';
import { atPath, type Look, placeKey, targetAt } from '../core/place/place.js';
import { own } from '../core/printable.js';
import type { Reach } from '../core/reach.js';
import { modeThereBy } from '../core/rsync/modes.js';
import type { There } from '../core/rsync/there.js';
import { atLeast } from '../core/rsync/version.js';
import type { SshAim } from '../core/ssh/exit.js';
import { ONCE_TRIES } from '../core/sync/login.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { inFull } from '../core/target.js';
import { later } from '../later.js';
import { transportTo } from '../link/adapters.js';
import { arrive, whyElsewhere } from '../link/arrive.js';
import { Link } from '../link/link.js';
import { linksThere } from '../link/links.js';
import { PlaceLock } from '../link/place-lock.js';
import type { Connection } from '../link/transport.js';
import { whyNotExact } from '../rsync/settings.js';
import { stateFolder } from '../state/folders.js';
import { keyOf } from '../state/key.js';
import { type LastPlace, lastPlace, noteLastPlace } from '../state/last-place.js';
import type { Ahead } from './ahead.js';
import type { Ledger } from './ledger.js';
import { isUnchanged, type Loaded, lookAhead, mayBeQuick, type RecallOptions, recall } from './recall.js';

/** What the first look through a link gave. */
interface Arrived {
  readonly there: There;
  /** Of the machine, see {@link placeKey}. */
  readonly host: string | undefined;
}

/** What is checked and held of one target before its line starts. */
export interface Prepared {
  readonly link: Link<Arrived>;
  /** See Transport. */
  readonly aim: SshAim | undefined;
  readonly there: There;
  /** How others run something in the target. */
  readonly reach: () => Reach;
  /** Why the target is not, or not surely, the place that was looked at and is remembered; to be asked before a mirror deletes. */
  readonly whyElsewhere: () => Promise<Failure | undefined>;
  /** See Work. */
  readonly linksThere: (dirs: readonly Name[]) => Promise<ReadonlySet<Name>>;
  readonly ledger: Ledger;
  readonly ahead: Ahead | undefined;
  /** What was remembered of the last run is in no doubt. */
  readonly isWhole: boolean;
  /** Of DIR and the place. */
  readonly lock: Control;
  /** Gives back the link and the lock, and closes the ledger. */
  close(): Promise<void>;
}

export interface PrepareOptions extends RecallOptions {
  /** Of DIR and the target as it is spelled: its socket is ours. */
  readonly key: string;
  readonly who: Who;
  /** Beside other targets, one that can't be reached yet is tried again: they are in no need of it. */
  readonly isPatient: boolean;
}

/** Logs in and checks everything that can be checked. Nothing is changed on the target. */
export async function prepareTarget(options: PrepareOptions, signal: AbortSignal): Promise<Result<Prepared>> {
  const { settings, target, host, directory, io, key } = options;
  const { report } = io;
  const through = later<Connection>();
  let ahead: Ahead | undefined;
  const { transport, link, placeLock, hold } = linkTo(options, {
    begin: through.resolve,
    end: async () => (await ahead?.drop()) === true,
  });
  const stop = (): void => link.stopLogins();
  signal.addEventListener('abort', stop);
  const reaching = link.connect().finally(() => signal.removeEventListener('abort', stop));
  await directory.rulesRead();
  // While ssh logs in.
  const placeNote = join(host.state, `${key}.place`);
  const last = lastPlace(placeNote, io.around.uid);
  const guess = last?.place;
  const sorted = later<ReadonlyIndex>();
  const onLoaded = (loaded: Loaded): void => {
    if (last?.takes !== undefined && mayBeQuick(settings, loaded))
      ahead = lookAhead(options, sorted.promise, last.takes, through.promise);
  };
  const guessed = guess === undefined ? undefined : await recall(options, guess, onLoaded);
  if (guessed !== undefined) sorted.resolve(guessed.ledger.index);
  const reached = await reaching;
  const dropGuess = (): void => {
    guessed?.ledger.close();
    void ahead?.drop();
  };
  if (!reached.ok) {
    dropGuess();
    return reached;
  }
  const { there, host: machine } = reached.value;
  const { look } = there;
  if (look.kind === 'place')
    report({ kind: 'note', level: 'verbose', text: `the target is ${atPath(target, look.place)}` });
  const place = placeKey(target, look, machine);
  const exact = whyNotExact(target, look, host.here) ?? (await askWhere(options, look));
  const lock = exact === undefined ? await lockPlace(options, place) : failed(exact);
  if (!lock.ok) {
    dropGuess();
    await link.close();
    return lock;
  }
  // After that of this machine, which the same DIR has there, too. A connection that is lost by now is looked through again.
  const held = link.connection === undefined ? undefined : await hold(link.connection, there);
  if (held !== undefined) {
    dropGuess();
    await link.close();
    await lock.value.release();
    return failed(held);
  }
  const now: LastPlace = { place, ...(there.isCramped ? {} : { takes: there.takes }) };
  if (!isDeepStrictEqual(now, last)) noteLastPlace(placeNote, now);
  const isGood = guessed !== undefined && place === guess && isUnchanged(options, place, guessed);
  if (!isGood) dropGuess();
  else if (!isDeepStrictEqual(there.takes, last?.takes)) void ahead?.drop();
  const { ledger, isWhole, told } = isGood ? guessed : await recall(options, place);
  for (const event of told) report(event);
  tellWhatIsMissing(there, options);
  const close = async (): Promise<void> => {
    ledger.close();
    await ahead?.drop();
    await placeLock?.release();
    await link.close();
    await lock.value.release();
  };
  const at = targetAt(target, look);
  return success({
    link,
    aim: transport.aim,
    there,
    reach: () => withWaiting(link.reach(at), there),
    linksThere: linksBy(link, there, at.path),
    whyElsewhere: () => whyElsewhere(target, look, link.connection),
    ledger,
    ahead,
    isWhole,
    lock: lock.value,
    close,
  });
}

/** A shell that has said where the target is can wait for a word, too. */
const withWaiting = (reach: Reach, { look, isCramped }: There): Reach =>
  reach.kind === 'remote' ? { ...reach, waits: look.kind === 'place' && !isCramped } : reach;

/** `path`: where the target really is. */
function linksBy(link: Link<Arrived>, { look, exists }: There, path: string): Prepared['linksThere'] {
  let isFirst = true;
  return async (dirs) => {
    const { connection } = link;
    // Where there was nothing, there is no link of others either.
    const isEmpty = isFirst && !exists;
    isFirst = false;
    return connection === undefined || look.kind !== 'place' || isEmpty
      ? new Set()
      : linksThere(connection, path, dirs);
  };
}

/** What goes on beside the first look through a connection; `end`: whether there was anything. */
interface Beside {
  begin(connection: Connection): void;
  end(): Promise<boolean>;
}

/** The way to the target, and what keeps it connected. */
function linkTo({ settings, target, host, io, key, isPatient }: PrepareOptions, beside: Beside) {
  const { report } = io;
  const { programs, here } = host;
  const controlPath = inTurns(() => join(host.runtime, `${key}.ssh`));
  const transport = transportTo(target, { programs, uid: io.around.uid, here, ssh: settings.ssh, controlPath, report });
  const {
    dir,
    root,
    rsync: { extras },
    deletions: { trash },
  } = settings;
  const isMirror = settings.deletions.mode === 'mirror';
  const arrival = { programs, report, dir, root, trash, extras, isMirror, modeThere: modeThereBy(settings.rsync) };
  const placeLock =
    settings.mode === 'dry-run'
      ? undefined
      : new PlaceLock({
          target,
          report,
          ...host.owner(root),
          takesOver: settings.takesOver,
        });
  const hold = async (connection: Connection, there: There): Promise<Failure | undefined> =>
    placeLock?.hold(connection, there);
  const link = new Link<Arrived>(transport, {
    report,
    look: async (connection) => {
      beside.begin(connection);
      const first = await arrive(transport, connection, arrival);
      // There may be too little room for both.
      const isInTheWay = (!first.ok || first.value.isCramped) && (await beside.end());
      const there = isInTheWay ? await arrive(transport, connection, arrival) : first;
      return there.ok ? success({ there: there.value, host: connection.host }) : there;
    },
    lookAgain: async (connection, { there }) =>
      (await whyElsewhere(target, there.look, connection)) ?? (await hold(connection, there)),
    mostFirst: isPatient ? Number.POSITIVE_INFINITY : 1,
    mostLater: settings.mode === 'watch' ? Number.POSITIVE_INFINITY : ONCE_TRIES,
  });
  void placeLock?.taken.then((failure) => link.giveUp(failure));
  return { transport, link, placeLock, hold };
}

/** A path and another one beside it, by turns. */
function inTurns(path: () => string): () => string {
  let turn = 0;
  return () => `${path()}${turn++ % 2 === 0 ? '' : '2'}`;
}

/** The longest path of a socket, in bytes: 104 on macOS, with the NUL at its end. */
const LONGEST_SOCKET = 103;

/**
 * One syncwatch for DIR and a place, however that is spelled: nobody else writes what is remembered of it. In the state folder,
 * which is one, where there may be several runtime folders.
 */
async function lockPlace({ settings, target, host, io, who }: PrepareOptions, place: string): Promise<Result<Control>> {
  const by = host.claim(place, target.label);
  if (by !== target.label)
    return failed({ kind: 'start', message: `${target.label} is the same place as ${by}`, hint: 'Name it once.' });
  const key = `${keyOf(settings.root, place)}.lock`;
  return openControl({
    paths: () => {
      stateFolder(io.around); // made again, if it was removed
      const inState = join(host.state, key);
      return [...(Buffer.byteLength(inState) <= LONGEST_SOCKET ? [inState] : []), join(host.runtime, key)];
    },
    key,
    uid: io.around.uid,
    who,
    what: `${settings.dir} to ${inFull(target)}`,
  });
}

/** What the other side can't do, and what becomes of it. */
function tellWhatIsMissing({ takes, look }: There, { settings, target, host, io }: PrepareOptions): void {
  const tell = (level: 'normal' | 'verbose', text: string): void => io.report({ kind: 'note', level, text });
  if (takes.deletions === 'none' && settings.deletions.mode !== 'never')
    tell(
      'normal',
      `deletions can't be carried over to ${target.label}: the rsync there takes none (rrsync with -no-del?); what is deleted here stays there and counts as failed`,
    );
  if (takes.deletions === 'rules')
    tell('verbose', `the rsync at ${target.label} takes no mark for what is missing: it is told by rules what goes`);
  if (takes.window === -1 || !atLeast(host.here.version, 3, 1, 3)) return;
  const why =
    look.kind === 'place' && look.place.window !== -1
      ? `the file system at ${target.label} keeps times coarsely: they are compared by whole seconds`
      : `the rsync at ${target.label} compares times by whole seconds only`;
  tell('verbose', `${why}, and what changed within one by its content`);
}

/** Where it can't be seen what a mirror would delete, somebody has to say that it is right. */
async function askWhere({ settings, target, io }: PrepareOptions, look: Look): Promise<Failure | undefined> {
  if (look.kind !== 'unknown' || settings.deletions.mode !== 'mirror' || settings.mode === 'dry-run') return undefined;
  const doubt = `--delete mirror would delete everything else in ${target.label}, and where that is can't be seen: ${look.why}`;
  if ((await io.confirm?.(own`${doubt}. Go on?`)) === true) return undefined;
  return { kind: 'guard', message: doubt, hint: 'Use --delete seen, or run it on a terminal and confirm.' };
}
