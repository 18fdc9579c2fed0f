import type { Failure } from '../core/failure.js';
import type { Name } from '../core/name.js';
import { type Entry, isSettled, type Seen } from '../core/sync/entry.js';
import { isUp, mayNote } from '../core/sync/state.js';
import { differences } from '../scan/look.js';
import type { SeenWaiting } from '../scan/seen-waiting.js';
import type { Listing } from '../scan/walk.js';
import { Slice } from '../slice.js';
import type { Inbox } from './inbox.js';
import { LongPaths, TOO_LONG } from './long-paths.js';
import type { PassWork } from './work.js';

export interface FindingsOptions extends Pick<PassWork, 'ledger' | 'disk' | 'filter' | 'rsync' | 'report'> {
  /** To be told of everything that was read of the disk: what goes back to the watcher. */
  readonly noteListing: (listing: Listing) => void;
  readonly seen: Pick<SeenWaiting, 'note'>;
}

/** What was found on the disk: what differs from the index waits in the ledger from then on. */
export class Findings {
  readonly #options: FindingsOptions;
  readonly #inbox: Pick<Inbox, 'state' | 'take'>;
  readonly #long = new LongPaths();

  constructor(options: FindingsOptions, inbox: Pick<Inbox, 'state' | 'take'>) {
    this.#options = options;
    this.#inbox = inbox;
  }

  /** A directory was listed, and what is in it is not compared here. */
  noteListing(listing: Listing): void {
    const { noteListing, report, rsync } = this.#options;
    noteListing(listing);
    for (const name of this.#long.note(listing))
      report({ kind: 'pathFailed', target: rsync.target.label, name, failure: TOO_LONG });
  }

  /** Compares a listing with the index and notes what differs. */
  async compare(listing: Listing): Promise<void> {
    this.noteListing(listing);
    const { ledger, rsync, seen } = this.#options;
    const settled = (was: Entry | undefined, now: Entry): boolean => isSettled(was, now, rsync.carriesMore);
    const slice = new Slice();
    for (const difference of differences(listing, ledger.index, settled)) {
      if (difference !== undefined) {
        const [name, now] = difference;
        this.note(name, now);
        if (typeof now === 'object' && name !== listing.dir) seen.note(listing, name, now);
      }
      if (slice.isOver) await slice.next();
    }
    for (const { name, decision } of listing.excluded)
      if (!decision.synced && decision.isUnsure === true && ledger.isUnknown(name)) this.note(name);
  }

  /** Notes a name that may differ; `seen`: as this, where that is known. */
  note(name: Name, seen?: Seen): void {
    const { ledger, disk } = this.#options;
    const { state } = this.#inbox;
    if (disk.mounts.isAway(name) || disk.own.has(name)) return;
    if (!mayNote(state, ledger.pending.size)) return;
    if (ledger.note(name, seen) || !isUp(state.phase)) this.#inbox.take({ kind: 'noted' });
  }

  /** What is here under a path that is too long to be synced. */
  get tooLong(): Array<[Name, Failure]> {
    return this.#long.still(this.#options);
  }
}
