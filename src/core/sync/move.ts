import { baseOf, type Name, parentOf, ROOT } from '../name.js';
import type { Steps } from '../steps.js';
import { isSameInode, type Seen } from './entry.js';
import type { ReadonlyIndex } from './name-index.js';

/** A file that is on the remote under the name `from` and here under the name `to`. */
export interface Move {
  readonly from: Name;
  readonly to: Name;
  /** In bytes. */
  readonly size: number;
  /** Nothing was done to the file itself since it was delivered: a directory above it was renamed. */
  readonly isCertain: boolean;
  /** Something of ours is at `to` there by now: it has to make way first. */
  readonly isTaken: boolean;
}

/**
 * Moves that one rsync run can make: `from/TAIL` there becomes `to/TAIL` for each of them; where `isRenamed`, some are
 * called otherwise within those directories.
 */
export interface MoveGroup {
  readonly from: Name;
  readonly to: Name;
  readonly isRenamed: boolean;
  /** Size and time do not say for certain that it is the same file: rsync compares the content before it links. */
  readonly comparesContent: boolean;
  readonly moves: readonly Move[];
}

/**
 * Below this many bytes a group of moves is cheaper to send again: a move takes an rsync run of its own, about seven
 * round trips (docs/design.md#renames). At 50 ms and 20 Mbit/s both take 0.4 s.
 */
export const MOVE_WORTH_BYTES = 1_000_000;

/**
 * Files of a batch that the index has under another name, which is gone or another file by now: a gone name and a new
 * one with the same inode, born at the same time, are a rename. Where the index is unsure what was delivered, there is none: the
 * data is sent. A rename of the file itself moves its change time, and so does writing to it: then it is not certain.
 */
export function* findMoves(seen: ReadonlyMap<Name, Seen>, index: ReadonlyIndex): Steps<Move[]> {
  const left = new Map<number, Name>();
  for (const [name, now] of seen) {
    yield;
    const was = index.get(name);
    if (was === undefined || was.type !== 'file' || was.mtimeNs < 0 || was.size === 0) continue;
    if (typeof now === 'string' || now.type !== 'file' || now.ino !== was.ino) left.set(was.ino, name);
  }
  if (left.size === 0) return [];
  const moves: Move[] = [];
  for (const [to, now] of seen) {
    yield;
    if (typeof now === 'string' || now.type !== 'file') continue;
    const from = left.get(now.ino);
    const there = index.get(to);
    const was = from === undefined ? undefined : index.get(from);
    if (from === undefined || from === to || was === undefined || was.born !== now.born) continue;
    if (isSameInode(there, now)) continue;
    left.delete(now.ino); // a second name of the same file is sent
    const isCertain = now.born >= 0 && was.ctime === now.ctime && was.size === now.size;
    moves.push({ from, to, size: now.size, isCertain, isTaken: there !== undefined });
  }
  return moves;
}

/** The groups of moves that are worth a run of their own, see {@link MOVE_WORTH_BYTES}. */
export function* groupMoves(moves: readonly Move[], worthBytes = MOVE_WORTH_BYTES): Steps<MoveGroup[]> {
  const groups = new Map<
    string,
    Omit<MoveGroup, 'isRenamed' | 'moves'> & { isRenamed: boolean; readonly moves: Move[] }
  >();
  for (const move of moves) {
    yield;
    const [from, to] = withoutCommonTail(move.from, move.to);
    const isRenamed = baseOf(move.from) !== baseOf(move.to);
    // Also what has another name by now: where it comes from, the new name may be there too, as another file of this size and time.
    const comparesContent = !move.isCertain;
    const key = `${from}\0${to}\0${comparesContent}`;
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { from, to, isRenamed: false, comparesContent, moves: [] }));
    group.moves.push(move);
    if (isRenamed) group.isRenamed = true;
  }
  return [...groups.values()].filter((group) => group.moves.reduce((bytes, { size }) => bytes + size, 0) >= worthBytes);
}

/** The directories that hold both names under the same tail: `a/x/f`, `b/x/f` → `a`, `b`. */
function withoutCommonTail(from: Name, to: Name): [Name, Name] {
  let a = parentOf(from);
  let b = parentOf(to);
  if (baseOf(from) !== baseOf(to)) return [a, b];
  while (a !== ROOT && b !== ROOT && baseOf(a) === baseOf(b) && a !== b) {
    a = parentOf(a);
    b = parentOf(b);
  }
  return [a, b];
}
