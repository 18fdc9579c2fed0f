import { realpathSync } from 'node:fs';
import { ownUid } from '../user-folders.js';
import { CONTROL_COMMANDS, CONTROLS } from './controls.js';
import { many, type Parsed, type Values } from './parsed.js';
import type { Row } from './row.js';
import { findSettings } from './settings-file.js';
import { namesOf } from './table.js';

/** yargs' own completions. */
type Ask = (done: (error: Error | null, completions: string[] | undefined) => void) => void;

/** The commands beside the main one. */
const COMMANDS: readonly string[] = ['init', 'doctor', 'allow', 'completion', ...CONTROL_COMMANDS];

/** Options that may be on by themselves, and so are of use with a no-. */
const NEGATIVES: readonly string[] = namesOf(
  ({ value }: Row) =>
    (value.kind === 'flag' && value.byDefault !== false) || (value.kind === 'text' && value.orNone === true),
).map((name) => `--no-${name}`);

const TAKE_TARGETS = namesOf(({ value }: Row) => value.kind === 'texts' && value.completes === 'targets');

/** What a shell offers for the word that is being written: yargs' own, the commands, and the names of targets. */
export function complete(current: string, argv: Parsed, ask: Ask, done: (completions: string[]) => void): void {
  // For a single letter yargs offers two dashes.
  const offer = (all: readonly string[]): void => done(all.filter((each) => !/^--\w$/.test(each)));
  const starting = (all: readonly string[]): string[] => all.filter((each) => each.startsWith(current));
  // The first is syncwatch itself.
  const words = argv._.map(String).slice(1);
  if (TAKE_TARGETS.some((name) => many(argv[name] as Values).at(-1) === current)) {
    offer(starting(namesHere()));
    return;
  }
  const command = CONTROL_COMMANDS.find((each) => each === words[0]);
  if (command !== undefined && current.startsWith('-')) {
    offer(starting([...CONTROLS[command].options, 'to', 'help'].map((name) => `--${name}`)));
    return;
  }
  if (words[0] === 'allow' && current.startsWith('-')) {
    offer(starting(['--revoke', '--help']));
    return;
  }
  ask((_error, completions = []) => {
    if (current.startsWith('-')) offer([...starting(NEGATIVES), ...completions]);
    else if (words.at(-1) === current) offer([...(words.length === 1 ? starting(COMMANDS) : []), ...completions]);
    // The value of an option: the choices it has, or the shell offers files.
    else offer(completions.filter((each) => !each.startsWith('-')));
  });
}

/** The names of targets in the settings that are nearest. */
function namesHere(): string[] {
  const found = findSettings(realpathSync('.'), ownUid());
  return found.ok ? [...(found.value?.targets.keys() ?? [])] : [];
}
