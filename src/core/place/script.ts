import { Buffer } from 'node:buffer';
import { type Name, nameFromBytes } from '../name.js';
import type { Spelling } from '../spelling.js';
import type { Window } from '../window.js';
import { readMounts } from './mounts.js';
import { type Home, type Identity, isSame, type Look, type Place } from './place.js';

/** What to look at. */
export interface Asked {
  /** The target's path as it was given: relative to the login directory unless it begins with `/` or `~`. */
  readonly path: string;
  readonly trash: string | undefined;
  /** Two random words. One after the other they mark what the script says; apart they stand in the script itself. */
  readonly marks: readonly [string, string];
  /** rsync there, as the user may have written it after `--rsync-path`; undefined: not asked for. */
  readonly rsync: string | undefined;
}

/** What the script has told. */
export interface ScriptOutput {
  readonly look: Look;
  /** What `rsync --version` said, on both channels, and its exit code, where it was asked for and the script ran. */
  readonly rsync: { readonly text: string; readonly code: number } | undefined;
}

/** What runs in every POSIX sh, dash and busybox among them. It changes nothing and asks each program for one thing. */
const LOOK = `
real() { r=$(pwd -P; echo x); r=\${r%?x}; }
up() { w=$1; a=.; set -- .; while [ -n "\${w#/}" ]; do w=\${w%/*}; a=$a/..; set -- "$@" "$a"; done; ids "$@"; }
over() { w=$1; set --; while [ -n "\${w#/}" ]; do set -- "$@" "$w"; w=\${w%/*}; done; ids "$@" /; }
inside() {
  IFS='
'; set -- $(ls -af | head -n $m); unset IFS
  for e do shift; case $e in .|..) ;; *) set -- "$@" "./$e" ;; esac; done
  [ $# -eq 0 ] || put inside "$(ids "$@")"
  for e do
    case $e in *[A-Za-z]*) ;; *) continue ;; esac
    e=$(printf %s "$e" | tr A-Za-z a-zA-Z)
    if [ ! -e "$e" ] && [ ! -L "$e" ]; then put spelling exact; break; fi
    if ! ls -af | grep -Fqx -e "\${e#./}"; then put spelling folded; break; fi
  done
}
home() { (cd -P "$1" && real && up "$r"); }
m=30
if stat -c %i . >/dev/null; then ids() { stat -L -c '%d %i %Z %z' "$@"; }
elif stat -f %i . >/dev/null; then ids() { stat -L -f '%d %i %Fc' "$@"; }
else m=1; ids() { for f do
  i=; for i in $(ls -Ldi "$f"); do break; done
  d=; for d in $(df -P "$f" | tail -n 1); do break; done
  printf '%s %s\\n' "$d" "$i"
done; }
fi
b=; read -r b </proc/sys/kernel/random/boot_id || b=$(sysctl -n kern.bootsessionuuid)
put boot "$b"
real; l=$r; put loginPath "$l"; put login "$(up "$l")"
case $HOME in /*) ;; *) HOME=$l ;; esac
h=$(cd -P "$HOME" && real && printf %s "$r"); put homePath "$h"; put home "$(home "$HOME")"
put spelledHome "$(over "$HOME")"
put users "$(cut -d: -f1,3,6,7 /etc/passwd)"
eval "$find"
if [ -z "$p" ]; then put state noUser
elif cd -P "$p"; then real; g=$r; put state there; put path "$g"; put chain "$(up "$g")"; t=there
else
  while [ -n "\${p%/}" ] && [ "\${p%/}" != "$p" ]; do p=\${p%/}; done
  b=\${p##*/}; d=\${p%/*}
  if [ -L "$p" ]; then put state link
  elif [ -e "$p" ]; then put state odd
  else case $b in
    .|..) put state none ;;
    *) if cd -P "$d/"; then real; g=\${r%/}/$b; put state new; put path "$g"; put chain "$(up "$r")"; t=new; else put state none; fi ;;
  esac; fi
fi
# What is mounted below, and where these are themselves: the flags after a mount point begin with rw or ro.
case $t in
there|new)
  put again "$(ids "$r")"; put now "$(ids /proc/self)"
  inside
  set --
  for w in $(printf '%s\\n' "$g" "$l" "$h" | sed 's/ /\\\\040/g'); do
    [ $# -gt 0 ] || set -- -e " \${w%/}/"
    while [ -n "\${w#/}" ]; do set -- "$@" -e " $w r"; w=\${w%/*}; done
  done
  put mounts "$(grep -F -e ' / r' "$@" /proc/self/mountinfo | cut -d' ' -f3-5)" ;;
esac
if [ "$t" = there ]; then
  set -- $(ls -ld .)
  case $3 in
    ''|*[!A-Za-z0-9._@+-]*|[!A-Za-z_]*) ;;
    *) eval "h=~$3"; case $h in /*) put owner "$3"; put ownersHome "$(ids "$h")"; set -- $(ls -ldn .); put ownersId "$3" ;; esac ;;
  esac
  while [ -n "$q0" ] && [ ! -e "./$q0" ] && [ ! -L "./$q0" ]; do case $q0 in */*) q0=\${q0%/*} ;; *) q0= ;; esac; done
  if [ -n "$q0" ]; then put trash "$q0"; put trashAt "$(cd -P "./$q0" && real && printf %s "$r")"; fi
fi
`;

/**
 * A script for `sh -s`: on stdin, so that no login shell there, of whatever kind, has to read any of it. What it says
 * stands between marks: start files may print around it, even the script itself, and change nothing.
 */
export function placeScript({ path, trash, marks, rsync }: Asked): string {
  const [one, two] = marks;
  return `exec 2>/dev/null
set -f; unset CDPATH GREP_OPTIONS; LC_ALL=C; export LC_ALL; t=; q0=${word(trash ?? '')}
unalias -a; for f in cd pwd put real read printf eval stat ls df tail head cut grep sed tr; do unset -f $f; done
put() { printf '%s\\0%s\\0' "$1" "$2"; }
printf '%s%s\\0' ${one} ${two}
${rsync === undefined ? '' : `put rsync "$(eval ${word(`${rsync} --version`)} </dev/null 2>&1; c=$?; echo; echo $c)"`}
find=${word(finding(path))}
${LOOK}
printf '%s%s\\0' ${one} ${two}
`;
}

/** How the script finds the directory: sets `p`, to '' for the home of nobody. */
function finding(path: string): string {
  const [, user, rest] = /^~([A-Za-z_][\w.@+-]*)?((?:\/.*)?)$/s.exec(path) ?? [];
  if (user !== undefined)
    return `p=~${user}; case $p in /*) put user ${user}; put usersPath "$(cd -P "$p" && real && printf %s "$r")"; put usersHome "$(home "$p")"; put spelledUsersHome "$(over "$p")"; p=$p${word(rest ?? '')} ;; *) p= ;; esac`;
  if (rest !== undefined) return `p=$HOME${word(rest)}`;
  return `p=${word(path.startsWith('/') ? path : `./${path}`)}`;
}

/** A word for sh, exactly itself. */
export const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** What was printed beside what the script has said: by the start files there, or in its place. */
export function printedBeside(said: string, { marks }: Pick<Asked, 'marks'>): string {
  const mark = `${marks.join('')}\0`;
  const [begin, end] = [said.indexOf(mark), said.lastIndexOf(mark)];
  return begin < 0 || end <= begin ? said : said.slice(0, begin) + said.slice(end + mark.length);
}

/** Reads what the script has said: latin1 text, with whatever else the other side has printed around it. */
export function readPlace(said: string, { path, marks }: Pick<Asked, 'path' | 'marks'>): ScriptOutput {
  const mark = `${marks.join('')}\0`;
  const begin = said.indexOf(mark);
  const end = said.lastIndexOf(mark);
  if (begin < 0 || end <= begin) return { look: unknown('no command but rsync can be run there'), rsync: undefined };
  const parts = said.slice(begin + mark.length, end).split('\0');
  const facts = new Map<string, string>();
  for (let i = 0; i + 1 < parts.length; i += 2) facts.set(parts[i] ?? '', parts[i + 1] ?? '');
  const rsync = /^(.*)\n(\d+)$/s.exec(facts.get('rsync') ?? '');
  return {
    look: lookFrom(facts, path),
    rsync: rsync === null ? undefined : { text: rsync[1] ?? '', code: Number(rsync[2]) },
  };
}

const unknown = (why: string): Look => ({ kind: 'unknown', why });

function lookFrom(facts: ReadonlyMap<string, string>, given: string): Look {
  const state = facts.get('state');
  if (state === 'noUser') return { kind: 'noUser', user: given.replace(/\/.*$/s, '') };
  if (state === 'link') return { kind: 'deadLink' };
  if (state === 'none') return unknown('the directory that it is to be made in is not there');
  if (state !== 'there' && state !== 'new') return unknown('it may not be entered');
  const path = facts.get('path') ?? '';
  const chain = identities(facts.get('chain'));
  // By the working directory of a process one may come to a place outside of all that has a path: "(unreachable)/…"
  // (getcwd(3)), or one that is the path of something else.
  const [self] = chain;
  const [again] = identities(facts.get('again'));
  if (!path.startsWith('/') || self === undefined || again === undefined || !isSame(self, again))
    return unknown('it has no path there');
  return {
    kind: 'place',
    place: {
      path: bytes(path),
      exists: state === 'there',
      chain,
      mounts: readMounts(facts.get('mounts') ?? ''),
      boot: facts.get('boot') || undefined,
      homes: homesIn(facts),
      spelling: spellingFrom(facts.get('spelling')),
      window: windowFrom(facts, self.device),
      users: usersIn(facts.get('users') ?? ''),
      trash: facts.has('trash')
        ? { part: bytes(facts.get('trash') ?? ''), at: bytesOrNone(facts.get('trashAt') ?? '') }
        : undefined,
    },
  };
}

function homesIn(facts: ReadonlyMap<string, string>): Place['homes'] {
  const home = (whose: string | undefined, path: string, ...keys: readonly string[]): Home => {
    const chains = keys.map((key) => identities(facts.get(key)));
    return {
      whose,
      path: bytes(facts.get(path) ?? ''),
      itself: chains.flatMap(([first]) => first ?? []),
      above: chains.flatMap(([, ...rest]) => rest),
    };
  };
  const user = facts.get('user');
  const owner = isPerson(facts.get('ownersId') ?? '') ? facts.get('owner') : undefined;
  return [
    home(undefined, 'loginPath', 'login'),
    home(undefined, 'homePath', 'home', 'spelledHome'),
    ...(user === undefined ? [] : [home(user, 'usersPath', 'usersHome', 'spelledUsersHome')]),
    ...(owner === undefined ? [] : [home(owner, '', 'ownersHome')]),
  ];
}

/** Numbers below 1000 are for services, which have homes such as /var/www or /; and one is root. */
const isPerson = (uid: string): boolean => /^\d+$/.test(uid) && (uid === '0' || Number(uid) >= 1_000);

function usersIn(passwd: string): Place['users'] {
  return passwd.split('\n').flatMap((line) => {
    const [name = '', uid = '', home = '', shell = ''] = line.split(':');
    const canLogIn = isPerson(uid) && !/\/(nologin|false)$/.test(shell);
    return canLogIn && /^\/./.test(home) ? [{ name, home: bytes(home.replace(/\/+$/, '')) }] : [];
  });
}

/** One a line: device, inode, and where stat told it, when its status changed: `1700000000 2023-… .5 +0000` or `1700000000.5`. */
function identities(text: string | undefined): Identity[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [, device, inode, gnu, bsd] =
      /^(\S+) (\d+)(?: (\d+ \S+ \d+:\d+:\d+\.\d+)\b.*| (\d+\.\d+)| \d.*)?$/.exec(line) ?? [];
    return device === undefined || inode === undefined ? [] : [{ device, inode, changedNs: nanoseconds(gnu ?? bsd) }];
  });
}

/** A time stamp's part below the second, in nanoseconds; undefined where it is not told. */
interface Stamp {
  readonly device: string;
  readonly fraction: number;
}

function stamps(text: string | undefined): Stamp[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [, device, fraction] = /^(\S+) \d+ \d+(?: \S+ \d+:\d+:\d+)?\.(\d{9})\b/.exec(line) ?? [];
    return device === undefined ? [] : [{ device, fraction: Number(fraction) }];
  });
}

/** By a name of what is there already that has letters, and the same in the other case: what it leads to may be called so. */
function spellingFrom(told: string | undefined): Spelling {
  return told === 'exact' || told === 'folded' ? told : 'unknown';
}

/** So many different stamps have to be multiples of something before that is no chance. */
const ENOUGH_STAMPS = 3;

/**
 * How exactly a file system (`device`) keeps times, by the change times of what is there already, which nobody but the kernel
 * sets: FAT has every other second, old ext and HFS+ whole ones, NTFS and SMB 100 ns, where nothing that was sent compares equal.
 */
function windowFrom(facts: ReadonlyMap<string, string>, device: string): Window {
  const all = ['chain', 'inside', 'now', 'login', 'home'].flatMap((key) => stamps(facts.get(key)));
  // A stat that knows no better says so of all of them.
  if (all.every(({ fraction }) => fraction === 0)) return -1;
  const there = new Set(all.filter((each) => each.device === device).map(({ fraction }) => fraction));
  if (there.size === 1 && there.has(0)) return 1;
  return there.size >= ENOUGH_STAMPS && [...there].every((fraction) => fraction % 100 === 0) ? 0 : -1;
}

/** Whole seconds are what a file system or a stat says that knows no better. */
function nanoseconds(time: string | undefined): bigint | undefined {
  const [, seconds, fraction] = /^(\d+).*\.(\d{9})$/.exec(time ?? '') ?? [];
  if (seconds === undefined || fraction === undefined || /^0+$/.test(fraction)) return undefined;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
}

const bytes = (latin1: string): Name => nameFromBytes(Buffer.from(latin1, 'latin1'));
const bytesOrNone = (latin1: string): Name | '' => (latin1 === '' ? '' : bytes(latin1));
