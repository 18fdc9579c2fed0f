import { type Name, nameFromBytes } from './name.js';

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
  /** How far the whole run is (`--info=progress2`): what was read and compared so far, in bytes. About once a second. */
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'other'; readonly text: string };

/**
 * `send`: a file's content, or a link, goes over; `move`: its content was there under another name; `mkdir`;
 * `attributes`: only mode or time; `delete`.
 */
export type ItemAction = 'send' | 'move' | 'mkdir' | 'attributes' | 'delete';

/** `--info=progress2`: bytes, share, rate, time, and at the end of a file how many are done. */
const PROGRESS = /^ *([\d,.]+) +\d+% +\S+ +\d+:\d\d:\d\d(?: \(xfr#\d+, (?:to|ir)-chk=\d+\/\d+\))? */;

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
          : [{ kind: 'progress' as const, bytes: Number((progress[1] ?? '').replace(/[,.]/g, '')) }]),
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
  /** When it was written last, in milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** Reads a line of a run that lists (`--out-format='%i %B %M %n'`); undefined for what is no file. */
export function parseListed(line: string): ListedFile | undefined {
  const found = /^>f\S{9} (\S{3})(\S{6}) (\d{4})\/(\d\d)\/(\d\d)-(\d\d:\d\d:\d\d) (.*)$/s.exec(line);
  if (found === null) return undefined;
  const [, , others = '', year = '', month = '', day = '', time = '', name = ''] = found;
  return { name: nameOf(name), isPrivate: others === '------', mtimeMs: Date.parse(`${year}-${month}-${day}T${time}`) };
}

const nameOf = (escaped: string): Name => nameFromBytes(unescapeBytes(escaped.replace(/(?<=.)\/$/s, '')));

/** rsync prints a byte that is not plain as `\#` and three octal digits (man rsync, -8). */
const unescapeBytes = (text: string): Buffer =>
  Buffer.from(
    text.replace(/\\#([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  );

const IN_THE_WAY = 'could not make way for ';

/** Where rsync writes a path without quotes, or something else in quotes after it (delete.c, acls.c, xattrs.c). */
const BARE: readonly RegExp[] = [
  /^delete_(?:file|stat)[^(]*(?:\w+)\((.*)\) failed/s,
  /^[gs]et_acl: \w+\((.*?)(?:, ACL_TYPE_\w+)?\): [^:]+ \(\d+\)$/s,
  /^set_acl: refusing path-based ACL on (.*) \(no held fd\)/s,
  /^\w+: \w+xattr\("(.*?)",(?:"[^"]*"(?:,\d+)?|\d+)\) (?:failed|returned)/s,
];

/** One thing that rsync said went wrong. */
export interface Complaint {
  /** The line, for `--debug`. */
  readonly text: string;
  /** Every path in it, as rsync wrote it, one character per byte. */
  readonly paths: readonly string[];
  /** The system's error number, where it said one. */
  readonly errno: number | undefined;
  /** `here`: the sender's; `there`: the receiver's or generator's. */
  readonly side: 'here' | 'there';
  /** A directory there is in the way of something that is none here; perhaps ours, and about to be emptied. */
  readonly isInTheWay: boolean;
  /** rsync's own words for what it tried or what is in the way. */
  readonly reason: string;
}

/**
 * The complaints in an rsync run's stderr (`LC_ALL=C`). Left out is what only repeats them (`rsync error: …`), and what
 * comparing with the disk settles by itself: a source that vanished.
 */
export function complaintsIn(stderr: string): Complaint[] {
  const found: Complaint[] = [];
  for (const line of stderr.split('\n')) {
    const inTheWay = /^could not make way for (new .*?): (.*)$/s.exec(line);
    if (inTheWay !== null) {
      const reason = `a directory with other files in it is in the way of this ${inTheWay[1]}`;
      found.push(complaint(line, [inTheWay[2] ?? ''], undefined, 'there', reason));
      continue;
    }
    const said = /^(?:rsync|\S*\/rsync): (?:\[(\w+)\] )?(.*)$/s.exec(line);
    if (said === null || /connection unexpectedly closed|link_stat .* (No such file or|Not a) directory/.test(line))
      continue;
    const [, who = '', rest = ''] = said;
    const errno = /\((\d+)\)$/.exec(rest)?.[1];
    const quoted = [...rest.matchAll(/"((?:[^"]|"(?! |$|:))*)"/g)].map((m) => m[1] ?? '');
    const bare = BARE.map((pattern) => pattern.exec(rest)?.[1]).find((path) => path !== undefined);
    const side =
      who.toLowerCase() === 'sender' ||
      /^(send_files|link_stat|readlink_stat|opendir|readlink|get_acl|get_xattr_\w+)\b/.test(rest);
    found.push(complaint(line, bare === undefined ? quoted : [...quoted, bare], errno, side ? 'here' : 'there', rest));
  }
  return found;
}

const complaint = (
  text: string,
  paths: readonly string[],
  errno: string | undefined,
  side: Complaint['side'],
  reason: string,
): Complaint => ({
  text,
  paths: paths.map((path) => unescapeBytes(path).toString('latin1')),
  errno: errno === undefined ? undefined : Number(errno),
  side,
  reason,
  isInTheWay: text.startsWith(IN_THE_WAY),
});

/**
 * The names of a run that a complaint is about. rsync writes a path in full, as either side sees it, sometimes with a
 * temporary name (`.name.AbCdEf`). `places`: how such paths begin, as far as known, each with a slash at its end. Below
 * an unknown place every tail that is a name of this run counts: one too many costs a repetition. A relative path is a
 * name as it stands.
 */
export function namesIn(complaint: Complaint, places: readonly string[], has: (name: Name) => boolean): Name[] {
  const found = new Set<Name>();
  for (const path of complaint.paths) {
    const place = places.find((p) => path.startsWith(p)) ?? '';
    const rest = path.slice(place.length);
    for (const spelling of [rest, rest.replace(/(^|\/)\.([^/]+)\.\w{6}$/s, '$1$2')]) {
      for (let from = 0; from >= 0 && from < spelling.length; ) {
        const tail = spelling.slice(from) as Name;
        if (has(tail)) found.add(tail);
        const slash = place === '' && path.startsWith('/') ? spelling.indexOf('/', from) : -1;
        from = slash < 0 ? -1 : slash + 1;
      }
    }
  }
  return [...found];
}
