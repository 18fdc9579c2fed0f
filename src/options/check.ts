import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { failed, type Result, success } from '../core/failure.js';
import type { Filter } from '../core/filter/filter.js';
import { compilePattern } from '../core/filter/pattern.js';
import { PATTERNS_HELP } from '../core/filter/rule.js';
import { forEachHook, HOOK_KINDS, hookKinds } from '../core/hook-kinds.js';
import { shortened } from '../core/printable.js';
import { type Extra, readExtras } from '../core/rsync/extras.js';
import type { HookCommand, HookCommands } from '../hooks/hooks.js';
import type { Invocation, OutputSettings, Settings, Verbosity } from '../settings.js';
import { expandHome } from '../user-folders.js';
import { filterFrom, latin1 } from './filter.js';
import type { Gathered } from './gather.js';
import { many, usage, type Values } from './parsed.js';
import { targetsFrom } from './places.js';
import { isFlag, namesOf, rowOf } from './table.js';
import { trashFrom, trashInTheWay } from './trash.js';
import { type OptionValues, readValues } from './values.js';

/** How often by default. */
const RESCAN_MINUTES = 60;

/** Checks what was given, and makes it what the program works with. */
export function invocationFrom(given: Gathered): Result<Invocation> {
  const { dir, root } = given;
  const read = readValues(given.parsed, namesOf(isFlag));
  if (!read.ok) return read;
  const values = read.value;
  const rsyncExtras = extrasFrom(given);
  if (!rsyncExtras.ok) return rsyncExtras;
  const targets = targetsFrom(values.to, given.targets, root);
  if (!targets.ok) return targets;
  const trash = trashFrom(values.trash);
  if (!trash.ok) return trash;
  const filter = filterFrom(given, root, trash.value);
  if (!filter.ok) return filter;
  const inTheWay =
    trash.value === undefined ? undefined : trashInTheWay(trash.value, root, () => filterFrom(given, root, undefined));
  if (inTheWay !== undefined) return failed(inTheWay);
  const hooks = hooksFrom(values);
  if (!hooks.ok) return hooks;
  const settings: Settings = {
    mode: values['dry-run'] ? 'dry-run' : values.once ? 'once' : 'watch',
    dir,
    root,
    targets: targets.value,
    gitignore: values.gitignore ?? 'whereItIs',
    hooks: hooks.value,
    deletions: {
      mode: values.delete,
      excludedToo: values['delete-excluded'],
      most: values['max-delete'],
      allowEmpty: values['allow-empty'],
      trash: trash.value,
    },
    pace: {
      initial: values.initial,
      rescanMinutes: values.rescan ?? (values.initial ? RESCAN_MINUTES : 0),
      pollSeconds: values.poll,
      debounceMs: values.debounce,
      oneByOne: values['one-by-one'],
    },
    ssh: {
      port: values.port,
      // Absolute: not every ssh is started in the working directory.
      identities: values.identity.map((path) => resolve(expandHome(path))),
      configFile: values['ssh-config'] === undefined ? undefined : resolve(expandHome(values['ssh-config'])),
      options: values['ssh-option'],
      ownMaster: values['own-master'],
    },
    takesOver: values['take-over'],
    rsync: { flags: rsyncFlagsFrom(values), extras: rsyncExtras.value },
    output: { verbosity: verbosityFrom(values), json: values.json, color: values.color },
    notifies: values.notify,
  };
  return success({ settings, filter: filter.value });
}

/** The options of rsync that ours stand for, those without a value first. */
function rsyncFlagsFrom(values: OptionValues): string[] {
  const flags = namesOf(({ rsync }) => rsync !== undefined).flatMap((name) => {
    const value = values[name];
    const flag = rowOf(name)?.rsync ?? '';
    return value === undefined || value === false ? [] : [value === true ? flag : `${flag}=${String(value)}`];
  });
  return [...flags.filter((flag) => !flag.includes('=')), ...flags.filter((flag) => flag.includes('='))];
}

const verbosityFrom = ({ debug, verbose, quiet }: OptionValues): Verbosity =>
  debug ? 'debug' : verbose ? 'verbose' : quiet ? 'quiet' : 'normal';

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
  readonly output: OutputSettings;
}

/** Checks what belongs to `--why`. */
export function whyFrom(given: Gathered): Result<WhyAsked> {
  const { parsed, dir, root } = given;
  const read = readValues(parsed, ['why', 'trash', 'gitignore', 'json', 'color', 'debug']);
  if (!read.ok) return read;
  const { why, gitignore, json, color, debug } = read.value;
  const [first, ...more] = why;
  if (first === undefined) return failed(usage('--why needs a path'));
  const trash = trashFrom(read.value.trash);
  if (!trash.ok) return trash;
  const filter = filterFrom(given, root, trash.value);
  if (!filter.ok) return filter;
  return success({
    dir,
    root,
    from: parsed._.length > 0 ? root : realpathSync('.'),
    filter: filter.value,
    gitignore: gitignore ?? 'whereItIs',
    paths: [first, ...more],
    output: { json, color, verbosity: debug ? 'debug' : 'normal' },
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
    if (!read.ok) return failed(usage(`${source}${read.why}`, 'docs/manual.md says what may follow the --.'));
    extras.push(...read.extras);
  }
  return success(extras);
}

/** The commands to run after uploads; an empty one is none. */
function hooksFrom(values: OptionValues): Result<HookCommands> {
  const hooks = forEachHook((): HookCommand[] => []);
  for (const kind of hookKinds()) {
    const { option } = HOOK_KINDS[kind];
    const value = values[option] ?? '';
    for (const [pattern, command] of Object.entries(typeof value === 'string' ? { '': value } : value)) {
      const only = pattern === '' ? undefined : compilePattern(latin1(pattern));
      if (typeof only === 'string')
        return failed(usage(`--${option}: '${shortened(pattern)}' can't be used: ${shortened(only)}`, PATTERNS_HELP));
      if (command.trim() !== '') hooks[kind].push({ command: command.trim(), only });
    }
  }
  return success(hooks);
}
