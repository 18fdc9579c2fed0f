import { ancestorsOf, type Name } from '../name.js';
import type { Steps } from '../steps.js';
import type { Window } from '../window.js';
import { type Entry, foolsQuickCheck, isSettled, type Seen } from './entry.js';
import type { ReadonlyIndex } from './name-index.js';

/** How deletions seen here are carried over. */
export type DeleteMode = 'seen' | 'mirror' | 'never';

/** What to do about a set of names, from what the disk and the index say of them. */
export interface Batch {
  /** Ours on the remote, and in the way here or there: deleted first, see RunKind `clear`. */
  readonly clear: readonly Name[];
  /** Here: sent. */
  readonly send: readonly Name[];
  /** Here, and rsync's quick check (size and time) could take it for unchanged although it is not: its content is compared. */
  readonly compare: readonly Name[];
  /** Known directories with another time or mode: most often because of the other names, so they go with the last run. */
  readonly touch: readonly Name[];
  /** Missing here: deleted there, after all else, so that a renamed file is never missing under both names. */
  readonly remove: readonly Name[];
  /**
   * What the quick check would make of the files that are sent: it decides (`right`), or it decides nothing, because each one
   * surely has another size or time (`idle`).
   */
  readonly quickCheck: 'right' | 'idle';
  /**
   * Nothing to do: it is there as it is here, or away; or it is gone here and was never sent, or has gone there with the directory that it
   * was in, or deletions are not wanted.
   */
  readonly drop: readonly Name[];
}

/** What a plan depends on beside disk and index. */
export interface BatchRules {
  readonly deletes: DeleteMode;
  /** See looksSame. */
  readonly carriesMore: boolean;
  /** See foolsQuickCheck. */
  readonly window: Window;
}

/**
 * Plans one batch. Deletes only what the index says is ours. A directory that became something else is emptied of our
 * names first, so that what others put there can be seen to be in the way instead of being deleted with it.
 */
export function* planBatch(
  seen: ReadonlyMap<Name, Seen>,
  index: ReadonlyIndex,
  { deletes, carriesMore, window }: BatchRules,
): Steps<Batch> {
  const clear = new Set<Name>();
  const send: Name[] = [];
  const compare: Name[] = [];
  const touch: Name[] = [];
  const remove: Name[] = [];
  const drop: Name[] = [];
  let quickCheck: Batch['quickCheck'] = 'idle';
  /** With what is ours there below it: nothing of that may be forgotten, whether its own turn has come or not. */
  function* clearAll(name: Name): Steps<void> {
    clear.add(name);
    for (const [below] of index.below(name)) {
      yield;
      clear.add(below);
    }
  }
  for (const [name, now] of seen) {
    yield;
    const was = index.get(name);
    if (now === 'away') {
      drop.push(name); // it stays as it is there, until its file system is back
      continue;
    }
    if (now === 'unreadable') {
      send.push(name); // rsync says why
      continue;
    }
    if (now === 'missing' || now === 'blocked') {
      if (was === undefined || deletes === 'never' || isBelowNoDirectory(index, name)) drop.push(name);
      else if (now === 'missing') remove.push(name);
      else yield* clearAll(name); // nothing can be below it here
      continue;
    }
    if (isSettled(was, now, carriesMore)) {
      drop.push(name);
      continue;
    }
    if (foolsQuickCheck(was, now, window)) {
      compare.push(name);
      continue;
    }
    (was?.type === 'dir' && now.type === 'dir' ? touch : send).push(name);
    if (!surelyDiffers(was, now)) quickCheck = 'right';
    if (was?.type === 'dir' && now.type !== 'dir' && deletes !== 'never') {
      yield* clearAll(name);
    }
  }
  return { clear: [...clear], send, compare, touch, remove, quickCheck, drop };
}

/**
 * Whether something that is no directory was surely brought above it: then nothing of it is there any more. It must not be deleted: by
 * rules that would make a directory of what is above it.
 */
export const isBelowNoDirectory = (index: ReadonlyIndex, name: Name): boolean =>
  ancestorsOf(name).some((above) => {
    const entry = index.get(above);
    return entry !== undefined && entry.type !== 'dir' && entry.mtimeNs >= 0;
  });

/** Whether the quick check has nothing to decide: what is there surely has another size or time, or is no file. */
const surelyDiffers = (was: Entry | undefined, now: Entry): boolean =>
  was === undefined ||
  now.type !== 'file' ||
  was.size !== now.size ||
  was.mtimeS !== now.mtimeS ||
  was.mtimeNs !== now.mtimeNs;
