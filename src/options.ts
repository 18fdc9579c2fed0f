import { readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import leven from 'leven';
import yargs from 'yargs';
import type { DeleteMode } from './core/batch.js';
import { type Failure, failed, type Result, success } from './core/failure.js';
import { addRule, addRulesFromFile, DEFAULT_EXCLUDES, Filter, type RawRule, type RegexRule } from './core/filter.js';
import { whyRefused } from './core/rsync-args.js';
import { parseTarget, type Target } from './core/target.js';
import type { Mode, Settings, Verbosity } from './settings.js';

/**
 * How long a batch must be quiet before it is handed on, in milliseconds. @parcel/watcher itself holds events back for
 * 50 ms after the first of a burst (DESIGN section 7); this only joins what one callback, one listing and an editor's
 * truncate and write bring in one go. Issue 3 chooses it by measurement.
 */
export const DEFAULT_DEBOUNCE_MS = 20;

/** What the command line asks for: work, or a text and the exit code that goes with it. */
export type Asked =
  | { readonly kind: 'run'; readonly settings: Settings }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

const TARGETS = 'What and where to:';
const FILTER = 'What is left out (first match wins; patterns as in rsync):';
const DELETIONS = 'Deletions:';
const HOW = 'How:';
const SSH = 'Passed to ssh (all else comes from your ssh config):';
const RSYNC = 'Passed to rsync (more after --):';
const OUTPUT = 'Output:';

const OPTIONS = {
  to: {
    alias: 't',
    type: 'string',
    requiresArg: true,
    group: TARGETS,
    describe: 'target: [user@]host:path, or a local path',
  },
  once: { type: 'boolean', default: false, group: TARGETS, describe: 'one full sync, then exit' },
  'dry-run': { type: 'boolean', default: false, group: TARGETS, describe: 'say what a full sync would do, then exit' },
  initial: {
    type: 'boolean',
    default: true,
    group: TARGETS,
    describe: 'begin with a full sync; --no-initial: only what changes from now on',
  },
  exclude: {
    alias: 'x',
    type: 'string',
    requiresArg: true,
    group: FILTER,
    describe: 'leave out what matches this pattern',
  },
  include: {
    type: 'string',
    requiresArg: true,
    group: FILTER,
    describe: 'take along what a later rule would leave out',
  },
  'exclude-from': { type: 'string', requiresArg: true, group: FILTER, describe: 'file with patterns, one a line' },
  'exclude-regex': {
    type: 'string',
    requiresArg: true,
    group: FILTER,
    describe: 'leave out paths (relative to DIR) matching this JavaScript regular expression',
  },
  'default-excludes': {
    type: 'boolean',
    default: true,
    group: FILTER,
    describe: `leave out ${DEFAULT_EXCLUDES.slice(0, 5).join(' ')} and editors' temporary files`,
  },
  delete: {
    choices: ['seen', 'mirror', 'never'],
    default: 'seen',
    requiresArg: true,
    group: DELETIONS,
    describe: 'seen: carry over deletions seen here; mirror: a full sync also removes what is only there; never',
  },
  'max-delete': {
    type: 'number',
    requiresArg: true,
    group: DELETIONS,
    describe: 'stop when more paths than this would be deleted at once',
  },
  'allow-empty': { type: 'boolean', default: false, group: DELETIONS, describe: 'carry on when DIR becomes empty' },
  trash: {
    type: 'string',
    requiresArg: true,
    group: DELETIONS,
    describe: 'what would be overwritten or deleted there goes to this directory there',
  },
  debounce: {
    type: 'number',
    default: DEFAULT_DEBOUNCE_MS,
    requiresArg: true,
    group: HOW,
    describe: 'how long changes must be quiet before they are sent, in ms (0 to 60000)',
  },
  'one-by-one': { type: 'boolean', default: false, group: HOW, describe: 'always one file per rsync run' },
  port: { alias: 'p', type: 'number', requiresArg: true, group: SSH, describe: 'port (1 to 65535)' },
  identity: { alias: 'i', type: 'string', requiresArg: true, group: SSH, describe: 'private key file; repeatable' },
  'ssh-config': { alias: 'F', type: 'string', requiresArg: true, group: SSH, describe: 'ssh config file' },
  'ssh-option': {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    group: SSH,
    describe: 'ssh option, Key=value; repeatable',
  },
  bwlimit: { type: 'string', requiresArg: true, group: RSYNC, describe: 'highest rate, KiB/s, or with a unit: 1.5m' },
  chmod: { type: 'string', requiresArg: true, group: RSYNC, describe: 'permissions there, for example D755,F644' },
  compress: { type: 'boolean', default: false, group: RSYNC, describe: 'compress on the way' },
  quiet: { alias: 'q', type: 'boolean', default: false, group: OUTPUT, describe: 'only errors' },
  verbose: {
    alias: 'v',
    type: 'boolean',
    default: false,
    group: OUTPUT,
    describe: 'also what was skipped, kept or only touched',
  },
  debug: { type: 'boolean', default: false, group: OUTPUT, describe: 'every hint and rsync command, and stack traces' },
  json: { type: 'boolean', default: false, group: OUTPUT, describe: 'one JSON event a line on stdout' },
  color: { type: 'boolean', default: true, group: OUTPUT, describe: 'colours on a terminal; --no-color for none' },
} as const;

const EPILOGUE = `PATH is as in rsync: relative to the login directory unless it begins with /.

Exit codes: 0 in sync; 1 some paths failed; 2 usage; 3 can't start, or a guard stopped it; 130, 143 ended by a signal.`;

/** Reads the command line and checks everything that needs no connection. Nothing is changed anywhere. */
export async function readOptions(
  argv: readonly string[],
  version: string,
  columns: number | undefined,
): Promise<Asked> {
  let problem: string | undefined;
  let text = '';
  const parser = yargs()
    .scriptName('syncwatch')
    .usage(
      '$0 --to HOST:PATH [DIR] [-- RSYNC-ARGS]\n\nKeeps HOST:PATH the same as DIR (default: here) as long as it runs.',
    )
    .options(OPTIONS)
    .parserConfiguration({
      'populate--': true,
      'camel-case-expansion': false,
      'parse-positional-numbers': false,
      'duplicate-arguments-array': true,
    })
    .example('$0 --to server:project', 'keep ~/project on server the same as this directory')
    .example('$0 --to me@host:/srv/app src -x "*.log"', 'only src, without logs')
    .example('$0 --to host:app --once --delete mirror', 'make it the same once, also removing what is only there')
    .epilogue(EPILOGUE)
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(columns ?? 100, 110))
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      problem ??= message ?? error?.message ?? 'the command line is wrong';
    });
  const parsed = await parser.parseAsync([...argv], {}, (_error, _argv, output) => {
    text = output;
  });
  if (problem !== undefined) return { kind: 'failed', failure: usage(...improve(problem)) };
  if (text !== '') return { kind: 'text', text };
  const settings = settingsFrom(parsed as unknown as Parsed, argv);
  return settings.ok ? { kind: 'run', settings: settings.value } : { kind: 'failed', failure: settings.failure };
}

type Values = string | readonly string[] | undefined;

/** What yargs leaves after its own checks. An option given twice is an array. */
interface Parsed {
  readonly _: ReadonlyArray<string | number>;
  readonly '--'?: readonly string[];
  readonly [option: string]: unknown;
}

const SEE_HELP = 'See syncwatch --help.';
const usage = (message: string, hint = SEE_HELP): Failure => ({ kind: 'usage', message, hint });

/** yargs' own message, with a suggestion for a misspelled option. */
function improve(message: string): [string, string] {
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ')[0];
  if (unknown === undefined) return [message.replace(/\s*\n\s*/g, ' '), SEE_HELP];
  const known = [...Object.keys(OPTIONS), 'version', 'help'].flatMap((name) => [name, `no-${name}`]);
  const [best] = known
    .map((name) => ({ name, distance: leven(unknown, name) }))
    .sort((a, b) => a.distance - b.distance);
  const close = best !== undefined && best.distance <= Math.max(2, unknown.length / 3);
  const dashes = unknown.length === 1 ? '-' : '--';
  return [`unknown option ${dashes}${unknown}`, close ? `Did you mean --${best.name}?` : SEE_HELP];
}

function settingsFrom(parsed: Parsed, argv: readonly string[]): Result<Settings> {
  const once = one(parsed, 'once', isBoolean) ?? false;
  for (const name of Object.keys(OPTIONS)) {
    const repeatable = ['to', 'exclude', 'include', 'exclude-from', 'exclude-regex', 'identity', 'ssh-option'];
    if (Array.isArray(parsed[name]) && !repeatable.includes(name))
      return failed(usage(`--${name} was given more than once`));
  }
  const targetTexts = many(parsed['to'] as Values);
  const [targetText] = targetTexts;
  if (targetText === undefined) {
    return failed(usage('no target: --to is missing', 'For example: syncwatch --to user@host:/path/to/dir'));
  }
  if (targetTexts.length > 1) {
    return failed(
      usage('only one --to for now', 'Several targets come in a later version: start one syncwatch for each.'),
    );
  }
  const dryRun = one(parsed, 'dry-run', isBoolean) ?? false;
  if (once && dryRun) return failed(usage("--once and --dry-run can't go together"));
  const mode: Mode = dryRun ? 'dry-run' : once ? 'once' : 'watch';
  const initial = one(parsed, 'initial', isBoolean) ?? true;
  if (!initial && mode !== 'watch') return failed(usage(`--no-initial makes no sense with --${mode}`));

  const debounceMs = inRange(parsed, 'debounce', 0, 60_000);
  if (!debounceMs.ok) return debounceMs;
  const port = inRange(parsed, 'port', 1, 65_535);
  if (!port.ok) return port;
  const maxDelete = inRange(parsed, 'max-delete', 0, Number.MAX_SAFE_INTEGER);
  if (!maxDelete.ok) return maxDelete;

  for (const [option, pattern, example] of [
    ['bwlimit', /^\d+(\.\d+)?([kmgtp]?(i?b)?)?$/i, '--bwlimit 500 or --bwlimit 1.5m'],
    [
      'chmod',
      /^[DF]?([0-7]{3,4}|[ugoa]*[-+=][rwxXst]*)(,[DF]?([0-7]{3,4}|[ugoa]*[-+=][rwxXst]*))*$/,
      '--chmod D755,F644',
    ],
    ['trash', /^[^\0\n\r]+$/, '--trash .trash'],
  ] as const) {
    const value = one(parsed, option, isString);
    if (value !== undefined && !pattern.test(value))
      return failed(usage(`--${option} ${JSON.stringify(value)} can't be used`, `For example: ${example}`));
  }
  for (const option of many(parsed['ssh-option'] as Values)) {
    if (!/^\w+[ =]/.test(option))
      return failed(usage(`-o ${JSON.stringify(option)} is no ssh option`, 'Write -o Key=value, see man ssh_config.'));
  }
  for (const option of ['identity', 'ssh-config']) {
    for (const path of many(parsed[option] as Values)) {
      if (statSync(expandHome(path), { throwIfNoEntry: false })?.isDirectory() !== false)
        return failed(usage(`--${option}: there is no file ${path}`, 'Check the spelling.'));
    }
  }
  const rsyncArgs = parsed['--'] ?? [];
  for (const arg of rsyncArgs) {
    const why = whyRefused(arg);
    if (why !== undefined) return failed(usage(`${arg} can't be given to rsync: ${why}`));
  }

  const root = rootFrom(parsed._.map(String));
  if (!root.ok) return root;
  const target = targetFrom(targetText, root.value.root);
  if (!target.ok) return target;
  const trash = one(parsed, 'trash', isString);
  const filter = filterFrom(parsed, argv, trash);
  if (!filter.ok) return filter;

  const verbosity: Verbosity =
    parsed['debug'] === true
      ? 'debug'
      : parsed['verbose'] === true
        ? 'verbose'
        : parsed['quiet'] === true
          ? 'quiet'
          : 'normal';
  return success({
    mode,
    ...root.value,
    targets: [target.value],
    filter: filter.value,
    deletes: one(parsed, 'delete', isDeleteMode) ?? 'seen',
    maxDelete: maxDelete.value,
    allowEmpty: parsed['allow-empty'] === true,
    initial,
    debounceMs: debounceMs.value ?? DEFAULT_DEBOUNCE_MS,
    oneByOne: parsed['one-by-one'] === true,
    ssh: {
      port: port.value,
      identities: many(parsed['identity'] as Values).map(expandHome),
      configFile: one(parsed, 'ssh-config', isString),
      options: many(parsed['ssh-option'] as Values),
    },
    trash,
    bwlimit: one(parsed, 'bwlimit', isString),
    chmod: one(parsed, 'chmod', isString),
    compress: parsed['compress'] === true,
    rsyncArgs,
    verbosity,
    json: parsed['json'] === true,
    color: parsed['color'] !== false,
  });
}

const many = (value: Values): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;
const isString = (value: unknown): value is string => typeof value === 'string';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isDeleteMode = (value: unknown): value is DeleteMode =>
  value === 'seen' || value === 'mirror' || value === 'never';
const one = <T>(parsed: Parsed, option: string, is: (value: unknown) => value is T): T | undefined => {
  const value = parsed[option];
  return is(value) ? value : undefined;
};

function inRange(parsed: Parsed, option: string, min: number, max: number): Result<number | undefined> {
  const value = parsed[option];
  if (value === undefined) return success(undefined);
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return success(value);
  const upTo = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
  return failed(usage(`--${option} takes a whole number ${upTo}`));
}

const expandHome = (path: string): string => (path.startsWith('~/') ? homedir() + path.slice(1) : path);

function rootFrom(positional: readonly string[]): Result<{ dir: string; root: string }> {
  const [dir = '.', extra] = positional;
  if (extra !== undefined) {
    return failed(
      usage(
        `one DIR at most, but there are ${positional.length}: ${positional.join(' ')}`,
        'Quote patterns: -x "*.log".',
      ),
    );
  }
  try {
    const root = realpathSync(dir);
    if (!statSync(root).isDirectory())
      return failed(badDir(dir, 'is not a directory', 'Name the directory that holds it.'));
    if (root === '/') return failed(badDir(dir, 'is the whole file system', 'Name a directory below it.'));
    return success({ dir, root });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return failed(badDir(dir, 'is not there', 'Check the spelling.'));
    return failed(badDir(dir, `can't be read (${String(code)})`, 'Check its rights.'));
  }
}

const badDir = (dir: string, why: string, hint: string): Failure => ({ kind: 'start', message: `${dir} ${why}`, hint });

/** The target; a local one is made absolute, and refused inside DIR or around it. */
function targetFrom(text: string, root: string): Result<Target> {
  const target = parseTarget(text);
  if (!target.ok || target.value.kind === 'remote') return target;
  const path = realOf(resolve(expandHome(target.value.path)));
  if (path === '/')
    return failed(usage(`--to ${text} is this machine's whole file system`, 'Name a directory below it.'));
  if (path === root) return failed(usage(`--to ${text} is DIR itself`, 'Name another directory.'));
  if (isInside(path, root))
    return failed(
      usage(`--to ${text} is inside DIR: it would sync itself into itself`, 'Name a directory outside it.'),
    );
  if (isInside(root, path))
    return failed(usage(`DIR is inside --to ${text}: it would be synced over itself`, 'Name a directory elsewhere.'));
  return success({ kind: 'local', path, label: text });
}

/** The real path of what may not be there yet. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = resolve(path, '..');
    return parent === path ? path : resolve(realOf(parent), relative(parent, path));
  }
}

function isInside(path: string, dir: string): boolean {
  const way = relative(dir, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The filter, its rules in the order of the command line. */
function filterFrom(parsed: Parsed, argv: readonly string[], trash: string | undefined): Result<Filter> {
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
  return Filter.create(
    rules,
    regexes,
    defaults.map((pattern): RawRule => ({ action: 'exclude', pattern, source: { kind: 'default' } })),
  );
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
