import { Filter, type FilterRules } from '../../src/core/filter/filter.js';
import type { RegexRule } from '../../src/core/filter/rule.js';
import type { RsyncSettings } from '../../src/core/rsync/args.js';
import { carriesMore } from '../../src/core/rsync/extras.js';
import { TimedRegexes } from '../../src/rules/regexes.js';
import { PROGRAMS, there } from './programs.js';

/** rsync settings without any option of the user's, between two up-to-date sides. */
export const plainSettings = (
  more: Pick<RsyncSettings, 'target' | 'root'> & Partial<RsyncSettings>,
): RsyncSettings => ({
  program: there(PROGRAMS.rsync),
  pinnedRoot: () => more.root,
  remoteShell: undefined,
  flags: [],
  trash: undefined,
  extras: [],
  carriesMore: carriesMore(more.extras ?? []),
  takes: { window: -1, deletions: 'marks' },
  chatter: [],
  escapesArgs: true,
  ...more,
});

/** A filter of these rules. */
export function filterOf({
  regexes = [],
  ...rules
}: Partial<Omit<FilterRules, 'regexes'>> & { readonly regexes?: readonly RegexRule[] } = {}): Filter {
  const timed = TimedRegexes.create(regexes);
  if (!timed.ok) throw new Error(timed.failure.message);
  const made = Filter.create({ user: [], syncignore: [], defaults: [], regexes: timed.value, ...rules });
  if (!made.ok) throw new Error(made.failure.message);
  return made.value;
}
