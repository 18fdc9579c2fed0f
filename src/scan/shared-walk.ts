import type { Filter } from '../core/filter/filter.js';
import { ROOT } from '../core/name.js';
import { later } from '../later.js';
import { nextTurn } from '../slice.js';
import type { TreeOnDisk } from './disk.js';
import { type Listing, type WalkOptions, walk } from './walk.js';

/** A walk that nobody waits for is put off for so long, so that those of other targets go along, in milliseconds. */
const GATHER_MS = 100;

type OnShort = NonNullable<WalkOptions['onShort']>;

/** Who looks at the same tree: several targets of one syncwatch. */
interface Sharing {
  sharers: number;
  /** The next walk, while it may still be joined. */
  gathering: Party | undefined;
}

const sharings = new WeakMap<object, Sharing>();

function sharingOf(disk: TreeOnDisk): Sharing {
  const known = sharings.get(disk) ?? { sharers: 0, gathering: undefined };
  sharings.set(disk, known);
  return known;
}

/** One more who walks this tree every now and then, until the function that this gives is called. */
export function shareWalks(disk: TreeOnDisk): () => void {
  const sharing = sharingOf(disk);
  sharing.sharers++;
  let isIn = true;
  return () => {
    if (isIn) sharing.sharers--;
    isIn = false;
  };
}

/**
 * Lists the whole tree, once for all who ask for it at about the same time, through the same filter. It begins after they have asked,
 * and reads on when all have taken what it has read: for each of them it is as if it were theirs alone. `isUrgent`: somebody waits
 * for it.
 */
export async function* walkAll(
  disk: TreeOnDisk,
  filter: Filter,
  onShort: OnShort = () => {},
  isUrgent = true,
): AsyncGenerator<Listing> {
  const sharing = sharingOf(disk);
  if (sharing.sharers < 2) {
    yield* walkFrom(disk, filter, onShort);
    return;
  }
  let party = sharing.gathering;
  if (party === undefined || party.filter !== filter) {
    party = new Party(disk, filter);
    sharing.gathering = party;
    void party.begin(() => {
      if (sharing.gathering === party) sharing.gathering = undefined;
    });
  }
  if (isUrgent) party.hurry();
  yield* party.join(onShort);
}

const walkFrom = (disk: TreeOnDisk, filter: Filter, onShort: OnShort): AsyncGenerator<Listing> =>
  walk(disk, filter, { from: [ROOT], descend: () => true, onShort });

/** Somebody waits: a walk that is put off begins. */
export const hurryWalks = (disk: TreeOnDisk): void => sharingOf(disk).gathering?.hurry();

/** What a member is given: the next listing, the end, or what went wrong. */
type Given =
  | { readonly kind: 'listing'; readonly listing: Listing }
  | { readonly kind: 'end' }
  | { readonly kind: 'error'; readonly error: unknown };

interface Member {
  readonly onShort: OnShort;
  given: ReturnType<typeof later<Given>>;
  /** Resolves when it has taken that, or has left. */
  taken: ReturnType<typeof later<void>>;
}

/** Those who share a walk. */
class Party {
  readonly filter: Filter;
  readonly #disk: TreeOnDisk;
  readonly #members = new Set<Member>();
  readonly #start = later<void>();
  readonly #timer = setTimeout(() => this.#start.resolve(), GATHER_MS);

  constructor(disk: TreeOnDisk, filter: Filter) {
    this.#disk = disk;
    this.filter = filter;
  }

  /** It begins at once. */
  hurry(): void {
    clearTimeout(this.#timer);
    this.#start.resolve();
  }

  /** Walks when all have had the time to join; `onBegun`: from then on nobody may. */
  async begin(onBegun: () => void): Promise<void> {
    await this.#start.promise;
    await nextTurn(); // others may be about to ask, in this one
    onBegun();
    const onShort = (why: string): void => {
      for (const member of this.#members) member.onShort(why);
    };
    try {
      for await (const listing of walkFrom(this.#disk, this.filter, onShort)) {
        await this.#give({ kind: 'listing', listing });
        if (this.#members.size === 0) return;
      }
      void this.#give({ kind: 'end' });
    } catch (error) {
      void this.#give({ kind: 'error', error });
    }
  }

  /** What this member gets; when it goes no further, the others do. */
  async *join(onShort: OnShort): AsyncGenerator<Listing> {
    const member: Member = { onShort, given: later<Given>(), taken: later<void>() };
    this.#members.add(member);
    try {
      for (;;) {
        const given = await member.given.promise;
        if (given.kind === 'error') throw given.error;
        if (given.kind === 'end') return;
        yield given.listing;
        member.given = later<Given>();
        member.taken.resolve();
      }
    } finally {
      this.#members.delete(member);
      member.taken.resolve();
    }
  }

  /** Resolves when all have taken it. */
  async #give(given: Given): Promise<void> {
    const taken = [...this.#members].map((member) => {
      member.taken = later<void>();
      member.given.resolve(given);
      return member.taken.promise;
    });
    await Promise.all(taken);
  }
}
