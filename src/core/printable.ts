declare const brand: unique symbol;

/**
 * Text that may go to a terminal as it is: whatever came from outside is in it with its control characters shown, and the
 * line breaks, tabs and colours in it are ours. Made here and nowhere else; the outlets take nothing but this.
 */
export type Printable = string & { readonly [brand]: 'Printable' };

/** Control characters (C0, DEL, C1), other line breaks, and what turns the direction of writing around. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\e' };

/** `text` with control and direction characters spelled out, so that it can't move the cursor or forge a line. */
export const showControls = (text: string): Printable =>
  text.replace(CONTROLS, (c) => {
    const code = c.charCodeAt(0).toString(16);
    return SHORT[c] ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`);
  }) as Printable;

/** How much of a text is quoted in a message, in characters. */
const QUOTED = 80;

/** A text as it is quoted in a message: no more of it than its beginning. */
export const shortened = (text: string): string => (text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text);

/** Any text as one line. */
export const line = (text: string): Printable => `${showControls(text)}\n` as Printable;

/** Any texts as a line each. */
export const lines = (texts: readonly string[]): Printable => texts.map(line).join('') as Printable;

/** Our own words as they stand in the source, line breaks included; in what is inserted, control characters are shown. */
export const own = (words: TemplateStringsArray, ...inserted: ReadonlyArray<string | number>): Printable =>
  words.reduce((text, word, i) => text + showControls(String(inserted[i - 1])) + word) as Printable;

/** One after the other. */
export const joined = (...parts: readonly Printable[]): Printable => parts.join('') as Printable;

/** Parts with something between them. */
export const listed = (parts: readonly Printable[], between: Printable): Printable => parts.join(between) as Printable;

/** What can only take something away from it, or break it into lines: cutting, wrapping. */
export const trusted = (text: Printable, change: (text: string) => string): Printable => change(text) as Printable;

/** A value as one line of JSON for programs: what JSON itself leaves as it is (DEL, C1, U+2028 …) is escaped too. */
export const jsonLine = (value: unknown): Printable =>
  `${JSON.stringify(value).replace(CONTROLS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n` as Printable;
