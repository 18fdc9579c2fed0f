import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { failed, type Result, success } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { compilePattern } from '../core/filter/pattern.js';
import { PATTERNS_HELP } from '../core/filter/rule.js';
import { forEachHook, HOOK_KINDS, hookKinds } from '../core/hook-kinds.js';
import { shortened } from '../core/printable.js';
import { type Extra, readExtras } from '../core/rsync/extras.js';
import type { DeleteMode } from '../core/sync/batch.js';
import type { HookCommand, HookCommands } from '../hooks/hooks.js';
import type { Mode, Settings, Verbosity } from '../settings.js';
import { filterFrom, latin1 } from './filter.js';
import type { Gathered } from './gather.js';
import { isTextByText } from './layer.js';
import { many, type Parsed, REPEATABLE, usage, type Values } from './parsed.js';
import { expandHome, targetsFrom } from './places.js';
import { trashFrom, trashInTheWay } from './trash.js';

/** How often by default. */
const RESCAN_MINUTES = 60;

/** A week. */
const MOST_MINUTES = 10_080;

/** Checks what was given, and makes it what the program works with. */
export function settingsFrom(given: Gathered): Result<Settings> {
  const { parsed, dir, root } = given;
  const once = one(parsed, 'once', isBoolean) ?? false;
  for (const [name, value] of Object.entries(parsed)) {
    const isOption = name.length > 1 && name !== '--';
    if (isOption && Array.isArray(value) && !REPEATABLE.includes(name)) {
      return failed(usage(`--${name} was given more than once`));
    }
  }
  const dryRun = one(parsed, 'dry-run', isBoolean) ?? false;
  if (once && dryRun) return failed(usage("--once and --dry-run can't go together"));
  const mode: Mode = dryRun ? 'dry-run' : once ? 'once' : 'watch';
  const initial = one(parsed, 'initial', isBoolean) ?? true;
  if (!initial && mode !== 'watch') return failed(usage(`--no-initial makes no sense with --${mode}`));

  const debounceMs = inRange(parsed, 'debounce', 0, 60_000);
  if (!debounceMs.ok) return debounceMs;
  const rescan = parsed['rescan'] ?? (initial ? RESCAN_MINUTES : 0);
  if (typeof rescan !== 'number' || !(rescan >= 0 && rescan <= MOST_MINUTES))
    return failed(usage(`--rescan takes a number of minutes from 0 (never) to ${MOST_MINUTES}`));
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
  const rsyncExtras = extrasFrom(given);
  if (!rsyncExtras.ok) return rsyncExtras;

  const targets = targetsFrom(many(parsed['to'] as Values), given.targets, root);
  if (!targets.ok) return targets;
  const trash = trashFrom(one(parsed, 'trash', isString));
  if (!trash.ok) return trash;
  const filter = filterFrom(given, root, trash.value);
  if (!filter.ok) return filter;
  const inTheWay =
    trash.value === undefined ? undefined : trashInTheWay(trash.value, root, () => filterFrom(given, root, undefined));
  if (inTheWay !== undefined) return failed(inTheWay);
  const hooks = hooksFrom(parsed);
  if (!hooks.ok) return hooks;

  const deletes = one(parsed, 'delete', isDeleteMode) ?? 'seen';
  const mirrorsExcluded = parsed['delete-excluded'] === true;
  if (mirrorsExcluded && deletes !== 'mirror')
    return failed(usage('--delete-excluded makes no sense without --delete mirror'));

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
    dir,
    root,
    targets: targets.value,
    filter: filter.value,
    gitignore: gitignoreFrom(parsed),
    hooks: hooks.value,
    deletes,
    mirrorsExcluded,
    maxDelete: maxDelete.value,
    allowEmpty: parsed['allow-empty'] === true,
    initial,
    rescanMinutes: rescan,
    debounceMs: debounceMs.value,
    oneByOne: parsed['one-by-one'] === true,
    ssh: {
      port: port.value,
      // Absolute: not every ssh is started in the working directory.
      identities: many(parsed['identity'] as Values).map((path) => resolve(expandHome(path))),
      configFile: many(parsed['ssh-config'] as Values).map((path) => resolve(expandHome(path)))[0],
      options: many(parsed['ssh-option'] as Values),
    },
    trash: trash.value,
    bwlimit: one(parsed, 'bwlimit', isString),
    chmod: one(parsed, 'chmod', isString),
    compress: parsed['compress'] === true,
    rsyncExtras: rsyncExtras.value,
    verbosity,
    json: parsed['json'] === true,
    color: parsed['color'] !== false,
  });
}

/** What `--why` asks. */
export interface WhyAsked {
  readonly dir: string;
  readonly root: string;
  readonly filter: Filter;
  readonly gitignore: boolean | 'whereItIs';
  /** What relative paths are relative to. */
  readonly from: string;
  /** As they were given. */
  readonly paths: readonly [string, ...string[]];
  readonly json: boolean;
  readonly color: boolean;
  readonly verbosity: Verbosity;
}

/** Checks what belongs to `--why`. */
export function whyFrom(given: Gathered): Result<WhyAsked> {
  const { parsed, dir, root } = given;
  const [first, ...more] = many(parsed['why'] as Values);
  if (first === undefined) return failed(usage('--why needs a path'));
  const trash = trashFrom(one(parsed, 'trash', isString));
  if (!trash.ok) return trash;
  const filter = filterFrom(given, root, trash.value);
  if (!filter.ok) return filter;
  return success({
    dir,
    root,
    from: parsed._.length > 0 ? root : realpathSync('.'),
    filter: filter.value,
    gitignore: gitignoreFrom(parsed),
    paths: [first, ...more],
    json: parsed['json'] === true,
    color: parsed['color'] !== false,
    verbosity: parsed['debug'] === true ? 'debug' : 'normal',
  });
}

/**
 * What follows the `--`, and `"rsync-args"`: each source is read by itself, so that none takes the first word of another for a
 * value. Of rsync's own options the last one counts, so the command line comes last.
 */
function extrasFrom({ parsed, layers }: Gathered): Result<readonly Extra[]> {
  const extras: Extra[] = [];
  const sources = layers.toReversed().map(({ source, values }) => ({
    source: `${source}: "rsync-args": `,
    words: many(values['rsync-args'] as Values),
  }));
  for (const { source, words } of [...sources, { source: 'after the --: ', words: parsed['--'] ?? [] }]) {
    const read = readExtras(words.map(String));
    if (!read.ok) return failed(usage(`${source}${read.why}`, 'The README says what may follow the --.'));
    extras.push(...read.extras);
  }
  return success(extras);
}

/** The commands to run after uploads; an empty one is none. */
function hooksFrom(parsed: Parsed): Result<HookCommands> {
  const hooks = forEachHook((): HookCommand[] => []);
  for (const kind of hookKinds()) {
    const { option } = HOOK_KINDS[kind];
    const value = parsed[option];
    for (const [pattern, command] of Object.entries(
      isTextByText(value) ? value : { '': isString(value) ? value : '' },
    )) {
      const only = pattern === '' ? undefined : compilePattern(latin1(pattern));
      if (typeof only === 'string')
        return failed(usage(`--${option}: '${shortened(pattern)}' can't be used: ${shortened(only)}`, PATTERNS_HELP));
      if (command.trim() !== '') hooks[kind].push({ command: command.trim(), only });
    }
  }
  return success(hooks);
}

const gitignoreFrom = (parsed: Parsed): boolean | 'whereItIs' => one(parsed, 'gitignore', isBoolean) ?? 'whereItIs';

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
