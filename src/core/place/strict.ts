import type { Failure } from '../failure.js';
import { childOf, type Name, parentOf, ROOT, relativeTo, textOf } from '../name.js';
import type { Target } from '../target.js';
import { isIn } from './mounts.js';
import { type Identity, isSame, type Look, type Place } from './place.js';

/** What of a home sshd wants nobody else to be able to write to, or it takes no key of its user (StrictModes, sshd_config(5)). */
const STRICT = ['', '.ssh', '.ssh/authorized_keys', '.ssh/authorized_keys2'] as const;

/** Permission bits. */
const OTHERS_WRITE = 0o022;

/** A name of DIR that becomes one of those there. */
export interface Strict {
  readonly name: Name;
  /** What it is there, in words. */
  readonly there: string;
}

/** What was seen of a name here, as far as others may write to it. */
interface Moded {
  readonly type: 'file' | 'dir' | 'link';
  readonly mode: number;
}

/** What mode something gets there; undefined where it is given none. */
export type ModeThere = (here: Moded) => number | undefined;

/** Which names of DIR become what sshd is strict about: none, where the target is neither a home, nor in one's .ssh, nor around one. */
export function strictAt(look: Look, { label }: Target): readonly Strict[] {
  if (look.kind !== 'place') return [];
  const { path } = look.place;
  return homesAt(look.place).flatMap(([home, whose]) =>
    STRICT.flatMap((part): Strict[] => {
      const at = part === '' ? home : childOf(home, part);
      if (!isIn(at, path)) return [];
      const name = at === path ? ROOT : relativeTo(path, at);
      const owner = `home directory${whose === undefined ? '' : ` of ${whose}`}`;
      const what = part === '' ? `the ${owner}` : `${part} in the ${owner}`;
      return [{ name, there: `${what} (${textOf(at)} on ${label})` }];
    }),
  );
}

/** All homes there by a path without links, as far as that can be known: what is the same directory as one has the path of it. */
function homesAt({ path, exists, chain, homes, users }: Place): (readonly [Name, string | undefined])[] {
  const [parent, self] = exists ? [chain[1], chain[0]] : [chain[0], undefined];
  const isOf = (itself: readonly Identity[], one: Identity | undefined): boolean =>
    one !== undefined && itself.some((each) => isSame(each, one));
  const found = new Map<Name, string | undefined>();
  const add = (home: Name, whose: string | undefined): void => {
    if (home.startsWith('/') && !found.has(home)) found.set(home, whose);
  };
  for (const { whose, path: home, itself } of homes) {
    if (isOf(itself, self)) add(path, whose);
    if (isOf(itself, parent)) add(parentOf(path), whose);
    add(home, whose);
  }
  for (const { name, home } of users) add(home, name);
  return [...found];
}

/** Why these must not go there as they are here: others may write to one of them. `see`: what is here of a name that is synced. */
export function tooOpen(
  strict: readonly Strict[],
  see: (name: Name) => Moded | string | undefined,
  { dir, modeThere }: { readonly dir: string; readonly modeThere: ModeThere },
): Failure | undefined {
  for (const { name, there } of strict) {
    const seen = see(name);
    const mode = typeof seen === 'object' && seen.type !== 'link' ? modeThere(seen) : undefined;
    if (mode === undefined || (mode & OTHERS_WRITE) === 0) continue;
    const here = name === ROOT ? dir : `${dir}/${textOf(name)}`;
    return {
      kind: 'guard',
      message: `others may write to ${here} (mode ${mode.toString(8)}), and could to ${there}, too: sshd would take no key of its user any more`,
      hint: `chmod go-w ${here}, or give --chmod go-w, or name a directory below the home.`,
    };
  }
  return undefined;
}
