import { wallNow } from '../clock.js';
import type { WallMs } from '../core/clock.js';
import type { Failure } from '../core/failure.js';
import { type Name, parentOf } from '../core/name.js';
import { ofNames } from '../core/rsync/complaints.js';
import { leftoversIn } from '../core/rsync/leftover.js';
import { type ListedFile, parseListed } from '../core/rsync/output.js';
import type { ReadonlyIndex } from '../core/sync/name-index.js';
import { eachInSlices } from '../slice.js';
import { clear } from './clear.js';
import type { Ledger } from './ledger.js';
import type { RunResult } from './read-run.js';
import type { Runs } from './runner.js';

/** After so many tries in a row to look for them they are left where they are. */
const MOST_FAILURES = 5;

/**
 * The temporary files that rsync leaves there when it is killed or cut off ({@link leftoversIn}). In the way for good
 * otherwise, for nobody else knows of them.
 */
export class Leftovers {
  readonly #ledger: Ledger;
  /** Files that were on their way when a run broke, and when that began. */
  readonly #broken = new Map<Name, WallMs>();
  /** How often in a row looking for them failed. */
  #failures = 0;

  /** What the last run left, until it was looked through. */
  #lastRun: ReadonlyIndex | undefined;

  /** What the index of the last run is unsure of may have been on its way after that was saved. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#lastRun = ledger.index;
  }

  /** A run has ended that began at `beganMs`. */
  note({ outcome, items }: RunResult, beganMs: WallMs): void {
    if (outcome.kind !== 'broken') return;
    for (const { action, name } of items) if (action === 'send') this.#broken.set(name, beganMs);
  }

  async #addLastRun(): Promise<void> {
    if (this.#lastRun === undefined) return;
    const { savedMs } = this.#ledger;
    const unsure = this.#lastRun.unsureFiles();
    this.#lastRun = undefined;
    await eachInSlices(unsure, (name) => {
      if (name !== undefined && !this.#broken.has(name)) this.#broken.set(name, savedMs);
    });
  }

  /** Deletes what there is of them beside these names; all where none are given. Gives the failure if deleting them broke. */
  async sweep(runner: Runs, names?: Iterable<Name>): Promise<Failure | undefined> {
    await this.#addLastRun();
    if (this.#broken.size === 0) return undefined;
    const broken = new Map<Name, WallMs>();
    for (const name of names ?? this.#broken.keys()) {
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
    const { outcome } = await runner.look({ kind: 'list', of: 'leftovers', names: dirs }, ofNames([]), { onText });
    // Whatever it is (a target that is not there any more, or must only be written to): it is not worth holding up the rest.
    // Where the connection is lost, the next run meets that too.
    if (outcome.kind === 'broken' && ++this.#failures < MOST_FAILURES) return undefined;
    this.#failures = 0;
    for (const name of broken.keys()) this.#broken.delete(name);
    return clear(this.#ledger, runner, leftoversIn(listed, broken, wallNow()), true);
  }
}
