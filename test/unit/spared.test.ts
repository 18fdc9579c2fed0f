import { expect, it } from 'vitest';
import { begun } from '../../src/core/sync/entry.js';
import type { Listing } from '../../src/scan/walk.js';
import { SparedDirectories } from '../../src/watch/spared.js';
import { n } from '../support/fake-work.js';

const decision = { synced: false } as Listing['excluded'][number]['decision'];

/** What is in `d`. */
const listing = (more: Partial<Listing>): Listing => ({
  dir: n('d'),
  self: begun('dir'),
  entries: new Map(),
  excluded: [],
  others: [],
  tooLong: [],
  ...more,
});

const excluded = (name: string, isDir = true) => ({ name: n(name), isDir, decision });

it('what is excluded or too long and a directory is spared, but for what would be a glob', () => {
  const spared = new SparedDirectories();
  const all = ['d/x', 'd/[y]', 'd/{z', 'd/*', 'd/\uFFFD'].map((name) => excluded(name));
  spared.note(
    listing({ excluded: [...all, excluded('d/file', false)], tooLong: [{ name: n('d/long'), isDir: true }] }),
  );
  expect(spared.paths('/r')).toEqual(['/r/d/x', '/r/d/long']);
});

it('a listing says what there is; where only some names were looked at, what became of those', () => {
  const spared = new SparedDirectories();
  spared.note(listing({ excluded: [excluded('d/a'), excluded('d/b'), excluded('d/c')] }));
  spared.note(listing({ absent: ['a'], entries: new Map([['b', begun('dir')]]), excluded: [excluded('d/new')] }));
  expect(spared.paths('/r')).toEqual(['/r/d/c', '/r/d/new']);
  spared.note(listing({}));
  expect(spared.paths('/r')).toEqual([]);
});
