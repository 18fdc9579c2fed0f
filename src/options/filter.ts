import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { failed, type Result } from '../core/failure.js';
import { addRule, addRulesFromFile, DEFAULT_EXCLUDES, Filter, type RawRule, type RegexRule } from '../core/filter.js';
import { readSyncignore } from '../rules/syncignore.js';
import { many, type Parsed, usage, type Values } from './parsed.js';
import { expandHome } from './places.js';

/** The filter: the rules of the command line in its order, and DIR's .syncignore. */
export function filterFrom(
  parsed: Parsed,
  argv: readonly string[],
  root: string,
  trash: string | undefined,
): Result<Filter> {
  const rules: RawRule[] = [];
  // A trash below the target is not ours to touch.
  if (trash !== undefined && !isAbsolute(trash) && !trash.startsWith('..')) {
    rules.push({
      action: 'exclude',
      pattern: `/${latin1(trash.replace(/^(\.\/)+|\/+$/g, ''))}/`,
      source: { kind: 'trash' },
    });
  }
  const values = {
    exclude: [...many(parsed['exclude'] as Values)],
    include: [...many(parsed['include'] as Values)],
    'exclude-from': [...many(parsed['exclude-from'] as Values)],
  };
  for (const option of orderOf(argv)) {
    const value = values[option].shift();
    if (value === undefined) continue;
    if (option !== 'exclude-from') {
      addRule(rules, option, latin1(value), { kind: 'option', option: `--${option}` });
      continue;
    }
    try {
      addRulesFromFile(rules, value, readFileSync(expandHome(value)).toString('latin1'));
    } catch (error) {
      const why =
        error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'it is not there' : String(error);
      return failed(usage(`--exclude-from ${value} can't be read: ${why}`, 'Check the spelling.'));
    }
  }
  const regexes = many(parsed['exclude-regex'] as Values).map(
    (text): RegexRule => ({ text, source: { kind: 'option', option: '--exclude-regex' } }),
  );
  const defaults = parsed['default-excludes'] === false ? [] : DEFAULT_EXCLUDES;
  const syncignore = readSyncignore(root);
  if (!syncignore.ok) return syncignore;
  return Filter.create({
    user: rules,
    syncignore: syncignore.value,
    regexes,
    defaults: defaults.map((pattern): RawRule => ({ action: 'exclude', pattern, source: { kind: 'default' } })),
  });
}

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** yargs keeps the order within an option, not between them: this is the order of the filter options in `argv`. */
function orderOf(argv: readonly string[]): ReadonlyArray<'exclude' | 'include' | 'exclude-from'> {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).flatMap((arg) => {
    const long = /^--(exclude-from|exclude|include)(=|$)/.exec(arg)?.[1];
    if (long === 'exclude' || long === 'include' || long === 'exclude-from') return [long];
    return /^-[qv]*x/.test(arg) ? ['exclude' as const] : [];
  });
}
