import { createHash } from 'node:crypto';

/** A short name for one DIR and target, for file names. */
export const keyOf = (root: string, target: string): string =>
  createHash('sha256').update(`${root}\0${target}`).digest('hex').slice(0, 16);
