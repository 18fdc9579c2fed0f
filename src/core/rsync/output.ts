import type { ItemAction } from '../action.js';
import { type WallMs, wallMs } from '../clock.js';
import { type Name, nameFromBytes } from '../name.js';

/** One line of an rsync run's stdout. */
export type OutputLine =
  /** Printed as rsync turns to a name (`--out-format='%i %l %n'`, man rsyncd.conf, "log format"). */
  | {
      readonly kind: 'item';
      readonly action: ItemAction;
      readonly name: Name;
      readonly bytes: number;
      readonly isNew: boolean;
      readonly isDir: boolean;
    }
  /** A directory that is gone here stays there, because something else is in it. rsync exits 0 all the same. */
  | { readonly kind: 'notEmpty'; readonly name: Name }
  /**
   * How far the whole run is (`--info=progress2`): what was read and compared so far, in bytes; at the end of a file also how many
   * paths rsync is through with. About once a second.
   */
  | { readonly kind: 'progress'; readonly bytes: number; readonly names: number | undefined }
  | { readonly kind: 'other'; readonly text: string };

/** `--info=progress2`: bytes, share, rate, time, and at the end of a file how many of the paths known by then are left. */
const PROGRESS = /^ *([\d,.]+) +\d+% +\S+ +\d+:\d\d:\d\d(?: \(xfr#\d+, (?:to|ir)-chk=(\d+)\/(\d+)\))? */;

/**
 * Cuts a run's stdout, one character per byte, into lines. A progress record begins with a CR (in names that is escaped),
 * and the line of a name may follow it without any break: when rsync has something to complain about in between, it puts
 * the line break that is due on stderr (3.5.0, rwrite in log.c).
 */
export class LineReader {
  #rest = '';

  /** The whole lines that have come with `text`. */
  read(text: string): OutputLine[] {
    const lines = (this.#rest + text).split(/[\r\n]/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line): OutputLine[] => {
      const progress = PROGRESS.exec(line);
      const own = progress === null ? line : line.slice(progress[0].length);
      return [
        ...(progress === null
          ? []
          : [
              {
                kind: 'progress' as const,
                bytes: Number((progress[1] ?? '').replace(/[,.]/g, '')),
                names: progress[3] === undefined ? undefined : Number(progress[3]) - Number(progress[2]),
              },
            ]),
        ...(own === '' ? [] : [parseOutputLine(own)]),
      ];
    });
  }
}

/** Reads one line, one character per byte, without its line break. */
export function parseOutputLine(line: string): OutputLine {
  const item = /^([<>ch.])([fdLDS])[^ ]{9} (\d+) (.*)$/s.exec(line);
  if (item !== null) {
    const [, update = '', type = '', size = '', name = ''] = item;
    const action = update === '.' ? 'attributes' : type === 'd' ? (line[2] === '+' ? 'mkdir' : 'attributes') : 'send';
    return {
      kind: 'item',
      action,
      name: nameOf(name),
      bytes: action === 'send' ? Number(size) : 0,
      isNew: line[2] === '+',
      isDir: type === 'd',
    };
  }
  const deleted = /^\*deleting +\d+ (.*)$/s.exec(line);
  if (deleted !== null) {
    const [, name = ''] = deleted;
    return { kind: 'item', action: 'delete', name: nameOf(name), bytes: 0, isNew: false, isDir: name.endsWith('/') };
  }
  const kept = /^cannot delete non-empty directory: (.*)$/s.exec(line);
  if (kept !== null) return { kind: 'notEmpty', name: nameOf(kept[1] ?? '') };
  return { kind: 'other', text: line };
}

/** A file there, of a run that lists. */
export interface ListedFile {
  readonly name: Name;
  /** Nobody but its owner has any right to it. */
  readonly isPrivate: boolean;
  /** When it was written last. */
  readonly mtimeMs: WallMs;
}

/** Reads a line of a run that lists (`--out-format='%i %B %M %n'`); undefined for what is no file. */
export function parseListed(line: string): ListedFile | undefined {
  const found = /^>f\S{9} (\S{3})(\S{6}) (\d{4})\/(\d\d)\/(\d\d)-(\d\d:\d\d:\d\d) (.*)$/s.exec(line);
  if (found === null) return undefined;
  const [, , others = '', year = '', month = '', day = '', time = '', name = ''] = found;
  return {
    name: nameOf(name),
    isPrivate: others === '------',
    mtimeMs: wallMs(Date.parse(`${year}-${month}-${day}T${time}`)),
  };
}

/** The name in a line of such a run, whatever it is of; undefined where it is no such line. */
export function parseSeen(line: string): Name | undefined {
  const name = /^[<>ch.][fdLDS]\S{9} [-rwxsStT]{9} \d{4}\/\d\d\/\d\d-\d\d:\d\d:\d\d (.*)$/s.exec(line)?.[1];
  return name === undefined ? undefined : nameOf(name);
}

const nameOf = (escaped: string): Name => nameFromBytes(unescapeBytes(escaped.replace(/(?<=.)\/$/s, '')));

/** The bytes of a name as rsync prints it: one that is not plain is `\#` and three octal digits (man rsync, -8). */
export const unescapeBytes = (text: string): Buffer =>
  Buffer.from(
    text.replace(/\\#([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  );
