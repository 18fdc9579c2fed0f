import { failed, type Result, success } from '../core/failure.js';
import { closest } from './closest.js';
import { problemOfKind } from './kinds.js';
import type { Layer } from './layer.js';
import { usage } from './parsed.js';
import type { ValueKind } from './row.js';
import { namesOf, type OptionName, ROWS } from './table.js';
import type { Words } from './words.js';

/** What is of use only where people read what is said, or in a settings file. */
const NOT_FOR_PROGRAMS = ['why', 'targets', 'quiet', 'verbose', 'debug', 'json', 'notify', 'color'] as const;

/** The options that a program may give. */
export type ProgramOption = Exclude<OptionName, (typeof NOT_FOR_PROGRAMS)[number]>;

const isForPrograms = (name: OptionName): name is ProgramOption => !NOT_FOR_PROGRAMS.some((each) => each === name);

/** Their names, in the order of `--help`. */
export const programOptions = (): readonly ProgramOption[] => namesOf(() => true).filter(isForPrograms);

type ValueFor<Kind extends ValueKind> = Kind extends { kind: 'flag' }
  ? boolean
  : Kind extends { kind: 'number' }
    ? number
    : Kind extends { kind: 'texts' }
      ? string | readonly string[]
      : Kind extends { kind: 'choice'; of: ReadonlyArray<infer Choice> }
        ? Choice
        : Kind extends { kind: 'hook' }
          ? string | Readonly<Record<string, string>>
          : string | (Kind extends { orNone: true } ? false : never);

/**
 * What to sync, where to and how: the options of the command line, by their names. Beside these `dir`: what is synced, by default the
 * working directory; `settings`: a settings file to be obeyed, by default none is. The environment (`SYNCWATCH_…`) does not count.
 */
export type Options = { readonly [Name in ProgramOption]?: ValueFor<(typeof ROWS)[Name]['value']> | undefined };

/** What a program has given: as a command line, and what counts in the place of the environment. */
interface OptionsGiven {
  readonly words: Words;
  readonly layer: Layer;
}

const SOURCE = 'options of syncwatch()';
const wrong = (text: string, hint = 'See docs/api.md.') => failed(usage(`${SOURCE}: ${text}`, hint));

/** Checks that each is known and of its kind. */
export function optionsGiven(options: Options): Result<OptionsGiven> {
  // A program without types may have forgotten them.
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return wrong('they must be an object');
  const flags: Record<string, unknown> = { settings: false };
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const known = programOptions().find((each) => each === name);
    if (known === undefined) {
      const best = closest(name, programOptions());
      return wrong(`there is no ${JSON.stringify(name)}`, best && `Did you mean ${JSON.stringify(best)}?`);
    }
    const row = ROWS[known];
    const isOff = value === false && 'orNone' in row.value;
    const problem = isOff ? undefined : problemOfKind(row.value, value);
    if (problem !== undefined) return wrong(`${JSON.stringify(name)} ${problem}`);
    // What says what to do just now is no setting.
    if (known === 'dir') continue;
    (row.where === 'commandLine' ? flags : values)[known] = value;
  }
  const { dir } = options;
  return success({
    words: { flags: { ...flags, _: dir === undefined ? [] : [dir] }, order: [] },
    layer: { source: SOURCE, values },
  });
}
