import { Buffer } from 'node:buffer';
import { EPOCH, msBetween, type WallMs, wallMs } from '../clock.js';

/** Who syncs to a place. */
export interface Holder {
  readonly user: string;
  /** The machine's name, as it calls itself. */
  readonly host: string;
  /** Its DIR. */
  readonly dir: string;
  readonly sinceMs: WallMs;
  /** The address that it came from, as the other side saw it; undefined where it is on that machine. */
  readonly from: string | undefined;
}

/** What is said of the lock of a place by the other side. */
export type LockWord =
  | { readonly kind: 'held' }
  /** There is nowhere that it could be kept. */
  | { readonly kind: 'nowhere' }
  /** Somebody else has it, or has taken it over. */
  | { readonly kind: 'others' | 'taken'; readonly holder: Holder };

export interface LockOptions {
  /** Of the place on its machine, for a file name. */
  readonly key: string;
  /** Who we are, for as long as we are it: the same after a lost connection, a kill or a start of this machine. A word. */
  readonly id: string;
  /** This hold of it. A word. */
  readonly nonce: string;
  readonly holder: Omit<Holder, 'from'>;
  readonly takesOver: boolean;
  /** What its words to us begin with; a random one. */
  readonly mark: string;
  /** Where all users of that machine look; {@link SHARED} where not given. */
  readonly shared?: string;
}

/** Everybody may write to it, and nobody may remove what is not theirs (mode 1777). */
const SHARED = '/tmp/syncwatch-locks';

/**
 * A lock that was not refreshed for so many minutes is a dead one's: it is refreshed every {@link BEAT_MS}. `find -mmin`, which GNU, the
 * BSDs and busybox have, compares on that machine alone.
 */
const DEAD_MIN = 2;

/** How often a lock is refreshed, in milliseconds, and so how soon it is known that somebody has taken it over. */
export const BEAT_MS = 10_000;

/** How long it can still be seen that a lock was taken over after it was let go, in seconds: the other one looks every {@link BEAT_MS}. */
const TELL_S = 15;

/**
 * What runs in every POSIX sh for as long as the place is held: at the end of its stdin the lock is let go. A line on stdin
 * refreshes it. It is kept twice, outside of the tree: where this user has it on all machines that share the home, and where all users of
 * this machine look. Each user has a file of their own there; whoever takes over says so in theirs.
 */
const LOCK = `
f=\${SSH_CONNECTION%% *}; case $f in ''|*[!0-9a-fA-F.:%]*) f=- ;; esac
u=$(id -u); o=-
case $XDG_STATE_HOME in /*) s=$XDG_STATE_HOME ;; *) s=$HOME/.local/state ;; esac
h=$s/syncwatch/locks
(umask 077; mkdir -p "$h")
[ -e "$g" ] || { mkdir "$g" && chmod 1777 "$g"; }
isfile() { [ -f "$1" ] && [ ! -L "$1" ]; }
isdir() { [ -d "$1" ] && [ ! -L "$1" ] && [ -w "$1" ]; }
put() { isdir "$1" && (set -C; echo "$w $i $n $a $f $o" >"$1/$k.$u.$n") && mv -f "$1/$k.$u.$n" "$1/$k.$u" && p=1; }
# What was let go counts only for whom it was taken from.
get() { v=; isfile "$1" && read -r v ei en ea ef eo <"$1"; case $v in syncwatch1) ;; syncwatch0) [ -n "$2" ] ;; *) false ;; esac; }
fresh() { [ -n "$(find "$1" -prune -mmin -${DEAD_MIN})" ]; }
others() {
  for e in "$h/$k".* "$g/$k".*; do
    case \${e##*/"$k".} in *[!0-9]*) continue ;; esac
    get "$e" "$1" && [ "$ei" != "$i" ] && fresh "$e" || continue
    [ -z "$1" ] || [ "$eo" = "$1" ] || continue
    return 0
  done
  return 1
}
isfirst() { [ "$(printf '%s\\n' "$ei" "$i" | sort | head -n 1)" = "$ei" ]; }
say() { echo "$m $*"; }
isours() { get "$1" any && [ "$ei $en" = "$i $n" ]; }
drop() { for e in "$h/$k.$u" "$g/$k.$u"; do isours "$e" && rm -f "$e"; done; rmdir "$g"; }
hold() { p=; put "$h"; put "$g"; [ -n "$p" ]; }
isheld() { for e in "$h/$k.$u" "$g/$k.$u"; do isours "$e" && fresh "$e" && return 0; done; return 1; }
# Not refreshed for too long (asleep, stopped), it is anybody’s.
lost() {
  for e in "$h/$k.$u" "$g/$k.$u"; do get "$e" && [ "$ei" != "$i" ] && return 0; done
  others "$n" || { ! isheld && others ''; }
}
# Who had it before has to hear of it, however soon we are through.
leave() {
  if [ "$o" = - ] || lost || ! isheld; then drop; return; fi
  w=syncwatch0; hold
  (sleep ${TELL_S}; drop) </dev/null >/dev/null &
}
w=syncwatch1
if others ''; then
  if [ "$t" = 0 ]; then say others "$ea" "$ef"; exit; fi
  o=$en
fi
if hold; then
  # Two at once: one of them.
  if [ "$t" = 0 ] && others '' && isfirst; then say others "$ea" "$ef"; drop; exit; fi
  say held
  while read -r _; do
    if lost; then say taken "$ea" "$ef"; drop; exit; fi
    hold
  done
  leave
else say nowhere; fi
`;

/** A script for `sh -s` that holds the lock of a place, see {@link LOCK}. Its stdin is open as long as it is held. */
export function lockScript({ key, id, nonce, holder, takesOver, mark, shared = SHARED }: LockOptions): string {
  const { user, host, dir, sinceMs } = holder;
  const about = [user, host, dir, String(sinceMs)].map((text) => Buffer.from(text, 'utf8').toString('hex')).join('.');
  // In braces, so that the shell has read all of it before it begins: what follows on stdin is for it.
  return `{
exec 2>/dev/null
unset CDPATH GREP_OPTIONS; LC_ALL=C; export LC_ALL; umask 022; unalias -a
m=${mark}; k=${key}; i=${id}; n=${nonce}; a=${about}; t=${takesOver ? 1 : 0}; g=${shared}
${LOCK}
exit
}
`;
}

/** Reads one line that was printed there: undefined where it is none of the script's. */
export function readLockWord(line: string, mark: string): LockWord | undefined {
  const [first, kind, about = '', from = '-'] = line.trim().split(' ');
  if (first !== mark) return undefined;
  switch (kind) {
    case 'held':
    case 'nowhere':
      return { kind };
    case 'others':
    case 'taken':
      return { kind, holder: holderFrom(about, from) };
    default:
      return undefined;
  }
}

/** What was not written by us may say anything. */
function holderFrom(about: string, from: string): Holder {
  const [user = '', host = '', dir = '', since = ''] = about
    .slice(0, 10_000)
    .split('.')
    .map((hex) => Buffer.from(hex, 'hex').toString('utf8'));
  const ms = Number(since);
  const isMoment = Number.isFinite(ms) && Math.abs(ms) < 8.64e15;
  return { user, host, dir, sinceMs: wallMs(isMoment ? ms : 0), from: from === '-' ? undefined : from };
}

/** `ada@laptop (/home/ada/app, from 10.0.0.5), since 2026-11-26 09:12`, in the time of this machine. */
export function holderInWords({ user, host, dir, sinceMs, from }: Holder): string {
  const at = new Date(msBetween(EPOCH, sinceMs));
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const where = from === undefined ? dir : `${dir}, from ${from}`;
  return `${user}@${host} (${where}), since ${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
