import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../core/event.js';
import { failureOf } from '../core/failure.js';
import { ROOT } from '../core/name.js';
import type { Takes } from '../core/rsync/args.js';
import type { There } from '../core/rsync/there.js';
import { unsure } from '../core/sync/entry.js';
import type { NameIndex, ReadonlyIndex } from '../core/sync/name-index.js';
import type { Target } from '../core/target.js';
import type { Io } from '../io.js';
import type { Connection } from '../link/transport.js';
import { rsyncSettings } from '../rsync/settings.js';
import type { Disk, Ways } from '../scan/disk.js';
import type { Settings } from '../settings.js';
import { eachInSlices } from '../slice.js';
import { stateFolder } from '../state/folders.js';
import { keyOf } from '../state/key.js';
import { Memory } from '../state/memory.js';
import { remembered } from '../state/remembered.js';
import type { Directory } from '../watch/directory.js';
import { Ahead } from './ahead.js';
import type { Host } from './host.js';
import { Ledger } from './ledger.js';
import { QUICK_FROM } from './quick-pass.js';

/** Of what something is remembered. */
export interface RecallOptions {
  readonly settings: Settings;
  readonly target: Target;
  readonly host: Host;
  readonly directory: Directory;
  readonly io: Io;
  /** What is there by our doing since DIR led elsewhere. */
  readonly previous: ReadonlyIndex | undefined;
}

/** What was read of what is remembered: how many names, and whether it is in no doubt. */
export interface Loaded {
  readonly size: number;
  readonly isWhole: boolean;
}

/** What is remembered of DIR and a place. */
export interface Recalled {
  readonly ledger: Ledger;
  readonly isWhole: boolean;
  /** What there is to say of it. */
  readonly told: readonly Event[];
  /** Of its files, when they were read. */
  readonly state: string;
}

/** `onLoaded`: what there is was read; it goes on with sorting it by the rules. */
export async function recall(
  options: RecallOptions,
  place: string,
  onLoaded: (loaded: Loaded) => void = () => {},
): Promise<Recalled> {
  const { settings, target, directory, io } = options;
  const told: Event[] = [];
  const path = memoryPath(options, place);
  const state = stateOf(path);
  const memory = new Memory({
    path,
    uid: io.around.uid,
    owner: () => ({ root: settings.root, identity: directory.guard.identity, target: place }),
    mounts: () => directory.mounts.known,
    makeFolder: () => failureOf(stateFolder(io.around)),
    onProblem: (text) => io.report({ kind: 'note', level: 'normal', text }),
  });
  const tell = (event: Event): void => void told.push(event);
  const others = directory.mounts.recall(memory.mountsBefore() ?? new Map());
  const isSame = options.previous === undefined;
  const { index, isWhole } = await remembered(memory, directory.disk, directory.filter, tell, ({ size }, isWhole) =>
    onLoaded({ size, isWhole: isWhole && isSame }),
  );
  // Of another file system than is seen there now.
  for (const point of others) await eachInSlices(index.allBelow(point), (name) => index.delete(name));
  if (options.previous !== undefined) await doubtWhatIsThere(index, options.previous, directory.disk);
  const rulesMayComeBack = (): boolean => directory.rules.mayComeBack();
  const ledger = new Ledger({ journal: memory, target: target.label, report: io.report, rulesMayComeBack }, index);
  return { ledger, isWhole: isWhole && isSame, told, state };
}

/**
 * Under these names there are files of the directory that DIR led to before: of the same size and time a file may be another one,
 * so its content is compared. What is not here any more is none of its business, as with any new start.
 */
async function doubtWhatIsThere(index: NameIndex, previous: ReadonlyIndex, disk: Disk): Promise<void> {
  const ways: Ways = new Map();
  await eachInSlices(previous.below(ROOT), ([name, was]) => {
    if (typeof disk.see(name, ways) === 'object') index.set(name, unsure(was));
  });
}

const memoryPath = ({ settings, host }: RecallOptions, place: string): string =>
  join(host.state, keyOf(settings.root, place));

function stateOf(path: string): string {
  const files = ['index', 'log'].map((end) => lstatSync(`${path}.${end}`, { bigint: true, throwIfNoEntry: false }));
  return files.map((stats) => (stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.ctimeNs}`)).join();
}

/** Whether its files are still what was read: until we had the lock somebody else may have gone on. */
export const isUnchanged = (options: RecallOptions, place: string, { state }: Recalled): boolean =>
  state === stateOf(memoryPath(options, place));

/** Whether what follows the login is likely to be a quick pass (see runTarget), and nobody else may still write there. */
export const mayBeQuick = ({ mode, pace, deletions, takesOver }: Settings, { isWhole, size }: Loaded): boolean =>
  mode !== 'dry-run' && pace.initial && deletions.mode !== 'mirror' && isWhole && size >= QUICK_FROM && !takesOver;

/**
 * Looks at what that will want to know, as soon as it can be. `index`: resolves once it is sorted; `takes`: what the rsync there took
 * the last time.
 */
export function lookAhead(
  { settings, target, host: { here }, directory }: RecallOptions,
  index: Promise<ReadonlyIndex>,
  takes: Takes,
  through: Promise<Connection>,
): Ahead {
  const { disk, filter, guard, rules } = directory;
  const look = { kind: 'unknown', why: '' } as const;
  const there: There = { version: undefined, takes, chatter: [], isCramped: false, exists: true, look };
  const sides = { here, target, there, pinnedRoot: () => guard.pinned };
  const settled = through.then(({ remoteShell }) =>
    rsyncSettings(settings, { ...sides, remoteShell: () => remoteShell }),
  );
  return new Ahead(index, disk, filter, rules, settled);
}
