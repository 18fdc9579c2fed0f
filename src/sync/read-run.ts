import { msSince, steadyNow } from '../clock.js';
import type { Item, Report } from '../core/event.js';
import { childOf, looseTextOf, type Name, ROOT } from '../core/name.js';
import type { Outcome } from '../core/rsync/exit.js';
import type { OutputLine } from '../core/rsync/output.js';
import type { Run } from '../rsync/run.js';

/** How often the progress of a run is told, in milliseconds; the first time is that long after its beginning. */
const PROGRESS_MS = 900;

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

export interface ReadRunOptions {
  /** Not told: housekeeping. */
  readonly isSilent?: boolean;
  /** What it has to send in all, where known. */
  readonly totalBytes?: number;
  /** And how many paths it has to look at. */
  readonly totalNames?: number;
  /** rsync has turned to this name. */
  readonly onItem?: (item: Item) => void;
  /** It has turned to the root itself. */
  readonly onRoot?: () => void;
  /** What rsync said that is no item. */
  readonly onText?: (text: string) => void;
}

/** Reads what one rsync says, line by line, and tells it: `said` grows with each. */
export function readRun(
  run: Run,
  { isSilent = false, totalBytes, totalNames, onItem, onRoot, onText }: ReadRunOptions,
  target: string,
  report: Report,
): { readonly said: Omit<RunResult, 'outcome'>; readonly read: (line: OutputLine) => void } {
  const items: Item[] = [];
  const kept = new Set<Name>();
  const deletedDirs = new Set<Name>();
  const beganMs = steadyNow();
  let toldMs = 0;
  let names: number | undefined;
  let bytes = 0;
  const nameOf = (name: Name): Name =>
    run.kind !== 'moves' || run.to === ROOT ? name : name === ROOT ? run.to : childOf(run.to, name);
  const howFar = (bytes: number, names: number | undefined): void => {
    const ms = msSince(beganMs);
    if (ms - toldMs < PROGRESS_MS) return;
    toldMs = ms;
    report({ kind: 'progress', target, bytes, totalBytes, names, totalNames, ms });
  };
  const read = (line: OutputLine): void => {
    switch (line.kind) {
      case 'item': {
        // rsync says of each run that the root's time was set: not worth a word.
        const { kind: _, isDir, ...told } = line;
        if (line.name === ROOT) {
          if (told.isNew) onItem?.(told);
          onRoot?.();
          return;
        }
        const item = { ...told, name: nameOf(line.name) };
        items.push(item);
        if (isDir && item.action === 'delete') deletedDirs.add(item.name);
        if (run.kind === 'pass' && run.dryRun) return;
        onItem?.(item);
        if (isSilent) return;
        report({ kind: 'started', target, ...item });
        // Each is there before the next one begins.
        if (run.kind === 'names' && run.saysHowFar !== true) howFar(bytes, items.length - 1);
        bytes += item.bytes;
        return;
      }
      case 'notEmpty':
        kept.add(line.name);
        return;
      case 'progress':
        names = line.names ?? names;
        howFar(line.bytes, names);
        return;
      case 'other':
        report({ kind: 'note', level: 'debug', text: `rsync: ${looseTextOf(line.text as Name)}` });
        onText?.(line.text);
    }
  };
  return { said: { items, kept, deletedDirs }, read };
}
