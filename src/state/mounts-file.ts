import { rmSync } from 'node:fs';
import * as v from 'valibot';
import { isName, type Name } from '../core/name.js';
import { placeOf, readOwn, writeOwn } from './own-file.js';

/** A mount point below DIR, as it is remembered between runs. */
export interface KnownMount {
  /** Of what was mounted there. */
  readonly identity: string;
  /** It is not mounted, and its own directory is in use instead. */
  readonly isBare: boolean;
}

export type KnownMounts = ReadonlyMap<Name, KnownMount>;

const FILE = v.object({
  v: v.literal(1),
  mounts: v.array(v.object({ name: v.custom<Name>(isName), identity: v.string(), isBare: v.boolean() })),
});

/** The mount points that an index was made with. Where there are none, there is no file. */
export class MountsFile {
  readonly #path: string;
  readonly #uid: number;
  /** What was written, and where that is. */
  #text: string | undefined;
  #place = '';

  constructor(path: string, uid: number) {
    this.#path = path;
    this.#uid = uid;
  }

  /** Undefined where it can't be read any more. */
  read(): KnownMounts | undefined {
    try {
      const bytes = readOwn(this.#path, this.#uid);
      if (bytes === undefined) return new Map();
      const { mounts } = v.parse(FILE, JSON.parse(bytes.toString('utf8')));
      return new Map(mounts.map(({ name, ...mount }) => [name, mount]));
    } catch {
      return undefined;
    }
  }

  /** Writes it, unless it is there and says that already. Throws where it can't be written. */
  keep(mounts: KnownMounts): void {
    const text = textOf(mounts);
    if (text === this.#text && (text === '' || placeOf(this.#path) === this.#place)) return;
    if (text === '') rmSync(this.#path, { force: true });
    else writeOwn(this.#path, text);
    this.#text = text;
    this.#place = placeOf(this.#path);
  }
}

const textOf = (mounts: KnownMounts): string =>
  mounts.size === 0
    ? ''
    : JSON.stringify({
        v: 1,
        mounts: [...mounts].map(([name, { identity, isBare }]) => ({ name, identity, isBare })),
      });
