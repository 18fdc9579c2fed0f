import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import { msSince, steadyNow } from '../clock.js';
import { LONG_AGO } from '../core/clock.js';
import { joined, own, type Printable, trusted } from '../core/printable.js';
import type { Drawer, Keyboard } from './keyboard.js';

export interface LiveTerminal {
  out(text: Printable): void;
  /** Its size in characters, as it is now. */
  columns(): number;
  rows(): number;
  /** What is typed meanwhile; undefined where that is not to be had. */
  readonly keyboard: Pick<Keyboard, 'attach' | 'take' | 'giveBack'> | undefined;
}

/** How often at most it is drawn where it need not be at once, in milliseconds. */
const SOON_MS = 80;

/**
 * What is drawn below the history and changes: it is taken away before a line is added to the history and put back below it, so
 * that nothing of it is ever a part of that. While there is anything of it the keyboard is taken.
 */
export class Live implements Drawer {
  readonly #terminal: LiveTerminal;
  readonly #lines: () => readonly Printable[];
  readonly #onKey: (key: string) => void;
  /** The widths of the lines that are on the terminal; the cursor stands behind the last of them. */
  #drawn: readonly number[] = [];
  #text = own``;
  #timer: NodeJS.Timeout | undefined;
  #drawnMs = LONG_AGO;
  /** How many have the terminal to themselves: nothing is drawn. */
  #away = 0;
  #isStopped = false;

  /** `lines`: what is to be drawn now. `onKey`: what was typed meanwhile. */
  constructor(terminal: LiveTerminal, lines: () => readonly Printable[], onKey: (key: string) => void) {
    this.#terminal = terminal;
    this.#lines = lines;
    this.#onKey = onKey;
    terminal.keyboard?.attach(this);
  }

  /** Draws what has changed. */
  draw(): void {
    this.#draw(own``);
  }

  /** The same for what changes all the time: at once where nothing was drawn just before, or else in a moment. */
  drawSoon(): void {
    if (msSince(this.#drawnMs) >= SOON_MS) this.draw();
    else this.#timer ??= setTimeout(() => this.draw(), SOON_MS).unref();
  }

  /** Adds to the history: whole lines. `write`: to somewhere else than here, which may be the same terminal. */
  print(text: Printable, write?: (text: Printable) => void): void {
    if (write !== undefined) {
      this.#erase();
      write(text);
    }
    this.#draw(write === undefined ? text : own``);
  }

  /** Clears the terminal. */
  clear(): void {
    this.#drawn = [];
    this.#text = own``;
    this.#terminal.out(CLEAR_ALL);
    this.#draw(own``);
  }

  /** It has another size: what is there now may be broken into more lines than it was. */
  resized(): void {
    if (this.#drawn.length > 0) this.#draw(own``, true);
  }

  /** Nothing is drawn, and the terminal is as it was, until `job` has ended. */
  async away<T>(job: () => Promise<T>): Promise<T> {
    this.#away++;
    this.draw();
    try {
      return await job();
    } finally {
      this.#away--;
      this.draw();
    }
  }

  key(typed: string): void {
    this.#onKey(typed);
  }

  stopped(): void {
    this.#isStopped = true;
    this.draw();
  }

  continued(): void {
    this.#isStopped = false;
    this.draw();
  }

  #erase(): void {
    if (this.#drawn.length > 0) this.#terminal.out(this.#erasing());
    this.#drawn = [];
    this.#text = own``;
  }

  /** What takes away what is there: from its first line on. */
  #erasing(): Printable {
    if (this.#drawn.length === 0) return own``;
    const columns = Math.max(1, this.#terminal.columns());
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return rows > 1 ? own`\r\x1b[${rows - 1}A\x1b[J` : CLEAR_LINE;
  }

  #draw(before: Printable, isAnew = false): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drawnMs = steadyNow();
    const { keyboard } = this.#terminal;
    const wanted = this.#isStopped || this.#away > 0 ? [] : this.#lines();
    if (wanted.length === 0) keyboard?.giveBack();
    const mayDraw = wanted.length > 0 && (keyboard === undefined || keyboard.take());
    const lines = mayDraw
      ? wanted.slice(-Math.max(1, this.#terminal.rows() - 1)).map((line) => this.#fitted(line))
      : [];
    const text = joined(...lines.map((line, i) => (i === 0 ? line : joined(NEW_LINE, line))));
    if (before === '' && text === this.#text && !isAnew) return;
    this.#terminal.out(joined(this.#erasing(), before, text));
    this.#text = text;
    this.#drawn = lines.map((line) => stringWidth(line));
  }

  /** A column stays free: a terminal whose last one is written to may begin a new line. */
  #fitted(line: Printable): Printable {
    return fitted(line, this.#terminal.columns() - 1);
  }
}

/** As much of a line as there is room for, in columns: some characters take two of them, some none. */
const fitted = (line: Printable, columns: number): Printable =>
  columns < 1 ? own`` : trusted(line, (text) => cliTruncate(text, columns));

const NEW_LINE = own`\n`;
const CLEAR_LINE = own`\r\x1b[2K`;
/** The lines that have scrolled out stay, where the terminal keeps them. */
const CLEAR_ALL = own`\x1b[H\x1b[2J`;
