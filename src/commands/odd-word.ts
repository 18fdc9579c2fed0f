import type { Failure } from '../core/failure.js';
import { parseTarget } from '../core/target.js';
import { closest } from '../options/closest.js';
import { usage } from '../options/parsed.js';
import { commandNamed, commandNames } from './table.js';

/** What is wrong with a word that should be a directory: a command that is not first, or misspelled, or a target without `--to`. */
export function oddMainWord(word: string, isThere: boolean): Failure | undefined {
  if (isThere) return undefined;
  if (commandNamed(word) !== undefined)
    return usage(
      `${word} is a command, and there is no directory ${word}`,
      `A command comes first: syncwatch ${word} …`,
    );
  const target = parseTarget(word);
  if (target.ok && target.value.kind === 'remote')
    return usage(`there is no directory ${word}`, `If that is where to sync to: --to ${word}`);
  if (!/^\w[\w-]*$/.test(word)) return undefined;
  const best = closest(word, commandNames());
  return usage(
    `there is no command and no directory ${word}`,
    best === undefined ? 'See syncwatch --help.' : `Did you mean syncwatch ${best}?`,
  );
}
