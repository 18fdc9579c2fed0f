import type { BroughtItem, Event, EventOf, Item } from '../../src/core/event.js';
import type { Failure } from '../../src/core/failure.js';
import { nameFromBytes, nameFromText } from '../../src/core/name.js';

/** With every member that may be missing. */
type Whole<T> = { readonly [Key in keyof T]-?: Exclude<T[Key], undefined> };

/** One of each kind. */
type Samples = { readonly [Kind in Event['kind']]: Whole<EventOf<Kind>> };

const target = 'me@host:dir';
const root = '/home/me/dir';
const failure: Whole<Failure> = {
  kind: 'path',
  message: 'what happened',
  hint: 'what to do',
  detail: 'what rsync said',
  isPassing: true,
  isSilence: true,
};
const item: Item = { action: 'send', name: nameFromText('src/a.txt'), bytes: 10, isNew: true };
const moved: Whole<BroughtItem> = { ...item, from: nameFromText('src/old.txt') };
const notText: Whole<BroughtItem> = {
  action: 'move',
  name: nameFromBytes(Buffer.from([0xff])),
  bytes: 0,
  isNew: false,
  from: nameFromBytes(Buffer.from([0xfe])),
};

/** A sample of each kind of event, with all that it may have: one that is not here does not compile. */
export const SAMPLES: Samples = {
  connecting: { kind: 'connecting', target: 'staging', place: target },
  connected: { kind: 'connected', target, ms: 250.12345 },
  watching: { kind: 'watching', root, directories: 3 },
  passStarted: { kind: 'passStarted', target, names: 5 },
  started: { kind: 'started', target, ...item },
  delivered: { kind: 'delivered', target, items: [moved, notText], more: 2, ms: 12 },
  progress: { kind: 'progress', target, bytes: 1_000, totalBytes: 2_000, names: 3, totalNames: 5, ms: 1_000 },
  slowStart: {
    kind: 'slowStart',
    target,
    ms: 60_000,
    directories: [
      {
        name: item.name,
        count: 2,
        paths: 40_000,
        bytes: 800_000_000,
        pattern: 'node_modules/',
        hint: 'packages of npm',
      },
    ],
  },
  inSync: { kind: 'inSync', target, names: 5, ms: 12 },
  pathFailed: { kind: 'pathFailed', target, name: item.name, failure },
  trouble: { kind: 'trouble', target, failure, waiting: 2, retryMs: 1_000 },
  removedThere: { kind: 'removedThere', target, name: item.name },
  repaired: { kind: 'repaired', target, items: [item] },
  woke: { kind: 'woke', ms: 60_000 },
  loggingIn: { kind: 'loggingIn', target, retryMs: 1_000 },
  stands: { kind: 'stands', target, waiting: 3, failed: 2, retryMs: 1_000 },
  waiting: { kind: 'waiting', target, waiting: 2 },
  paused: { kind: 'paused', target },
  resumed: { kind: 'resumed', target, waiting: 2 },
  settingsChanged: { kind: 'settingsChanged', source: '/home/me/dir/syncwatch.json', failure },
  rootGone: { kind: 'rootGone', root },
  rootBack: { kind: 'rootBack', root, replaced: true, was: '/home/me/old' },
  mountGone: { kind: 'mountGone', name: item.name, inUse: false },
  mountBack: { kind: 'mountBack', name: item.name, replaced: true },
  hook: { kind: 'hook', hook: 'onSync', target, code: 1, end: 'why it has no code', ms: 12, output: 'what it said\n' },
  rulesUnsure: { kind: 'rulesUnsure', root, why: 'git is not there', newNames: 'wait' },
  rulesSure: { kind: 'rulesSure', root },
  skipped: { kind: 'skipped', name: item.name, why: 'a socket' },
  kept: { kind: 'kept', target, name: item.name },
  why: {
    kind: 'why',
    name: item.name,
    synced: false,
    missing: true,
    of: 'src',
    source: '.gitignore, line 1',
    rule: 'src/',
    tooBroad: '.syncignore, line 1: !*',
  },
  note: { kind: 'note', level: 'normal', text: 'something' },
  wouldDo: { kind: 'wouldDo', target, ...item },
  wouldDone: { kind: 'wouldDone', target, sends: 1, bytes: 10, deletes: 2 },
  stopping: { kind: 'stopping', target, signal: 'SIGINT', waiting: 2 },
  stopped: {
    kind: 'stopped',
    target,
    summary: {
      sent: 1,
      bytes: 10,
      deleted: 2,
      unsent: [
        [notText.name, failure],
        [item.name, undefined],
      ],
    },
  },
  halted: { kind: 'halted', failure, target },
};
