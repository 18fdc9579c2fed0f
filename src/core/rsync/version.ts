import type { Program } from '../environment.js';

/** A version of rsync, for comparing. */
export type Version = readonly [number, number, number];

/** The oldest rsync that knows --outbuf. */
export const OLDEST: Version = [3, 1, 0];

/** Reads `rsync --version`. A string says what else it is. */
export function readVersion(text: string): Version | string | undefined {
  if (/openrsync/i.test(text)) return 'openrsync';
  const found = /rsync\s+version\s+v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
}

/** Whether a version is this one or a later one. */
export const atLeast = (version: Version, ...wanted: Version): boolean => {
  const at = version.findIndex((part, i) => part !== wanted[i]);
  return at < 0 || (version[at] ?? 0) > (wanted[at] ?? 0);
};

/** The rsync on this machine. */
export interface RsyncHere {
  readonly program: Program;
  readonly version: Version;
}

/** Whether it escapes remote paths by itself: see RsyncSettings. */
export const escapesArgs = ({ version }: Pick<RsyncHere, 'version'>): boolean => atLeast(version, 3, 2, 5);
