import { lstatSync } from 'node:fs';
import { EPOCH, type WallMs, wallMs } from '../core/clock.js';
import { NameIndex } from '../core/sync/name-index.js';
import { inSlices } from '../slice.js';
import { type Edition, type IndexOwner, loadIndex } from './index-file.js';
import { type Believed, doubt, replay } from './journal.js';
import { readOwn } from './own-file.js';

/** What was remembered: the index, and why some or all of it could not be used. */
export interface Remembered {
  readonly index: NameIndex;
  readonly problem: string | undefined;
  /** What is gone here may be gone there too, and somebody else's by now: it must not be deleted. */
  readonly mayHaveLostDeletions: boolean;
}

/** The index and the journal that the last run left. */
export interface Loaded extends Remembered {
  /** Which index it was; undefined where it is of no use. */
  readonly edition: Edition | undefined;
  /** When that index had been saved: what is in the journal began after that. */
  readonly savedMs: WallMs;
  /** Since when names may be there that were only known to be begun; undefined where there are none from before. */
  readonly begunMs: WallMs | undefined;
}

/** Reads them. Never throws: what can't be used is a problem, and a full pass makes it good. */
export async function load(indexPath: string, journalPath: string, owner: IndexOwner, uid: number): Promise<Loaded> {
  const savedMs = wallMs(lstatSync(indexPath, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const loaded = await loadIndex(indexPath, owner, uid);
  if (loaded.kind !== 'loaded') {
    const isLost = loaded.kind === 'none' && lstatSync(journalPath, { throwIfNoEntry: false }) !== undefined;
    const problem = loaded.kind === 'unusable' ? loaded.why : isLost ? 'the index to its log is gone' : undefined;
    const index = new NameIndex();
    return { index, problem, mayHaveLostDeletions: false, edition: undefined, savedMs, begunMs: undefined };
  }
  const { index, edition, hasBegun } = loaded;
  const believed = await replayed(journalPath, index, edition, uid);
  const problem = believed.isWhole ? undefined : believed.why;
  const mayHaveLostDeletions = !believed.isWhole && believed.mayHaveLostDeletions;
  return { index, problem, mayHaveLostDeletions, edition, savedMs, begunMs: hasBegun ? EPOCH : savedMs };
}

async function replayed(path: string, index: NameIndex, edition: Edition, uid: number): Promise<Believed> {
  try {
    const bytes = readOwn(path, uid);
    return await inSlices(
      bytes === undefined ? doubt(index, 'its log is gone') : replay(bytes.toString('utf8'), index, edition),
    );
  } catch (error) {
    return inSlices(doubt(index, error instanceof Error ? error.message : String(error)));
  }
}
