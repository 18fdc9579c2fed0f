import { setImmediate } from 'node:timers/promises';
import { type Entry, unsure } from '../core/entry.js';
import type { Item } from '../core/event.js';
import { ancestorsOf, childOf, type Name, ROOT } from '../core/name.js';
import type { NameIndex } from '../core/name-index.js';
import type { PassEnd, PassOptions } from './full-pass.js';
import type { Line } from './line.js';

/** From so many names in the saved index on, a quick pass is worth it: below, all of it takes tenths of a second anyway. */
export const QUICK_FROM = 20_000;

/** A file changed so long before the pass, in milliseconds, was surely seen by it as it is: clocks of file servers differ. */
const SLACK_MS = 1_000;

/** How long the names may keep the event loop for themselves, in milliseconds. */
const SLICE_MS = 50;

/** What a look at the names alone shows, next to the saved index. */
interface Names {
  /** How many are here. */
  readonly count: number;
  readonly fresh: ReadonlyMap<Name, Entry['type']>;
  readonly gone: readonly Name[];
}

/**
 * The full pass of a restart on a big tree. The saved index says what was delivered, and rsync itself finds what differs
 * there; so beside it only the names are read here (100,000: 0.2 s instead of 0.5), for what is gone and what is new.
 * Files that changed unseen since the last run are among what rsync sends, or the walk that follows finds them.
 *
 * Undefined where things are not that simple: then it takes a {@link fullPass}.
 */
export function quickPass(line: Line, { disk, filter, mirror, report }: PassOptions): Promise<PassEnd | undefined> {
  return line.turn(async (transfer): Promise<PassEnd | undefined> => {
    // Guards before it and rules of our own are the full pass's.
    if (mirror || filter.hasRegexes || line.index.size === 0) return undefined;
    if ((await transfer.clearLeftovers()) !== undefined) return undefined; // the full pass will meet it too
    const begun = performance.now();
    const fromMs = Date.now() - SLACK_MS;
    report({ kind: 'passStarted', target: line.target, names: line.index.size });
    const run = { kind: 'pass', patterns: [], mirror: false, dryRun: false } as const;
    const has = (name: Name): boolean => line.index.get(name) !== undefined || typeof disk.see(name) !== 'string';
    // Not before rsync begins, as elsewhere: the names are not known then. Only what rsync brings within the milliseconds
    // before a `kill -9`, and what is deleted here before the next start, would stay there.
    const onItem = (item: Item): void => {
      if (line.index.get(item.name) === undefined) transfer.willBring(item);
    };
    const [{ outcome, items }, names] = await Promise.all([
      transfer.run(run, has, { onItem }),
      readNames(line.index, disk, filter),
    ]);
    if (outcome.kind === 'broken') {
      for (const [name, type] of names?.fresh ?? []) if (type !== 'file') transfer.mayBeThere(name, type);
      const afterMs = line.broke(outcome.failure);
      return afterMs === undefined ? { kind: 'stopped' } : { kind: 'again', afterMs, failure: outcome.failure };
    }
    if (names === undefined || names.gone.length > names.count / 2) return undefined;
    const sent = items.filter(({ action }) => action !== 'delete').map(({ name }) => name);
    // What it saw is what is here, if nothing was done to the name since, nor to a directory above it.
    const isOld = memoize((name: Name) => (disk.changedMs(name) ?? Number.POSITIVE_INFINITY) < fromMs);
    for (const name of new Set([ROOT, ...sent, ...names.fresh.keys()])) {
      const failure = outcome.failed.get(name);
      const now = disk.see(name);
      if (failure !== undefined) transfer.failed(name, failure);
      else if (typeof now === 'string') line.note(name);
      else if ([ROOT, ...ancestorsOf(name), name].every(isOld)) line.index.set(name, now);
      else {
        line.index.set(name, unsure(now));
        line.note(name);
      }
    }
    for (const name of line.deletes ? names.gone : []) line.note(name);
    transfer.setStrays(outcome.strays);
    transfer.delivered(
      items.filter(({ name }) => !outcome.failed.has(name)),
      performance.now() - begun,
    );
    return { kind: 'done', found: true };
  });
}

function memoize(ask: (name: Name) => boolean): (name: Name) => boolean {
  const known = new Map<Name, boolean>();
  return (name) => {
    let answer = known.get(name);
    if (answer === undefined) known.set(name, (answer = ask(name)));
    return answer;
  };
}

/** Reads all names through the filter. Undefined where they are not enough. */
async function readNames(
  index: NameIndex,
  disk: PassOptions['disk'],
  filter: PassOptions['filter'],
): Promise<Names | undefined> {
  const fresh = new Map<Name, Entry['type']>();
  const gone: Name[] = [];
  let count = 0;
  let sliceEnd = performance.now() + SLICE_MS;
  const queue: Name[] = [ROOT];
  for (let dir = queue.pop(); dir !== undefined; dir = queue.pop()) {
    if (performance.now() > sliceEnd) {
      await setImmediate();
      sliceEnd = performance.now() + SLICE_MS;
    }
    const types = disk.types(dir);
    if (types === undefined) return undefined;
    const known = index.children(dir);
    for (const [base, type] of types) {
      const name = childOf(dir, base);
      const decision = filter.decide(name, type === 'dir');
      if (!decision.synced || type === 'other') {
        types.delete(base);
        continue;
      }
      const was = known.get(base);
      if (was !== undefined && was.type !== type) return undefined;
      if (was === undefined) fresh.set(name, type);
      if (type === 'dir') queue.push(name);
      count++;
    }
    for (const base of known.keys()) {
      if (types.has(base)) continue;
      const name = childOf(dir, base);
      gone.push(name);
      for (const [below] of index.below(name)) gone.push(below);
    }
  }
  return { count, fresh, gone };
}
