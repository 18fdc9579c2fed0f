import yargs, { type Options } from 'yargs';
import type { Failure } from '../core/failure.js';
import { isExtra } from '../core/rsync/extras.js';
import type { Invocation } from '../settings.js';
import { invocationFrom, type WhyAsked, whyFrom } from './check.js';
import { complete } from './complete.js';
import { type Around, gather } from './gather.js';
import { type Layer, sourceOf } from './layer.js';
import { closest, type Parsed, SEE_HELP, usage } from './parsed.js';
import type { Row } from './row.js';
import { isFlag, namesOf, ROWS } from './table.js';

/** What the command line asks for: work, or a text and the exit code that goes with it. */
export type Asked =
  | ({ readonly kind: 'run' } & Invocation)
  | { readonly kind: 'why'; readonly asked: WhyAsked }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

const EPILOGUE = `To begin with: syncwatch init writes the settings, syncwatch doctor says what is wrong, syncwatch completion prints
completion for bash or zsh (add it to your ~/.bashrc or ~/.zshrc). Every option may be in syncwatch.json, too, or in
SYNCWATCH_… in the environment. A syncwatch.json that you have not written with init is obeyed after you have said yes to
it: syncwatch allow [FILE] shows it and does so, syncwatch allow --revoke takes it back.

While it runs, from DIR or below it: syncwatch flush | exec | status | pause | resume | stop (each has a --help).

PATH is as in rsync: relative to the login directory unless it begins with /.

Exit codes: 0 in sync; 1 some paths failed; 2 usage; 3 can't start, or a guard stopped it; 130, 143 ended by a signal.`;

/** What yargs makes of a command line. */
export type Flags =
  | { readonly kind: 'flags'; readonly flags: Parsed }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** An option as yargs takes it. Without its default: what was not given may be in the settings. */
function forYargs({ value, alias, group, describe }: Row): Options {
  const about = { describe, ...(alias === undefined ? {} : { alias }), ...(group === undefined ? {} : { group }) };
  switch (value.kind) {
    case 'flag': {
      const byDefault = value.byDefault === undefined ? {} : { defaultDescription: String(value.byDefault) };
      return { ...about, ...byDefault, type: 'boolean' };
    }
    case 'number':
      return { ...about, type: 'number', requiresArg: true };
    case 'choice':
      return { ...about, choices: value.of, defaultDescription: value.byDefault, requiresArg: true };
    default:
      return { ...about, type: 'string', requiresArg: true };
  }
}

/** What yargs' scripts for the shells ask with. */
const COMPLETIONS = '--get-yargs-completions';

/** Reads the command line alone. */
export async function readFlags(argv: readonly string[], version: string, columns: number | undefined): Promise<Flags> {
  let problem: string | undefined;
  let text = '';
  const parser = yargs()
    .scriptName('syncwatch')
    .usage(
      '$0 --to HOST:PATH [DIR] [-- RSYNC-ARGS]\n\nKeeps HOST:PATH the same as DIR (default: here) as long as it runs.',
    )
    .options(Object.fromEntries(namesOf(isFlag).map((name) => [name, forYargs(ROWS[name])])))
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
    .completion('completion', false, complete)
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
  // A shell that asks for completions gets nothing else, even if there are none.
  if (text !== '' || argv.some((arg) => arg.startsWith(COMPLETIONS))) return { kind: 'text', text };
  return { kind: 'flags', flags: parsed as unknown as Parsed };
}

/** Reads the command line and checks everything that needs no connection. Nothing is changed anywhere. */
export async function readOptions(
  argv: readonly string[],
  version: string,
  columns: number | undefined,
  around: Around,
): Promise<Asked> {
  const read = await readFlags(argv, version, columns);
  if (read.kind !== 'flags') return read;
  const { flags } = read;
  const given = await gather(flags, argv, around);
  if (!given.ok) return { kind: 'failed', failure: given.failure };
  if (flags['why'] !== undefined) {
    const asked = whyFrom(given.value);
    return asked.ok ? { kind: 'why', asked: asked.value } : { kind: 'failed', failure: asked.failure };
  }
  const invocation = invocationFrom(given.value);
  if (invocation.ok) return { kind: 'run', ...invocation.value };
  return { kind: 'failed', failure: blame(invocation.failure, flags, given.value.layers) };
}

/** A failure that speaks of an option which is from the settings names them instead. */
function blame(failure: Failure, flags: Parsed, layers: readonly Layer[]): Failure {
  const option = /^--([\w-]+)/.exec(failure.message)?.[1];
  const source = option === undefined ? undefined : sourceOf(flags, layers, option);
  if (option === undefined || source === undefined) return failure;
  return { ...failure, message: `${source}: "${option}"${failure.message.slice(`--${option}`.length)}` };
}

/** yargs' own message, with a suggestion for a misspelled option. */
function improve(message: string): [string, string] {
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ')[0];
  if (unknown === undefined) return [message.replace(/\s*\n\s*/g, ' '), SEE_HELP];
  const best = closest(
    unknown,
    [...namesOf(isFlag), 'version', 'help'].flatMap((name) => [name, `no-${name}`]),
  );
  const option = `${unknown.length === 1 ? '-' : '--'}${unknown}`;
  const hint = isExtra(option)
    ? `Options for rsync come at the end, after --: -- ${option}`
    : best === undefined
      ? SEE_HELP
      : `Did you mean --${best}?`;
  return [`unknown option ${option}`, hint];
}
