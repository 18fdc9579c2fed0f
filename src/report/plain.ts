import type { Event, Item, LargeDirectory } from '../core/event.js';
import type { Failure } from '../core/failure.js';
import { HOOK_KINDS } from '../core/hook-kinds.js';
import { ROOT, textOf } from '../core/name.js';
import { type Printable, showControls } from '../core/printable.js';
import { shellWord } from '../core/shell-word.js';
import { rulesInWords } from '../core/status.js';
import type { Verbosity } from '../settings.js';
import {
  bytesInWords,
  count,
  failureInWords,
  isWorthALine,
  pathInWords,
  summaryInWords,
  timeInWords,
} from './words.js';

/** Where a printer writes. Errors go to `err`, all else to `out`. */
export interface Outlets {
  out(text: Printable): void;
  err(text: Printable): void;
  /** The time, for the start of each line. */
  now(): Date;
}

/** A line for people, and whether it is an error. */
export interface Line<Text extends string = Printable> {
  readonly text: Text;
  readonly error: boolean;
}

/**
 * An event in lines, or none where it is not worth one at this verbosity. Uploads are told in
 * fold-words.ts. Not safe to print yet.
 */
function linesOf(event: Exclude<Event, { kind: 'started' | 'delivered' }>, verbosity: Verbosity): Line<string>[] {
  const quiet = verbosity === 'quiet';
  const verbose = verbosity === 'verbose' || verbosity === 'debug';
  const say = (text: string): Line<string>[] => (quiet ? [] : [{ text, error: false }]);
  const complain = (...texts: readonly string[]): Line<string>[] => texts.map((text) => ({ text, error: true }));
  const explain = (before: string, failure: Failure, after = ''): Line<string>[] => {
    const [first, ...more] = failureInWords(failure);
    const said = verbosity === 'debug' ? (failure.detail ?? '').split(/\r?\n/).filter((text) => text !== '') : [];
    return complain(`${before}${first}${after}`, ...more, ...said.map((text) => `  ${text}`));
  };
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
    case 'loggingIn':
    case 'stands':
    case 'waiting':
      return []; // for the last line of a terminal
    case 'slowStart':
      return [
        `the first sync takes long, and most of it is in these. What is not needed there: this option, or its pattern as a line of .syncignore`,
        ...event.directories.map((each) => `  ${largeInWords(each)}`),
      ].flatMap(say);
    case 'inSync':
      return say(`in sync: ${count(event.names, 'path')}${event.ms > 0 ? ` (${timeInWords(event.ms)})` : ''}`);
    case 'pathFailed':
      return explain(`${pathInWords(event.name)} FAILED: `, event.failure);
    case 'trouble': {
      const waiting = event.waiting > 0 ? `${count(event.waiting, 'path')} waiting, ` : '';
      const next = `; ${waiting}next try in ${timeInWords(event.retryMs)}`;
      return explain(`${event.target}: `, event.failure, next);
    }
    case 'removedThere':
      return complain(
        `${event.name === ROOT ? event.target : `${pathInWords(event.name)} on ${event.target}`} was removed by someone else: a full sync follows`,
      );
    case 'repaired':
      return complain(
        `the rescan repaired ${count(event.items.length, 'path')} on ${event.target}: ${event.items.slice(0, NAMED).map(itemInWords).join(', ')}${event.items.length > NAMED ? ', …' : ''}`,
        '  If nobody changed them there, syncwatch has missed something: please report it.',
      );
    case 'woke':
      return say(`awake again after ${timeInWords(event.ms)}: checking the connection and everything`);
    case 'paused':
      return say('paused: changes collect until `syncwatch resume`');
    case 'resumed':
      return say(`resumed${event.waiting > 0 ? `: ${count(event.waiting, 'path')} waiting` : ''}`);
    case 'settingsChanged':
      return event.failure === undefined
        ? say(`${event.source} has changed; \`r\` or \`syncwatch restart\` takes it`)
        : explain(`${event.source} has changed, but can't be taken as it is: `, event.failure);
    case 'rootGone':
      return complain(`${event.root} is gone, moved or unmounted: nothing is deleted; waiting for it to come back`);
    case 'rootBack':
      if (event.was !== undefined)
        return say(
          `DIR leads to ${event.root} by now, not to ${event.was}: from here on that is synced, as a new start`,
        );
      return say(`${event.root} is back${event.replaced ? ', as another directory' : ''}`);
    case 'mountGone': {
      const path = pathInWords(event.name);
      return complain(
        event.inUse
          ? `${path} is not mounted any more: nothing of what was in it is deleted there; its own directory has something else, which is synced`
          : `${path} is not mounted any more: nothing of it is deleted there; waiting for it to come back`,
      );
    }
    case 'mountBack':
      return say(`${pathInWords(event.name)} is mounted${event.replaced ? '' : ' again'}`);
    case 'rulesUnsure': {
      const [what, ...hints] = [rulesInWords(event), ...(event.newNames === 'byFiles' ? [NO_GIT_HINT] : [])];
      return complain(what, ...hints.map((text) => `  ${text}`));
    }
    case 'rulesSure':
      return say('git answers again: what waited for that is looked at');
    case 'skipped':
      return verbose ? say(`${pathInWords(event.name)} skipped: ${event.why}`) : [];
    case 'kept':
      return say(`${pathInWords(event.name)}/ stays there: it holds files that syncwatch did not put there`);
    case 'why': {
      const rule = event.rule === undefined ? 'no rule matches it' : `${event.source}: ${event.rule}`;
      const broad =
        event.tooBroad === undefined
          ? ''
          : `; ${event.tooBroad} is too broad to bring it back, a line that names it would: !${event.of.split('/').at(-1)}`;
      const of = event.of === textOf(event.name) ? '' : ` (about ${event.of}/)`;
      const not = event.synced ? '' : 'not ';
      const is = event.missing === true ? `nothing of that name is here; it would ${not}be synced` : `${not}synced`;
      const text = `${pathInWords(event.name)}: ${is}; ${rule}${of}${broad}`;
      return [{ text, error: false }];
    }
    case 'note':
      if (event.level === 'normal') return say(event.text);
      return (event.level === 'verbose' ? verbose : verbosity === 'debug') ? say(event.text) : [];
    case 'hook': {
      const { hook, code, end, output, ms } = event;
      const isFine = code === 0;
      const how = isFine ? `done (${timeInWords(ms)})` : `FAILED: ${end ?? `exit code ${code}`}`;
      const said = output.split('\n').filter((text) => text !== '');
      const cut = said.length > HOOK_LINES ? ['  …', ...said.slice(-HOOK_LINES)] : said;
      const lines = [`--${HOOK_KINDS[hook].option} ${how}`, ...cut.map((text) => `  ${text}`)];
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
      return event.summary.unsent.length > 0 ? complain(first, ...rest) : say(first);
    }
    case 'halted':
      return explain(`syncwatch: ${event.target === undefined ? '' : `${event.target}: `}`, event.failure);
  }
}

/** `-x node_modules/   41,233 paths, 812 MB, in 3 directories (packages of npm)`. */
function largeInWords({ name, count: many, paths, bytes, pattern, hint }: LargeDirectory): string {
  const what = pattern === undefined ? `${pathInWords(name)}/` : `-x ${shellWord(pattern)}`;
  const where = many > 1 ? `, in ${count(many, 'directory', 'directories')}` : '';
  const about = hint === undefined ? '' : ` (${hint})`;
  return `${what}   ${count(paths, 'path')}, ${bytesInWords(bytes)}${where}${about}`;
}

const NO_GIT_HINT = 'If the .gitignore files should not count any more, restart it, or give --no-gitignore.';

/** The lines of an event, with its target where there are several and they don't name it. */
export function linesOfSeveral(
  event: Exclude<Event, { kind: 'started' | 'delivered' }>,
  verbosity: Verbosity,
  isOneOfSeveral: boolean,
): Line[] {
  const prefix = prefixOf(event, isOneOfSeveral);
  return linesOf(event, verbosity).map(({ text, error }) => ({
    text: showControls(text.startsWith(' ') ? text : prefix + text),
    error,
  }));
}

/** `staging: `, where there are several targets and the event's line does not name its own. */
function prefixOf(event: Event, isOneOfSeveral: boolean): string {
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
const itemInWords = (item: Item): string => `${pathInWords(item.name, item)}${MARKS[item.action]}`;

const would = (item: Item): string =>
  `${item.action === 'delete' ? 'delete' : 'send  '} ${pathInWords(item.name, item)}`;
