import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '../core/entry.js';
import type { Decision, Filter } from '../core/filter.js';
import { childOf, type Name, ROOT } from '../core/name.js';
import type { DirectoryContent, Disk } from './disk.js';

/** What one directory holds of what is synced. */
export interface Listing {
  readonly dir: Name;
  /** The directory itself. */
  readonly self: Entry;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly excluded: ReadonlyArray<{ readonly name: Name; readonly isDir: boolean; readonly decision: Decision }>;
  /** FIFOs, sockets and devices. */
  readonly others: readonly Name[];
}

export interface WalkOptions {
  /** Where to begin; directories that can't be read are left out. */
  readonly from: Iterable<Name>;
  /** Whether to go down into a directory found on the way. */
  readonly descend: (name: Name, entry: Entry) => boolean;
  /** An entry from memory to be taken for true without looking at the disk; undefined to look. `count`: of siblings. */
  readonly trust?: (name: Name, count: number) => Entry | undefined;
}

/** How long a walk may keep the event loop for itself, in milliseconds: below one debounce. */
const SLICE_MS = 8;

/** How often a walk tries again, and how far apart, in milliseconds, to read what is `short`. In the end that is left out. */
const SHORT_TRIES = 50;
const SHORT_MS = 100;

/** Lists directories through the filter, parents first. The disk is read as the caller goes on, not ahead of it. */
export async function* walk(disk: Disk, filter: Filter, options: WalkOptions): AsyncGenerator<Listing> {
  const queue: Name[] = [...options.from];
  const queued = new Set<Name>(queue);
  let sliceEnd = performance.now() + SLICE_MS;
  let patience = SHORT_TRIES;
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (performance.now() > sliceEnd) {
      await setImmediate();
      sliceEnd = performance.now() + SLICE_MS;
    }
    // Seen before its content is read: what changes meanwhile shows as a newer time at the next look.
    const self = disk.see(next);
    let content = typeof self !== 'string' && self.type === 'dir' ? read(disk, next, options) : undefined;
    for (; content === 'short' && patience > 0; patience--) {
      await sleep(SHORT_MS);
      content = read(disk, next, options);
    }
    if (typeof self === 'string' || content === undefined || content === 'short') continue;
    const asking = filter.learn(next, typesIn(content));
    if (asking !== undefined) await asking;
    const listing = { dir: next, self, ...sift(filter, next, content) };
    for (const [base, entry] of listing.entries) {
      const name = childOf(next, base);
      if (entry.type === 'dir' && !queued.has(name) && options.descend(name, entry)) {
        queued.add(name);
        queue.push(name);
      }
    }
    yield listing;
  }
}

const read = (disk: Disk, dir: Name, { trust }: WalkOptions): DirectoryContent | 'short' | undefined =>
  disk.list(dir, (base, count) => trust?.(childOf(dir, base), count));

function* typesIn({ entries, others }: DirectoryContent): Generator<readonly [string, boolean]> {
  for (const [base, { type }] of entries) yield [base, type === 'dir'];
  for (const base of others) yield [base, false];
}

function sift(filter: Filter, dir: Name, content: DirectoryContent): Pick<Listing, 'entries' | 'excluded' | 'others'> {
  const entries = new Map<string, Entry>();
  const excluded: Array<Listing['excluded'][number]> = [];
  for (const [base, entry] of content.entries) {
    const name = childOf(dir, base);
    const decision = filter.decide(name, entry.type === 'dir');
    if (decision.synced) entries.set(base, entry);
    else excluded.push({ name, isDir: entry.type === 'dir', decision });
  }
  const others = content.others.map((base) => childOf(dir, base)).filter((name) => filter.decide(name, false).synced);
  return { entries, excluded, others };
}

/** Lists the whole tree. */
export const walkAll = (disk: Disk, filter: Filter): AsyncGenerator<Listing> =>
  walk(disk, filter, { from: [ROOT], descend: () => true });
