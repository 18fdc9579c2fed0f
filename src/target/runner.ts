import type { Item } from '../core/event.js';
import { childOf, type Name, ROOT } from '../core/name.js';
import type { RsyncSettings } from '../core/rsync-args.js';
import { type Outcome, outcomeOf, type RsyncExit } from '../core/rsync-exit.js';
import type { OutputLine } from '../core/rsync-output.js';
import { inputOf, type RsyncProcess, type Run, runRsync, startRsync } from '../rsync/run.js';
import { type StandbyKind, Standbys } from '../rsync/standby.js';
import type { TransferOptions } from './transfer.js';

/** What one rsync run did. */
export interface RunResult {
  readonly outcome: Outcome;
  /** What rsync turned to, in order. */
  readonly items: readonly Item[];
  /** Directories that are gone here and not empty there. */
  readonly kept: ReadonlySet<Name>;
  /** What was deleted, or would be, and was a directory. */
  readonly deletedDirs: ReadonlySet<Name>;
}

export interface RunOptions {
  /** The standbys that can take it; none where not given. */
  readonly suitable?: readonly StandbyKind[];
  /** Not told: housekeeping. */
  readonly isSilent?: boolean;
  /** rsync has turned to this name, before the index knows of it. */
  readonly onItem?: (item: Item) => void;
  /** What rsync said that is no item. */
  readonly onText?: (text: string) => void;
  /** What it has to send in all, where known. */
  readonly totalBytes?: number;
}

/** How often the progress of a run is told, in milliseconds; the first time is that long after its beginning. */
const PROGRESS_MS = 900;

/** Runs rsync for one target, with a standby where one is ready, and tells what it does. */
export class Runner {
  /** What was started ahead. Nothing before {@link Standbys.open}. */
  readonly standbys: Standbys;
  readonly #options: TransferOptions;
  readonly #abort: AbortSignal;
  readonly #onItem: (item: Item) => void;

  /** `onItem`: rsync has turned to this name, whatever becomes of it. */
  constructor(options: TransferOptions, abort: AbortSignal, onItem: (item: Item) => void) {
    this.#options = options;
    this.#abort = abort;
    this.#onItem = onItem;
    this.standbys = new Standbys((kind) => startRsync(options.rsync, namesRun(options, kind === 'sure')));
  }

  /**
   * Runs one rsync and reads what it says. `has`: whether a name is part of the run. A standby takes it where one that
   * suits is ready; if that breaks before it has done anything, a fresh rsync takes over.
   */
  async run(run: Run, has: (name: Name) => boolean, options: RunOptions): Promise<RunResult> {
    const standby = this.standbys.take(options.suitable ?? []);
    const hadStandbys = standby !== undefined || this.standbys.count > 0;
    const first = await this.#runOnce(standby, run, has, options);
    const { outcome, items } = first;
    if (outcome.kind === 'finished') this.standbys.served();
    // Its connection was dead, or (MaxSessions) they took too many sessions.
    const isTheirFault =
      hadStandbys && outcome.kind === 'broken' && (outcome.failure.kind === 'connection' || first.wasKilled);
    if (!isTheirFault || items.length > 0 || this.#abort.aborted) return first;
    this.#debug('again without standbys');
    this.standbys.retreat();
    return this.#runOnce(undefined, run, has, options);
  }

  async #runOnce(
    standby: RsyncProcess | undefined,
    run: Run,
    has: (name: Name) => boolean,
    options: RunOptions,
  ): Promise<RunResult & { readonly wasKilled: boolean }> {
    const { rsync, aim, noProgressMs } = this.#options;
    const items: Item[] = [];
    const kept = new Set<Name>();
    const deletedDirs = new Set<Name>();
    const onLine = this.#reader(run, { items, kept, deletedDirs }, options);
    const finish = { abort: this.#abort, noProgressMs };
    let exit: RsyncExit;
    if (standby !== undefined) {
      this.#debug(`standby ${standby.args.join(' ')}`);
      exit = await standby.finish(inputOf(run), onLine, finish);
    } else {
      const onCommand = (args: readonly string[]): void => this.#debug(`rsync ${args.join(' ')}`);
      exit = await runRsync(rsync, run, onLine, { ...finish, onCommand });
    }
    this.#debug(`rsync ended: ${exit.code ?? exit.signal}${exit.stderr === '' ? '' : `; ${exit.stderr.trim()}`}`);
    const outcome = outcomeOf(exit, aim, placesOf(rsync), has, run.kind === 'pass');
    return { outcome, items, kept, deletedDirs, wasKilled: exit.code === undefined };
  }

  /** What to do with the lines of a run. */
  #reader(
    run: Run,
    { items, kept, deletedDirs }: { items: Item[]; kept: Set<Name>; deletedDirs: Set<Name> },
    { isSilent = false, totalBytes, onItem, onText }: RunOptions,
  ): (line: OutputLine) => void {
    const { report } = this.#options;
    const target = this.#options.rsync.target.label;
    const beganMs = performance.now();
    let toldMs = 0;
    const nameOf = (name: Name): Name =>
      run.kind !== 'moves' || run.to === ROOT ? name : name === ROOT ? run.to : childOf(run.to, name);
    return (line) => {
      switch (line.kind) {
        case 'item': {
          // rsync says of each run that the root's time was set: not worth a word.
          const { kind: _, isDir, ...told } = line;
          if (line.name === ROOT) return told.isNew ? onItem?.(told) : undefined;
          const item = { ...told, name: nameOf(line.name) };
          items.push(item);
          if (isDir && item.action === 'delete') deletedDirs.add(item.name);
          if (run.kind === 'pass' && run.dryRun) return;
          onItem?.(item);
          this.#onItem(item);
          if (!isSilent) report({ kind: 'started', target, ...item });
          return;
        }
        case 'notEmpty':
          kept.add(line.name);
          return;
        case 'progress': {
          const ms = performance.now() - beganMs;
          if (ms - toldMs < PROGRESS_MS) return;
          toldMs = ms;
          report({ kind: 'progress', target, bytes: line.bytes, totalBytes, ms });
          return;
        }
        case 'other':
          this.#debug(`rsync: ${line.text}`);
          onText?.(line.text);
      }
    };
  }

  #debug(text: string): void {
    this.#options.report({ kind: 'note', level: 'debug', text });
  }
}

/** A run for names; its arguments are those of a standby too. */
export const namesRun = ({ deletes }: Pick<TransferOptions, 'deletes'>, ignoreTimes: boolean) =>
  ({ kind: 'names', ignoreTimes, deleteMissing: deletes !== 'never' }) as const;

/** How each side's paths begin, for reading rsync's complaints. */
const placesOf = ({ root, target }: RsyncSettings): string[] =>
  [root, ...(target.path.startsWith('/') ? [target.path.replace(/\/+$/, '')] : [])].map((path) =>
    Buffer.from(`${path}/`, 'utf8').toString('latin1'),
  );
