import type { Failure } from '../core/failure.js';
import { leftoversIn } from '../core/leftover.js';
import { type Name, parentOf } from '../core/name.js';
import type { NameIndex } from '../core/name-index.js';
import { ofNames } from '../core/rsync-complaints.js';
import { type ListedFile, parseListed } from '../core/rsync-output.js';
import type { RunResult } from './runner.js';
import type { Transfer } from './transfer.js';

/**
 * The temporary files that rsync leaves there when it is killed or cut off ({@link leftoversIn}). In the way for good
 * otherwise, for nobody else knows of them.
 */
export class Leftovers {
  readonly #transfer: Transfer;
  /** Files that were on their way when a run broke, and when that began, in milliseconds since 1970. */
  readonly #broken = new Map<Name, number>();

  /** `index`: of the last run; what it is unsure of may have been on its way after `savedMs`. */
  constructor(transfer: Transfer, index: NameIndex, savedMs: number) {
    this.#transfer = transfer;
    for (const [name, { type, mtimeNs }] of index.entries())
      if (type === 'file' && mtimeNs < 0) this.#broken.set(name, savedMs);
  }

  /** A run has ended that began at `beganMs` (since 1970). */
  note({ outcome, items }: RunResult, beganMs: number): void {
    if (outcome.kind !== 'broken') return;
    for (const { action, name } of items) if (action === 'send') this.#broken.set(name, beganMs);
  }

  /** Deletes what there is of them beside these names; all where none are given. Gives the failure of a lost connection. */
  async clear(names: Iterable<Name> = this.#broken.keys()): Promise<Failure | undefined> {
    if (this.#broken.size === 0) return undefined;
    const broken = new Map<Name, number>();
    for (const name of names) {
      const sinceMs = this.#broken.get(name);
      if (sinceMs !== undefined) broken.set(name, sinceMs);
    }
    if (broken.size === 0) return undefined;
    const listed: ListedFile[] = [];
    const onText = (text: string): void => {
      const file = parseListed(text);
      if (file !== undefined) listed.push(file);
    };
    const dirs = [...new Set([...broken.keys()].map(parentOf))];
    const { outcome } = await this.#transfer.run({ kind: 'list', names: dirs }, ofNames([]), { onText });
    // Whatever else it is (a target that must only be written to, say): it is not worth holding up the rest.
    if (outcome.kind === 'broken' && outcome.failure.kind === 'connection') return outcome.failure;
    for (const name of broken.keys()) this.#broken.delete(name);
    return this.#transfer.clear(leftoversIn(listed, broken, Date.now()), true);
  }
}
