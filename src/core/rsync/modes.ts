import type { ModeThere } from '../place/strict.js';
import type { Extra } from './extras.js';

/** What rsync is told that bears on modes. */
interface Told {
  /** `--chmod=…` of ours. */
  readonly flags: readonly string[];
  readonly extras: readonly Extra[];
}

const OWNERS: Readonly<Record<string, number>> = { u: 0o700, g: 0o070, o: 0o007, a: 0o777 };
const SHIFTS: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const BITS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, X: 0o111 };

/**
 * What mode something gets there by what rsync is told (`--chmod`, rsync(1)), as far as reading, writing and executing go; none
 * with `--no-perms`. Without `ugoa` the umask counts, which is not known here: what is taken away is taken from the owner alone.
 */
export function modeThereBy({ flags, extras }: Told): ModeThere {
  const changes = [
    ...flags.flatMap((flag) => (flag.startsWith('--chmod=') ? [flag.slice('--chmod='.length)] : [])),
    ...extras.flatMap(({ name, value }) => (name === '--chmod' && value !== undefined ? [value] : [])),
  ].flatMap((value) => value.split(','));
  const perms = extras.findLast(({ name }) => name === '--perms' || name === '--no-perms');
  return ({ type, mode }) =>
    perms?.name === '--no-perms' ? undefined : changes.reduce((was, change) => changed(was, change, type), mode);
}

function changed(was: number, change: string, type: 'file' | 'dir' | 'link'): number {
  const [, only = '', octal, who = '', how, copied, what = ''] =
    /^([DF]*)(?:([0-7]+)|([ugoa]*)([-+=])(?:([ugo])|([rwxXst]*)))$/.exec(change) ?? [];
  if (only !== '' && !only.includes(type === 'dir' ? 'D' : 'F')) return was;
  if (octal !== undefined) return Number.parseInt(octal, 8);
  const owners = [...(who || (how === '-' ? 'u' : 'a'))].reduce((all, each) => all | (OWNERS[each] ?? 0), 0);
  const copy = copied === undefined ? 0 : ((was >> (SHIFTS[copied] ?? 0)) & 0o7) * 0o111; // as rsync 3.5 has it: g=u
  const bits = [...what].reduce((all, each) => all | (BITS[each] ?? 0), copy) & owners;
  switch (how) {
    case '-':
      return was & ~bits;
    case '+':
      return was | bits;
    case '=':
      return (was & ~owners) | bits;
    default:
      return was;
  }
}
