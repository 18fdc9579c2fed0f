import { styleText } from 'node:util';
import { type Printable, showControls, trusted } from '../core/printable.js';

/** What a part of a line is about. */
export type Tone = 'aside' | 'there' | 'gone' | 'renamed' | 'failed' | 'busy';

const STYLES = {
  aside: 'dim',
  there: 'green',
  gone: 'yellow',
  renamed: 'cyan',
  failed: 'red',
  busy: 'blue',
} as const satisfies Readonly<Record<Tone, Parameters<typeof styleText>[0]>>;

/** A text for people, as it stands there, in the colour of what it is about. */
export type Paint = (tone: Tone, text: string) => Printable;

/** Whether it is in colour was decided before: node is not asked again. */
export const paintFor = (isColored: boolean): Paint =>
  isColored
    ? (tone, text) => trusted(showControls(text), (shown) => styleText(STYLES[tone], shown, { validateStream: false }))
    : (_, text) => showControls(text);
