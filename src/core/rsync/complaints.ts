import { type Name, parentOf, ROOT } from '../name.js';
import { unescapeBytes } from './output.js';

/** One thing that rsync said went wrong. */
export interface Complaint {
  /** The line, for `--debug`. */
  readonly text: string;
  /** What it is about, as rsync wrote it, one character per byte. Two where something is linked or renamed. */
  readonly paths: readonly string[];
  /** The system's error number, where it said one. */
  readonly errno: number | undefined;
  /** `here`: the sender's; `there`: the receiver's or generator's. */
  readonly side: 'here' | 'there';
  /**
   * `attributes`: only the mode, the times or the owner could not be set; `directory`: it could not be made, and so nothing
   * in it either; `inTheWay`: a directory there is in the way of something that is none here, perhaps ours, and about to be
   * emptied; `vanished`: it was gone from here when rsync came to it; `tooLong`: its path is longer than rsync takes.
   */
  readonly about: 'content' | 'attributes' | 'directory' | 'inTheWay' | 'vanished' | 'tooLong';
  /** rsync's own words for what it tried or what is in the way. */
  readonly reason: string;
}

/** One line of rsync's stderr. */
export type StderrLine =
  | { readonly kind: 'complaint'; readonly complaint: Complaint }
  /** What was to come below the directory that it has just complained of was left out. */
  | { readonly kind: 'skipping' }
  /** Sums up what was said before. */
  | { readonly kind: 'summary' }
  /** Nobody knows what it means: new words of rsync's, or the remote shell's, which uses the same pipe. */
  | { readonly kind: 'unknown'; readonly text: string };

/** What a run is about. */
export interface NamesOfRun {
  has(name: Name): boolean;
  /** Those below a directory. */
  below(dir: Name): Iterable<Name>;
}

/** A run about exactly these names. */
export function ofNames(names: Iterable<Name>): NamesOfRun {
  const all = new Set(names);
  let children: Map<Name, Name[]> | undefined;
  const below = function* (dir: Name): Generator<Name> {
    children ??= byDirectory(all);
    for (const name of children.get(dir) ?? []) {
      if (all.has(name)) yield name;
      yield* below(name);
    }
  };
  return { has: (name) => all.has(name), below };
}

/** What is in each directory of these names, or leads to one of them. */
function byDirectory(names: Iterable<Name>): Map<Name, Name[]> {
  const found = new Map<Name, Name[]>();
  const seen = new Set<Name>([ROOT]);
  for (const one of names) {
    for (let name = one; !seen.has(name); name = parentOf(name)) {
      seen.add(name);
      const dir = parentOf(name);
      const others = found.get(dir);
      if (others === undefined) found.set(dir, [name]);
      else others.push(name);
    }
  }
  return found;
}

/** rsync's stderr without what the shell there says at each start. */
export function withoutLines(stderr: string, lines: readonly string[]): string {
  if (lines.length === 0 || stderr === '') return stderr;
  return stderr
    .split('\n')
    .filter((line) => line === '' || !lines.includes(line))
    .join('\n');
}

/** Takes rsync's stderr apart (`LC_ALL=C`, one character per byte). In names line breaks are escaped. */
export const readStderr = (stderr: string): StderrLine[] => [...stderrLines(stderr)];

/** The same, line by line. */
export function* stderrLines(stderr: string): Generator<StderrLine> {
  for (const line of stderr.split('\n')) if (line.trim() !== '') yield readLine(line);
}

/**
 * rsync's lines (3.1 to 3.5: rsyserr in log.c): who, what it did, the paths in quotes, the system's words and number. A path
 * with a quote in it could pretend to be two, so such a line is not taken for known.
 */
const KNOWN =
  /^(?:rsync|\S*\/rsync): (?:\[(\w+)\] )?([^"]*)"([^"]*)"(?: [-=]> "([^"]*)")?([^"]*?)(?:: [^":()]+ \((\d+)\))?$/s;
const DELETE_FAILED = /^(?:rsync|\S*\/rsync): (?:\[(\w+)\] )?delete_\w+: \w+\((.*)\) failed: [^():]+ \((\d+)\)$/s;
/** Of extended attributes and ACLs (xattrs.c, acls.c): with a second thing in quotes, or none at all. */
const XATTR_FAILED =
  /^(?:rsync|\S*\/rsync): (?:\[(\w+)\] )?(\w+): \w+xattr\("([^"]*)",(?:"[^"]*"(?:,\d+)?|\d+)\) (?:failed|returned -?\d+)(?:: [^":()]+ \((\d+)\))?$/s;
const ACL_FAILED =
  /^(?:rsync|\S*\/rsync): (?:\[(\w+)\] )?([gs]et_acl): (?:(?:xacl|sys_acl|acl)_[gs]et\w*\((.*), ACL_TYPE_\w+\)|\w+\((.*)\)): [^":()]+ \((\d+)\)$/s;
const IN_THE_WAY = /^could not make way for (new [^:]*): (.*)$/s;
const VANISHED = /^(?:IO error encountered: )?file has vanished: "([^"]*)"$/s;
/** While it reads a directory (flist.c, send_directory). */
const OVERFLOWS = /^filename overflows max-path len by \d+: (.*)$/s;
const NOT_VERIFIED = /^(?:ERROR|WARNING): (.*) failed verification -- update .*$/s;
const SKIPPING = /^\*\*\* Skipping any contents from this failed directory \*\*\*$/;
const SUMMARY = /^rsync (?:error|warning): .* \(code \d+\) at /;

function readLine(text: string): StderrLine {
  if (SKIPPING.test(text)) return { kind: 'skipping' };
  if (SUMMARY.test(text)) return { kind: 'summary' };
  const vanished = VANISHED.exec(text);
  if (vanished !== null) return complaint(text, [vanished[1]], undefined, 'here', 'vanished', 'file has vanished');
  const overflowing = OVERFLOWS.exec(text);
  if (overflowing !== null)
    return complaint(text, [overflowing[1]], undefined, 'here', 'tooLong', 'the path is too long');
  const unverified = NOT_VERIFIED.exec(text);
  if (unverified !== null)
    return complaint(text, [unverified[1]], undefined, 'there', 'content', 'what arrived there is not what was sent');
  const inTheWay = IN_THE_WAY.exec(text);
  if (inTheWay !== null) {
    const reason = `a directory with other files in it is in the way of this ${inTheWay[1]}`;
    return complaint(text, [inTheWay[2]], undefined, 'there', 'inTheWay', reason);
  }
  const undeleted = DELETE_FAILED.exec(text);
  if (undeleted !== null)
    return complaint(text, [undeleted[2]], undeleted[3], 'there', 'content', afterRole(text, undeleted[1]));
  const attribute = XATTR_FAILED.exec(text);
  if (attribute !== null) {
    const [, role, what = '', path, errno] = attribute;
    return ofAttributes(text, role, what, path, errno);
  }
  const acl = ACL_FAILED.exec(text);
  if (acl !== null) {
    const [, role, what = '', path, other, errno] = acl;
    return ofAttributes(text, role, what, path ?? other, errno);
  }
  const known = KNOWN.exec(text);
  if (known === null) return { kind: 'unknown', text };
  const [, role = '', before = '', path, second, , errno] = known;
  const isHere =
    role.toLowerCase() === 'sender' ||
    /^(send_files|link_stat|readlink_stat|opendir|readlink|read errors)\b/.test(before);
  const isGone = isHere && /^link_stat /.test(before) && (errno === '2' || errno === '20');
  const about = isGone
    ? 'vanished'
    : /^failed to set (times|permissions) on |^(l?chown|set_acl|rsync_xal_set)\b/.test(before)
      ? 'attributes'
      : /^recv_generator: mkdir /.test(before)
        ? 'directory'
        : 'content';
  // Of a link the second one is where it leads.
  return complaint(
    text,
    /^(sym)?link /.test(before) ? [path] : [path, second],
    errno,
    isHere ? 'here' : 'there',
    about,
    afterRole(text, role),
  );
}

/** Where they can't be read here, the file is not sent at all. */
function ofAttributes(
  text: string,
  role: string | undefined,
  what: string,
  path: string | undefined,
  errno: string | undefined,
): StderrLine {
  const isHere = role?.toLowerCase() === 'sender' || what.startsWith('get_');
  return complaint(
    text,
    [path],
    errno,
    isHere ? 'here' : 'there',
    isHere ? 'content' : 'attributes',
    afterRole(text, role),
  );
}

/** A line without its beginning. */
const afterRole = (text: string, role: string | undefined): string =>
  text.replace(/^\S+: /, '').replace(role === undefined ? '' : `[${role}] `, '');

const complaint = (
  text: string,
  paths: ReadonlyArray<string | undefined>,
  errno: string | undefined,
  side: Complaint['side'],
  about: Complaint['about'],
  reason: string,
): StderrLine => ({
  kind: 'complaint',
  complaint: {
    text,
    paths: paths.flatMap((path) => (path === undefined ? [] : [unescapeBytes(path).toString('latin1')])),
    errno: errno === undefined ? undefined : Number(errno),
    side,
    about,
    reason,
  },
});

/**
 * Which names a path in a complaint may be. rsync writes it in full, as either side sees it, sometimes with a temporary
 * name. `places`: how such paths begin, as far as known, each with a slash at its end. Below an unknown place every tail
 * that is a name of the run may be meant.
 */
export function namesAt(path: string, places: readonly string[], run: NamesOfRun): Name[] {
  const place = places.find((each) => path.startsWith(each));
  const rest = nameOf(place === undefined ? path : path.slice(place.length));
  const found = new Set<Name>();
  for (const spelling of [rest, ...spellingsOf(rest)]) {
    for (let from = 0; from >= 0 && from < spelling.length; ) {
      const tail = spelling.slice(from) as Name;
      if (run.has(tail)) found.add(tail);
      const slash = place === undefined && path.startsWith('/') ? spelling.indexOf('/', from) : -1;
      from = slash < 0 ? -1 : slash + 1;
    }
  }
  for (const name of uncutNames(rest, run)) found.add(name);
  return [...found];
}

/** The name at a path below a place of which the beginning is known, or of a relative path; undefined for any other. */
export function placedName(path: string, places: readonly string[]): Name | undefined {
  const place = places.find((each) => path.startsWith(each) || path === each.slice(0, -1));
  if (place === undefined) return path.startsWith('/') ? undefined : nameOf(path);
  return nameOf(path.slice(place.length));
}

const nameOf = (path: string): Name => (path === '' || path === './' ? ROOT : (path.replace(/\/\.?$/s, '') as Name));

/**
 * The names that may have this one as their temporary name: `.NAME.XXXXXX`, where a dot at the beginning of NAME is left
 * out (receiver.c, get_tmpname), so that `.env` and `env` share theirs.
 */
function spellingsOf(name: Name): Name[] {
  const found = TEMPORARY.exec(name);
  if (found === null) return [];
  const [, dir = '', own = ''] = found;
  return [`${dir}${own}` as Name, `${dir}.${own}` as Name];
}

const TEMPORARY = /^(.*\/)?\.([^/]+)\.\w{6}$/s;

/** From this length on, in bytes, the name within a temporary name may be a cut one: get_tmpname makes room for its own. */
const MAYBE_CUT = 240;

/** The names of the run that are too long to stand in this temporary name as a whole. */
function uncutNames(name: Name, run: NamesOfRun): Name[] {
  const [, dir = '', own = ''] = TEMPORARY.exec(name) ?? [];
  if (own.length < MAYBE_CUT) return [];
  const isSo = (each: Name): boolean =>
    each.indexOf('/', dir.length) < 0 && (each.startsWith(own, dir.length) || each.startsWith(`.${own}`, dir.length));
  return [...run.below(dir === '' ? ROOT : (dir.slice(0, -1) as Name))].filter(isSo);
}
