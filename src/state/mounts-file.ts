import { closeSync, rmSync } from 'node:fs';
import * as v from 'valibot';
import { isName, type Name } from '../core/name.js';
import { beginFresh, readOwn, writeAll } from './own-file.js';

/** A mount point below DIR, as it is remembered between runs. */
export interface KnownMount {
  /** Device and inode of what was mounted there. */
  readonly identity: string;
  /** It is not mounted, and its own directory is in use instead. */
  readonly isBare: boolean;
}

export type KnownMounts = ReadonlyMap<Name, KnownMount>;

const FILE = v.object({
  v: v.literal(1),
  mounts: v.array(v.object({ name: v.custom<Name>(isName), identity: v.string(), isBare: v.boolean() })),
});

/** The mount points that an index was made with; undefined where that can't be read any more. Where there were none, there is no file. */
export function readMountsFile(path: string, uid: number): KnownMounts | undefined {
  try {
    const bytes = readOwn(path, uid);
    if (bytes === undefined) return new Map();
    const { mounts } = v.parse(FILE, JSON.parse(bytes.toString('utf8')));
    return new Map(mounts.map(({ name, ...mount }) => [name, mount]));
  } catch {
    return undefined;
  }
}

/** The text of such a file; an empty one where there is none. */
export const mountsText = (mounts: KnownMounts): string =>
  mounts.size === 0
    ? ''
    : JSON.stringify({
        v: 1,
        mounts: [...mounts].map(([name, { identity, isBare }]) => ({ name, identity, isBare })),
      });

/** Throws where it can't be written. */
export function writeMountsFile(path: string, text: string): void {
  if (text === '') {
    rmSync(path, { force: true });
    return;
  }
  const file = beginFresh(path);
  try {
    writeAll(file.fd, text);
    file.settle();
  } catch (error) {
    file.drop();
    throw error;
  }
  closeSync(file.fd);
}
