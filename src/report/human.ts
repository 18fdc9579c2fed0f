import type { Event, Item } from '../core/event.js';
import { joined, lines, own, type Printable, painted, showControls } from '../core/printable.js';
import type { Verbosity } from '../settings.js';
import { Live, type LiveTerminal } from './live.js';
import { itemInWords, type Line, linesOfSeveral, type Outlets, prefixOf } from './plain.js';
import { clockTime, count, isWorthALine, progressInWords, timeInWords } from './words.js';

export interface Terminal extends Outlets, LiveTerminal {
  readonly color: boolean;
  /** To be called when it has another size. */
  onResize(listener: () => void): void;
}

/** What tells events, and what draws. */
export interface Printer {
  readonly report: (event: Event) => void;
  /** Nothing is drawn, and the terminal is as it was, until `job` has ended: it asks somebody. */
  away<T>(job: () => Promise<T>): Promise<T>;
  /** Clears the terminal. */
  clear(): void;
  /** Adds these lines, whatever else is said. */
  say(texts: readonly string[]): void;
  /** Nothing is drawn any more. */
  close(): void;
}

/**
 * For a terminal: a path when its upload starts and, on the same line, a dot when it is on the remote. What shared a
 * run is listed as rsync comes to it, and its dots come together at the end. The last line says how things stand.
 */
export function humanPrinter(
  terminal: Terminal,
  verbosity: Verbosity,
  targets: readonly string[] = [''],
  onKey: (key: string) => void = () => {},
): Printer {
  const isOneOfSeveral = targets.length > 1;
  const paint = (code: number, text: string): Printable =>
    terminal.color ? painted(code, showControls(text)) : showControls(text);
  const show = (item: Item): boolean => isWorthALine(item) || verbosity === 'verbose' || verbosity === 'debug';
  /** The upload whose path the cursor stands behind: its dot is still to come. */
  let midLine: (Item & { readonly target: string }) | undefined;
  /** How things stand with each target, '' for nothing to say; and all of it in a line. */
  const stands = new Map<string, string>(targets.map((target) => [target, '']));
  let status = '';
  /** Git can't be asked: to be seen whatever else is said. */
  let rules = '';

  let draft = NOTHING;
  const live = new Live(
    terminal,
    () => [
      ...(midLine === undefined ? [] : [draft]),
      ...(status === '' || verbosity === 'quiet' ? [] : [paint(2, status)]),
    ],
    onKey,
  );
  terminal.onResize(() => live.resized());
  /** A path without its dot becomes a line of its own. */
  const clear = (): Printable => {
    const line = midLine === undefined ? NOTHING : joined(draft, NEW_LINE);
    midLine = undefined;
    return line;
  };
  const clock = (): Printable => joined(paint(2, clockTime(terminal.now())), SPACE);
  const printBare = ({ text, error }: Line, before = NOTHING): void => {
    const unfinished = clear();
    const shown = error && !text.startsWith(' ') ? paint(31, text) : text;
    if (error) {
      if (unfinished !== '') live.print(unfinished);
      live.print(joined(before, shown, NEW_LINE), (each) => terminal.err(each));
    } else {
      live.print(joined(unfinished, before, shown, NEW_LINE));
    }
  };
  const print = (each: Line): void => printBare(each, clock());

  /** How many of a run were told of so far, where more follow. */
  const parts = new Map<string, number>();
  /** The targets that an event is about. */
  const aboutOf = (event: Event): readonly string[] =>
    'target' in event && event.target !== undefined && stands.has(event.target) ? [event.target] : targets;
  const note = (event: Event): void => {
    if (event.kind === 'rulesUnsure') rules = event.newNames === 'wait' ? NEW_WAITS : NO_GIT;
    if (event.kind === 'rulesSure') rules = '';
    for (const target of aboutOf(event)) stands.set(target, statusAfter(event, stands.get(target) ?? ''));
    const said = [...stands].filter(([, how]) => how !== '');
    const isAlike = said.length === stands.size && said.every(([, how]) => how === said[0]?.[1]);
    const all = isAlike ? (said[0]?.[1] ?? '') : said.map(([target, how]) => `${target} ${how}`).join('  ');
    status = all === '' ? '' : `${all}${rules}`;
  };

  const report = (event: Event): void => {
    const prefix = prefixOf(event, isOneOfSeveral);
    switch (event.kind) {
      case 'started':
        if (verbosity === 'quiet' || !show(event)) return;
        live.print(clear());
        draft = joined(
          clock(),
          showControls(prefix),
          event.action === 'delete' ? paint(33, itemInWords(event)) : showControls(itemInWords(event)),
        );
        midLine = event;
        live.draw();
        return;
      case 'delivered': {
        const shown = event.items.filter(show);
        const many = shown.length + (parts.get(event.target) ?? 0);
        parts.set(event.target, event.more === undefined ? 0 : many);
        const [first] = shown;
        if (verbosity === 'quiet' || event.more !== undefined || many === 0) return;
        if (first !== undefined && many === 1 && midLine?.name === first.name && midLine.target === event.target) {
          draft = joined(draft, paint(32, ' .'));
          live.print(clear());
        } else {
          // Others came in between, or it was one of many.
          const what = first !== undefined && many === 1 ? itemInWords(first) : count(many, 'path');
          const text = own` ${what} (${timeInWords(event.ms)})`;
          print({ text: joined(showControls(prefix), paint(32, dots(many)), text), error: false });
        }
        break;
      }
      case 'progress':
        break;
      default:
        for (const each of linesOfSeveral(event, verbosity, isOneOfSeveral)) {
          if (event.kind === 'wouldDo' || event.kind === 'why' || event.kind === 'halted') printBare(each);
          else if (event.kind !== 'inSync' || stands.get(aboutOf(event)[0] ?? '') !== IN_SYNC) print(each);
        }
    }
    note(event);
    live.draw();
  };
  return {
    report,
    away: (job) => live.away(job),
    clear: () => live.clear(),
    say: (texts) => live.print(joined(clear(), lines(texts))),
    close: () => live.stopped(),
  };
}

const NOTHING = own``;
const SPACE = own` `;
const NEW_LINE = own`\n`;

const dots = (n: number): string => '.'.repeat(Math.min(n, 40));

const NEW_WAITS = "; git can't be asked, what is new waits";
const NO_GIT = '; no git work tree any more';

const IN_SYNC = '● in sync';

/** How things stand after an event; '' for nothing to say. */
function statusAfter(event: Event, before: string): string {
  switch (event.kind) {
    case 'connecting': // nothing below it: ssh may prompt there
      return '';
    case 'passStarted':
      return '◐ syncing';
    case 'progress':
      return `◐ ${progressInWords(event)}`;
    case 'inSync':
      return IN_SYNC;
    case 'trouble':
      return `○ waiting to try again, ${count(event.waiting, 'path')} to send`;
    case 'waiting':
      return `○ waiting for the connection, ${count(event.waiting, 'path')} to send`;
    case 'paused':
      return '○ paused';
    case 'resumed':
      return event.waiting > 0 ? '◐ syncing' : IN_SYNC;
    case 'rootGone':
      return '○ waiting for the directory';
    case 'stopping':
      return '◐ finishing';
    case 'stopped':
    case 'halted':
    case 'wouldDone':
      return '';
    default:
      return before;
  }
}
