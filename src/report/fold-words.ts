import stringWidth from 'string-width';
import type { BroughtItem } from '../core/event.js';

import { textOf } from '../core/name.js';
import { joined, listed, own, type Printable } from '../core/printable.js';
import type { Fold, Told } from './fold.js';
import type { Paint } from './paint.js';
import type { Renamed } from './renames.js';
import { bytesInWords, count, numberInWords, pathInWords, timeInWords } from './words.js';

/** So many renames are told of a batch. */
const RENAMES_TOLD = 3;

/**
 * A batch in one line: the path and its dot; of many their numbers, their size and the first names, as many as there is room for in
 * `columns`; and the time.
 */
export function toldInWords(told: Told, columns: number, paint: Paint): Printable {
  let line = own``;
  for (const names of ['few', 'one', 'none', 'sum'] as const) {
    line = inWords(told, names, paint);
    if (stringWidth(line) <= columns) break;
  }
  return line;
}

/** How many names are told beside the numbers; `sum`: not even which kinds there are. */
type Names = 'few' | 'one' | 'none' | 'sum';

function inWords(told: Told, names: Names, paint: Paint): Printable {
  const { inSync, isPass } = told;
  const what = [...renamesInWords(told.renames, paint), ...othersInWords(told, names, paint)];
  const there = what.length === 0 ? own`` : joined(listed(what, own`; `), paint('there', ' .'));
  if (!isPass) return joined(there, paint('aside', `  ${timeInWords(told.ms)}`));
  if (inSync === undefined) return joined(own`full sync: `, there, paint('aside', `  ${timeInWords(told.ms)}`));
  const tookMs = inSync.ms > 0 ? inSync.ms : told.ms;
  const took = tookMs > 0 ? own` (${timeInWords(tookMs)})` : own``;
  return joined(own`in sync: ${count(inSync.names, 'path')}`, took, what.length === 0 ? own`` : joined(own`; `, there));
}

function renamesInWords(renames: readonly Renamed[], paint: Paint): Printable[] {
  const told = renames.slice(0, RENAMES_TOLD).map(({ from, to, paths }) => {
    const many = paths === 1 ? own` moved` : own`, ${count(paths, 'path')} moved`;
    return joined(textOf(from), paint('renamed', ' → '), textOf(to), many);
  });
  const more = renames.slice(RENAMES_TOLD).reduce((sum, { paths }) => sum + paths, 0);
  return more === 0 ? told : [...told, own`${count(more, 'more path')} moved`];
}

function othersInWords({ counts, bytes, first }: Told, names: Names, paint: Paint): Printable[] {
  const { fresh, changed, moved, deleted } = counts;
  const total = fresh + changed + moved + deleted;
  const [only] = first;
  if (only === undefined) return [];
  if (total === 1) return [paintedItem(only, paint)];
  const kinds = [
    ...(fresh > 0 ? [own`${numberInWords(fresh)} new`] : []),
    ...(changed > 0 ? [own`${numberInWords(changed)} changed`] : []),
    ...(moved > 0 ? [paint('renamed', `${numberInWords(moved)} moved`)] : []),
    ...(deleted > 0 ? [paint('gone', `${numberInWords(deleted)} deleted`)] : []),
  ];
  // Of one kind the sum would be no shorter.
  const numbers = names === 'sum' && kinds.length > 1 ? own`${count(total, 'path')}` : listed(kinds, own`, `);
  const size = bytes > 0 ? own` (${bytesInWords(bytes)})` : own``;
  const named = names === 'few' ? first : names === 'one' ? [only] : [];
  if (named.length === 0) return [joined(numbers, size)];
  const more = total > named.length ? own` and ${numberInWords(total - named.length)} more` : own``;
  const paths = listed(
    named.map((item) => pathInWords(item.name, item)),
    own`, `,
  );
  return [joined(numbers, size, own`: `, paths, more)];
}

/** A path, and what became of it in more than a colour. */
export function paintedItem(item: BroughtItem, paint: Paint): Printable {
  const path = pathInWords(item.name, item);
  if (item.action === 'delete') return joined(path, paint('gone', ' deleted'));
  if (item.action === 'attributes') return joined(path, paint('aside', ' (mode or time)'));
  if (item.action !== 'move') return path;
  return item.from === undefined
    ? joined(path, paint('renamed', ' (moved)'))
    : joined(textOf(item.from), paint('renamed', ' → '), path, own` moved`);
}

/** A batch that is not over: what rsync has turned to, and how many are there by now. Undefined where that is nothing. */
export function draftInWords(fold: Fold, paint: Paint): Printable | undefined {
  const { current } = fold;
  const { paths, bytes } = fold.sums;
  if (paths === 0) return current && paintedItem(current, paint);
  const size = bytes > 0 ? own` (${bytesInWords(bytes)})` : own``;
  const so = joined(own`${count(paths, 'path')}`, size, paint('there', ' .'));
  return current === undefined ? so : joined(so, paint('aside', '  '), paintedItem(current, paint));
}
