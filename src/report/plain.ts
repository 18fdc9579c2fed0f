import type { Event, HookKind, Item } from '../core/event.js';
import { ROOT, showControls, textOf } from '../core/name.js';
import type { Verbosity } from '../settings.js';
import {
  bytesInWords,
  clockTime,
  count,
  failureInWords,
  isWorthALine,
  pathInWords,
  summaryInWords,
  timeInWords,
} from './words.js';

/** Where a printer writes. Errors go to `err`, all else to `out`. */
export interface Outlets {
  out(text: string): void;
  err(text: string): void;
  /** The time, for the start of each line. */
  now(): Date;
}

/** A line for people, and whether it is an error. */
export interface Line {
  readonly text: string;
  readonly error: boolean;
}

/**
 * An event in lines, or none where it is not worth one at this verbosity. Uploads are left to the printers: they show
 * a path when it starts and the dot when it is there, each in its own way.
 */
function linesOf(event: Exclude<Event, { kind: 'started' | 'delivered' }>, verbosity: Verbosity): Line[] {
  const quiet = verbosity === 'quiet';
  const verbose = verbosity === 'verbose' || verbosity === 'debug';
  const say = (text: string): Line[] => (quiet ? [] : [{ text, error: false }]);
  const complain = (text: string): Line[] => text.split('\n').map((line) => ({ text: line, error: true }));
  const detail = (text: string | undefined): string =>
    verbosity === 'debug' && text !== undefined && text !== '' ? `\n${text}` : '';
  switch (event.kind) {
    case 'connecting':
      return say(`connecting to ${event.target}${event.place === event.target ? '' : ` (${event.place})`}`);
    case 'connected':
      return say(`connected to ${event.target} (${timeInWords(event.ms)})`);
    case 'watching':
      return say(`watching ${event.root} (${count(event.directories, 'directory', 'directories')})`);
    case 'passStarted':
      return say(`full sync of ${count(event.names, 'path')} to ${event.target}`);
    case 'progress':
    case 'waiting':
      return []; // for the last line of a terminal
    case 'inSync':
      return say(`in sync: ${count(event.names, 'path')}${event.ms > 0 ? ` (${timeInWords(event.ms)})` : ''}`);
    case 'pathFailed':
      return complain(
        `${pathInWords(event.name)} FAILED: ${failureInWords(event.failure)}${detail(event.failure.detail)}`,
      );
    case 'trouble':
      return complain(
        `${event.target}: ${event.failure.message}; ${count(event.waiting, 'path')} waiting, next try in ${timeInWords(event.retryMs)}${
          event.failure.hint === undefined ? '' : `\n  ${event.failure.hint}`
        }${detail(event.failure.detail)}`,
      );
    case 'removedThere':
      return complain(
        `${event.name === ROOT ? event.target : `${pathInWords(event.name)} on ${event.target}`} was removed by someone else: a full sync follows`,
      );
    case 'repaired':
      return complain(
        `the rescan repaired ${count(event.items.length, 'path')} on ${event.target}: ${event.items.slice(0, NAMED).map(itemInWords).join(', ')}${event.items.length > NAMED ? ', …' : ''}\n  If nobody changed them there, syncwatch has missed something: please report it.`,
      );
    case 'woke':
      return say(`awake again after ${timeInWords(event.ms)}: checking the connection and everything`);
    case 'paused':
      return say('paused: changes collect until `syncwatch resume`');
    case 'resumed':
      return say(`resumed: ${count(event.waiting, 'path')} waiting`);
    case 'rootGone':
      return complain(`${event.root} is gone, moved or unmounted: nothing is deleted; waiting for it to come back`);
    case 'rootBack':
      return say(`${event.root} is back${event.replaced ? ', as another directory' : ''}`);
    case 'skipped':
      return verbose ? say(`${pathInWords(event.name)} skipped: ${event.why}`) : [];
    case 'kept':
      return say(`${pathInWords(event.name)}/ stays there: it holds files that syncwatch did not put there`);
    case 'why': {
      const rule = event.rule === undefined ? 'no rule matches it' : `${event.source}: ${event.rule}`;
      const of = event.of === textOf(event.name) ? '' : ` (about ${event.of}/)`;
      const text = `${pathInWords(event.name)}: ${event.synced ? 'synced' : 'not synced'}; ${showControls(rule)}${of}`;
      return [{ text, error: false }];
    }
    case 'note':
      if (event.level === 'normal') return say(showControls(event.text));
      return (event.level === 'verbose' ? verbose : verbosity === 'debug') ? say(showControls(event.text)) : [];
    case 'hook': {
      const { hook, code, end, output, ms } = event;
      const isFine = code === 0;
      const how = isFine ? `done (${timeInWords(ms)})` : `FAILED: ${end ?? `exit code ${code}`}`;
      const said = output.split('\n').filter((line) => line !== '');
      const cut = said.length > HOOK_LINES ? ['  …', ...said.slice(-HOOK_LINES)] : said;
      const lines = [`${HOOK_NAMES[hook]} ${how}`, ...cut.map((line) => `  ${showControls(line)}`)];
      if (isFine && quiet) return [];
      return lines.map((text) => ({ text, error: !isFine }));
    }
    case 'wouldDo':
      return isWorthALine(event) || verbose ? [{ text: would(event), error: false }] : [];
    case 'wouldDone':
      return say(
        `would send ${count(event.sends, 'file')} (${bytesInWords(event.bytes)}) and delete ${event.deletes}; nothing was changed`,
      );
    case 'stopping':
      return say(
        `${event.signal}: finishing${event.waiting > 0 ? `, ${count(event.waiting, 'path')} waiting` : ''}; once more to stop at once`,
      );
    case 'stopped': {
      const [first = '', ...rest] = summaryInWords(event.target, event.summary);
      return event.summary.unsent.length > 0 ? complain([first, ...rest].join('\n')) : say(first);
    }
    case 'halted':
      return complain(
        `syncwatch: ${event.target === undefined ? '' : `${event.target}: `}${failureInWords(event.failure)}${detail(event.failure.detail)}`,
      );
  }
}

/** The lines of an event, with its target where there are several and they don't name it. */
export function linesOfSeveral(
  event: Exclude<Event, { kind: 'started' | 'delivered' }>,
  verbosity: Verbosity,
  isOneOfSeveral: boolean,
): Line[] {
  const prefix = prefixOf(event, isOneOfSeveral);
  return linesOf(event, verbosity).map((line) =>
    line.text.startsWith(' ') ? line : { ...line, text: prefix + line.text },
  );
}

/** `staging: `, where there are several targets and the event's line does not name its own. */
export function prefixOf(event: Event, isOneOfSeveral: boolean): string {
  switch (event.kind) {
    case 'started':
    case 'delivered':
    case 'inSync':
    case 'pathFailed':
    case 'paused':
    case 'resumed':
    case 'kept':
    case 'hook':
    case 'wouldDo':
    case 'wouldDone':
    case 'stopping':
      return isOneOfSeveral ? `${event.target}: ` : '';
    default:
      return '';
  }
}

/** So many of the last lines of a hook's output are shown. */
const HOOK_LINES = 20;

const HOOK_NAMES: Readonly<Record<HookKind, string>> = {
  onUpload: '--on-upload',
  onSync: '--on-sync',
  onSyncRemote: '--on-sync-remote',
};

/** How many of what was repaired are named. */
const NAMED = 10;

const MARKS: Readonly<Record<Item['action'], string>> = {
  send: '',
  move: ' (moved)',
  mkdir: '',
  attributes: ' (mode or time)',
  delete: ' deleted',
};

/** An upload in words: the path first, a deletion marked. */
export const itemInWords = (item: Item): string => `${pathInWords(item.name, item)}${MARKS[item.action]}`;

const would = (item: Item): string =>
  `${item.action === 'delete' ? 'delete' : 'send  '} ${pathInWords(item.name, item)}`;

/**
 * For logs and pipes: whole lines, no escape codes. A path when its upload starts; the same line with a dot at its end
 * when it is on the remote.
 */
export function plainPrinter(
  outlets: Outlets,
  verbosity: Verbosity,
  targets: readonly string[] = [''],
): (event: Event) => void {
  const isOneOfSeveral = targets.length > 1;
  const print = ({ text, error }: Line): void =>
    outlets[error ? 'err' : 'out'](`${clockTime(outlets.now())} ${text}\n`);
  const show = (item: Item): boolean => verbosity !== 'quiet' && (isWorthALine(item) || verbosity !== 'normal');
  return (event) => {
    const prefix = prefixOf(event, isOneOfSeveral);
    switch (event.kind) {
      case 'started':
        if (show(event)) print({ text: prefix + itemInWords(event), error: false });
        break;
      case 'delivered':
        for (const item of event.items)
          if (show(item)) print({ text: `${prefix}${itemInWords(item)} .`, error: false });
        break;
      case 'wouldDo':
      case 'why':
      case 'halted': // no clock: the first two are lists, the third may be all there is
        for (const line of linesOfSeveral(event, verbosity, isOneOfSeveral))
          outlets[line.error ? 'err' : 'out'](`${line.text}\n`);
        break;
      default:
        for (const line of linesOfSeveral(event, verbosity, isOneOfSeveral)) print(line);
    }
  };
}
