import { Buffer } from 'node:buffer';
import { type Name, textOf } from '../name.js';
import type { Spelling } from '../spelling.js';
import type { Target } from '../target.js';
import type { Window } from '../window.js';
import type { Mount } from './mounts.js';

/** A directory as the system knows it, under whatever name. */
export interface Identity {
  readonly device: string;
  readonly inode: string;
  /** When its status last changed, in nanoseconds since 1970; undefined where that is not known to the nanosecond. */
  readonly changedNs: bigint | undefined;
}

/** A user's home directory, with the directories above it, as they are spelled and as they are. */
export interface Home {
  /** Undefined: the home of the user that we log in as. */
  readonly whose: string | undefined;
  /** Without symlinks. */
  readonly path: Name;
  readonly itself: readonly Identity[];
  readonly above: readonly Identity[];
}

/** Where a target really is, as seen on its machine at login. */
export interface Place {
  /** Absolute, without symlinks. Bytes, as in every {@link Name}. */
  readonly path: Name;
  /** Whether it is there; if not, its parent directory is. */
  readonly exists: boolean;
  /** It itself, where it exists, and all directories above it up to `/`. */
  readonly chain: readonly Identity[];
  /** What is mounted where that concerns it or a home: a directory may be seen at several places. Linux only. */
  readonly mounts: readonly Mount[];
  /** Which system runs there, since when: equal only for the same kernel. Undefined where it does not say. */
  readonly boot: string | undefined;
  readonly homes: readonly Home[];
  /** The homes in /etc/passwd there, as they are spelled, of those who can log in. */
  readonly users: readonly { readonly name: string; readonly home: Name }[];
  /** What becomes of names there that differ in case only. */
  readonly spelling: Spelling;
  /** How exactly times are kept there. */
  readonly window: Window;
  /** The part of `--trash` that is there already, and where it really is; '' where it is no directory. */
  readonly trash: { readonly part: Name; readonly at: Name | '' } | undefined;
}

/** What came of looking at a target's place. */
export type Look =
  | { readonly kind: 'place'; readonly place: Place }
  /** `~user`, and there is no such user. */
  | { readonly kind: 'noUser'; readonly user: string }
  /** A symlink to no directory that can be entered: where it would lead later on nobody has looked at. */
  | { readonly kind: 'deadLink' }
  /** It can't be told; `why` goes on "where it is can't be seen: …". */
  | { readonly kind: 'unknown'; readonly why: string };

/** DIR while a place was looked at. */
export interface Here {
  /** Absolute, without symlinks. */
  readonly path: Name;
  /** DIR itself and all directories above it, before and after. */
  readonly chain: readonly Span[];
  readonly mounts: readonly Mount[];
  readonly boot: string | undefined;
  /** Permission bits of DIR (07777); undefined where it is not there. */
  readonly mode: number | undefined;
}

/** A directory here, and how its status moved on while the other side was looked at. */
export interface Span {
  readonly before: Identity;
  readonly after: Identity;
}

/** Whether two directories of one machine are the same. */
export const isSame = (a: Identity, b: Identity): boolean => a.device === b.device && a.inode === b.inode;

/**
 * Whether a directory there is one here. On the same kernel (`isOneKernel`) device and inode say so. Else it may be on a
 * shared file system, where the device differs and inodes of unrelated directories may be equal by chance: the time of
 * its last change, to the nanosecond, is then the same too. It may move on while we look, but not back.
 */
export function isHere(there: Identity, { before, after }: Span, isOneKernel: boolean): boolean {
  if (there.inode !== before.inode) return false;
  const { changedNs } = there;
  const isInTime =
    changedNs === undefined || before.changedNs === undefined || after.changedNs === undefined
      ? undefined
      : before.changedNs <= changedNs && changedNs <= after.changedNs;
  if (isOneKernel && there.device === before.device) return isInTime !== false;
  return isInTime === true;
}

/** A target as it is handed to rsync and to commands: by its real path, so that no name can lead elsewhere later on. */
export function targetAt(target: Target, look: Look): Target {
  const path = look.kind === 'place' ? spelled(look.place.path) : undefined;
  return path === undefined ? target : { ...target, path };
}

/** A name as an argument of a program: undefined where it is no UTF-8, which node can't hand over. */
export function spelled(name: Name): string | undefined {
  const text = Buffer.from(name, 'latin1').toString('utf8');
  return Buffer.from(text, 'utf8').toString('latin1') === name ? text : undefined;
}

/** What a target is called where its real path matters: `box:app (/srv/app)`. */
export function atPath({ label }: Target, { path }: Place): string {
  const text = textOf(path);
  return label === text || label.endsWith(`:${text}`) ? label : `${label} (${text})`;
}

/**
 * What a target is remembered and locked by, in one line: where ssh goes, and the real path, however they are spelled.
 * `host`: from {@link hostFrom}; undefined: this machine. Where the place is not known, the path as it was given.
 */
export const placeKey = (target: Target, look: Look, host: string | undefined): string =>
  JSON.stringify([host ?? '', ...(look.kind === 'place' ? [look.place.path] : ['as given', target.place])]);

/**
 * Where ssh goes, by what `ssh -G` says: an alias is nothing else than what it stands for. The user is a part of it, because
 * behind a gateway each may have a machine of their own, and so is the way, because private addresses are many.
 */
export function hostFrom(
  config: string,
  { host, user }: { readonly host: string; readonly user: string | undefined },
): string {
  const value = (key: string): string | undefined => new RegExp(`^${key} (?!none$)(.+)$`, 'm').exec(config)?.[1];
  const way = ['hostkeyalias', 'proxyjump', 'proxycommand'].flatMap((key) => value(key) ?? []);
  const login = `${value('user') ?? user ?? ''}@${value('hostname') ?? host}:${value('port') ?? ''}`;
  return [login, ...way].join(' via ');
}

/** Why a place is not known; goes on "where it is can't be seen: …". */
export function whyUnseen(look: Exclude<Look, { kind: 'place' }>): string {
  switch (look.kind) {
    case 'noUser':
      return `there is no user ${look.user}`;
    case 'deadLink':
      return 'it is a link that leads to no directory that can be entered';
    case 'unknown':
      return look.why;
  }
}
