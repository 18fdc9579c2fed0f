import type {
  Event,
  BroughtItem as OwnBrought,
  LargeDirectory as OwnDirectory,
  Item as OwnItem,
} from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { bytesOf, type Name, textOf } from '../core/name.js';
import type { Summary } from '../core/summary.js';
import type { BroughtItem, EventFailure, EventSummary, Item, LargeDirectory, SyncwatchEvent } from './wire-event.js';

/** Raised when something documented changes its meaning; additions do not count (docs/manual.md, "JSON events"). */
const VERSION = 1;

type Without<E, Key extends string> = E extends unknown ? Omit<E, Key> : never;

/** An event without what all of them have. */
type WireEvent = Without<SyncwatchEvent, 'v' | 'time'>;

/** An event as programs get it; undefined: they don't. Undefined members are none. */
export function toWire(event: Event, now: Date): SyncwatchEvent | undefined {
  const wire = membersOf(event);
  return wire && { v: VERSION, time: now.toISOString(), ...wire };
}

/** What is told of an event, member by member: what is inside of {@link Event} and not here is nobody else's business. */
function membersOf(event: Event): WireEvent | undefined {
  switch (event.kind) {
    case 'connecting':
      return { event: event.kind, target: event.target, place: event.place };
    case 'connected':
      return { event: event.kind, target: event.target, ms: rounded(event.ms) };
    case 'watching':
      return { event: event.kind, root: event.root, directories: event.directories };
    case 'passStarted':
      return { event: event.kind, target: event.target, names: event.names };
    case 'started':
    case 'wouldDo':
      return { event: event.kind, target: event.target, ...itemOf(event) };
    case 'delivered':
      return {
        event: event.kind,
        target: event.target,
        items: event.items.map(broughtOf),
        more: event.more,
        ms: rounded(event.ms),
      };
    case 'progress': {
      const { target, bytes, totalBytes, names, totalNames } = event;
      return { event: event.kind, target, bytes, totalBytes, names, totalNames, ms: rounded(event.ms) };
    }
    case 'loggingIn':
      return { event: event.kind, target: event.target, retryMs: roundedIf(event.retryMs) };
    case 'stands': {
      const { target, waiting, failed, retryMs } = event;
      return { event: event.kind, target, waiting, failed, retryMs: roundedIf(retryMs) };
    }
    case 'slowStart': {
      const { target, ms, directories } = event;
      return { event: event.kind, target, ms: rounded(ms), directories: directories.map(directoryOf) };
    }
    case 'inSync':
      return { event: event.kind, target: event.target, names: event.names, ms: rounded(event.ms) };
    case 'pathFailed':
      return { event: event.kind, target: event.target, ...pathOf(event.name), failure: failureOf(event.failure) };
    case 'trouble': {
      const { target, failure, waiting, retryMs } = event;
      return { event: event.kind, target, failure: failureOf(failure), waiting, retryMs: rounded(retryMs) };
    }
    case 'removedThere':
    case 'kept':
      return { event: event.kind, target: event.target, ...pathOf(event.name) };
    case 'repaired':
      return { event: event.kind, target: event.target, items: event.items.map(itemOf) };
    case 'woke':
      return { event: event.kind, ms: rounded(event.ms) };
    case 'waiting':
    case 'resumed':
      return { event: event.kind, target: event.target, waiting: event.waiting };
    case 'paused':
      return { event: event.kind, target: event.target };
    case 'settingsChanged': {
      const { source, failure } = event;
      return { event: event.kind, source, failure: failure && failureOf(failure) };
    }
    case 'rootGone':
    case 'rulesSure':
      return { event: event.kind, root: event.root };
    case 'rootBack':
      return { event: event.kind, root: event.root, replaced: event.replaced, was: event.was };
    case 'mountGone':
      return { event: event.kind, ...pathOf(event.name), inUse: event.inUse };
    case 'mountBack':
      return { event: event.kind, ...pathOf(event.name), replaced: event.replaced };
    case 'hook': {
      const { hook, target, code, end, ms, output } = event;
      return { event: event.kind, hook, target, code, end, ms: rounded(ms), output };
    }
    case 'rulesUnsure':
      return { event: event.kind, root: event.root, why: event.why, newNames: event.newNames };
    case 'skipped':
      return { event: event.kind, ...pathOf(event.name), why: event.why };
    case 'why': {
      const { name, synced, missing, of, source, rule, tooBroad } = event;
      return { event: event.kind, ...pathOf(name), synced, missing, of, source, rule, tooBroad };
    }
    case 'note':
      return event.level === 'debug' ? undefined : { event: event.kind, level: event.level, text: event.text };
    case 'wouldDone': {
      const { target, sends, bytes, deletes } = event;
      return { event: event.kind, target, sends, bytes, deletes };
    }
    case 'stopping':
      return { event: event.kind, target: event.target, signal: event.signal, waiting: event.waiting };
    case 'stopped':
      return { event: event.kind, target: event.target, summary: summaryOf(event.summary) };
    case 'halted':
      return { event: event.kind, failure: failureOf(event.failure), target: event.target };
  }
}

/** To the microsecond. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
const roundedIf = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : rounded(ms));

function pathOf(name: Name): Pick<Item, 'path' | 'pathBase64'> {
  const path: string = textOf(name);
  return name === path ? { path } : { path, pathBase64: bytesOf(name).toString('base64') };
}

const itemOf = ({ name, action, bytes, isNew }: OwnItem): Item => ({ ...pathOf(name), action, bytes, isNew });

function broughtOf(item: OwnBrought): BroughtItem {
  if (item.from === undefined) return itemOf(item);
  const { path: from, pathBase64: fromBase64 } = pathOf(item.from);
  return { ...itemOf(item), from, ...(fromBase64 === undefined ? {} : { fromBase64 }) };
}

const directoryOf = ({ name, count, paths, bytes, pattern, hint }: OwnDirectory): LargeDirectory => ({
  ...pathOf(name),
  ...{ count, paths, bytes, pattern, hint },
});

const failureOf = ({ kind, message, hint, detail }: Failure): EventFailure => ({ kind, message, hint, detail });

const summaryOf = ({ sent, bytes, deleted, unsent }: Summary): EventSummary => ({
  sent,
  bytes,
  deleted,
  unsent: unsent.map(([name, failure]) => ({
    ...pathOf(name),
    failure: failure === undefined ? undefined : failureOf(failure),
  })),
});
