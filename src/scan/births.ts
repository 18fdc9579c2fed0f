import { type BigIntStats, lstatSync } from 'node:fs';

/** Where statx(2) can't be had, libuv takes the time of the last change for it: procfs, which keeps none, then has one. */
const TELLS_BIRTHS = (lstatSync('/proc/self', { bigint: true, throwIfNoEntry: false })?.birthtimeNs ?? 0n) === 0n;

/** When an inode was made, in nanoseconds since 1970; undefined where nobody says. */
export const bornNs = ({ birthtimeNs }: BigIntStats): bigint | undefined =>
  TELLS_BIRTHS && birthtimeNs !== 0n ? birthtimeNs : undefined;
