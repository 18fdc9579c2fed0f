import fc from 'fast-check';
import type { FakeDisk } from './fake-disk.js';
import { n } from './fake-work.js';

/** What changes are about. */
const NAMES = ['a', 'b', 'd', 'd/x', 'd/y', 'e', 'e/z', 'e/z/w'];
export const aName = fc.constantFrom(...NAMES);
export const aChange = fc.oneof(
  fc.record({
    do: fc.constantFrom('write', 'replace', 'again', 'mkdir', 'symlink', 'block', 'remove', 'chmod'),
    name: aName,
    to: aName,
  }),
  fc.record({ do: fc.constant('rename'), name: aName, to: aName }),
);
export type Change = typeof aChange extends fc.Arbitrary<infer T> ? T : never;

/** Does this to a directory in memory, where it can be done. */
export function change(disk: FakeDisk, { do: what, name, to }: Change): void {
  const isIn = (one: string, other: string): boolean => one === other || one.startsWith(`${other}/`);
  switch (what) {
    case 'write':
      if (disk.get(n(name))?.type !== 'dir') disk.write(name, 10 + name.length);
      return;
    case 'again':
      if (disk.get(n(name))?.type === 'file') disk.write(name, disk.get(n(name))?.size, true);
      return;
    case 'replace':
      disk.replace(name, 2_000_000);
      return;
    case 'mkdir':
      if (!disk.has(n(name))) disk.mkdir(name);
      return;
    case 'symlink':
      disk.symlink(name);
      return;
    case 'block':
      disk.block(name);
      return;
    case 'remove':
      disk.remove(name);
      return;
    case 'chmod':
      if (disk.get(n(name)) !== undefined && disk.get(n(name))?.type !== 'link') disk.chmod(name, 0o600);
      return;
    case 'rename':
      if (disk.get(n(name)) === undefined || isIn(name, to) || isIn(to, name)) return;
      disk.rename(name, to);
  }
}
