import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../src/core/event.js';
import { type Extra, readExtras } from '../../src/core/rsync/extras.js';
import { fullPass } from '../../src/sync/full-pass.js';
import type { PassWork } from '../../src/sync/work.js';
import { bringWaiting, localWork, noteAll, passOptions } from './deliver.js';
import { filterOf } from './settings.js';
import { fill, temporaryDir } from './tree.js';

const filter = filterOf();

/** What follows the `--`, where it is allowed. */
export function extrasOf(words: readonly string[]): readonly Extra[] {
  const read = readExtras(words);
  if (!read.ok) throw new Error(read.why);
  return read.extras;
}

/** Two trees that were brought in step, and what was heard of that since. */
export interface InStep {
  readonly root: string;
  readonly there: string;
  readonly work: PassWork;
  /** The arguments of each rsync that was run. */
  readonly runs: string[];
  /** The names whose content went over. */
  readonly sent: string[];
  /** What failed and why. */
  readonly failed: string[];
}

/** A tree here and one there, in step, with these options for rsync. `make`: makes the place there. */
export async function inStep(words: readonly string[], make: (there: string) => void = () => {}): Promise<InStep> {
  const [root, there] = [join(temporaryDir(), 'here'), join(temporaryDir(), 'there')];
  make(there);
  const big = 'big\n'.repeat(300_000);
  fill(root, { f: 'one', same: 'aaaa', 'a/big': big, 'd/x': 'x', 'd/y': 'y', 'sub/deep/z': 'z', 'empty/': '' });
  symlinkSync('f', join(root, 'link'));
  const [runs, sent, failed]: string[][] = [[], [], []];
  const report = (event: Event): void => {
    if (event.kind === 'note' && event.text.startsWith('rsync --')) runs?.push(event.text);
    if (event.kind === 'started' && event.action === 'send') sent?.push(event.name);
    if (event.kind === 'pathFailed') failed?.push(`${event.name}: ${event.failure.message}`);
  };
  const work = localWork(root, there, filter, { extras: extrasOf(words) }, { report });
  const end = await fullPass(work, passOptions());
  if (end.kind !== 'done') throw new Error(JSON.stringify(end));
  await bringWaiting(work);
  return { root, there, work, runs: runs ?? [], sent: sent ?? [], failed: failed ?? [] };
}

/** Looks at the whole disk once, as a flush does, and waits until all that differs is there, or has failed. */
export async function bring(work: PassWork): Promise<void> {
  await noteAll(work);
  await bringWaiting(work);
}

/** What a rescan finds to repair. */
export async function rescan(work: PassWork): Promise<{ found: boolean; repaired: readonly Event[] }> {
  const repaired: Event[] = [];
  const report = (event: Event): void => {
    if (event.kind === 'repaired') repaired.push(event);
  };
  const end = await fullPass({ ...work, report }, passOptions({ isRescan: true }));
  return { found: end.kind === 'done' && end.found, repaired };
}
