import type { Report } from '../core/event.js';
import type { Filter } from '../core/filter/filter.js';
import { describeSource } from '../core/filter/rule.js';
import { SOURCES, sourcesInOrder } from '../core/filter/sources.js';
import { textOf } from '../core/name.js';
import { shortened } from '../core/printable.js';

/** Of a regular expression that takes too long: once in full, for the others there is `--debug`. */
export function tellUnanswered(report: Report): Parameters<Filter['whenUnanswered']>[0] {
  const told = new Set<string>();
  return ({ text, source }, name) => {
    const what = `${describeSource(source)}: '${shortened(text)}' can't say in time whether it matches`;
    if (told.has(text)) report({ kind: 'note', level: 'debug', text: `${what} ${textOf(name)}` });
    else
      report({
        kind: 'note',
        level: 'normal',
        text: `${what} ${shortened(textOf(name))}: what it has no answer for stays here (see --why). Write it without repetitions in repetitions, as in (a+)+`,
      });
    told.add(text);
  };
}

/** How many rules there are and where they come from. */
export function countsInWords(counts: Filter['counts'], git: string | undefined, unwatched: number): string {
  const parts = sourcesInOrder().map((source) =>
    source === 'git' ? (git ?? 'git does not count') : `${counts[source]} ${SOURCES[source].words}`,
  );
  return `what is left out, first match wins: ${parts.join('; ')}; ${unwatched} excluded directories are not watched`;
}
