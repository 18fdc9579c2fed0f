import type { RsyncSettings } from '../../src/core/rsync-args.js';

/** rsync settings without any option of the user's, between two up-to-date sides. */
export const plainSettings = (
  more: Pick<RsyncSettings, 'target' | 'root'> & Partial<RsyncSettings>,
): RsyncSettings => ({
  pinnedRoot: () => more.root,
  remoteShell: undefined,
  rules: { beforeRegexes: [], afterRegexes: [] },
  bwlimit: undefined,
  chmod: undefined,
  compress: false,
  trash: undefined,
  extra: [],
  nanoseconds: true,
  escapesArgs: true,
  ...more,
});
