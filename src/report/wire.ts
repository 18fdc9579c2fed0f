import type { ItemAction } from '../core/action.js';
import type { Event, Item, LargeDirectory, RulesTrouble } from '../core/event.js';
import type { Failure, FailureKind } from '../core/failure.js';
import type { HookKind } from '../core/hook-kinds.js';
import { bytesOf, type Name, textOf } from '../core/name.js';
import type { Summary } from '../core/summary.js';

/**
 * The events as `--json` shows them: an API (docs/manual.md, "JSON events"). Members may be added, not changed; what is inside of
 * {@link Event} and not here is nobody else's business.
 */
export type WireEvent =
  | { readonly event: 'connecting'; readonly target: string; readonly place: string }
  | { readonly event: 'connected'; readonly target: string; readonly ms: number }
  | { readonly event: 'watching'; readonly root: string; readonly directories: number }
  | { readonly event: 'passStarted'; readonly target: string; readonly names: number }
  | ({ readonly event: 'started' | 'wouldDo'; readonly target: string } & WireItem)
  | {
      readonly event: 'delivered';
      readonly target: string;
      readonly items: readonly WireItem[];
      readonly more: number | undefined;
      readonly ms: number;
    }
  | {
      readonly event: 'progress';
      readonly target: string;
      readonly bytes: number;
      readonly totalBytes: number | undefined;
      readonly ms: number;
    }
  | {
      readonly event: 'slowStart';
      readonly target: string;
      readonly ms: number;
      readonly directories: readonly WireDirectory[];
    }
  | { readonly event: 'inSync'; readonly target: string; readonly names: number; readonly ms: number }
  | ({ readonly event: 'pathFailed'; readonly target: string; readonly failure: WireFailure } & WirePath)
  | {
      readonly event: 'trouble';
      readonly target: string;
      readonly failure: WireFailure;
      readonly waiting: number;
      readonly retryMs: number;
    }
  | ({ readonly event: 'removedThere' | 'kept'; readonly target: string } & WirePath)
  | { readonly event: 'repaired'; readonly target: string; readonly items: readonly WireItem[] }
  | { readonly event: 'woke'; readonly ms: number }
  | { readonly event: 'waiting' | 'resumed'; readonly target: string; readonly waiting: number }
  | { readonly event: 'paused'; readonly target: string }
  | { readonly event: 'settingsChanged'; readonly source: string; readonly failure: WireFailure | undefined }
  | { readonly event: 'rootGone' | 'rulesSure'; readonly root: string }
  | {
      readonly event: 'rootBack';
      readonly root: string;
      readonly replaced: boolean;
      readonly was: string | undefined;
    }
  | ({ readonly event: 'mountGone'; readonly inUse: boolean } & WirePath)
  | ({ readonly event: 'mountBack'; readonly replaced: boolean } & WirePath)
  | {
      readonly event: 'hook';
      readonly hook: HookKind;
      readonly target: string;
      readonly code: number | undefined;
      readonly end: string | undefined;
      readonly ms: number;
      readonly output: string;
    }
  | {
      readonly event: 'rulesUnsure';
      readonly root: string;
      readonly why: string;
      readonly newNames: RulesTrouble['newNames'];
    }
  | ({ readonly event: 'skipped'; readonly why: string } & WirePath)
  | ({
      readonly event: 'why';
      readonly synced: boolean;
      readonly of: string;
      readonly source: string | undefined;
      readonly rule: string | undefined;
      readonly tooBroad: string | undefined;
    } & WirePath)
  | { readonly event: 'note'; readonly level: 'normal' | 'verbose'; readonly text: string }
  | {
      readonly event: 'wouldDone';
      readonly target: string;
      readonly sends: number;
      readonly bytes: number;
      readonly deletes: number;
    }
  | { readonly event: 'stopping'; readonly target: string; readonly signal: string; readonly waiting: number }
  | { readonly event: 'stopped'; readonly target: string; readonly summary: WireSummary }
  | { readonly event: 'halted'; readonly failure: WireFailure; readonly target: string | undefined };

/** A name: as text, and its bytes where it is no plain text. */
interface WirePath {
  readonly path: string;
  readonly pathBase64?: string;
}

interface WireItem extends WirePath {
  readonly action: ItemAction;
  readonly bytes: number;
  readonly isNew: boolean;
}

interface WireDirectory extends WirePath {
  readonly count: number;
  readonly paths: number;
  readonly bytes: number;
  readonly pattern: string | undefined;
  readonly hint: string | undefined;
}

interface WireFailure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly hint: string | undefined;
  readonly detail: string | undefined;
}

interface WireSummary {
  readonly sent: number;
  readonly bytes: number;
  readonly deleted: number;
  readonly unsent: ReadonlyArray<WirePath & { readonly failure: WireFailure | undefined }>;
}

/** What `--json` shows of an event, member by member; undefined: nothing. Undefined members are not shown. */
export function toWire(event: Event): WireEvent | undefined {
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
        items: event.items.map(itemOf),
        more: event.more,
        ms: rounded(event.ms),
      };
    case 'progress': {
      const { target, bytes, totalBytes } = event;
      return { event: event.kind, target, bytes, totalBytes, ms: rounded(event.ms) };
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
      const { name, synced, of, source, rule, tooBroad } = event;
      return { event: event.kind, ...pathOf(name), synced, of, source, rule, tooBroad };
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

function pathOf(name: Name): WirePath {
  const path: string = textOf(name);
  return name === path ? { path } : { path, pathBase64: bytesOf(name).toString('base64') };
}

const itemOf = ({ name, action, bytes, isNew }: Item): WireItem => ({ ...pathOf(name), action, bytes, isNew });

const directoryOf = ({ name, count, paths, bytes, pattern, hint }: LargeDirectory): WireDirectory => ({
  ...pathOf(name),
  ...{ count, paths, bytes, pattern, hint },
});

const failureOf = ({ kind, message, hint, detail }: Failure): WireFailure => ({ kind, message, hint, detail });

const summaryOf = ({ sent, bytes, deleted, unsent }: Summary): WireSummary => ({
  sent,
  bytes,
  deleted,
  unsent: unsent.map(([name, failure]) => ({
    ...pathOf(name),
    failure: failure === undefined ? undefined : failureOf(failure),
  })),
});
