import leven from 'leven';
import yargs from 'yargs';
import type { Failure } from '../core/failure.js';
import { DEFAULT_EXCLUDES } from '../core/filter.js';
import { DEFAULT_REST, type Settings } from '../settings.js';
import { settingsFrom, type WhyAsked, whyFrom } from './check.js';
import { type Parsed, SEE_HELP, usage } from './parsed.js';

/** What the command line asks for: work, or a text and the exit code that goes with it. */
export type Asked =
  | { readonly kind: 'run'; readonly settings: Settings }
  | { readonly kind: 'why'; readonly asked: WhyAsked }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

const TARGETS = 'What and where to:';
const FILTER = 'What is left out (first match wins; patterns as in rsync; more in DIR/.syncignore, as in .gitignore):';
const DELETIONS = 'Deletions:';
const HOW = 'How:';
const HOOKS = 'Commands to run (in a shell; SYNCWATCH_PATH, _PATHS_FILE, _COUNT, _TARGET, _ROOT are set):';
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
  why: {
    type: 'string',
    requiresArg: true,
    group: TARGETS,
    describe: 'say whether PATH is synced and which rule decides that, then exit; needs no --to; repeatable',
  },
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
  gitignore: {
    type: 'boolean',
    group: FILTER,
    describe: 'leave out what git ignores, decided by git itself; by default where DIR is in a git work tree',
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
  'delete-excluded': {
    type: 'boolean',
    default: false,
    group: DELETIONS,
    describe: 'with --delete mirror: what is left out here is removed there too',
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
    requiresArg: true,
    group: HOW,
    describe: `how long a changed path must be quiet before it is sent, in ms (0 to 60000); by default ${DEFAULT_REST.writtenMs} after a write, ${DEFAULT_REST.cameMs} for what is new or gone`,
  },
  rescan: {
    type: 'number',
    requiresArg: true,
    group: HOW,
    describe: 'make a full sync every so many minutes, as a safety net; 0: never; by default 60, with --no-initial 0',
  },
  'one-by-one': {
    type: 'boolean',
    default: false,
    group: HOW,
    describe: 'always one file per rsync run, one after the other',
  },
  'on-upload': { type: 'string', requiresArg: true, group: HOOKS, describe: 'here, after each path' },
  'on-sync': {
    type: 'string',
    requiresArg: true,
    group: HOOKS,
    describe: 'here, once each time everything that waited is there',
  },
  'on-sync-remote': {
    type: 'string',
    requiresArg: true,
    group: HOOKS,
    describe: 'the same in the remote directory, for example "make test"',
  },
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

const EPILOGUE = `While it runs, from DIR or below it: syncwatch flush | exec | status | pause | resume | stop (each has a --help).

PATH is as in rsync: relative to the login directory unless it begins with /.

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
    .example('$0 --why src/x.log', 'say which rule decides whether that is synced')
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
  if (parsed.why !== undefined) {
    const asked = whyFrom(parsed as unknown as Parsed, argv);
    return asked.ok ? { kind: 'why', asked: asked.value } : { kind: 'failed', failure: asked.failure };
  }
  const settings = settingsFrom(parsed as unknown as Parsed, argv);
  return settings.ok ? { kind: 'run', settings: settings.value } : { kind: 'failed', failure: settings.failure };
}

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
