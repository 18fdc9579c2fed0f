import { DEFAULT_EXCLUDES } from '../core/filter/rule.js';
import { HOOK_KINDS, type HookKind, type HookOption } from '../core/hook-kinds.js';
import { DEFAULT_REST } from '../settings.js';
import type { Check, Row, ValueKind } from './row.js';
import { dirTold, each, hookTold, ifOn, leaving, namesTold, sshConfigTold, targetTold } from './tell.js';

const TARGETS = 'What and where to:';
const FILTER = 'What is left out (first match wins; patterns as in rsync; more in DIR/.syncignore, as in .gitignore):';
const DELETIONS = 'Deletions:';
const HOW = 'How:';
const HOOKS = 'Commands to run (in a shell; SYNCWATCH_PATH, _PATHS_FILE, _COUNT, _TARGET, _ROOT are set):';
const SSH = 'Passed to ssh (all else comes from your ssh config):';
const RSYNC = 'Passed to rsync (more after --):';
const OUTPUT = 'Output:';

/** A week. */
const MOST_MINUTES = 10_080;

const OFF = { kind: 'flag', byDefault: false } as const;
const NOT_ONCE = [
  { with: 'once', being: [true] },
  { with: 'dry-run', being: [true] },
] as const;
const ON = { kind: 'flag', byDefault: true } as const;

/** A text that looks like this. */
const shaped =
  (shape: RegExp, example: string): Check =>
  (text, option) =>
    shape.test(text) ? undefined : [`--${option} ${JSON.stringify(text)} can't be used`, `For example: ${example}`];

/** One for each kind of hook. */
const HOOK_ROWS = Object.fromEntries(
  (Object.keys(HOOK_KINDS) as HookKind[]).map((kind) => [HOOK_KINDS[kind].option, hookRow(kind)]),
) as Readonly<Record<HookOption, ReturnType<typeof hookRow>>>;

function hookRow(kind: HookKind) {
  return {
    value: { kind: 'hook' },
    where: 'everywhere',
    group: HOOKS,
    describe: HOOK_KINDS[kind].describe,
    valueName: 'CMD',
    power: 'runs',
    tell: hookTold(kind),
  } as const satisfies Row;
}

/**
 * Every option: a row each, with all that it is. In the order of `--help`, and in that in which it is told what settings make
 * happen. Whoever adds one adds its row here, and what reads its value; where it has to be named as well, the compiler or a
 * test says so.
 */
export const ROWS = {
  to: {
    value: { kind: 'texts', sources: 'firstCounts', path: 'whereLocal', completes: 'targets' },
    where: 'everywhere',
    alias: 't',
    group: TARGETS,
    describe: 'target: [user@]host:path, a local path, or a name from the settings; repeatable',
    valueName: 'HOST:PATH',
    common: true,
    power: 'goes',
    tell: targetTold,
  },
  targets: {
    value: { kind: 'targets' },
    where: 'file',
    describe: 'names for targets, for "to" and --to: { "staging": "me@host:/srv/app" }',
    power: 'goes',
    tell: namesTold,
  },
  dir: {
    value: { kind: 'text', path: 'always' },
    where: 'file',
    describe: 'DIR, relative to this file; by default the directory that this file is in',
    power: 'outside',
    tell: dirTold,
  },
  once: {
    value: OFF,
    where: 'commandLine',
    group: TARGETS,
    describe: 'one full sync, then exit',
    common: true,
    power: 'none',
  },
  'dry-run': {
    value: OFF,
    where: 'commandLine',
    group: TARGETS,
    describe: 'say what a full sync would do, then exit',
    common: true,
    power: 'none',
    conflicts: [
      { is: true, with: 'once', being: [true] },
      { is: true, with: 'quiet', being: [true] },
      { is: true, with: 'take-over', being: [true] },
    ],
  },
  why: {
    value: { kind: 'texts', sources: 'firstCounts', completes: 'files' },
    where: 'commandLine',
    group: TARGETS,
    describe: 'say whether PATH is synced and which rule decides that, then exit; needs no --to; repeatable',
    valueName: 'PATH',
    common: true,
    power: 'none',
    conflicts: [
      { with: 'once', being: [true] },
      { with: 'dry-run', being: [true] },
      { with: 'initial', being: [false] },
      { with: 'take-over', being: [true] },
    ],
  },
  initial: {
    value: ON,
    where: 'everywhere',
    group: TARGETS,
    describe: 'begin with a full sync; --no-initial: only what changes from now on',
    common: true,
    power: 'none',
    conflicts: [
      { is: false, with: 'once', being: [true] },
      { is: false, with: 'dry-run', being: [true] },
    ],
  },
  settings: {
    value: { kind: 'text', path: 'always', orNone: true },
    where: 'commandLine',
    group: TARGETS,
    describe:
      'settings file; by default syncwatch.json or "syncwatch" in package.json, in DIR or above; --no-settings: none',
    valueName: 'FILE',
    power: 'none',
  },
  exclude: {
    value: { kind: 'texts', sources: 'apart', pattern: 'exclude' },
    where: 'everywhere',
    alias: 'x',
    group: FILTER,
    describe: 'leave out what matches this pattern',
    valueName: 'PATTERN',
    common: true,
    power: 'none',
  },
  include: {
    value: { kind: 'texts', sources: 'apart', pattern: 'include' },
    where: 'everywhere',
    group: FILTER,
    describe: 'take along what a later rule would leave out',
    valueName: 'PATTERN',
    power: 'none',
  },
  'exclude-from': {
    value: { kind: 'texts', sources: 'apart', pattern: 'file', path: 'always' },
    where: 'everywhere',
    group: FILTER,
    describe: 'file with patterns, one a line',
    valueName: 'FILE',
    power: 'outside',
    tell: leaving((path) => `read patterns from ${path}, which is not in the folder of the settings`),
  },
  'exclude-regex': {
    value: { kind: 'texts', sources: 'all' },
    where: 'everywhere',
    group: FILTER,
    describe: 'leave out paths (relative to DIR) matching this JavaScript regular expression',
    valueName: 'REGEX',
    power: 'none',
  },
  gitignore: {
    value: { kind: 'flag' },
    where: 'everywhere',
    group: FILTER,
    describe: 'leave out what git ignores, decided by git itself; by default where DIR is in a git work tree',
    power: 'none',
  },
  'default-excludes': {
    value: ON,
    where: 'everywhere',
    group: FILTER,
    describe: `leave out ${DEFAULT_EXCLUDES.slice(0, 5).join(' ')} and editors' temporary files; --no-default-excludes: take them along`,
    power: 'none',
  },
  delete: {
    value: { kind: 'choice', of: ['seen', 'mirror', 'never'], byDefault: 'seen' },
    where: 'everywhere',
    group: DELETIONS,
    describe: 'seen: carry over deletions seen here; mirror: a full sync also removes what is only there; never',
    common: true,
    power: 'deletes',
    tell: (value) => (value === 'mirror' ? ['delete there whatever is not here ("delete": "mirror")'] : []),
  },
  'delete-excluded': {
    value: OFF,
    where: 'everywhere',
    group: DELETIONS,
    describe: 'with --delete mirror: what is left out here is removed there too',
    power: 'deletes',
    tell: ifOn('delete there what is left out here ("delete-excluded")'),
    conflicts: [
      {
        is: true,
        with: 'delete',
        being: ['seen', 'never'],
        says: '--delete-excluded makes no sense without --delete mirror',
      },
    ],
  },
  'max-delete': {
    value: { kind: 'number', from: 0, to: Number.MAX_SAFE_INTEGER },
    where: 'everywhere',
    group: DELETIONS,
    describe: 'stop when more paths than this would be deleted at once; a mirror may delete so many without asking',
    valueName: 'N',
    power: 'deletes',
    conflicts: [{ with: 'delete', being: ['never'] }],
    tell: (value) => [`delete up to ${String(value)} paths there at once without asking ("max-delete")`],
  },
  'allow-empty': {
    value: OFF,
    where: 'everywhere',
    group: DELETIONS,
    describe: 'carry on when DIR becomes empty',
    power: 'deletes',
    conflicts: [{ is: true, with: 'delete', being: ['never'] }],
    tell: ifOn('delete everything there when DIR becomes empty ("allow-empty")'),
  },
  trash: {
    value: { kind: 'text' },
    where: 'everywhere',
    group: DELETIONS,
    describe: 'what would be overwritten or deleted there goes to this directory there',
    valueName: 'DIR',
    power: 'goes',
    tell: (value) => [`move what is overwritten or deleted there to the directory ${String(value)} there`],
  },
  debounce: {
    value: { kind: 'number', from: 0, to: 60_000 },
    where: 'everywhere',
    group: HOW,
    describe: `how long a changed path must be quiet before it is sent, in ms (0 to 60000); by default ${DEFAULT_REST.writtenMs} after a write, ${DEFAULT_REST.cameMs} for what is new or gone`,
    valueName: 'MS',
    power: 'none',
  },
  rescan: {
    conflicts: NOT_ONCE,
    value: { kind: 'number', from: 0, to: MOST_MINUTES, what: 'a number of minutes', nought: 'never' },
    where: 'everywhere',
    group: HOW,
    describe: 'make a full sync every so many minutes, as a safety net; 0: never; by default 60, with --no-initial 0',
    valueName: 'MINUTES',
    power: 'none',
  },
  poll: {
    conflicts: NOT_ONCE,
    value: { kind: 'number', from: 0, to: 86_400, what: 'a number of seconds', nought: 'never' },
    where: 'everywhere',
    group: HOW,
    describe:
      'look through DIR every so many seconds, whatever is heard of it; 0: never; by default only what is on a file system that tells too little (NFS, SMB, 9p, FUSE, overlay)',
    valueName: 'SECONDS',
    power: 'none',
  },
  'one-by-one': {
    value: OFF,
    where: 'everywhere',
    group: HOW,
    describe: 'always one file per rsync run, one after the other',
    power: 'none',
  },
  ...HOOK_ROWS,
  port: {
    value: { kind: 'number', from: 1, to: 65_535 },
    where: 'everywhere',
    alias: 'p',
    group: SSH,
    describe: 'port (1 to 65535)',
    valueName: 'N',
    common: true,
    power: 'goes',
    tell: (value) => [`log in at port ${String(value)}`],
  },
  identity: {
    value: { kind: 'texts', sources: 'all', path: 'always', isFile: true },
    where: 'everywhere',
    alias: 'i',
    group: SSH,
    describe: 'private key file; repeatable',
    valueName: 'FILE',
    power: 'goes',
    tell: each((path, { real }) => `log in with the key ${real(path)}`),
  },
  'ssh-config': {
    value: { kind: 'text', path: 'always', isFile: true },
    where: 'everywhere',
    alias: 'F',
    group: SSH,
    describe: 'ssh config file',
    valueName: 'FILE',
    power: 'runs',
    tell: sshConfigTold,
  },
  'ssh-option': {
    value: {
      kind: 'texts',
      sources: 'all',
      check: (text) =>
        /^\w+[ =]/.test(text)
          ? undefined
          : [`-o ${JSON.stringify(text)} is no ssh option`, 'Write -o Key=value, see man ssh_config.'],
    },
    where: 'everywhere',
    alias: 'o',
    group: SSH,
    describe: 'ssh option, Key=value; repeatable',
    valueName: 'KEY=VALUE',
    power: 'runs',
    tell: each((text) => `give ssh the option ${text}`),
  },
  'take-over': {
    value: OFF,
    where: 'commandLine',
    group: SSH,
    describe: 'sync to the target although somebody else does, who ends then',
    power: 'none',
  },
  'own-master': {
    value: OFF,
    where: 'everywhere',
    group: SSH,
    describe: 'log in even where an ssh connection of yours is open (ControlPath in your ssh config)',
    power: 'none',
  },
  bwlimit: {
    value: { kind: 'text', check: shaped(/^\d+(\.\d+)?([kmgtp]?(i?b)?)?$/i, '--bwlimit 500 or --bwlimit 1.5m') },
    where: 'everywhere',
    group: RSYNC,
    describe: 'highest rate, KiB/s, or with a unit: 1.5m',
    valueName: 'RATE',
    power: 'none',
    rsync: '--bwlimit',
  },
  chmod: {
    value: {
      kind: 'text',
      check: shaped(
        /^[DF]?([0-7]{3,4}|[ugoa]*[-+=][rwxXst]*)(,[DF]?([0-7]{3,4}|[ugoa]*[-+=][rwxXst]*))*$/,
        '--chmod D755,F644',
      ),
    },
    where: 'everywhere',
    group: RSYNC,
    describe: 'permissions there, for example D755,F644',
    valueName: 'MODES',
    power: 'goes',
    tell: (value) => [`set the permissions there to ${String(value)}`],
    rsync: '--chmod',
  },
  compress: {
    value: OFF,
    where: 'everywhere',
    group: RSYNC,
    describe: 'compress on the way',
    power: 'none',
    rsync: '--compress',
  },
  'rsync-args': {
    value: { kind: 'texts', sources: 'apart' },
    where: 'settings',
    describe: 'more arguments for rsync, as after -- on the command line',
    power: 'runs',
    tell: each((text) => `give rsync the option ${text}`),
  },
  quiet: {
    value: OFF,
    where: 'everywhere',
    alias: 'q',
    group: OUTPUT,
    describe: 'only errors',
    power: 'none',
    conflicts: [
      { is: true, with: 'verbose', being: [true] },
      { is: true, with: 'debug', being: [true] },
      { is: true, with: 'json', being: [true] },
    ],
  },
  verbose: {
    value: OFF,
    where: 'everywhere',
    alias: 'v',
    group: OUTPUT,
    describe: 'also what was skipped, kept or only touched',
    common: true,
    power: 'none',
  },
  debug: {
    value: OFF,
    where: 'commandLine',
    group: OUTPUT,
    describe: 'every hint and rsync command, and stack traces',
    power: 'none',
  },
  json: {
    value: OFF,
    where: 'commandLine',
    group: OUTPUT,
    describe: 'one JSON event a line on stdout',
    common: true,
    power: 'none',
  },
  notify: {
    value: OFF,
    where: 'everywhere',
    group: OUTPUT,
    describe: 'tell on the desktop when something fails, and when all is well again',
    power: 'none',
  },
  color: {
    value: { kind: 'choice', of: ['auto', 'always', 'never'], byDefault: 'auto', bare: 'always', off: 'never' },
    where: 'everywhere',
    group: OUTPUT,
    describe: 'when to use colours; --color alone: always, --no-color: never',
    power: 'none',
  },
} as const satisfies Readonly<Record<string, Row>>;

export type OptionName = keyof typeof ROWS;

/** Their rows, by name. */
const BY_NAME: ReadonlyMap<string, Row> = new Map(Object.entries(ROWS));

/** The row of an option; undefined where there is none of this name. */
export const rowOf = (name: string): Row | undefined => BY_NAME.get(name);

/** Of the options that are `like` this, the names, in their order. */
export const namesOf = (like: (row: Row) => boolean): readonly OptionName[] =>
  (Object.keys(ROWS) as OptionName[]).filter((name) => like(ROWS[name]));

/** Whether it may stand on the command line. */
export const isFlag = ({ where }: Row): boolean => where === 'everywhere' || where === 'commandLine';

/** Whether it may stand in a settings file. */
export const isSetting = ({ where }: Row): boolean => where !== 'commandLine';

/** What its value may be; undefined where it has no place in the settings. */
export const settingKind = (name: string): ValueKind | undefined => {
  const row = rowOf(name);
  return row !== undefined && isSetting(row) ? row.value : undefined;
};
