import wrapAnsi from 'wrap-ansi';
import { steadyNow } from '../clock.js';
import { msBetween } from '../core/clock.js';
import type { Event } from '../core/event.js';
import { joined, own, type Printable, trusted } from '../core/printable.js';
import type { Verbosity } from '../settings.js';
import { Live, type LiveTerminal } from './live.js';
import type { Log } from './log.js';
import { isMoving, NO_STANDING, type Standing, standingAfter } from './standing.js';
import { standingsInWords } from './standing-words.js';
import { Teller, type Told } from './teller.js';
import { clockTime } from './words.js';
import { brokenAtWords, LEAST_COLUMNS } from './wrap.js';

export interface Terminal extends Log, LiveTerminal {
  /** To be called when it has another size. */
  onResize(listener: () => void): void;
}

/** What tells events, and what draws. */
export interface Printer {
  readonly report: (event: Event) => void;
  /** Nothing is drawn or told, and the terminal is as it was, until `job` has ended: it asks somebody. */
  away<T>(job: () => Promise<T>): Promise<T>;
  /** Clears the terminal. */
  clear(): void;
  /** Adds these lines, whatever else is said. */
  say(texts: readonly string[]): void;
  /** Nothing is drawn any more, and what waited for an answer is told. */
  close(): void;
}

/**
 * For a terminal: what was done at once in a line, of which one sees the path when its upload starts and the dot when it is there. The
 * last line says how things stand.
 */
export function humanPrinter(
  terminal: Terminal,
  verbosity: Verbosity,
  targets: readonly string[] = [''],
  onKey: (key: string) => void = () => {},
): Printer {
  const { paint, paintError } = terminal;
  const standings = new Map<string, Standing>(targets.map((target) => [target, NO_STANDING]));
  /** Git can't be asked: to be seen whatever else is said. */
  let rules = '';

  const stampOf = ({ agoMs, isMore }: Told): Printable => {
    if (agoMs === undefined) return own``;
    return isMore ? INDENT : paint('aside', `${clockTime(new Date(terminal.now().getTime() - agoMs))} `);
  };
  const drawn = (): readonly Printable[] => {
    const nowMs = steadyNow();
    const status = standingsInWords(standings, nowMs, terminal.columns() - 1, paint);
    if (verbosity === 'quiet' || status === '') return [];
    return [
      ...teller.drafts(nowMs).map((draft) => joined(stampOf(draft), draft.text)),
      rules === '' ? status : joined(status, paint('failed', rules)),
    ];
  };
  const live = new Live(terminal, drawn, onKey);
  terminal.onResize(() => live.resized());
  const teller = new Teller({
    verbosity,
    targets,
    paint,
    paintError,
    columns: () => terminal.columns() - INDENT.length,
    tell: (line) => {
      const text =
        line.agoMs === undefined ? line.text : trusted(line.text, (words) => wrapped(words, terminal.columns()));
      live.print(joined(stampOf(line), text, own`\n`), line.error ? (each) => terminal.err(each) : undefined);
    },
  });

  /** The next moment at which something is over, or the last line another one. */
  let timer: NodeJS.Timeout | undefined;
  const goOn = (): void => {
    clearTimeout(timer);
    const nowMs = steadyNow();
    teller.due(nowMs);
    const { nextMs } = teller;
    const isTicking = [...standings.values()].some(isMoving);
    const waits = [...(nextMs === undefined ? [] : [msBetween(nowMs, nextMs)]), ...(isTicking ? [TICK_MS] : [])];
    if (waits.length > 0) timer = setTimeout(tick, Math.max(1, Math.min(...waits))).unref();
  };
  const tick = (): void => {
    goOn();
    live.draw();
  };

  const report = (event: Event): void => {
    const nowMs = steadyNow();
    if (event.kind === 'rulesUnsure') rules = event.newNames === 'wait' ? NEW_WAITS : NO_GIT;
    if (event.kind === 'rulesSure') rules = '';
    const about = 'target' in event && event.target !== undefined && standings.has(event.target);
    for (const [target, before] of standings)
      if (!about || event.target === target) standings.set(target, standingAfter(before, event, nowMs));
    teller.take(event, nowMs);
    goOn();
    if (event.kind === 'started' || event.kind === 'progress') live.drawSoon();
    else live.draw();
  };
  return {
    report,
    away: (job) => live.away(job),
    clear: () => live.clear(),
    say: (texts) =>
      live.print(
        joined(
          ...texts.map((text) =>
            joined(
              trusted(own`${text}`, (line) => brokenAtWords(line, terminal.columns()).join('\n')),
              own`\n`,
            ),
          ),
        ),
      ),
    close: () => live.stopped(),
  };
}

/** How often what moves is drawn, in milliseconds. */
const TICK_MS = 1_000;

/** As wide as the time and the space after it. */
const INDENT = own`         `;

/** Words that don't fit go into the next line, below the first of them. */
const wrapped = (text: string, columns: number): string =>
  wrapAnsi(text, Math.max(LEAST_COLUMNS, columns - INDENT.length), { trim: false })
    .split('\n')
    .map((part, i) => (i === 0 ? part : `${INDENT}${part.replace(SPACES, '$1')}`))
    .join('\n');

/** At the beginning, whether a colour comes first or not. */
const SPACES = new RegExp(`^((?:${String.fromCharCode(27)}\\[\\d+m)*) +`);

const NEW_WAITS = "; git can't be asked, what is new waits";
const NO_GIT = '; no git work tree any more';
