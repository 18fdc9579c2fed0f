/** The way into a target. */
export type Reach =
  | { readonly kind: 'local'; readonly path: string }
  /** `client`: ssh and its options, for its connection. `path`: as rsync has it. */
  | { readonly kind: 'remote'; readonly client: readonly string[]; readonly login: string; readonly path: string }
  /** The connection is gone at the moment. */
  | { readonly kind: 'none' };

/** A program to start here. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
}

/** What to start here for `words` to run in a target's directory; undefined where there is no way into it. */
export function commandIn(reach: Reach, words: readonly string[], sshOptions: readonly string[]): Command | undefined {
  switch (reach.kind) {
    case 'none':
      return undefined;
    case 'local': {
      const [file = '', ...args] = words;
      return { file, args, cwd: reach.path };
    }
    case 'remote': {
      const [file = 'ssh', ...client] = reach.client; // of an option given twice ssh takes the first
      return { file, args: [...sshOptions, ...client, '--', reach.login, remoteCommand(reach.path, words)] };
    }
  }
}

/**
 * A word as the login shell there reads it: exactly itself, in sh, bash, dash, zsh, fish and csh alike. Quotes and
 * backslashes stand outside of the single quotes, where all of them agree.
 */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : word === ''
      ? "''"
      : word
          .split(/(['\\])/)
          .filter((part) => part !== '')
          .map((part) => (part === "'" || part === '\\' ? `\\${part}` : `'${part}'`))
          .join('');

/**
 * Not `exec "$@"`: the shell then tells a signal that ends it as 128 and its number, where ssh would only say 255. With its trap
 * it outlives a Ctrl-C that its child may handle; a trap, unlike an ignored signal, is not handed down.
 */
const RUN_AT_HOME = 'trap : INT QUIT; shift; "$@"';
const RUN_IN = `cd -- "$1" || exit 126; ${RUN_AT_HOME}`;

/**
 * The one command line that ssh hands to the login shell there, for running `words` in the directory `path` of a target
 * (relative to the login directory, where commands begin, unless it is absolute).
 */
export function remoteCommand(path: string, words: readonly string[]): string {
  // The home directory of somebody else only the login shell can find.
  const tilde = /^~[\w.-]+/.exec(path)?.[0];
  const below = path.replace(/^~\/+/, '').replace(/^~$/, '');
  const place =
    tilde === undefined ? quoted(below.startsWith('-') ? `./${below}` : below) : `${tilde}${quotedRest(path, tilde)}`;
  return `exec sh -c ${quoted(below === '' ? RUN_AT_HOME : RUN_IN)} sh ${place} ${words.map(quoted).join(' ')}`;
}

function quotedRest(path: string, tilde: string): string {
  const rest = path.slice(tilde.length);
  return rest === '' ? '' : quoted(rest);
}
