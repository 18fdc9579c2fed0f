import { expect, it } from 'vitest';
import type { Name } from '../../src/core/name.js';
import { ROOT } from '../../src/core/name.js';
import { begun, type Entry, isSettled } from '../../src/core/sync/entry.js';
import { NameIndex } from '../../src/core/sync/name-index.js';
import { differences } from '../../src/scan/look.js';
import type { Listing } from '../../src/scan/walk.js';
import { n } from '../support/fake-work.js';

const entry = (type: 'file' | 'dir', mtimeS = 1): Entry => ({ ...begun(type), mtimeS, mtimeNs: 1, ino: 1, ctime: 1 });
const root = entry('dir');

/** What the root's listing shows to differ from what was delivered: of files with those times, of directories. */
function found(here: Record<string, Entry>, known: Record<string, Entry>, more: Partial<Listing> = {}) {
  const index = new NameIndex();
  index.set(ROOT, root);
  for (const [name, was] of Object.entries(known)) index.set(n(name), was);
  const entries = new Map(Object.entries(here));
  const listing: Listing = { dir: ROOT, self: root, entries, excluded: [], others: [], tooLong: [], ...more };
  const differing: Array<[Name, string]> = [];
  for (const each of differences(listing, index, (was, now) => isSettled(was, now, false)))
    if (each !== undefined) differing.push([each[0], typeof each[1] === 'string' ? each[1] : each[1].type]);
  return differing;
}

it('what is new, changed or gone with all below it differs; what is as it was delivered does not', () => {
  const here = { new: entry('file'), changed: entry('file', 2), same: entry('file') };
  const known = { changed: entry('file'), same: entry('file'), gone: entry('dir'), 'gone/in': entry('file') };
  expect(found(here, known)).toEqual([
    ['new', 'file'],
    ['changed', 'file'],
    ['gone', 'missing'],
    ['gone/in', 'missing'],
  ]);
});

it('below what was a directory and is a file by now nothing can be', () => {
  expect(
    found({ d: entry('file') }, { d: entry('dir'), 'd/x': entry('file'), 'd/y': entry('dir'), 'd/y/z': entry('file') }),
  ).toEqual([
    ['d', 'file'],
    ['d/x', 'blocked'],
    ['d/y', 'blocked'],
    ['d/y/z', 'blocked'],
  ]);
});

it('where only some names were looked at, the others are not gone; of what nobody knows nothing can be', () => {
  const known = { a: entry('file'), b: entry('file'), 'c/in': entry('file') };
  expect(found({}, known, { absent: ['a', 'c', 'never'] })).toEqual([
    ['a', 'missing'],
    ['c', 'missing'],
    ['c/in', 'missing'],
  ]);
});

it('the directory itself differs where its own time does', () => {
  expect(found({}, {}, { self: entry('dir', 2) }).map(([name]) => name)).toEqual([ROOT]);
});
