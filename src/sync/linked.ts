import type { Failure } from '../core/failure.js';
import { ancestorsOf, type Name, ROOT } from '../core/name.js';
import { excludedName } from '../core/rsync/rules.js';
import type { Entry, Seen } from '../core/sync/entry.js';
import { NameIndex } from '../core/sync/name-index.js';
import type { Snapshot } from '../scan/snapshot.js';
import { eachInSlices } from '../slice.js';
import type { Work } from './work.js';

type LinkedWork = Pick<Work, 'ledger' | 'linked' | 'linksThere'>;

const LINKED: Failure = {
  kind: 'path',
  message: 'there it is a link to a directory that is not empty; it is left alone',
  hint: 'Remove the link there if this directory is to take its place, or leave it out with --exclude.',
};

const IN_LINKED: Failure = { ...LINKED, message: 'a directory above it is a link there, and is left alone' };

/** Whether a link there is one that we have put there: it was no directory that we brought, or we had begun with it, after a look. */
const isOurs = (was: Entry | undefined): boolean => was !== undefined && (was.type !== 'dir' || was.ino === 0);

/** The directory of these at a name, or above it. */
const linkedAt = (linked: ReadonlySet<Name>, name: Name): Name | undefined =>
  [...ancestorsOf(name), name].find((each) => linked.has(each));

/**
 * A walk without what is a link there where a directory is here: rsync would put the directory in its place without a word, and
 * what is behind the link would be gone from there.
 */
export async function withoutLinked({ ledger, linked, linksThere }: LinkedWork, snapshot: Snapshot): Promise<Snapshot> {
  const { tree } = snapshot;
  const dirs: Name[] = [];
  await eachInSlices(tree.below(ROOT), ([name, { type }]) => {
    if (type === 'dir' && !isOurs(ledger.index.get(name))) dirs.push(name);
  });
  const found = dirs.length === 0 ? new Set<Name>() : await linksThere(dirs);
  linked.clear();
  for (const name of found) if (linkedAt(linked, name) === undefined) linked.add(name);
  if (linked.size === 0) return snapshot;
  const now = new Set(linked);
  const isLinked = (name: Name): boolean => linkedAt(now, name) !== undefined;
  const left = new NameIndex();
  await eachInSlices(tree.entries(), ([name, entry]) => {
    if (!isLinked(name)) left.set(name, entry);
  });
  for (const name of now) ledger.failed(name, LINKED);
  const excluded = [...now].map((name) => excludedName(name, false, false)); // what is there is no directory
  return { ...snapshot, tree: left, excluded: [...snapshot.excluded, ...excluded] };
}

/** Of a batch, what does not lead through such a link. Those that are in question are looked at anew. */
export async function outsideLinked(
  { ledger, linked, linksThere }: LinkedWork,
  before: ReadonlyMap<Name, Seen>,
): Promise<ReadonlyMap<Name, Seen>> {
  if (linked.size === 0) return before;
  const concerned = new Set([...before.keys()].flatMap((name) => linkedAt(linked, name) ?? []));
  if (concerned.size === 0) return before;
  const still = await linksThere([...concerned]);
  for (const name of concerned) {
    if (still.has(name)) continue;
    linked.delete(name);
    // Whatever was delivered there before is not there now.
    const ours = [name, ...[...ledger.index.below(name)].map(([below]) => below)];
    await ledger.unsure(ours.filter((each) => ledger.index.get(each) !== undefined));
  }
  const left = new Map(before);
  for (const name of before.keys()) {
    const at = linkedAt(linked, name);
    if (at === undefined) continue;
    left.delete(name);
    ledger.failed(name, at === name ? LINKED : IN_LINKED);
  }
  return left;
}
