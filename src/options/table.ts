import type { Options } from 'yargs';
import { DEFAULT_EXCLUDES } from '../core/filter/rule.js';
import { HOOK_KINDS, type HookOption } from '../core/hook-kinds.js';
import { DEFAULT_REST } from '../settings.js';

const TARGETS = 'What and where to:';
const FILTER = 'What is left out (first match wins; patterns as in rsync; more in DIR/.syncignore, as in .gitignore):';
const DELETIONS = 'Deletions:';
const HOW = 'How:';
const HOOKS = 'Commands to run (in a shell; SYNCWATCH_PATH, _PATHS_FILE, _COUNT, _TARGET, _ROOT are set):';
const SSH = 'Passed to ssh (all else comes from your ssh config):';
const RSYNC = 'Passed to rsync (more after --):';
const OUTPUT = 'Output:';

/**
 * What an option can do that the user has to say yes to where a settings file says it (`options/consent.ts`). `none`: it is
 * about patterns, pace or output. `outside`: only where it leads out of the folder that the file is in. `goes`: it says where
 * to, as whom, or what becomes of things there. `runs`: it can start programs, here or there. `deletes`: it deletes more there
 * than was deleted here.
 */
export type Power = 'none' | 'outside' | 'goes' | 'runs' | 'deletes';

/** One for each kind of hook. */
const HOOK_ROWS = Object.fromEntries(
  Object.values(HOOK_KINDS).map(({ option, describe }) => [
    option,
    { power: 'runs', type: 'string', requiresArg: true, group: HOOKS, describe } as const,
  ]),
) as Record<HookOption, { power: 'runs'; type: 'string'; requiresArg: true; group: string; describe: string }>;

/** All options of the main command, as yargs takes them. Without defaults: what was not given may be in the settings. */
export const OPTIONS = {
  to: {
    power: 'goes',
    alias: 't',
    type: 'string',
    requiresArg: true,
    group: TARGETS,
    describe: 'target: [user@]host:path, a local path, or a name from the settings; repeatable',
  },
  once: {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'false',
    group: TARGETS,
    describe: 'one full sync, then exit',
  },
  'dry-run': {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'false',
    group: TARGETS,
    describe: 'say what a full sync would do, then exit',
  },
  why: {
    power: 'none',
    type: 'string',
    requiresArg: true,
    group: TARGETS,
    describe: 'say whether PATH is synced and which rule decides that, then exit; needs no --to; repeatable',
  },
  initial: {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'true',
    group: TARGETS,
    describe: 'begin with a full sync; --no-initial: only what changes from now on',
  },
  settings: {
    power: 'none',
    type: 'string',
    requiresArg: true,
    group: TARGETS,
    describe:
      'settings file; by default syncwatch.json or "syncwatch" in package.json, in DIR or above; --no-settings: none',
  },
  exclude: {
    power: 'none',
    alias: 'x',
    type: 'string',
    requiresArg: true,
    group: FILTER,
    describe: 'leave out what matches this pattern',
  },
  include: {
    power: 'none',
    type: 'string',
    requiresArg: true,
    group: FILTER,
    describe: 'take along what a later rule would leave out',
  },
  'exclude-from': {
    power: 'outside',
    type: 'string',
    requiresArg: true,
    group: FILTER,
    describe: 'file with patterns, one a line',
  },
  'exclude-regex': {
    power: 'none',
    type: 'string',
    requiresArg: true,
    group: FILTER,
    describe: 'leave out paths (relative to DIR) matching this JavaScript regular expression',
  },
  gitignore: {
    power: 'none',
    type: 'boolean',
    group: FILTER,
    describe: 'leave out what git ignores, decided by git itself; by default where DIR is in a git work tree',
  },
  'default-excludes': {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'true',
    group: FILTER,
    describe: `leave out ${DEFAULT_EXCLUDES.slice(0, 5).join(' ')} and editors' temporary files`,
  },
  delete: {
    power: 'deletes',
    choices: ['seen', 'mirror', 'never'],
    defaultDescription: 'seen',
    requiresArg: true,
    group: DELETIONS,
    describe: 'seen: carry over deletions seen here; mirror: a full sync also removes what is only there; never',
  },
  'delete-excluded': {
    power: 'deletes',
    type: 'boolean',
    defaultDescription: 'false',
    group: DELETIONS,
    describe: 'with --delete mirror: what is left out here is removed there too',
  },
  'max-delete': {
    power: 'none',
    type: 'number',
    requiresArg: true,
    group: DELETIONS,
    describe: 'stop when more paths than this would be deleted at once',
  },
  'allow-empty': {
    power: 'deletes',
    type: 'boolean',
    defaultDescription: 'false',
    group: DELETIONS,
    describe: 'carry on when DIR becomes empty',
  },
  trash: {
    power: 'goes',
    type: 'string',
    requiresArg: true,
    group: DELETIONS,
    describe: 'what would be overwritten or deleted there goes to this directory there',
  },
  debounce: {
    power: 'none',
    type: 'number',
    requiresArg: true,
    group: HOW,
    describe: `how long a changed path must be quiet before it is sent, in ms (0 to 60000); by default ${DEFAULT_REST.writtenMs} after a write, ${DEFAULT_REST.cameMs} for what is new or gone`,
  },
  rescan: {
    power: 'none',
    type: 'number',
    requiresArg: true,
    group: HOW,
    describe: 'make a full sync every so many minutes, as a safety net; 0: never; by default 60, with --no-initial 0',
  },
  'one-by-one': {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'false',
    group: HOW,
    describe: 'always one file per rsync run, one after the other',
  },
  ...HOOK_ROWS,
  port: { power: 'goes', alias: 'p', type: 'number', requiresArg: true, group: SSH, describe: 'port (1 to 65535)' },
  identity: {
    power: 'goes',
    alias: 'i',
    type: 'string',
    requiresArg: true,
    group: SSH,
    describe: 'private key file; repeatable',
  },
  'ssh-config': {
    power: 'runs',
    alias: 'F',
    type: 'string',
    requiresArg: true,
    group: SSH,
    describe: 'ssh config file',
  },
  'ssh-option': {
    power: 'runs',
    alias: 'o',
    type: 'string',
    requiresArg: true,
    group: SSH,
    describe: 'ssh option, Key=value; repeatable',
  },
  bwlimit: {
    power: 'none',
    type: 'string',
    requiresArg: true,
    group: RSYNC,
    describe: 'highest rate, KiB/s, or with a unit: 1.5m',
  },
  chmod: {
    power: 'goes',
    type: 'string',
    requiresArg: true,
    group: RSYNC,
    describe: 'permissions there, for example D755,F644',
  },
  compress: {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'false',
    group: RSYNC,
    describe: 'compress on the way',
  },
  quiet: {
    power: 'none',
    alias: 'q',
    type: 'boolean',
    defaultDescription: 'false',
    group: OUTPUT,
    describe: 'only errors',
  },
  verbose: {
    power: 'none',
    alias: 'v',
    type: 'boolean',
    defaultDescription: 'false',
    group: OUTPUT,
    describe: 'also what was skipped, kept or only touched',
  },
  debug: {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'false',
    group: OUTPUT,
    describe: 'every hint and rsync command, and stack traces',
  },
  json: {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'false',
    group: OUTPUT,
    describe: 'one JSON event a line on stdout',
  },
  color: {
    power: 'none',
    type: 'boolean',
    defaultDescription: 'true',
    group: OUTPUT,
    describe: 'colours on a terminal; --no-color for none',
  },
} as const satisfies Readonly<Record<string, Options & { readonly power: Power }>>;

type OptionName = keyof typeof OPTIONS;

/** Options that say what to do just now, and so have no place in the settings. */
const ONLY_ON_COMMAND_LINE: readonly OptionName[] = ['once', 'dry-run', 'why', 'settings', 'debug', 'json'];

/** Lists that are joined: the command line's first, then the environment's, then the file's. */
export const JOINED: readonly string[] = ['exclude-regex', 'identity', 'ssh-option'];

/** Lists of patterns: joined too, but each source keeps its order of includes and excludes. */
export const PATTERNS = ['include', 'exclude', 'exclude-from'] as const;

/** Settings that are paths on this machine: in a file they are relative to it. */
export const PATH_KEYS: readonly string[] = ['identity', 'exclude-from', 'ssh-config'];

/** What may be the name of a target: nothing that could be a place on another host, or a path. */
export const TARGET_NAME = /^\w[\w.-]*$/;

/** What a value in the settings may be. */
export type ValueKind =
  | { readonly kind: 'flag' }
  | { readonly kind: 'number' }
  | { readonly kind: 'text' }
  /** One text or a list of them. */
  | { readonly kind: 'texts' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  /** A command, or an object of patterns with a command for each. */
  | { readonly kind: 'hook' }
  /** Names with a target for each. */
  | { readonly kind: 'targets' };

export interface SettingKey {
  readonly value: ValueKind;
  readonly describe: string;
  readonly power: Power;
}

function kindOf(name: OptionName): ValueKind {
  const option: { readonly type?: string; readonly choices?: readonly string[] } = OPTIONS[name];
  if (option.choices !== undefined) return { kind: 'choice', of: option.choices };
  if (Object.hasOwn(HOOK_ROWS, name)) return { kind: 'hook' };
  if (name === 'to' || JOINED.includes(name) || PATTERNS.some((list) => list === name)) return { kind: 'texts' };
  if (option.type === 'boolean') return { kind: 'flag' };
  return option.type === 'number' ? { kind: 'number' } : { kind: 'text' };
}

/** What only a file can say. */
const ONLY_IN_FILE = {
  targets: {
    value: { kind: 'targets' },
    describe: 'names for targets, for "to" and --to: { "staging": "me@host:/srv/app" }',
    power: 'goes',
  },
  dir: {
    value: { kind: 'text' },
    describe: 'DIR, relative to this file; by default the directory that this file is in',
    power: 'outside',
  },
  'rsync-args': {
    value: { kind: 'texts' },
    describe: 'more arguments for rsync, as after -- on the command line',
    power: 'runs',
  },
} as const satisfies Readonly<Record<string, SettingKey>>;

/** Everything that may be in the settings: the options by their long names, and what only a file can say. */
export const SETTING_KEYS: Readonly<Record<string, SettingKey>> = {
  ...ONLY_IN_FILE,
  ...Object.fromEntries(
    (Object.keys(OPTIONS) as OptionName[])
      .filter((name) => !ONLY_ON_COMMAND_LINE.includes(name))
      .map((name) => [name, { value: kindOf(name), describe: OPTIONS[name].describe, power: OPTIONS[name].power }]),
  ),
};

type Rows = typeof OPTIONS & typeof ONLY_IN_FILE;

/** The settings that a file may not have without the user's yes. */
export type PowerfulKey = { [Key in keyof Rows]: Rows[Key]['power'] extends 'none' ? never : Key }[keyof Rows];
