import { Filter, type FilterRules } from '../../src/core/filter.js';
import type { RsyncSettings } from '../../src/core/rsync-args.js';
import { carriesMore } from '../../src/core/rsync-extras.js';
import { PROGRAMS, there } from './programs.js';

/** rsync settings without any option of the user's, between two up-to-date sides. */
export const plainSettings = (
  more: Pick<RsyncSettings, 'target' | 'root'> & Partial<RsyncSettings>,
): RsyncSettings => ({
  program: there(PROGRAMS.rsync),
  pinnedRoot: () => more.root,
  remoteShell: undefined,
  rules: () => ({ before: [], after: [] }),
  bwlimit: undefined,
  chmod: undefined,
  compress: false,
  trash: undefined,
  extras: [],
  carriesMore: carriesMore(more.extras ?? []),
  nanoseconds: true,
  escapesArgs: true,
  ...more,
});

/** A filter of these rules. */
export function filterOf(rules: Partial<FilterRules> = {}): Filter {
  const made = Filter.create({ user: [], syncignore: [], regexes: [], defaults: [], ...rules });
  if (!made.ok) throw new Error(made.failure.message);
  return made.value;
}
