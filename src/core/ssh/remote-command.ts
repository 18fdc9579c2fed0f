import { Buffer } from 'node:buffer';

/** A word of a command: as text, or (where it is no UTF-8) as the bytes that it is. */
export type Word = string | Uint8Array;

/**
 * What to start here so that `words` run here. Node makes UTF-8 of every argument; other bytes only a shell can hand on.
 * `shell`: a POSIX one.
 */
export function localCommand(words: readonly Word[], shell: string): readonly [file: string, ...args: string[]] {
  const [file = '', ...args] = words;
  if (isText(file) && args.every(isText)) return [file, ...args];
  return [shell, '-c', `${UNPACK}; exec "$@"`, 'sh', '', packed(words.map(shQuoted))];
}

const isText = (word: Word): word is string => typeof word === 'string';

/** What no shell reads as anything but itself. Not `=`, `%`, `~`: zsh, fish and others look at them at a word's beginning. */
const PLAIN = /^[A-Za-z0-9_@:,./+-]+$/;

/**
 * What is itself between single quotes in every shell: ASCII but for the quote, the backslash (fish), the exclamation mark
 * and line breaks (csh, tcsh). Other bytes depend on the locale there.
 */
const QUOTABLE = /^[ "-&(-[\]-~]*$/;

const isQuotable = (word: Word): word is string => isText(word) && QUOTABLE.test(word);

/** A quotable word for any shell. */
const quoted = (word: string): string => (PLAIN.test(word) ? word : `'${word}'`);

/** A word for a POSIX shell, as bytes (one character each). */
function shQuoted(word: Word): string {
  const bytes = (isText(word) ? Buffer.from(word) : Buffer.from(word.buffer, word.byteOffset, word.length)).toString(
    'latin1',
  );
  return PLAIN.test(bytes) ? bytes : `'${bytes.replaceAll("'", "'\\''")}'`;
}

/** Words that are quoted for a POSIX shell, in characters that every shell leaves alone: {@link UNPACK} has them back. */
const packed = (words: readonly string[]): string =>
  words.join(' ').replace(/[^ "-&(-[\]-~]/g, (c) => `\\0${c.charCodeAt(0).toString(8).padStart(3, '0')}`);

/**
 * Makes `$2`, which is {@link packed}, the positional parameters; `$1` is what may stand in it as such. A `printf` that is
 * missing ends it here.
 */
const UNPACK = 'eval "set -- $(shift; printf %b "$1")"; test $# -gt 0 || exit 126';

/**
 * Not `exec "$@"`: the shell then tells a signal that ends it as 128 and its number, where ssh would only say 255. With its trap
 * it outlives a Ctrl-C that its child may handle; a trap, unlike an ignored signal, is not handed down.
 */
const RUN = 'trap : INT QUIT; shift; "$@"';

/**
 * The same of a command that has to be found again. Signals are sent to its whole process group, and this shell stays to say how
 * the command took them.
 */
const runMarked = (mark: string): string => `: ${mark}; trap : INT QUIT TERM HUP; shift; "$@"`;

/**
 * Begun ahead of time, it waits for the mark in a line of its own on stdin, which no shell reads beyond (POSIX, read). Without that,
 * as when whoever should say it is gone, nothing is run; and not where a start-up file of the shell there took it.
 */
const waitFor = (mark: string): string =>
  `read -r syncwatch_go; test "$syncwatch_go" = ${mark} || { test -z "$syncwatch_go" || echo "syncwatch: the shell there has read what was not for it: nothing was run" >&2; exit 126; }; `;

/** ssh's own exit code, and that of a command that was ended by a signal there: ssh(1), EXIT STATUS. */
export const SSH_FAILED = 255;

/** None was found; see {@link signalCommand}. */
export const NONE_FOUND = 4;

/**
 * The command line that sends a signal (`TERM`) to what was run with this mark, by any login shell there. ssh itself tells of
 * no signal where there is no terminal. The mark is in the words of a shell of ours, which leads a process group of its own, as all do
 * that sshd starts: looked up in /proc, or by `ps`. Ends with {@link NONE_FOUND} where there is none, or none yet. `mark`: letters,
 * digits and dashes.
 */
export function signalCommand(mark: string, signal: string): string {
  const pattern = `"[${mark[0]}]${mark.slice(1)}"`; // which does not match itself
  const look = [
    `set -- $(grep -ls ${pattern} /proc/[0-9]*/cmdline | cut -d/ -f3)`,
    `test $# -gt 0 || set -- $(ps -A -o pid= -o args= | grep ${pattern} | while read p x; do echo "$p"; done)`,
    `test $# -gt 0 || exit ${NONE_FOUND}`,
  ];
  const send = [
    `k=; for p in "$@"; do kill -s ${signal} -- "-$p" && k=1; done`,
    `test "$k" || for p in "$@"; do kill -s ${signal} "$p"; done`,
  ];
  return `exec sh -c '{ ${[...look, ...send].join('; ')}; } 2>/dev/null; exit 0'`;
}

/**
 * The one command line that ssh hands to the login shell there, for running `words` in the directory `path` of a target
 * (relative to the login directory, where commands begin, unless it is absolute). They arrive exactly as they are, with sh, bash,
 * dash, zsh, fish and tcsh there: it holds only what all of them read the same way, and a POSIX sh does the rest. `mark`: for {@link signalCommand};
 * `waits`: until that comes on stdin, before anything else.
 */
export function remoteCommand(path: string, words: readonly Word[], mark?: string, waits = false): string {
  // Home directories only the login shell can find; a quoted ~ is none to it.
  const [, home, belowHome = ''] = /^(~(?:[A-Za-z_][\w.-]*)?)(?:\/(.*))?$/s.exec(path) ?? [];
  // With a dot in front neither `-` nor CDPATH means another directory.
  const place = home !== undefined ? belowHome : path.startsWith('/') ? path : `./${path}`;
  // As rsync goes: a link and then `..` is not the way back.
  const wait = waits && mark !== undefined ? waitFor(mark) : '';
  const run = `${wait}cd ${/(^|\/)\.\.(\/|$)/.test(path) ? '-P ' : ''}-- "$1" || exit 126; ${mark === undefined ? RUN : runMarked(mark)}`;
  if (isQuotable(place) && words.every(isQuotable)) {
    const at = home === undefined ? quoted(place) : `${home}${place === '' ? '' : `/${quoted(place)}`}`;
    return ['exec sh -c', `'${run}'`, 'sh', at, ...words.map(quoted)].join(' ');
  }
  const at = home === undefined ? shQuoted(place) : `"$1"/${shQuoted(place)}`;
  return `exec sh -c '${UNPACK}; ${run}' sh ${home ?? '.'} '${packed([at, ...words.map(shQuoted)])}'`;
}

/**
 * The command line by which a POSIX sh there runs a script of ours with these words, by any login shell. `script`: of what all of
 * them leave alone between single quotes (no quote, backslash, exclamation mark or line break).
 */
export const scriptCommand = (script: string, words: readonly Word[]): string =>
  words.every(isQuotable)
    ? ['exec sh -c', `'${script}'`, 'sh', ...words.map(quoted)].join(' ')
    : `exec sh -c '${UNPACK}; ${script}' sh . '${packed(words.map(shQuoted))}'`;
