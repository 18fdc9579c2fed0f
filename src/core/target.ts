import { type Failure, failed, type Result, success } from './failure.js';

/** Where to: a directory on a host that ssh reaches, or one on this machine. */
export type Target =
  | {
      readonly kind: 'remote';
      /** As ssh takes it: a host name, an alias from ssh's config, or an address without brackets. */
      readonly host: string;
      readonly user: string | undefined;
      /** As rsync takes it; relative to the login directory unless it begins with `/` or `~`; '' is that directory. */
      readonly path: string;
      /** For people: its name, or as it was given. */
      readonly label: string;
      /** As it was given: the same place under another name is the same target. */
      readonly place: string;
    }
  | { readonly kind: 'local'; readonly path: string; readonly label: string; readonly place: string };

export type RemoteTarget = Extract<Target, { kind: 'remote' }>;
export type LocalTarget = Extract<Target, { kind: 'local' }>;

/** A target with its place where it has a name: `staging (me@host:app)`. */
export const inFull = ({ label, place }: Target): string => (label === place ? label : `${label} (${place})`);

/** `user@host`, as ssh takes it. */
export const loginOf = ({ user, host }: { readonly user?: string | undefined; readonly host: string }): string =>
  user === undefined ? host : `${user}@${host}`;

/** The machine of a target as rsync takes it, `user@host` with an IPv6 address in brackets; undefined: this one. */
export function hostArg(target: Target): string | undefined {
  if (target.kind === 'local') return undefined;
  const { host } = target;
  return loginOf({ ...target, host: host.includes(':') ? `[${host}]` : host });
}

/** A target as it is written, with what `at` makes of its path where that is one of this machine. */
export function withPathHere(text: string, at: (path: string) => string): string {
  const target = parseTarget(text);
  return target.ok && target.value.kind === 'local' ? at(text) : text;
}

/**
 * Reads a `--to` in rsync's own notation: `host:path`, `user@host:path`, `[v6]:path`, or a local path (one with a slash
 * before the first colon, or without a colon). Refused: what could be taken for an option, daemons, and `host:/`.
 */
export function parseTarget(text: string): Result<Target> {
  const refuse = (why: string, hint: string) =>
    failed({ kind: 'usage', message: `--to ${quoted(text)}: ${why}`, hint });
  if (text === '') return refuse('the target is empty', EXAMPLE);
  if (text.startsWith('-')) return refuse('a target may not begin with a dash', 'For a local directory write ./-name.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  if (/[\0-\x1f\x7f]/.test(text)) return refuse('a target may not hold line breaks or control characters', EXAMPLE);
  if (/^rsync:\/\//.test(text))
    return refuse('rsync daemons are not supported', 'syncwatch goes over ssh: host:/path.');
  if (/^ssh:\/\//.test(text))
    return refuse('this is a URL', `Write it as rsync does: ${EXAMPLE_TARGET}, port with -p.`);

  const remote = /^(?:([^@/:]+)@)?(\[[^\]/]*\]|[^/:[\]@]*):(.*)$/s.exec(text);
  if (remote === null) {
    if (/^[^/]*@[^/]*$/.test(text)) return failed(noColon(text));
    if (/^[^/]*:/.test(text)) return refuse('the host name is malformed', `${EXAMPLE} IPv6 addresses go in brackets.`);
    return success({ kind: 'local', path: text, label: text, place: text });
  }
  const [, user, rawHost = '', path = ''] = remote;
  const host = rawHost.startsWith('[') ? rawHost.slice(1, -1) : rawHost;
  if (host === '') return refuse('the host name is missing', EXAMPLE);
  if (host.startsWith('-') || user?.startsWith('-') === true) {
    return refuse('a host or user name may not begin with a dash', EXAMPLE);
  }
  if (/\s/.test(host) || (user !== undefined && /\s/.test(user))) {
    return refuse('a host or user name may not hold spaces', EXAMPLE);
  }
  if (rawHost.startsWith('[') && !/^[0-9A-Fa-f:.]+(%\w+)?$/.test(host)) {
    return refuse('only an IPv6 address goes in brackets', 'Give the port with -p.');
  }
  if (path.startsWith(':')) return refuse('rsync daemons (host::module) are not supported', EXAMPLE);
  if (/^\/+(\.{0,2}\/+)*\.{0,2}$/.test(path)) {
    return refuse("this is the host's whole file system", 'Name a directory below it, for example host:/srv/project.');
  }
  return success({ kind: 'remote', host, user, path, label: text, place: text });
}

/** Of what looks like a host, but has no path. */
const FORGOTTEN = 'the path is missing: did you forget the colon?';

/** Whether a local path looks like the name or the number of a host, and not like a path. */
export const looksLikeHost = (path: string): boolean => /^[a-z\d][a-z\d-]*(\.[a-z\d-]+)+$/i.test(path);

/** A target without its colon. */
export const noColon = (text: string): Failure => ({
  kind: 'usage',
  message: `--to ${quoted(text)}: ${FORGOTTEN}`,
  hint: `A target is host:path, for example ${text}:project. For a directory here write ./${text}.`,
});

const EXAMPLE_TARGET = 'user@host:/path/to/dir';
const EXAMPLE = `Write it as rsync does, for example ${EXAMPLE_TARGET} or host:dir-below-home.`;
const quoted = (text: string): string => JSON.stringify(text);

/**
 * The directory that must be there for `path` to be made: its parent, or undefined where that is the login directory
 * (`dir`, `~/dir`) or the path itself is one (``, `~`, `.`).
 */
export function remoteParentOf(path: string): string | undefined {
  const clean = path.replace(/\/+$/, '');
  const slash = clean.lastIndexOf('/');
  if (slash < 0) return undefined;
  const parent = clean.slice(0, slash);
  if (parent === '~' || parent === '.') return undefined;
  return parent === '' ? '/' : parent;
}
