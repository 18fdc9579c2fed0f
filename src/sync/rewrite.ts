import type { Item } from '../core/event.js';
import type { Name } from '../core/name.js';
import type { OutputLine } from '../core/rsync/output.js';
import { type RsyncExit, wholeRunFailure } from '../core/rsync/whole-run.js';
import type { SshAim } from '../core/ssh/exit.js';
import type { RunResult } from './read-run.js';

/** What came of a rewrite. `items`: what it may have changed. */
export type Rewritten =
  | { readonly kind: 'proven'; readonly result: RunResult }
  | { readonly kind: 'unproven'; readonly items: readonly Item[] };

/**
 * Whether a rewrite has brought these files. Nothing but all that can be wished for is a proof: of much that goes wrong rsync says so in
 * words only and ends with 0 (a file that is not what was sent, or not there any more). `exit`: of the half there, which has compared each
 * file as a whole with its checksum, and renamed it.
 */
export function isProven(
  { code, stderr }: Pick<RsyncExit, 'code' | 'stderr'>,
  lines: readonly OutputLine[],
  files: readonly Name[],
): boolean {
  const brought = new Set(lines.flatMap((line) => (line.kind === 'item' && line.action === 'send' ? line.name : [])));
  return code === 0 && stderr.trim() === '' && files.every((name) => brought.has(name));
}

/** What there is to tell of it. To the half here all is new, directories above too: it compares with nothing. */
export function itemsOf(lines: readonly OutputLine[], names: readonly Name[]): OutputLine[] {
  const own = new Set(names);
  return lines.flatMap((line) =>
    line.kind === 'item' && own.has(line.name)
      ? { ...line, action: line.isDir ? 'attributes' : 'send', isNew: false }
      : [],
  );
}

/** What one without a proof may have changed. */
export const attempted = (files: readonly Name[]): Item[] =>
  files.map((name) => ({ action: 'send', name, bytes: 0, isNew: false }));

/** One that was cut off, perhaps with a temporary file left there. */
export const cutOff = (exit: RsyncExit, aim: SshAim | undefined, items: readonly Item[]): RunResult => ({
  outcome: { kind: 'broken', failure: wholeRunFailure(exit, aim) },
  items,
  kept: new Set(),
  deletedDirs: new Set(),
});
