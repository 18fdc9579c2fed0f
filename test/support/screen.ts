import stringWidth from 'string-width';

/**
 * What a terminal of so many columns shows, for the codes that syncwatch draws with; an unknown one is an error. Lines that are too
 * long are broken. Give it another width with {@link resize}: what was broken is joined and broken anew, as most terminals do it.
 */
export class Terminal {
  /** Each with whether it goes on in the next. */
  #rows: Array<{ text: string; isBroken: boolean }> = [{ text: '', isBroken: false }];
  #row = 0;
  #column = 0;
  columns: number;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): void {
    const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
    for (const [part] of text.matchAll(/\x1b\[[\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+/g)) {
      if (part === '\r') this.#column = 0;
      else if (part === '\n') this.#newLine(false);
      else if (part.startsWith('\x1b')) this.#code(part.slice(2, -1), part.at(-1) ?? '');
      else for (const { segment } of segments.segment(part)) this.#put(segment);
    }
  }

  resize(columns: number): void {
    const whole: string[] = [''];
    this.#rows.forEach(({ text, isBroken }) => {
      whole[whole.length - 1] += text;
      if (!isBroken) whole.push('');
    });
    whole.pop();
    this.columns = columns;
    this.#rows = [{ text: '', isBroken: false }];
    this.#row = 0;
    this.#column = 0;
    this.write(whole.join('\n'));
  }

  /** The lines that it shows. */
  get lines(): string[] {
    return this.#rows.map(({ text }) => text.trimEnd());
  }

  #code(numbers: string, letter: string): void {
    if (letter === 'm') return;
    if (letter === 'A') this.#row = Math.max(0, this.#row - Number(numbers));
    else if (letter === 'K' && numbers === '2') this.#rows[this.#row] = { text: '', isBroken: false };
    else if (letter === 'J' && numbers === '') {
      this.#rows.length = this.#row + 1;
      this.#rows[this.#row] = { text: (this.#rows[this.#row]?.text ?? '').slice(0, this.#column), isBroken: false };
    } else if (letter === 'H') {
      this.#row = 0;
      this.#column = 0;
    } else if (letter === 'J') this.#rows = [{ text: '', isBroken: false }];
    else throw new Error(`an unknown code: ${numbers}${letter}`);
  }

  #put(character: string): void {
    const width = stringWidth(character);
    if (this.#column + width > this.columns) this.#newLine(true);
    const row = this.#rows[this.#row];
    if (row === undefined) return;
    row.text += character; // it is only ever written at the end
    this.#column += width;
  }

  #newLine(isBroken: boolean): void {
    const row = this.#rows[this.#row];
    if (row !== undefined) row.isBroken = isBroken;
    this.#row++;
    this.#column = 0;
    this.#rows[this.#row] ??= { text: '', isBroken: false };
  }
}
